"""An answer to htmx is a fragment, never a page."""

import json

import pytest
from django.http import HttpResponse

from bankcrm.htmx import toast
from tests.cast import login

HX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/kit/?due=today"}


@pytest.fixture
def mei(cast, kit_pages):
    return login(cast.mei)


def test_an_ended_session_leads_to_sign_in_and_back_to_the_page_one_was_on(mei):
    mei.logout()
    answer = mei.get("/kit/saved/", headers=HX)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/login/?next=%2Fkit%2F%3Fdue%3Dtoday"
    assert answer.content == b""


def test_without_htmx_the_same_request_is_redirected(mei):
    mei.logout()
    answer = mei.get("/kit/saved/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login/?next=/kit/saved/"


def test_signing_out_over_htmx_returns_nowhere(mei):
    assert mei.post("/logout/", headers=HX).headers["HX-Redirect"] == "/login/"


def test_a_page_on_another_site_is_not_where_one_returns(mei):
    mei.logout()
    answer = mei.get("/kit/saved/", headers={**HX, "HX-Current-URL": "https://evil.example/kit/"})
    assert answer.headers["HX-Redirect"] == "/login/"


def test_a_redirect_moves_the_whole_page(mei):
    answer = mei.get("/kit/message/", headers=HX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/kit/")


def test_a_message_waits_for_the_page_after_a_redirect(mei):
    mei.get("/kit/message/", headers=HX)
    assert b"Kept for later" in mei.get("/kit/").content


def test_a_message_becomes_a_toast_when_the_answer_is_a_fragment(mei):
    mei.get("/kit/message/")
    shown = json.loads(mei.post("/kit/slow/", headers=HX).headers["HX-Trigger"])
    assert shown["toast"]["items"] == [{"text": "Kept for later", "level": "ok", "undo": ""}]
    assert b"Kept for later" not in mei.get("/kit/").content


def test_pages_of_signed_in_users_are_not_stored(mei):
    answer = mei.get("/kit/")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "HX-Request" in answer.headers["Vary"]


def test_the_sign_in_page_has_no_user_and_keeps_its_own_caching(mei):
    mei.logout()
    assert "no-store" in mei.get("/login/").headers["Cache-Control"]
    assert "Cache-Control" not in mei.get("/livez").headers


def test_toasts_keep_other_events_and_chinese_names():
    response = HttpResponse(headers={"HX-Trigger": "lead-saved, counts"})
    toast(response, "已保存 王建国", undo_url="/undo/")
    toast(response, "Second", level="warn")
    header = response.headers["HX-Trigger"]
    assert header.isascii()
    events = json.loads(header)
    assert {"lead-saved", "counts", "toast"} == set(events)
    assert [item["text"] for item in events["toast"]["items"]] == ["已保存 王建国", "Second"]


def test_a_toast_of_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="level must be one of"):
        toast(HttpResponse(), "x", level="purple")


@pytest.mark.parametrize(("code", "title"), [(403, "Not allowed"), (404, "Not here")])
def test_an_error_is_a_page_for_people_and_a_fragment_for_htmx(mei, code, title):
    page = mei.get(f"/kit/fail/{code}/")
    fragment = mei.get(f"/kit/fail/{code}/", headers=HX)
    assert page.status_code == fragment.status_code == code
    assert f"<h1>{title}</h1>" in page.content.decode()
    assert "<html" in page.content.decode()
    assert f"<b data-say>{title}</b>" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()


def test_a_refusal_is_told_in_the_words_of_whoever_refused(mei):
    assert "The maker may not approve" in mei.get("/kit/fail/4030/").content.decode()
    assert "The maker may not approve" in mei.get("/kit/fail/4030/", headers=HX).content.decode()
