"""An imported past campaign becomes a campaign like our own: readable, evaluated by the same page, never run again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from analytics import labels
from analytics.models import ModelVersion
from bankcrm import audit
from campaigns.models import Arm, Campaign, EvaluationReport
from customers.models import ContactChannel, ImportFile, Product, Response

SUCCESSES = (Response.Kind.CONVERSION, Response.Kind.VISIT, Response.Kind.INTEREST)


def objection(file: ImportFile) -> str:
    """Why this file may not become a campaign; "" when it may."""
    told = file.options.get("campaign", {})
    if slugify(told["code"]) != str(told["code"]).lower() or len(told["code"]) > 40:
        return _("A campaign code has letters, digits and hyphens only, 40 at most.")
    if file.uploaded_by is None:
        return _("A past campaign is brought in somebody's name, who then owns it.")
    if told.get("success", Response.Kind.CONVERSION) not in SUCCESSES:
        return _("A campaign succeeds by a visit, an interest or a conversion.")
    if Campaign.objects.filter(code=told["code"]).exclude(state=Campaign.State.IMPORTED).exists():
        return _("The code %(code)s belongs to a campaign that was planned here.") % {"code": told["code"]}
    return ""


def record(file: ImportFile) -> dict[str, Any]:
    """Write or renew the campaign with one arm for each treated cell; returns the page of its evaluation.

    Called in the transaction that marks the file merged. Dates, cells, shares and channels are those of the history.
    """
    told, user = file.options["campaign"], file.uploaded_by
    assert user is not None  # noqa: S101  # objection() refused such a file
    cells = _cells(told["code"])
    known = Campaign.objects.select_for_update().filter(code=told["code"]).first()
    campaign = known or Campaign(
        code=told["code"], owner=user, salt=told["code"], state=Campaign.State.IMPORTED
    )
    campaign.name = told["name"][:100]
    campaign.objective = _("Imported from %(name)s.") % {"name": file.name}
    campaign.product = Product.objects.get(code=told["product"])
    campaign.starts_on = campaign.assigned_on = min(cell["first"] for cell in cells)
    campaign.ends_on = max(cell["last"] for cell in cells)
    campaign.success = told.get("success") or Response.Kind.CONVERSION
    campaign.control_share = _control_share(cells)
    campaign.last_edited_by = user
    campaign.save()
    _write_arms(campaign, cells)
    audit.record(user, "campaign.imported", campaign, to_state=campaign.state, file=file.pk)
    return {"route": "evaluation-report", "pk": campaign.pk}


def standing(file: ImportFile) -> list[tuple[str, int]]:
    """What was built on the imported campaign, as (what, how many): results that are frozen, models that learned."""
    told = file.options["campaign"]
    trained = ModelVersion.objects.filter(trained_at__gte=file.merged_at or file.uploaded_at)
    learned = Q(model__history_campaign=told["code"]) | Q(
        model__product__code=told["product"], card__source=labels.ASSIGNMENTS
    )
    found = [
        (
            str(_("frozen evaluations")),
            EvaluationReport.objects.filter(campaign__code=told["code"], is_frozen=True).count(),
        ),
        (str(_("model versions that learned from it")), trained.filter(learned).count()),
    ]
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if field.related_model is Campaign and model not in (Arm, EvaluationReport):
                rows = model._default_manager.filter(**{f"{field.name}__code": told["code"]}).count()
                found.append((str(model._meta.verbose_name_plural), rows))
    return found


def remove(file: ImportFile) -> None:
    """The campaign goes with its arms and provisional results; in the transaction that takes its files back."""
    campaign = Campaign.objects.filter(
        code=file.options["campaign"]["code"], state=Campaign.State.IMPORTED
    ).first()
    if campaign is None:
        return
    audit.record(
        file.uploaded_by, "campaign.import_undone", campaign, from_state=campaign.state, file=file.pk
    )
    campaign.reports.filter(is_frozen=False).delete()
    campaign.delete()


def _cells(code: str) -> list[dict[str, Any]]:
    """One row for each cell of the history: how many, from when to when, through which channel most."""
    with connection.cursor() as cursor:
        cursor.execute(CELLS, {"code": code})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _control_share(cells: list[dict[str, Any]]) -> Decimal:
    people = sum(cell["people"] for cell in cells)
    control = sum(cell["people"] for cell in cells if cell["is_control"])
    return round(Decimal(control) / people, 3)


def _write_arms(campaign: Campaign, cells: list[dict[str, Any]]) -> None:
    treated = [cell for cell in cells if not cell["is_control"]]
    people = sum(cell["people"] for cell in treated)
    campaign.arms.exclude(code__in=[cell["cell_code"] for cell in treated]).delete()
    Arm.objects.bulk_create(
        [
            Arm(
                campaign=campaign,
                code=cell["cell_code"],
                name=cell["cell_code"],
                channel=cell["channel"] or ContactChannel.PHONE,
                share=round(Decimal(cell["people"]) / people, 3),
            )
            for cell in treated
        ],
        update_conflicts=True,
        unique_fields=["campaign", "code"],
        update_fields=["name", "channel", "share"],
    )


CELLS = """
WITH assigned AS (
    SELECT cell_code, is_control, count(*) AS people, min(assigned_on) AS first, max(assigned_on) AS last
    FROM customers_assignment WHERE campaign_code = %(code)s GROUP BY cell_code, is_control
), contacted AS (
    SELECT cell_code, max(contacted_on) AS last, mode() WITHIN GROUP (ORDER BY channel) AS channel
    FROM customers_contact WHERE campaign_code = %(code)s GROUP BY cell_code
), responded AS (
    SELECT cell_code, max(responded_on) AS last
    FROM customers_response WHERE campaign_code = %(code)s GROUP BY cell_code
)
SELECT a.cell_code, a.is_control, a.people, a.first, greatest(a.last, c.last, r.last) AS last, c.channel
FROM assigned a LEFT JOIN contacted c USING (cell_code) LEFT JOIN responded r USING (cell_code)
ORDER BY a.cell_code
"""
