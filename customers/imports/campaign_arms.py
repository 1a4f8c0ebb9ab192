"""The arms of a past campaign's file, held against what is said to be control."""

from __future__ import annotations

from difflib import get_close_matches

from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from customers.imports import staging
from customers.imports.expressions import Identifier
from customers.models import Assignment, ImportFile

# More are no arms but a column of something else; a sentence names so many.
MOST = 20


def objection(file: ImportFile) -> str:
    """Which arm said to be control no row has, beside the arms there are; "" where all are there.

    An arm that an earlier file of the same campaign brought counts as there.
    """
    campaign = file.options["campaign"]
    told = [str(arm) for arm in campaign.get("control_cells") or [] if arm]
    if not told:
        return ""
    arms = _arms(file)
    earlier = Assignment.objects.filter(campaign_code=campaign["code"]).values_list("cell_code", flat=True)
    strange = [arm for arm in told if arm not in arms]
    strange = [arm for arm in strange if not earlier.filter(cell_code=arm).exists()]
    if not strange:
        return ""
    words = [
        _("No row has the arm “%(arms)s”, which is said to be control.") % {"arms": "”, “".join(strange)},
        _("The arms of the file: %(arms)s.")
        % {"arms": ", ".join(f"“{arm}” ({rows:,})" for arm, rows in list(arms.items())[:MOST])},
    ]
    if near := get_close_matches(strange[0], arms, 1):
        words.append(_("Is “%(arm)s” meant?") % {"arm": near[0]})
    return " ".join(words)


def _arms(file: ImportFile) -> dict[str, int]:
    """Arm → good rows, most first."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT cell, count(*) FROM {} GROUP BY cell ORDER BY count(*) DESC, cell").format(
                Identifier(staging.checked_table(file))
            )
        )
        return dict(cursor.fetchall())
