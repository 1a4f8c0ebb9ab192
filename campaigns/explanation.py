"""Putting the reasons of the score on the targets that became leads, so that the caller knows why this customer."""

from __future__ import annotations

import json
import logging

from django.db import connection, transaction
from django.utils.translation import gettext as _

from analytics import reasons
from bankcrm import runs
from bankcrm.figures import number
from campaigns.models import Selection, Target

log = logging.getLogger(__name__)
# Customers are read in this many pieces, so that the statements of a push do not grow with its leads.
PIECES = 5

_UPDATE = """
UPDATE campaigns_target SET reasons = told.reasons::jsonb
FROM unnest(%s::bigint[], %s::text[]) AS told (customer_id, reasons)
WHERE campaigns_target.selection_id = %s AND campaigns_target.customer_id = told.customer_id
AND NOT campaigns_target.is_control AND campaigns_target.withheld = ''
"""


def explain(selection: Selection | None, job: runs.Job | None = None) -> int:
    """Write up to three reasons to every pushed target of a scored selection that has none; returns how many.

    A customer whose every field lowers the score has none to give, and keeps none.
    A model file that cannot be loaded costs the reasons, never the leads.
    """
    if selection is None or selection.score_run is None:
        return 0
    without = Target.objects.filter(selection=selection, is_control=False, withheld="", reasons=[])
    ids = list(without.order_by("customer_id").values_list("customer_id", flat=True))
    explained, size = 0, max(1, -(-len(ids) // PIECES))
    try:
        explainer = reasons.explainer(selection.score_run) if ids else None
    except runs.Refused as refused:
        log.warning("selection %s stays without reasons: %s", selection.pk, refused)
        return 0
    for start in range(0, len(ids), size):
        if job:
            job.tell(_told(start, len(ids)))
        if explainer:
            explained += _write(selection, explainer.for_customers(ids[start : start + size]), job)
    return explained


def _told(done: int, total: int) -> str:
    return _("Writing reasons, %(done)s of %(total)s leads") % {"done": number(done), "total": number(total)}


def _write(selection: Selection, told: dict[int, list[dict[str, object]]], job: runs.Job | None) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        if job:
            job.fence()
        given = [(customer, json.dumps(why)) for customer, why in told.items() if why]
        cursor.execute(
            _UPDATE, [[customer for customer, _why in given], [why for _customer, why in given], selection.pk]
        )
        return int(cursor.rowcount)
