"""Control membership: stateless, the same in Python and PostgreSQL, independent between salts."""

import math
from hashlib import sha256

import numpy as np
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F

from campaigns.control import ControlFraction, control_fraction, control_fraction_sql, in_control

IDS = range(1, 10_001)


def test_the_fraction_is_the_first_sixty_four_bits_of_the_salted_hash():
    digest = sha256(b"campaign-7:42").digest()
    assert control_fraction("campaign-7", 42) == int.from_bytes(digest[:8], "big") / 2**64


def test_the_share_is_met_within_four_standard_errors_and_evenly():
    fractions = np.array([control_fraction("2026", i) for i in range(50_000)])
    for share in (0.01, 0.05, 0.1, 0.5, 0.9):
        assert abs((fractions < share).mean() - share) < 4 * math.sqrt(share * (1 - share) / 50_000)


def test_two_salts_are_independent():
    local = np.array([in_control("campaign-7", i, 0.1) for i in range(50_000)])
    universal = np.array([in_control("2026", i, 0.1) for i in range(50_000)])
    assert abs((local & universal).mean() - 0.01) < 4 * math.sqrt(0.01 * 0.99 / 50_000)
    assert (local != universal).any()


def test_growing_the_share_keeps_everyone_already_withheld():
    small = {i for i in IDS if in_control("campaign-7", i, 0.05)}
    large = {i for i in IDS if in_control("campaign-7", i, 0.2)}
    assert small
    assert small < large


def test_nobody_is_withheld_at_share_zero_and_everybody_at_one():
    assert not any(in_control("campaign-7", i, 0.0) for i in IDS)
    assert all(in_control("campaign-7", i, 1.0) for i in IDS)


@pytest.mark.django_db
@pytest.mark.parametrize("salt", ["campaign-7", "2026", "春季 it's 100%:ü", ""])
def test_postgresql_computes_the_very_same_double(salt):
    fraction = control_fraction_sql("%s", "n")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT n, {fraction} FROM generate_series(1, 10000) AS n", [salt])
        rows = cursor.fetchall()
    assert len(rows) == 10_000
    assert all(value == control_fraction(salt, n) for n, value in rows)


@pytest.mark.django_db
def test_postgresql_withholds_the_same_customers_by_share_in_any_order():
    fraction = control_fraction_sql("%(salt)s", "n")
    statement = f"SELECT n FROM generate_series(1, 10000) AS n WHERE {fraction} < %(share)s ORDER BY random()"
    with connection.cursor() as cursor:
        cursor.execute(statement, {"salt": "campaign-7", "share": 0.1})
        withheld = {n for (n,) in cursor.fetchall()}
    assert withheld == {i for i in IDS if in_control("campaign-7", i, 0.1)}


@pytest.mark.django_db
def test_postgresql_takes_a_share_equal_to_a_fraction_as_not_withheld():
    share = control_fraction("campaign-7", 42)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {control_fraction_sql('%s', '42::bigint')} < %s", ["campaign-7", share])
        assert cursor.fetchone() == (False,)
    assert not in_control("campaign-7", 42, share)
    assert in_control("campaign-7", 42, math.nextafter(share, 1))


@pytest.mark.django_db
def test_the_queryset_expression_is_the_same_fraction():
    rows = ContentType.objects.annotate(u=ControlFraction("campaign-7")).values_list("pk", "u")
    assert len(rows) > 3
    assert all(u == control_fraction("campaign-7", pk) for pk, u in rows)
    by_column = ContentType.objects.annotate(u=ControlFraction(F("model"), F("id"))).values_list(
        "model", "pk", "u"
    )
    assert all(u == control_fraction(model, pk) for model, pk, u in by_column)


@pytest.mark.django_db
def test_the_queryset_expression_filters_by_share():
    withheld = ContentType.objects.alias(u=ControlFraction("2026")).filter(u__lt=0.5)
    every = ContentType.objects.values_list("pk", flat=True)
    assert set(withheld.values_list("pk", flat=True)) == {pk for pk in every if in_control("2026", pk, 0.5)}
