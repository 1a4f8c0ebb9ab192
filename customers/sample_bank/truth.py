"""The truth kept in schema ``truth``, over a connection of its own: the application can neither read nor write it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np
import psycopg
from django.db import connection as django_connection
from psycopg.types.json import Jsonb

from bankcrm import bulk, embedded
from customers.sample_bank.buying import Outcome, Treatment
from customers.sample_bank.world import Traits

TABLES = """
CREATE TABLE IF NOT EXISTS truth.bank (
    the_only boolean PRIMARY KEY DEFAULT true CHECK (the_only), facts jsonb NOT NULL
);
CREATE TABLE IF NOT EXISTS truth.traits (
    customer_id bigint PRIMARY KEY, segment smallint NOT NULL, age float8 NOT NULL, wealth float8 NOT NULL,
    income float8 NOT NULL, digital float8 NOT NULL, risk float8 NOT NULL, loyalty float8 NOT NULL,
    price float8 NOT NULL, credit float8 NOT NULL, rm smallint NOT NULL
);
CREATE TABLE IF NOT EXISTS truth.skill (user_id bigint PRIMARY KEY, skill float8 NOT NULL);
CREATE TABLE IF NOT EXISTS truth.target (
    campaign_code text NOT NULL, customer_id bigint NOT NULL, product text NOT NULL, arm text NOT NULL,
    channel text NOT NULL, is_control boolean NOT NULL, reached boolean NOT NULL, round_start date NOT NULL,
    baseline float8 NOT NULL, contacted float8 NOT NULL, draw float8 NOT NULL, value float8 NOT NULL,
    PRIMARY KEY (campaign_code, customer_id, product)
);
"""


@contextmanager
def connect() -> Iterator[psycopg.Connection[Any]]:
    """A session of the truth's owner in the database Django is connected to; commits at the end."""
    options: dict[str, Any] = {}
    if "TRUTH_DATABASE_URL" not in os.environ:
        options["dbname"] = django_connection.settings_dict[
            "NAME"
        ]  # a test database is never the default one
    with psycopg.connect(embedded.truth_url(), **options) as connection:
        yield connection


def replace(facts: dict[str, Any], traits: Traits, skills: dict[int, float]) -> None:
    """Forget any earlier bank's truth and keep this one's."""
    with connect() as connection:
        connection.execute(TABLES)
        connection.execute("TRUNCATE truth.bank, truth.traits, truth.skill, truth.target")
        connection.execute("INSERT INTO truth.bank (facts) VALUES (%s)", [Jsonb(facts)])
        columns = {field.name: getattr(traits, field.name) for field in fields(Traits)}
        bulk.copy_columns(
            "truth.traits", {"customer_id": np.arange(1, len(traits) + 1), **columns}, connection
        )
        bulk.copy_rows("truth.skill", ["user_id", "skill"], list(skills.items()), connection)


def forget() -> None:
    with connect() as connection:
        connection.execute(TABLES)
        connection.execute("TRUNCATE truth.bank, truth.traits, truth.skill, truth.target")


def facts() -> dict[str, Any] | None:
    """What the bank was made of, or None where no bank was made."""
    with connect() as connection:
        connection.execute(TABLES)
        row = connection.execute("SELECT facts FROM truth.bank").fetchone()
    return None if row is None else dict(row[0])


def remember(new: dict[str, Any]) -> None:
    with connect() as connection:
        connection.execute("UPDATE truth.bank SET facts = facts || %s", [Jsonb(new)])


def traits() -> Traits:
    with connect() as connection:
        read = bulk.read_columns("SELECT * FROM truth.traits ORDER BY customer_id", connection=connection)
    return Traits(**{field.name: read[field.name] for field in fields(Traits)})


def skills() -> dict[int, float]:
    with connect() as connection:
        return {int(user): float(skill) for user, skill in connection.execute("SELECT * FROM truth.skill")}


def add_targets(
    treatment: Treatment, truth: Outcome, value: np.ndarray, products: list[str], round_start: np.datetime64
) -> None:
    """Record both potential outcomes of everybody assigned."""
    size = len(treatment.customer)
    with connect() as connection:
        bulk.copy_columns(
            "truth.target",
            {
                "campaign_code": np.asarray(treatment.campaign, object),
                "customer_id": treatment.customer + 1,
                "product": bulk.Coded(treatment.product, products),
                "arm": np.asarray(treatment.arm, object),
                "channel": np.asarray(treatment.channel, object),
                "is_control": treatment.is_control.astype(bool),
                "reached": (treatment.reached & ~treatment.is_control).astype(bool),
                "round_start": np.full(size, round_start),
                "baseline": truth.baseline,
                "contacted": truth.contacted,
                "draw": truth.draw,
                "value": value,
            },
            connection,
        )


def targets(campaign_code: str) -> dict[str, np.ndarray]:
    """Every recorded target of a campaign as columns; empty arrays for an unknown code."""
    with connect() as connection:
        return bulk.read_columns(
            "SELECT * FROM truth.target WHERE campaign_code = %s ORDER BY customer_id",
            [campaign_code],
            connection,
        )


def reached_between(first: datetime.date, after: datetime.date) -> np.ndarray:
    """Customer ids, repeated, truly reached by campaigns of rounds that began from ``first`` up to before ``after``."""
    with connect() as connection:
        return bulk.read_columns(
            "SELECT customer_id FROM truth.target WHERE reached AND round_start >= %s AND round_start < %s",
            [first, after],
            connection,
        )["customer_id"]
