"""The auditor reads every page and finds no button that would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from analytics.models import Audience
from bankcrm import policy
from bankcrm.models import Holiday, Leave, User
from campaigns import contact_policy, offering
from campaigns.models import MarketingPlan
from tests.campaigns import factories
from tests.cast import Cast, login
from tests.customers import imports_world

pytestmark = pytest.mark.django_db
MOST_PAGES = 400
# Pages no link leads a reader to, which an address typed or kept still opens.
TYPED = [
    "/people/users/new/",
    "/people/branches/new/",
    "/people/leave/new/",
    "/campaigns/new/",
    "/offers/new/",
    "/plans/new/",
    "/models/new/",
    "/audiences/new/",
    "/imports/upload/",
]


class Page(HTMLParser):
    """Links of a page, and (method, address) of every form with a submit button and of every htmx request but GET."""

    def __init__(self, html: str, path: str) -> None:
        super().__init__()
        self.path, self.links, self.sends, self._form = path, [], [], None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in found:
            self.links.append(urlsplit(urljoin(self.path, found["href"])))
        if "hx-get" in found:
            self.links.append(urlsplit(urljoin(self.path, found["hx-get"])))
        if "hx-post" in found:
            self.sends.append(found["hx-post"])
        if tag == "form":
            self._form = found
        submits = tag in ("button", "input") and found.get("type", "submit" if tag == "button" else "") in (
            "submit",
            "image",
        )
        if submits and self._form and self._form.get("method", "get").lower() == "post":
            self.sends.append(found.get("formaction") or self._form.get("action") or self.path)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@pytest.fixture
def bank(cast: Cast, tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something on every list: campaigns in each state, a plan, a model, files, leave, a holiday."""
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]  # Django's settings
    monkeypatch.setattr("bankcrm.clock.today", lambda: factories.TODAY)
    ids = factories.make_customers(40, cast.tree.n1, cast.rita)
    contact_policy.ensure_default_rules()
    factories.make_scores(factories.make_product(), cast.ana, dict.fromkeys(ids, 0.2))
    factories.pushed(cast, "running", control_share="0.2")
    factories.submitted(cast, "waiting", product=factories.make_product("bond"))
    factories.draft(cast, "beginning")
    day = factories.TODAY
    MarketingPlan.objects.create(name="Quarter", owner=cast.mei, starts_on=day, ends_on=day)
    offering.save_audience(cast.mei, "Grown up", factories.EVERYBODY)
    imports_world.checked(imports_world.write(tmp_path, "number,name\nX1,Wang\n,Li\n"), "customers", cast.ana)
    Leave.objects.create(user=cast.rita, first_day=day, last_day=day, backup=cast.bao)
    Holiday.objects.create(day=day, name="A day off")


def walked(client: Client, start: list[str]) -> Iterator[Page]:
    """Every page that can be reached by links, fragments included."""
    seen, waiting = set(start), list(start)
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        answer = client.get(path)
        assert answer.status_code in (200, 204, 302), (path, answer.status_code)
        if answer.status_code == 302:
            found = [urlsplit(urljoin(path, answer["Location"]))]
        elif answer.get("Content-Type", "").startswith("text/html"):
            page = Page(answer.content.decode(), path)
            yield page
            found = page.links
        else:
            continue
        for link in found:
            address = link.path + (f"?{link.query}" if link.query else "")
            if not link.netloc and link.path.startswith("/") and address not in seen:
                seen.add(address)
                waiting.append(address)


def refused(user: User, address: str) -> bool:
    try:
        name = resolve(urlsplit(address).path).url_name or ""
    except Resolver404:
        return True
    rule = policy.REGISTRY.get(name)
    return rule is None or not (rule.public or rule.allows(user, "POST"))


def test_no_page_offers_the_auditor_a_button_that_would_be_refused(cast: Cast, bank: None) -> None:
    pages = list(walked(login(cast.aud), ["/", *TYPED]))
    assert len(pages) > 50
    live = {(page.path, sent) for page in pages for sent in page.sends if refused(cast.aud, sent)}
    assert sorted(live) == [], "\n".join(map(str, sorted(live)))


def test_a_saved_audience_reads_in_words_with_its_count(cast: Cast, bank: None) -> None:
    audience = Audience.objects.get()
    text = login(cast.aud).get(f"/audiences/{audience.pk}/").content.decode()
    assert "Age is between 18 and 120" in text
    assert "40 of 40 customers in scope" in text
    assert (
        "40 of 40 customers in scope"
        not in login(cast.mei).get(f"/audiences/{audience.pk}/").content.decode()
    )


def test_the_same_walk_by_those_who_work_finds_the_buttons(cast: Cast, bank: None) -> None:
    mei = {sent for page in walked(login(cast.mei), ["/", "/campaigns/new/"]) for sent in page.sends}
    assert "/campaigns/new/" in mei
    ada = {sent for page in walked(login(cast.ada), ["/", "/people/users/new/"]) for sent in page.sends}
    assert "/people/users/new/" in ada
