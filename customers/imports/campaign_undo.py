"""Taking a past campaign back: what its files brought goes, as long as nothing was built on it.

A corrected file overwrites what an earlier one said, so the campaign goes with all of its files or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from psycopg import sql

from bankcrm import audit
from bankcrm.models import User
from customers.imports.campaign_merging import SOURCE
from customers.imports.expressions import Identifier, Literal
from customers.models import Assignment, Contact, Customer, ImportFile, Response

SQL = sql.SQL
State = ImportFile.State
HISTORY: tuple[type[models.Model], ...] = (Response, Contact, Assignment)


@dataclass(frozen=True)
class WayBack:
    """What an app above makes of the campaign: what was built on it, as (what, how many), and how to remove the rest.

    Both are called with the last file of the campaign; ``remove`` in the transaction of the undo.
    """

    standing: Callable[[ImportFile], list[tuple[str, int]]]
    remove: Callable[[ImportFile], None]


WAYS_BACK: list[WayBack] = []


def way_back(way: WayBack) -> None:
    """Called once by an app above, in ``AppConfig.ready``."""
    WAYS_BACK.append(way)


def files(file: ImportFile) -> models.QuerySet[ImportFile]:
    """Every file of the campaign of which rows are in, the newest first."""
    found = ImportFile.objects.filter(
        kind=file.kind, inserted__isnull=False, options__campaign__code=_code(file)
    )
    return found.exclude(state=State.UNDONE).order_by(models.F("merged_at").desc(nulls_first=True), "-pk")


def objection(file: ImportFile) -> str:
    """Why this is not the file to take the campaign back by; "" when it is."""
    newest = files(file).first()
    if newest is None or newest.pk == file.pk:
        return ""
    return _("“%(name)s” corrected it. The campaign is taken back from there.") % {"name": newest.name}


def standing(file: ImportFile, derived: set[tuple[str, str]]) -> list[tuple[str, int]]:
    """What was built on the campaign, or on customers whom its files brought: (what, how many rows).

    ``derived``: as of ``remove``.
    """
    found = [told for way in WAYS_BACK for told in way.standing(file)]
    code = _code(file)
    found.append(
        (
            str(_("responses that came in here")),
            Response.objects.filter(campaign_code=code).exclude(how=Response.How.IMPORTED).count(),
        )
    )
    found.append(
        (
            str(_("contacts that were made here")),
            Contact.objects.filter(campaign_code=code).exclude(reference__startswith=f"{SOURCE}:").count(),
        )
    )
    with connection.cursor() as cursor:
        for model, column in _relations():
            if (model._meta.label, column) in derived:
                continue
            own = SQL("r.campaign_code = {}").format(Literal(code)) if model in HISTORY else SQL("false")
            cursor.execute(
                SQL(
                    "SELECT count(*) FROM {rows} r JOIN customers_customer t ON r.{column} = t.id"
                    " WHERE {brought} AND NOT {own}"
                ).format(
                    rows=Identifier(model._meta.db_table),
                    column=Identifier(column),
                    brought=_brought(file),
                    own=own,
                )
            )
            found.append((str(model._meta.verbose_name_plural), int(cursor.fetchone()[0])))
    return [(label, rows) for label, rows in found if rows]


def remove(file: ImportFile, user: User | None, derived: set[tuple[str, str]]) -> int:
    """The campaign, its history, and the customers it brought; earlier files of it are undone too.

    ``derived``: (label, column) of what is computed from customers and goes with them. Returns assignments removed.
    """
    for way in WAYS_BACK:
        way.remove(file)
    code, brought = _code(file), _brought(file)
    removed = Assignment.objects.filter(campaign_code=code).count()
    with connection.cursor() as cursor:
        for model in HISTORY:
            cursor.execute(
                SQL("DELETE FROM {} WHERE campaign_code = {}").format(
                    Identifier(model._meta.db_table), Literal(code)
                )
            )
        for model, column in _relations():
            if (model._meta.label, column) in derived:
                cursor.execute(
                    SQL("DELETE FROM {} r USING customers_customer t WHERE r.{} = t.id AND {}").format(
                        Identifier(model._meta.db_table), Identifier(column), brought
                    )
                )
        cursor.execute(SQL("DELETE FROM customers_customer t WHERE {}").format(brought))
    for earlier in files(file).exclude(pk=file.pk):
        ImportFile.objects.filter(pk=earlier.pk).update(state=State.UNDONE, undone_by=user, undone_at=Now())
        audit.record(
            user,
            "import.undone",
            earlier,
            from_state=earlier.state,
            to_state=State.UNDONE,
            kind=earlier.kind,
            with_file=file.pk,
        )
    return removed


def _code(file: ImportFile) -> str:
    return str(file.options["campaign"]["code"])


def _brought(file: ImportFile) -> sql.Composable:
    """Over ``t``: customers of an anonymous list, who carry the mark of the file that brought them."""
    marks = [f"{SOURCE}:{each.sha256[:12]}"[:40] for each in files(file)]
    return SQL("t.source = ANY({}::text[])").format(Literal(marks))


def _relations() -> Iterator[tuple[Any, str]]:
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model is Customer:
                yield model, str(field.column)
