"""Prospects of an external list: what the list says of them, who of them is a customer already, and their scores.

A model of prospects learns from customers, but only from the fields the list has; the same expressions of the catalogue
read both, over ``c`` and ``p``. Whoever is a customer, now or once, leaves the list: the bank knows them, their word on
being contacted and their manager.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from analytics.features import Population
from analytics.models import ProspectRun, ProspectScore
from bankcrm import audit
from bankcrm.models import Role, User
from customers import fields as catalogue
from customers.fields import Field
from customers.models import ImportFile, Prospect

# Fields of the catalogue that a list can have: column of the list → code. Age counts from the date of birth.
FIELDS = {
    "birth_date": "age",
    "education": "education",
    "monthly_income": "monthly_income",
    "industry": "industry",
    "occupation": "occupation",
    "credit_limit": "credit_limit",
    "acquisition_channel": "acquisition_channel",
}
# Who may take the ranking out of the house.
EXPORTERS = frozenset({Role.ANALYST, Role.PLANNER})
# Who may delete a list when what it was kept for is over.
REMOVERS = frozenset({Role.ANALYST})
# A column that says something of fewer prospects is no field the list has.
FILLED_FROM = 0.05
# Columns that are no words: said where they are not null.
_NUMBERS = frozenset({"birth_date", "monthly_income", "credit_limit"})


@dataclass(frozen=True, slots=True)
class Filled:
    """One field of a list: the catalogue's field and the share of prospects of whom the list says it, 0 to 1."""

    field: Field
    share: float

    @property
    def is_there(self) -> bool:
        return self.share >= FILLED_FROM


@dataclass(frozen=True, slots=True)
class Standing:
    """A list as it is now: prospects, fields, who agreed and did not object, and who is a customer by what."""

    code: str
    size: int
    agreed: int
    objects: int
    approachable: int
    by_identity: int
    by_phone: int
    fields: tuple[Filled, ...]

    @property
    def known(self) -> int:
        return self.by_identity + self.by_phone

    @property
    def usable(self) -> list[str]:
        """Codes of the fields a model of this list may use."""
        return [each.field.code for each in self.fields if each.is_there]


_REMOVE_SCORES = """
DELETE FROM analytics_prospectscore s USING customers_prospect c WHERE c.id = s.prospect_id AND c.list_code = %s
"""


def codes() -> list[str]:
    """Every list there is, by name."""
    return list(Prospect.objects.order_by("list_code").values_list("list_code", flat=True).distinct())


def standing(code: str) -> Standing | None:
    """The list as it is now; None for one that nobody is on."""
    said = {
        column: Count("pk", filter=Q(**{f"{column}__isnull": False}) & ~_empty(column)) for column in FIELDS
    }
    listed = Prospect.objects.filter(list_code=code)
    told = listed.aggregate(
        size=Count("pk"),
        agreed=Count("pk", filter=Q(has_agreed=True)),
        objects=Count("pk", filter=Q(objects_to_contact=True)),
        **{f"said_{column}": count for column, count in said.items()},
    )
    told |= {
        "by_identity": listed.identified().count(),
        "by_phone": listed.phoned().count(),
        "approachable": listed.approachable().strangers().count(),
    }
    counts = {FIELDS[column]: told.pop(f"said_{column}") for column in FIELDS}
    size = told["size"]
    if not size:
        return None
    allowed = catalogue.for_models()
    found = tuple(Filled(allowed[name], n / size) for name, n in counts.items() if name in allowed)
    return Standing(code=code, fields=found, **told)


def _empty(column: str) -> Q:
    return Q(pk__in=[]) if column in _NUMBERS else Q(**{column: ""})


def page_of(file: ImportFile) -> dict[str, Any]:
    """Where what a file brought can be read: the first list it names."""
    brought = Prospect.objects.filter(brought_by=file.pk).order_by("list_code")
    named = brought.values_list("list_code", flat=True).first() or next(iter(codes()), "")
    return {"route": "prospect-detail", "pk": named}


def population(code: str, day: dt.date) -> Population:
    """The prospects of a list who are no customers, as rows of the feature matrix; ages as of ``day``."""
    strangers, params = (
        Prospect.objects.filter(list_code=code).strangers().values("pk").query.sql_with_params()
    )
    return Population(
        source=(
            f"customers_prospect c CROSS JOIN LATERAL (SELECT DATE '{day.isoformat()}' AS month, c.id AS customer_id,"  # noqa: S608  a date
            f" extract(year FROM age(DATE '{day.isoformat()}', c.birth_date))::smallint AS age) p"
        ),
        where=f"c.id IN ({strangers})",
        params=params,
    )


@transaction.atomic
def remove(code: str, user: User) -> int:
    """Delete everybody on the list and their scores; returns how many. The runs stay with their counts.

    Raises PermissionDenied for another role.
    """
    if not user.may_act_as(REMOVERS):
        raise PermissionDenied(_("Your role does not include this."))
    first = Prospect.objects.filter(list_code=code).order_by("pk").first()
    if first is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_SCORES, [code])
        cursor.execute("DELETE FROM customers_prospect WHERE list_code = %s", [code])
        removed = int(cursor.rowcount)
    audit.record(user, "prospects.removed", first, list=code, rows=removed)
    return removed


def in_use(code: str) -> list[ProspectRun]:
    """The newest scoring of the list by each of its models, best known model first."""
    newest: dict[int, ProspectRun] = {}
    scored = ProspectRun.objects.filter(list_code=code).select_related("version__model__product")
    for run in scored.defer("version__artefact").order_by("-pk"):
        newest.setdefault(run.version.model_id, run)
    return list(newest.values())


def ranking(run: ProspectRun) -> QuerySet[ProspectScore]:
    """Scores of a run, best first, of who agreed to be contacted, does not object and is no customer by now."""
    return (
        ProspectScore.objects.filter(
            prospect_run=run, prospect__in=Prospect.objects.approachable().strangers().values("pk")
        )
        .select_related("prospect")
        .order_by("-raw", "prospect_id")
    )
