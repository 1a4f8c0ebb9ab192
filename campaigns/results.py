"""What many campaigns changed, at once: the verdict, effect and return of each, in as many statements as for one.

The figures are those of ``campaigns.evaluation``: of a frozen report as it was frozen, else as the data stand now.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, JSONField, TextField, Value

from bankcrm import clock
from campaigns import attribution, evaluation, evaluation_sql
from campaigns.effect import Estimate
from campaigns.models import Arm, Campaign, EvaluationReport
from campaigns.refusal import Refusal
from campaigns.verdict import ArmReadout, Readout, Verdict

# What a line of a list does not show is not read: a report of many branches is long.
_NOT_SHOWN = ["branches", "deciles", "managers"]


@dataclass(frozen=True, slots=True)
class Result:
    """One campaign's readout; None with a ``version`` of 0 where nobody was assigned yet."""

    campaign: Campaign
    readout: Readout | None
    as_of: dt.date
    version: int = 0

    @property
    def is_frozen(self) -> bool:
        return self.version > 0

    @property
    def arm(self) -> ArmReadout | None:
        """The arm that the verdict speaks of; None without one."""
        return self.readout.leading if self.readout else None

    @property
    def verdict(self) -> Verdict:
        return self.readout.verdict if self.readout else Verdict.REFUSED

    @property
    def roi(self) -> Estimate | None:
        found = self.arm.figures.roi if self.arm and self.arm.figures else None
        return found if isinstance(found, Estimate) else None

    @property
    def roi_refusal(self) -> Refusal | None:
        found = self.arm.figures.roi if self.arm and self.arm.figures else None
        return found if isinstance(found, Refusal) else None


def results(campaigns: Sequence[Campaign]) -> list[Result]:
    """The result of each campaign, in the order given; ``product`` need not be selected with them."""
    frozen = _frozen(campaigns)
    today = clock.today()
    open_ = [campaign for campaign in campaigns if campaign.pk not in frozen]
    sums = _sums(open_, today) if open_ else {}
    found = []
    for campaign in campaigns:
        if report := frozen.get(campaign.pk):
            found.append(Result(campaign, _readout(report["sums"]), report["as_of"], report["version"]))
        else:
            known = sums.get(campaign.pk)
            found.append(Result(campaign, _readout(known) if known else None, today))
    return found


def _frozen(campaigns: Sequence[Campaign]) -> dict[int, dict[str, Any]]:
    """Campaign id → version, day and sums of its newest frozen report."""
    without = Value(_NOT_SHOWN, output_field=ArrayField(TextField()))
    rows = (
        EvaluationReport.objects.filter(campaign__in=campaigns, is_frozen=True)
        .order_by("campaign", "-version")
        .distinct("campaign")
        .annotate(
            sums=Func(
                F("figures"),
                without,
                template="(%(expressions)s::text[])",
                arg_joiner=" - ",
                output_field=JSONField(),
            )
        )
    )
    return {row["campaign"]: dict(row) for row in rows.values("campaign", "version", "as_of", "sums")}


def _sums(campaigns: list[Campaign], as_of: dt.date) -> dict[int, dict[str, Any]]:
    """Campaign id → sums as ``evaluation.collect`` has them, without groups and cap; none where nobody is treated."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for row in evaluation_sql.rows(evaluation_sql.ARMS_OF_MANY, _params(campaigns)):
        cells.setdefault(row.pop("campaign_code"), []).append(row)
    designed: dict[int, list[Arm]] = {}
    for arm in Arm.objects.filter(campaign__in=campaigns).select_related("offer").order_by("pk"):
        designed.setdefault(arm.campaign_id, []).append(arm)
    through = attribution.data_through()
    return {
        campaign.pk: evaluation.framed(
            campaign, designed.get(campaign.pk, []), cells[campaign.code], as_of, through
        )
        for campaign in campaigns
        if not all(cell["is_control"] for cell in cells.get(campaign.code, []))
    }


def _params(campaigns: list[Campaign]) -> dict[str, Any]:
    return {
        "codes": [campaign.code for campaign in campaigns],
        "successes": [str(campaign.success) for campaign in campaigns],
        "hows": [str(evaluation.counted_how(campaign)) for campaign in campaigns],
    }


def _readout(sums: dict[str, Any]) -> Readout:
    return _computed(json.dumps(sums, sort_keys=True))


@functools.lru_cache(maxsize=2000)
def _computed(sums: str) -> Readout:
    """Pure, and some 25 ms of root finding: the same sums are not asked about twice."""
    return evaluation.readout_of(json.loads(sums))
