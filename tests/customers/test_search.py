"""Search finds a customer by number, phone suffix or name, among those one may see."""

import datetime as dt

import pytest
from django.db import connection

from customers import search
from tests import facts
from tests.cast import login


@pytest.fixture
def bank(cast):
    north = {"home_branch": cast.tree.n1, "primary_rm": cast.rita}
    return {
        "wang": facts.customer("王建国", number="N0000017", phone="13812342291", **north),
        "li": facts.customer("Li Jianguo", number="N0000018", phone="13900002291", **north),
        "raj's": facts.customer(
            "王芳", number="S0000170", phone="13812342291", home_branch=cast.tree.s1, primary_rm=cast.raj
        ),
    }


def names(user, text):
    return [customer.name for customer in search.find(user, text)]


def test_a_number_is_found_exactly_or_by_its_beginning(bank, cast):
    assert names(cast.ana, "N0000017") == ["王建国"]
    assert names(cast.ana, "n000001") == ["Li Jianguo", "王建国"]
    assert names(cast.ana, "N9") == []


def test_a_phone_is_found_by_its_last_digits_from_four_on(bank, cast):
    assert set(names(cast.ana, "2291")) == {"王建国", "Li Jianguo", "王芳"}
    assert set(names(cast.ana, "1234 2291")) == {"王建国", "王芳"}
    assert names(cast.ana, "291") == []
    assert names(cast.ana, "1381") == []


def test_a_name_is_found_by_any_part_and_short_ones_by_the_beginning(bank, cast):
    assert names(cast.ana, "jianguo") == ["Li Jianguo"]
    assert set(names(cast.ana, "王")) == {"王建国", "王芳"}
    assert names(cast.ana, "建国") == []
    assert names(cast.ana, "王建国") == ["王建国"]


def test_who_left_comes_last(bank, cast):
    facts.customer("Li", home_branch=cast.tree.n1, closed_on=dt.date(2026, 1, 5))
    assert names(cast.ana, "Li") == ["Li Jianguo", "Li"]


def test_only_customers_in_sight_are_found(bank, cast):
    assert names(cast.rita, "王") == ["王建国"]
    assert names(cast.raj, "2291") == ["王芳"]
    assert names(cast.bao, "2291") == ["Li Jianguo", "王建国"]
    assert names(cast.ada, "2291") == []
    assert len(names(cast.aud, "2291")) == 3


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "'; --", "\0", "a" * 500])
def test_odd_text_finds_nobody_and_breaks_nothing(bank, cast, text):
    assert names(cast.ana, text) == []


def test_the_page_shows_results_and_htmx_gets_only_them(bank, cast):
    page = login(cast.rita).get("/customers/search/", {"q": "2291"}).content.decode()
    assert "王建国" in page
    assert "13812342291" not in page
    fragment = login(cast.rita).get("/customers/search/", {"q": "2291"}, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "王建国" in fragment.content.decode()
    assert login(cast.ada).get("/customers/search/", {"q": "2291"}).status_code == 403


def test_each_way_of_searching_has_its_index(bank, cast):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for text, index in [("2291", "customer_phone_suffix"), ("jianguo", "customer_name_search")]:
            plan = search.find(cast.aud, text).explain()
            assert index in plan, plan
