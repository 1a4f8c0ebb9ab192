"""The frame around every page: navigation by role, freshness, account, sign-in and sign-out."""

import pytest
from django.utils.translation import to_locale

from bankcrm import context, freshness, policy
from tests.cast import PASSWORD, login


@pytest.fixture
def rail(kit_pages, monkeypatch):
    """Two entries, of which only planners may open the first."""
    entries = [
        policy.NavigationEntry("Campaigns", "speakerphone", "kit-example", ("/kit/",), 1),
        policy.NavigationEntry("Saved", "check", "kit-saved", ("/kit/saved/",), 2),
    ]
    monkeypatch.setattr(policy, "NAVIGATION", entries)
    only = policy.Rule(frozenset({policy.Role.PLANNER}), policy.NOBODY)
    monkeypatch.setitem(policy.REGISTRY, "kit-saved", only)


@pytest.fixture
def sources(monkeypatch):
    for name in ("sources", "bells"):
        monkeypatch.setattr(freshness, name, [])
    return freshness


def test_the_rail_shows_what_the_role_can_open_and_marks_where_one_is(cast, rail):
    page = login(cast.mei).get("/kit/").content.decode()
    assert '<a href="/kit/" aria-current="page">' in page
    assert '<a href="/kit/saved/">' in page


def test_the_rail_hides_what_the_role_cannot_open(cast, rail):
    page = login(cast.rita).get("/kit/").content.decode()
    assert '<a href="/kit/saved/"' not in page


def test_the_longest_prefix_is_the_place_one_is_at(cast, rail, rf):
    request = rf.get("/kit/saved/")
    request.user = cast.mei
    current = [entry["url"] for entry in context.chrome(request)["nav"] if entry["current"]]
    assert current == ["/kit/saved/"]


def test_the_bar_says_how_fresh_the_data_is_and_why_it_is_stale(cast, kit_pages, sources):
    sources.sources += [lambda: freshness.Freshness("data to 31 Oct"), lambda: None]
    sources.sources.append(lambda: freshness.Freshness("scores 1 Oct", stale="last run failed"))
    page = login(cast.mei).get("/kit/").content.decode()
    assert "data to 31 Oct" in page
    assert "scores 1 Oct: last run failed" in page


def test_counts_are_asked_for_only_when_the_frame_is_shown(cast, rail, sources, rf):
    def explode(_user):
        raise AssertionError("nobody asked")

    request = rf.get("/kit/")
    request.user = cast.mei
    sources.bells.append(explode)
    context.chrome(request)
    sources.bells[:] = [lambda _user: freshness.Bell(1, 2), lambda _user: freshness.Bell(0, 3)]
    chrome = context.chrome(request)
    assert (chrome["running_work"], chrome["unread_notices"]) == (1, 5)


def test_nobody_signed_in_has_no_frame(client, db):
    page = client.get("/login/").content.decode()
    assert "rail" not in page
    assert "person-menu" not in page


def test_signing_in_with_a_wrong_password_says_so_and_keeps_the_name(client, cast):
    page = client.post("/login/", {"username": "mei", "password": "wrong"}).content.decode()
    assert "Please enter a correct username and password" in page
    assert 'value="mei"' in page
    assert client.post("/login/", {"username": "mei", "password": PASSWORD}).status_code == 302


def test_signing_out_is_a_post(cast, kit_pages):
    mei = login(cast.mei)
    assert '<form method="post" action="/logout/">' in mei.get("/kit/").content.decode()
    assert mei.get("/logout/").status_code in (403, 405)
    assert mei.post("/logout/").status_code == 302
    assert mei.get("/kit/").status_code == 302


def test_the_password_page_explains_what_is_wrong(cast):
    mei = login(cast.mei)
    wrong = mei.post(
        "/password/", {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    )
    assert "too short" in wrong.content.decode()
    fine = {
        "old_password": PASSWORD,
        "new_password1": "another-long-sentence",
        "new_password2": "another-long-sentence",
    }
    assert mei.post("/password/", fine).status_code == 302


def test_only_languages_with_a_catalogue_are_offered(cast, kit_pages, settings):
    for code, _name in settings.LANGUAGES:
        locale = settings.BASE_DIR / "locale" / to_locale(code) / "LC_MESSAGES" / "django.mo"
        assert code == "en" or locale.exists()
    settings.LANGUAGES = [("en", "English")]
    page = login(cast.mei).get("/password/", headers={"Accept-Language": "zh-CN"}).content.decode()
    assert "简体中文" not in page
    assert '<html lang="en">' in page


def test_the_language_can_be_changed_from_the_person_menu(cast, kit_pages, settings):
    settings.LANGUAGES = [("en", "English"), ("zh-hans", "Simplified Chinese")]
    mei = login(cast.mei)
    assert "简体中文" in mei.get("/password/").content.decode()
    assert '<html lang="en">' in mei.get("/password/").content.decode()
    mei.post("/language/", {"language": "zh-hans", "next": "/password/"})
    assert '<html lang="zh-hans">' in mei.get("/password/").content.decode()


def test_the_frame_costs_two_queries_whatever_it_shows(cast, rail, sources, django_assert_num_queries):
    mei = login(cast.mei)
    with django_assert_num_queries(2):  # session, user with branch
        mei.get("/kit/")
