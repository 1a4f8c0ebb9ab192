"""Keyset pages: every row once, in order, both ways, at a price that does not grow with the page's number."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.db.models import F
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from bankcrm import paging
from bankcrm.models import Run, User
from tests.cast import Cast, make_user

ORDERS = [
    ("pk",),
    ("-pk",),
    ("total", "pk"),
    ("-total", "kind"),
    ("kind", "-done", "pk"),
    ("-started_at", "kind", "-pk"),
]


@pytest.fixture
def many(cast: Cast) -> list[Run]:
    """Runs with ties and with empty fields."""
    start = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    return Run.objects.bulk_create(
        Run(
            kind=f"test.{number % 3}",
            done=number % 5,
            total=None if number % 4 == 0 else number % 7,
            started_at=None if number % 6 == 0 else start + dt.timedelta(hours=number % 4),
        )
        for number in range(57)
    )


def walk(queryset: Any, order: tuple[str, ...], size: int) -> tuple[list[int], list[str]]:
    """Ids page by page, and the cursor that led to each page."""
    seen: list[int] = []
    cursors = [""]
    while True:
        page = paging.keyset(queryset, order, cursors[-1], size)
        seen += [row.pk for row in page.rows]
        if not page.next:
            return seen, cursors
        cursors.append(page.next)


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_pages_hold_every_row_once_and_in_the_databases_order(
    many: list[Run], order: tuple[str, ...]
) -> None:
    whole = list(Run.objects.order_by(*paging._with_key(order)).values_list("pk", flat=True))
    seen, cursors = walk(Run.objects.all(), order, 10)
    assert seen == whole
    assert len(cursors) == 6


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_the_way_back_shows_the_same_pages(many: list[Run], order: tuple[str, ...]) -> None:
    queryset = Run.objects.all()
    forth = [
        [row.pk for row in paging.keyset(queryset, order, cursor, 10).rows]
        for cursor in walk(queryset, order, 10)[1]
    ]
    page = paging.keyset(queryset, order, walk(queryset, order, 10)[1][-1], 10)
    back = [[row.pk for row in page.rows]]
    while page.previous:
        page = paging.keyset(queryset, order, page.previous, 10)
        back.append([row.pk for row in page.rows])
        assert page.next
    assert back[::-1] == forth


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_after(many: list[Run]) -> None:
    only = paging.keyset(Run.objects.all(), ("pk",), size=100)
    assert (only.next, only.previous, len(only.rows)) == ("", "", 57)
    empty = paging.keyset(Run.objects.none(), ("pk",))
    assert (empty.rows, empty.next, empty.previous) == ([], "", "")


def test_a_row_that_appears_or_goes_moves_no_other_row(many: list[Run]) -> None:
    first = paging.keyset(Run.objects.all(), ("-pk",), size=10)
    first.rows[-1].delete()
    Run.objects.create(kind="test.new")
    second = paging.keyset(Run.objects.all(), ("-pk",), first.next, 10)
    assert [row.pk for row in second.rows] == [run.pk for run in many[::-1][10:20]]


def test_annotations_may_order(many: list[Run]) -> None:
    queryset = Run.objects.annotate(left=F("total") - F("done"))
    seen, _ = walk(queryset, ("-left", "pk"), 8)
    assert seen == list(queryset.order_by("-left", "pk").values_list("pk", flat=True))


def test_no_page_is_larger_than_a_hundred(cast: Cast) -> None:
    Run.objects.bulk_create(Run(kind="test.many") for _ in range(150))
    assert len(paging.keyset(Run.objects.all(), ("pk",), size=1_000_000).rows) == 100
    assert len(paging.keyset(Run.objects.all(), ("pk",), size=-5).rows) == 1


def test_a_page_is_one_query_without_offset(many: list[Run]) -> None:
    cursor = paging.keyset(Run.objects.all(), ("total", "pk"), size=10).next
    with CaptureQueriesContext(
        connection,
    ) as asked:
        paging.keyset(Run.objects.all(), ("total", "pk"), cursor, 10)
    assert len(asked) == 1
    assert "OFFSET" not in asked[0]["sql"]


def test_a_cursor_holds_no_name(cast: Cast) -> None:
    for number in range(5):
        make_user(f"wang{number}", "rm", cast.tree.n1, full_name=f"Wang Xiu {number}")
    page = paging.keyset(User.objects.all(), ("-full_name", "pk"), size=3)
    assert page.rows[-1].full_name.startswith("Wang")
    assert "Wang" not in str(signing.loads(page.next, salt=paging.SALT))
    seen, _ = walk(User.objects.all(), ("full_name", "pk"), 3)
    assert seen == list(User.objects.order_by("full_name", "pk").values_list("pk", flat=True))


@pytest.mark.parametrize("cursor", ["rubbish", "a:b:c", "x" * 5000, "\x00"])
def test_a_forged_cursor_is_refused_and_a_page_starts_anew(many: list[Run], cursor: str) -> None:
    with pytest.raises(paging.BadCursor):
        paging.keyset(Run.objects.all(), ("pk",), cursor)
    request = RequestFactory().get("/work/", {"cursor": cursor})
    assert paging.page_of(request, Run.objects.all(), ("pk",), 10).rows[0].pk == many[0].pk


def test_a_cursor_of_another_order_is_refused(many: list[Run]) -> None:
    cursor = paging.keyset(Run.objects.all(), ("pk",), size=10).next
    with pytest.raises(paging.BadCursor):
        paging.keyset(Run.objects.all(), ("-pk",), cursor)


def test_links_keep_the_filters_of_the_url(many: list[Run]) -> None:
    request = RequestFactory().get("/work/", {"state": "done"})
    pager = paging.page_of(request, Run.objects.all(), ("pk",), 10).pager(request, "57")
    assert pager["next_url"].startswith("/work/?state=done&cursor=")
    assert (pager["previous_url"], pager["shown"], pager["total"]) == ("", 10, "57")


def test_counting_stops_at_the_cap(many: list[Run]) -> None:
    assert str(paging.capped_count(Run.objects.all(), cap=50)) == "50+"
    assert str(paging.capped_count(Run.objects.all(), cap=57)) == "57"
    assert str(paging.CappedCount(10_000, more=True)) == "10,000+"


class View:
    ordering = ("-id",)
    orderings = {"done": ("done", "id")}


def answer(query: dict[str, str]) -> tuple[list[int], dict[str, Any]]:
    paginator = paging.KeysetPagination()
    rows = paginator.paginate_queryset(
        Run.objects.all(), Request(RequestFactory().get("/api/", query)), View()
    )
    return [row.pk for row in rows], paginator.get_paginated_response([]).data


def test_the_api_pages_in_allowed_orders_only(many: list[Run]) -> None:
    newest, data = answer({"page_size": "10"})
    assert newest == [run.pk for run in many[::-1][:10]]
    assert data["next"].startswith("http://testserver/api/?page_size=10&cursor=")
    assert data["previous"] is None
    by_done, _ = answer({"order": "-done", "page_size": "5"})
    assert by_done == list(Run.objects.order_by("-done", "-id").values_list("pk", flat=True)[:5])
    for refused in ("password", "requested_by__password", "-kind"):
        with pytest.raises(ValidationError):
            answer({"order": refused})


@pytest.mark.parametrize("size", ["-1", "0", "many", "", "1e3", "²", "101", "1000000"])
def test_the_api_refuses_a_size_that_is_none(many: list[Run], size: str) -> None:
    with pytest.raises(ValidationError):
        answer({"page_size": size})


def test_the_api_takes_its_largest_size_and_refuses_a_forged_cursor(many: list[Run]) -> None:
    assert len(answer({"page_size": "100"})[0]) == 57
    with pytest.raises(ValidationError):
        answer({"cursor": "rubbish"})
