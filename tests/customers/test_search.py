"""Search finds a customer by number, phone suffix or name, among those one may see."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

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


def test_three_digits_are_said_to_be_too_few(bank, cast):
    client = login(cast.ana)
    said = "Four digits are needed"
    assert said in client.post("/customers/search/", {"q": "537"}).content.decode()
    assert said in client.post("/customers/search/", {"q": "5 3"}).content.decode()
    for text in ("5370", "Zhao", "N01"):
        assert said not in client.post("/customers/search/", {"q": text}).content.decode()


def test_a_number_is_found_by_its_last_digits_from_four_on_before_phones(bank, cast):
    assert names(cast.ana, "00017") == ["王建国"]
    assert names(cast.ana, "017") == []
    facts.customer("Zhao", number="Z0002291", home_branch=cast.tree.n1)
    assert names(cast.ana, "2291")[0] == "Zhao"
    assert names(cast.raj, "00017") == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM customers_customer WHERE reverse(number) LIKE '71000%'")
        assert any("customer_number_suffix" in line for (line,) in cursor.fetchall())


def test_a_name_is_found_by_any_part_and_short_ones_by_the_beginning(bank, cast):
    assert names(cast.ana, "jianguo") == ["Li Jianguo"]
    assert set(names(cast.ana, "王")) == {"王建国", "王芳"}
    assert names(cast.ana, "建国") == ["王建国"]
    assert names(cast.ana, "建") == []
    assert names(cast.ana, "王建国") == ["王建国"]


def test_a_name_with_a_typing_error_is_found_the_closest_first(bank, cast):
    facts.customer("Li Jianping", number="N0000019", home_branch=cast.tree.n1)
    assert names(cast.ana, "jiangou") == ["Li Jianguo", "Li Jianping"]
    assert names(cast.ana, "li jianquo")[0] == "Li Jianguo"
    assert names(cast.ana, "王建围") == ["王建国"]
    assert names(cast.ana, "zhou wei") == []


def test_firms_are_found_by_a_piece_of_their_name(bank, cast):
    facts.customer("深圳明珠贸易有限公司", kind="firm", number="F1", home_branch=cast.tree.n1)
    assert names(cast.ana, "明珠贸") == ["深圳明珠贸易有限公司"]
    assert names(cast.ana, "深圳") == ["深圳明珠贸易有限公司"]
    assert names(cast.raj, "明珠贸") == []


def test_full_width_digits_and_letters_are_read_as_typed_on_another_keyboard(bank, cast):
    assert names(cast.ana, "Ｎ０００００１７") == ["王建国"]
    assert set(names(cast.rita, "２２９１")) == {"王建国", "Li Jianguo"}


def test_an_exact_name_comes_before_names_that_begin_with_it(bank, cast):
    for number in range(30):
        facts.customer(f"ANN {number:02}", home_branch=cast.tree.n1)
    facts.customer("Ann", number="Z9", home_branch=cast.tree.n1)
    found = names(cast.ana, "ann")
    assert found[0] == "Ann"
    assert len(found) == search.MOST + 1


def test_a_search_costs_at_most_four_queries_whatever_it_finds(bank, cast):
    for text in ("N0000017", "2291", "王", "jianguo", "jiangou", "nobody of that name"):
        with CaptureQueriesContext(connection) as queries:
            names(cast.ana, text)
        assert len(queries) <= 4, text


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


def ask(user, text, **headers):
    return login(user).post("/customers/search/", {"q": text}, headers=headers)


def test_the_page_shows_results_and_htmx_gets_only_them(bank, cast):
    page = ask(cast.rita, "2291").content.decode()
    assert "王建国" in page
    assert "<html" in page
    assert "13812342291" not in page
    fragment = ask(cast.rita, "2291", **{"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "王建国" in fragment
    assert ask(cast.ada, "2291").status_code == 403


def test_under_the_field_of_the_top_bar_stand_options_to_choose(bank, cast):
    headers = {"HX-Request": "true", "HX-Target": "search-found"}
    fragment = login(cast.rita).post("/customers/search/", {"q": "王"}, headers=headers).content.decode()
    assert 'role="option"' in fragment
    assert f'href="/customers/{bank["wang"].pk}/"' in fragment
    assert "王芳" not in fragment


def test_what_is_looked_for_stands_in_no_address(bank, cast):
    page = login(cast.rita).get("/customers/search/", {"q": "2291"}).content.decode()
    assert "王建国" not in page
    assert 'method="get"' not in page
    answer = ask(cast.rita, "2291")
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_auditor_may_ask_though_nothing_else_is_taken_from_one(bank, cast):
    assert "王芳" in ask(cast.aud, "2291").content.decode()


def test_an_empty_field_shows_the_customers_one_looked_at_last(bank, cast):
    rita = login(cast.rita)
    for who in ("wang", "li", "wang"):
        assert rita.post(f"/customers/{bank[who].pk}/seen/").status_code == 204
    others = bank["raj's"]
    assert rita.post(f"/customers/{others.pk}/seen/").status_code == 404
    page = rita.get("/customers/search/").content.decode()
    assert "Looked at last" in page
    assert page.index("王建国") < page.index("Li Jianguo")
    assert "Looked at last" not in login(cast.bao).get("/customers/search/").content.decode()
    facts.Customer.objects.filter(pk=bank["li"].pk).update(primary_rm=cast.raj)
    assert "Li Jianguo" not in rita.get("/customers/search/").content.decode()


def test_each_way_of_searching_has_its_index(bank, cast):
    seen = search.Customer.objects.visible_to(cast.aud)
    looks = {
        "customer_phone_suffix": search._numbers(seen, "2291", "2291"),
        "customer_name_search": [
            *search._beginnings(seen, "王"),
            *search._pieces(seen, "建国"),
            *search._pieces(seen, "jianguo"),
            search._alike(seen, "jiangou"),
        ],
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for index, searches in looks.items():
            for look in searches[-1:] if index == "customer_phone_suffix" else searches:
                plan = look.explain()
                assert index in plan, plan
