"""What goes in by COPY comes out unchanged, NULLs included, and what does not fit is refused by name."""

import datetime
from decimal import Decimal

import numpy as np
import psycopg
import pytest
from django.db import connection, connections, transaction

from bankcrm import bulk
from bankcrm.models import Branch

pytestmark = pytest.mark.django_db

TABLE = """
CREATE TEMPORARY TABLE sink (
    small int2, whole int4, big int8, half float4, share float8, flag bool, day date, moment timestamptz,
    money numeric(16, 2), rate numeric(6, 4), free numeric, word text, short varchar(40), facts jsonb,
    chances float8[], half_chances float4[]
)
"""


@pytest.fixture(autouse=True)
def sink() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TABLE)


def rows(columns: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM sink ORDER BY big")
        return cursor.fetchall()


def test_every_type_arrives_with_its_value_and_its_nulls() -> None:
    written = bulk.copy_columns(
        "sink",
        {
            "big": np.array([1, 2, 2**62]),
            "small": np.ma.array([7, 0, -9], mask=[False, True, False]),
            "whole": np.array([True, False, True]),
            "half": np.array([0.5, np.nan, -2.0], np.float32),
            "share": np.array([0.1, 0.2, np.nan]),
            "flag": np.ma.array([True, False, True], mask=[False, False, True]),
            "day": np.array(["2024-02-29", "NaT", "1953-01-01"], "datetime64[D]"),
            "moment": np.array(["2024-02-29T12:00:00.000001", "1999-12-31", "NaT"], "datetime64[us]"),
            "word": np.array(["王芳", None, ""], object),
            "short": bulk.Coded(np.array([1, -1, 0]), ["phone", "épargne"]),
            "facts": np.array(['{"a": 1}', None, "[]"], object),
        },
    )
    utc = datetime.UTC
    assert written == 3
    assert rows("small, whole, big, half, share, flag, day, word, short, facts::text") == [
        (7, 1, 1, 0.5, 0.1, True, datetime.date(2024, 2, 29), "王芳", "épargne", '{"a": 1}'),
        (None, 0, 2, None, 0.2, False, None, None, None, None),
        (-9, 1, 2**62, -2.0, None, None, datetime.date(1953, 1, 1), "", "phone", "[]"),
    ]
    assert [moment for (moment,) in rows("moment")] == [
        datetime.datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=utc),
        datetime.datetime(1999, 12, 31, tzinfo=utc),
        None,
    ]


def test_rows_of_floats_arrive_as_arrays_beside_other_columns() -> None:
    chances = np.array([[0.25, 0.75], [1.0, 0.0]])
    bulk.copy_columns(
        "sink",
        {
            "big": np.array([1, 2]),
            "chances": chances,
            "word": np.array(["a", "bcd"]),
            "half_chances": chances.astype(np.float32)[:, :1],
        },
    )
    assert rows("chances, half_chances, word") == [([0.25, 0.75], [0.25], "a"), ([1.0, 0.0], [1.0], "bcd")]
    with pytest.raises(TypeError, match="chances is _float8"):
        bulk.copy_columns("sink", {"chances": np.array([0.5])})


def test_money_is_exact_to_the_cent() -> None:
    cents = np.array([0, 1, -1, 99, 10_000, -123_456_789, 99_999_999_999_999_99, 1_000_000_00])
    bulk.copy_columns("sink", {"big": np.arange(len(cents)), "money": bulk.Scaled(cents)})
    assert [money for (money,) in rows("money")] == [Decimal(int(cent)) / 100 for cent in cents]


def test_decimals_from_floats_are_rounded_to_the_places_of_the_column() -> None:
    values = np.array([0.12346, -0.00004, 12.5, np.nan])
    bulk.copy_columns(
        "sink",
        {"big": np.arange(4), "rate": values, "money": values * 100, "free": np.array([1, 20_000, -3, 0])},
    )
    assert rows("rate, money, free") == [
        (Decimal("0.1235"), Decimal("12.35"), 1),
        (Decimal("0.0000"), Decimal("0.00"), 20_000),
        (Decimal("12.5000"), Decimal("1250.00"), -3),
        (None, None, 0),
    ]


@pytest.mark.parametrize("word", [np.array(["a", "", "ccc"]), np.array([b"a", b"", b"ccc"])])
def test_text_of_every_array_type_is_as_long_as_it_was(word: np.ndarray) -> None:
    bulk.copy_columns("sink", {"big": np.arange(3), "word": word})
    assert rows("word, length(word)") == [("a", 1), ("", 0), ("ccc", 3)]


def test_many_blocks_keep_the_order_and_lose_nothing() -> None:
    size = 300_000
    numbers = np.arange(size)
    words = np.array(["x" * (number % 7) for number in range(size)], object)
    assert bulk.copy_columns("sink", {"big": numbers, "word": words}) == size
    read = bulk.read_columns("SELECT big, word FROM sink ORDER BY big")
    assert np.array_equal(read["big"], numbers)
    assert np.array_equal(read["word"], words)


def test_what_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        bulk.copy_columns("sink", {"big": np.arange(2), "share": np.zeros(3)})
    with pytest.raises(ValueError, match="no column colour"):
        bulk.copy_columns("sink", {"colour": np.arange(2)})
    with pytest.raises(ValueError, match="small is int2"):
        bulk.copy_columns("sink", {"small": np.array([40_000])})
    with pytest.raises(TypeError, match="whole is int4"):
        bulk.copy_columns("sink", {"whole": np.array([1.5])})
    with pytest.raises(TypeError, match="word is text"):
        bulk.copy_columns("sink", {"word": np.array([1])})
    with pytest.raises(TypeError, match="day is date"):
        bulk.copy_columns("sink", {"day": np.array(["2024-01-01"])})
    assert rows("big") == []


def test_the_database_refuses_what_it_would_refuse_of_anybody() -> None:
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        bulk.copy_columns("sink", {"short": np.array(["x" * 41], object)})


def test_reading_names_nulls_after_the_type() -> None:
    read = bulk.read_columns(
        """
        SELECT n AS whole, nullif(n, 2) AS holes, n > %s AS flag, nullif(n > 1, true) AS maybe, n * 0.5 AS money,
               nullif(n::float8, 1) AS share, NULL::date AS never, date '2024-02-28' + n AS day,
               timestamptz '2024-01-01 00:00:00+00' AS moment, 'w' || n AS word, nullif('é' || n, 'é3') AS name,
               ARRAY[n] AS list
        FROM generate_series(1, 3) AS n ORDER BY n DESC
        """,
        [1],
    )
    assert list(read)[:3] == ["whole", "holes", "flag"]
    assert read["whole"].dtype == np.int64
    assert read["whole"].tolist() == [3, 2, 1]
    assert np.array_equal(read["holes"], [3.0, np.nan, 1.0], equal_nan=True)
    assert read["flag"].dtype == bool
    assert read["flag"].tolist() == [True, True, False]
    assert np.array_equal(read["maybe"], [np.nan, np.nan, 0.0], equal_nan=True)
    assert read["money"].tolist() == [1.5, 1.0, 0.5]
    assert np.array_equal(read["share"], [3.0, 2.0, np.nan], equal_nan=True)
    assert np.isnat(read["never"]).all()
    assert read["day"].tolist()[0] == datetime.date(2024, 3, 2)
    assert read["moment"][0] == np.datetime64("2024-01-01T00:00:00", "us")
    assert read["word"].tolist() == ["w3", "w2", "w1"]
    assert read["name"].tolist() == [None, "é2", "é1"]
    assert read["list"].tolist() == ["{3}", "{2}", "{1}"]


def test_reading_nothing_gives_empty_columns_of_the_right_type() -> None:
    read = bulk.read_columns(
        "SELECT 1 AS n, 'a' AS word, date '2024-01-01' AS day, 100 % 7 AS rest WHERE false"
    )
    assert {name: (len(values), values.dtype.kind) for name, values in read.items()} == {
        "n": (0, "i"),
        "word": (0, "O"),
        "day": (0, "M"),
        "rest": (0, "i"),
    }


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        bulk.read_columns("SELECT 1 AS n, 2 AS n")


def test_no_rows_are_no_rows() -> None:
    assert bulk.copy_columns("sink", {"big": np.empty(0, np.int64), "word": np.empty(0, object)}) == 0


def test_rows_go_in_as_rows() -> None:
    assert bulk.copy_rows("sink", ["big", "word"], iter([(1, "tab\tand\\"), (2, None)])) == 2
    assert rows("big, word") == [(1, "tab\tand\\"), (2, None)]


def test_a_set_is_inserted_where_it_is_and_only_once() -> None:
    office = Branch.objects.create(code="HO", name="Head office", kind=Branch.Kind.HEAD_OFFICE)
    fields = ["code", "name", "kind", "parent"]
    query = ("SELECT 'B' || n, '100%% ' || n, 'branch', %s::bigint FROM generate_series(1, 3) n", [office.pk])
    assert bulk.insert_from(Branch, query, fields) == 3
    assert bulk.insert_from(Branch, query, fields) == 0
    copies = Branch.objects.filter(kind="branch").values_list("code", "name", "kind", "parent")
    assert bulk.insert_from(Branch, copies, fields) == 0
    assert Branch.objects.filter(name__startswith="100% ").count() == 3


def test_limits_of_the_session_are_lifted_for_the_block_only() -> None:
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return cursor.fetchone()[0]

    before = limit()
    with bulk.without_time_limit():
        assert limit() == "0"
    assert limit() == before


@pytest.mark.django_db
def test_a_matrix_holds_numbers_and_the_places_of_words():
    query = (
        "SELECT i AS pk, CASE i WHEN 1 THEN 'b' WHEN 2 THEN 'a' WHEN 3 THEN 'never seen' END AS word,"
        " NULLIF(i, 2)::float4 AS amount, NULL::text AS empty FROM generate_series(1, 4) i ORDER BY i"
    )
    leading, matrix, others = bulk.read_matrix(query, 3, words={0: ("a", "b"), 2: ()})
    assert leading["pk"].tolist() == [1, 2, 3, 4]
    assert matrix.dtype == np.float32
    nothing = np.nan
    expected = [[1, 1, nothing], [0, nothing, nothing], [nothing, 3, nothing], [nothing, 4, nothing]]
    np.testing.assert_array_equal(matrix, expected)
    assert others == {0: 1, 2: 0}


@pytest.mark.django_db
def test_a_matrix_refuses_what_it_cannot_hold():
    with pytest.raises(ValueError, match="made of float4: word"):
        bulk.read_matrix("SELECT 1 AS pk, 'a'::text AS word", 1)
    with pytest.raises(ValueError, match="text cannot stand beside a matrix: name"):
        bulk.read_matrix("SELECT 'a'::text AS name, 1::float4 AS amount", 1)


@pytest.mark.django_db
def test_a_large_matrix_is_read_whole(monkeypatch):
    monkeypatch.setattr(bulk, "MATRIX_ROWS", 7)
    leading, matrix, _others = bulk.read_matrix(
        "SELECT i AS pk, i::float4 AS amount FROM generate_series(1, 100) i", 1
    )
    assert matrix[:, 0].tolist() == leading["pk"].tolist() == list(range(1, 101))


@pytest.mark.django_db
def test_a_query_that_fails_among_its_rows_says_why_and_the_connection_goes_on():
    with pytest.raises(psycopg.errors.DivisionByZero), transaction.atomic():
        bulk.read_columns("SELECT 1 / (70000 - i) AS one FROM generate_series(1, 90000) i")
    assert bulk.read_columns("SELECT 1 AS one")["one"].tolist() == [1]


@pytest.mark.django_db
def test_a_read_whose_session_is_ended_is_refused_and_does_not_wait_for_ever():
    other = connections.create_connection("default")
    ended = "CASE i WHEN 70000 THEN pg_terminate_backend(pg_backend_pid())::int ELSE i END"
    with pytest.raises(psycopg.OperationalError):
        bulk.read_columns(f"SELECT {ended} AS one FROM generate_series(1, 90000) i", connection=other)
