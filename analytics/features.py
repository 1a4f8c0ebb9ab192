"""The feature matrix as of a month-end: one builder for training, scoring and reasons, so that the three agree.

The database turns every catalogue field into a number (a date into days from the month-end); a category becomes its
position in the list the model version keeps; binary COPY brings the columns out. A row reads the profile of its own
month and the customer's row, nothing else, and the profile was built from facts up to that day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics.modelling.matrix import CATEGORY_LIMIT, FeatureKind, FeatureSpec
from bankcrm import bulk, runs
from customers import fields as catalogue
from customers import profile
from customers.fields import Field, Type

# Customers read at once. A piece starts where the last one ended, but what the population asks of other tables is
# looked up from the first customer on, so few pieces are better than many; at 60 features one takes 60 MB.
CHUNK = 250_000
# What a rule ranks by, in the order of ``modelling.rules``: recency, frequency, value.
RULE_FIELDS = ("last_transaction_on", "transactions_12m", "aum")
_KINDS: dict[str, FeatureKind] = {
    Type.NUMBER: "numeric",
    Type.MONEY: "numeric",
    Type.DATE: "numeric",
    Type.FLAG: "flag",
    Type.CHOICE: "categorical",
    Type.TEXT: "categorical",
}


@dataclass(frozen=True, slots=True)
class Population:
    """Whose rows are read: SQL over ``c`` (customer), ``p`` (profile) and what ``joins`` adds; parameters in order.

    ``extra`` are further columns (name → SQL over the same aliases) that come back beside the matrix, such as a label.
    """

    where: str = "TRUE"
    params: tuple[Any, ...] = ()
    joins: str = ""
    join_params: tuple[Any, ...] = ()
    extra: Mapping[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)
    order: str = "c.id"
    # What gives ``c`` and ``p``, where it is not the customers and their profiles.
    source: str = "customers_customerprofile p JOIN customers_customer c ON c.id = p.customer_id"


@dataclass(frozen=True, slots=True)
class Batch:
    """One month's rows: customer ids (n,), the matrix (n, features), and the extra columns, (n,) each.

    ``unseen``: the categorical features with words their specification does not list, and in how many rows.
    """

    ids: NDArray[np.int64]
    X: NDArray[np.float32]
    extra: dict[str, NDArray[Any]]
    unseen: dict[str, int] = field(default_factory=dict)


def month_to_read(asked: dt.date | None) -> dt.date:
    """The month-end asked for, else the newest with a profile. Raises runs.Refused where there is none."""
    day = asked or profile.latest_month()
    if day is None:
        raise runs.Refused(_("There is no customer profile yet. Build the month-end profile first."))
    return day


def usable(codes: Iterable[str] = ()) -> list[Field]:
    """The catalogue's fields a model may learn from; restricted to ``codes`` when there are any, in catalogue order.

    Raises ValueError naming codes that do not exist or that no model may use.
    """
    allowed = {code: known for code, known in catalogue.for_models().items() if known.type in _KINDS}
    wanted = set(codes)
    if refused := sorted(wanted - set(allowed)):
        raise ValueError(f"no model may use: {', '.join(refused)}")
    return [known for code, known in allowed.items() if not wanted or code in wanted]


def learn_specs(fields: Sequence[Field], months: Sequence[dt.date]) -> tuple[FeatureSpec, ...]:
    """One specification per field; a categorical one keeps the commonest 200 values of the given months, sorted."""
    seen = _categories([known for known in fields if known.is_categorical], months)
    return tuple(
        FeatureSpec(known.code, _KINDS[known.type], str(known.label), seen.get(known.code, ()), known.agreed)
        for known in fields
    )


def _categories(fields: Sequence[Field], months: Sequence[dt.date]) -> dict[str, tuple[str, ...]]:
    if not fields:
        return {}
    parts = " UNION ALL ".join(
        f"(SELECT %s::text AS code, ({known.source})::text AS value, count(*) AS n"  # noqa: S608  expressions of the field catalogue
        " FROM customers_customerprofile p JOIN customers_customer c ON c.id = p.customer_id"
        f" WHERE p.month = ANY(%s) AND ({known.source})::text <> ''"
        f" GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {CATEGORY_LIMIT})"
        for known in fields
    )
    params = [value for known in fields for value in (known.code, list(months))]
    found = bulk.read_columns(parts, params)
    values: dict[str, list[str]] = {known.code: [] for known in fields}
    for code, value in zip(found["code"], found["value"], strict=True):
        values[code].append(value)
    return {code: tuple(sorted(known)) for code, known in values.items()}


def matrix(
    month: dt.date,
    specs: Sequence[FeatureSpec],
    population: Population | None = None,
    *,
    after: int = 0,
    limit: int | None = None,
) -> Batch:
    """The rows of one month for a population, in its order; columns as ``specs``, float32, unknown is NaN.

    ``after`` and ``limit`` page by customer id. Raises KeyError for a specification of a field the catalogue has lost.
    """
    who = population or Population()
    words = {place: spec.categories for place, spec in enumerate(specs) if spec.kind == "categorical"}
    extra = "".join(f", {expression} AS {name}" for name, (expression, _) in who.extra.items())
    extra_params = [value for _, values in who.extra.values() for value in values]
    statement = (
        f"SELECT c.id AS customer_id{extra}, {', '.join(_columns(specs))}"  # noqa: S608  expressions of the field catalogue
        f" FROM {who.source} {who.joins}"
        # Both: the planner would walk through the other table from its first row on.
        f" WHERE p.month = %s AND p.customer_id > %s AND c.id > %s AND ({who.where}) ORDER BY {who.order} LIMIT %s"
    )
    values = [*extra_params, *who.join_params, month, after, after, *who.params, limit]
    with bulk.without_time_limit(), bulk.without_helpers():
        found, read, others = bulk.read_matrix(statement, len(specs), values, words)
    unseen = {specs[place].name: n for place, n in others.items() if n}
    return Batch(found.pop("customer_id"), read, found, unseen)


def thinned(who: Population, share: float) -> Population:
    """About ``share`` of a population, the same customers every time, by a hash of the customer."""
    condition = "abs(hashint8(c.id)::bigint) %% 1000000 < %s"
    where, params = f"({who.where}) AND {condition}", (*who.params, round(share * 1_000_000))
    return replace(who, where=where, params=params)


def chunks(
    month: dt.date, specs: Sequence[FeatureSpec], population: Population | None = None
) -> Iterator[Batch]:
    """The month's rows in pieces of at most ``CHUNK`` by customer id, so that memory does not grow with the bank."""
    after, full = 0, True
    while full:
        batch = matrix(month, specs, population, after=after, limit=CHUNK)
        full = len(batch.ids) == CHUNK
        if len(batch.ids):
            yield batch
            after = int(batch.ids[-1])


def count(month: dt.date, population: Population | None = None) -> int:
    """How many rows ``matrix`` would return."""
    who = population or Population()
    statement = (
        f"SELECT count(*) AS n FROM {who.source}"  # noqa: S608  a population of this package
        f" {who.joins} WHERE p.month = %s AND ({who.where})"
    )
    found = bulk.read_columns(statement, [*who.join_params, month, *who.params])
    return int(found["n"][0])


def _columns(specs: Sequence[FeatureSpec]) -> list[str]:
    everything = catalogue.everything()
    columns = []
    for position, spec in enumerate(specs):
        known = everything[spec.name]
        expression, kind = f"({known.source})", "float4"
        if spec.kind == "categorical":
            kind = "text"
        elif known.type == Type.DATE:
            # Later is higher, before and after the month-end; the reason sentences of dates rely on it.
            expression = f"({expression} - p.month)"
        elif known.type == Type.FLAG:
            expression = f"{expression}::int"
        columns.append(f"{expression}::{kind} AS f{position}")
    return columns
