"""The evaluation report as its page shows it: rows and sentences, no statistics of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import figures
from bankcrm.models import Role, User
from campaigns import attribution, forecast_page, groups_page
from campaigns.effect import Estimate, wilson
from campaigns.evaluation import Evaluation
from campaigns.models import Arm, Campaign
from campaigns.refusal import Code, Refusal
from campaigns.verdict import ArmReadout, Verdict, p_shown
from campaigns.verdict_text import verdict_sentence
from customers.models import Contact, ImportFile, Response

PILLS: dict[str, tuple[Any, str]] = {
    Verdict.PROVED_POSITIVE: (gettext_lazy("proved"), "ok"),
    Verdict.PROVED_NEGATIVE: (gettext_lazy("proved harmful"), "bad"),
    Verdict.INCONCLUSIVE: (gettext_lazy("not proved"), ""),
    Verdict.INTERIM: (gettext_lazy("interim"), "warn"),
    Verdict.REFUSED: (gettext_lazy("not evaluated"), "warn"),
}
SUCCESS_WORDS = {
    "conversion": gettext_lazy("bought"),
    "visit": gettext_lazy("visited"),
    "interest": gettext_lazy("interested"),
}


def context(evaluation: Evaluation, reader: User) -> dict[str, Any]:
    """Everything the templates of the report need; a branch manager reads of the managers of the own branches only."""
    campaign = evaluation.campaign
    word, tone = PILLS[evaluation.readout.verdict]
    names = _arm_names(campaign)
    effects = [_effect_row(readout, names) for readout in evaluation.readout.arms]
    ranges = [(row["low"], row["high"]) for row in effects if row["figures"]]
    return {
        "evaluation": evaluation,
        "campaign": campaign,
        "verdict": {
            "word": word,
            "tone": tone,
            "sentence": verdict_sentence(evaluation.readout, evaluation.sums["success"]),
        },
        "method": _method(evaluation),
        "not_yet": _not_yet(evaluation),
        "refused": evaluation.readout.verdict == Verdict.REFUSED,
        "success_word": SUCCESS_WORDS.get(evaluation.sums["success"], SUCCESS_WORDS["conversion"]),
        "effects": effects,
        "rate_places": _rate_places(evaluation),
        "controls": [arm for arm in _arms(evaluation, names) if arm["is_control"]],
        "effect_axis": groups_page.axis_of(ranges),
        "refusals": evaluation.readout.refusals,
        "any_effect": bool(ranges),
        "funnel": _funnel(evaluation),
        "funnel_source": _funnel_source(evaluation),
        "deciles": groups_page.deciles(evaluation),
        **groups_page.branches(evaluation),
        "money": [_money_row(readout, names) for readout in evaluation.readout.arms],
        "has_money": any(readout.figures and readout.figures.revenue for readout in evaluation.readout.arms),
        "managers": _managers(evaluation, reader),
        "trust": _trust(evaluation),
        "forecast": _forecast_rows(evaluation),
    }


def _not_yet(evaluation: Evaluation) -> str:
    """Until when branches, deciles and the forecast cannot be judged; empty once window and data are complete."""
    codes = {refusal.code for refusal in evaluation.readout.refusals}
    end = evaluation.sums["window_end"]
    if end is None or not codes & {Code.WINDOW_OPEN, Code.DATA_NOT_THROUGH_END}:
        return ""
    return _("Not known yet: the attribution window runs to %(end)s, and the data must reach that day.") % {
        "end": _day(end)
    }


def _managers(evaluation: Evaluation, reader: User) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = evaluation.sums.get("managers", [])
    if reader.role != Role.BRANCH_MANAGER:
        return rows
    own = set(reader.branch_ids().values_list("descendant", flat=True))
    return [row for row in rows if row["branch_id"] in own]


def _forecast_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """What was forecast with the selection that was approved, beside what came; empty where nothing was."""
    selection = evaluation.campaign.selection
    kept = selection.definition.get("forecast") if selection else None
    if not kept:
        return []
    treated = [arm for arm in evaluation.arms if not arm["is_control"]]
    leading = evaluation.readout.leading
    extra = leading.figures.extra.value if leading and leading.figures and len(treated) == 1 else None
    rows = [
        _forecast_row(
            _("Purchases, treated"), kept.get("responses"), sum(arm["successes"] for arm in treated)
        ),
        _forecast_row(_("Of these incremental"), kept.get("incremental"), extra),
    ]
    return [row for row in rows if row]


def _forecast_row(label: str, kept: dict[str, float] | None, actual: float | None) -> dict[str, Any] | None:
    """Inside or outside is judged by the figures shown, so that nobody reads 10 to 30, actual 30, outside."""
    if not kept or actual is None:
        return None
    decimals = forecast_page.decimals(kept["high"])
    low, high, came = (round(value, decimals) for value in (kept["low"], kept["high"], actual))
    return {
        "label": label,
        "expected": figures.number(kept["expected"], decimals),
        "range": figures.interval(low, high, forecast_page.unit(kept["high"])),
        "actual": figures.number(actual, decimals),
        "inside": low <= came <= high,
    }


def _arm_names(campaign: Campaign) -> dict[str, str]:
    """Names that say more than the code: an imported arm is called what it is."""
    return {arm.code: arm.name for arm in Arm.objects.filter(campaign=campaign) if arm.name != arm.code}


def _arms(evaluation: Evaluation, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        arm
        | {
            "name": names.get(arm["cell_code"], ""),
            "rate": _share(arm["successes"], arm["assigned"]),
        }
        for arm in evaluation.arms
    ]


def _effect_row(readout: ArmReadout, names: dict[str, str]) -> dict[str, Any]:
    word, tone = PILLS[readout.verdict]
    row: dict[str, Any] = {
        "code": readout.arm.code,
        "name": names.get(readout.arm.code, ""),
        "assigned": readout.arm.assigned,
        "successes": readout.arm.conversions,
        "rate": _share(readout.arm.conversions, readout.arm.assigned),
        "word": word,
        "tone": tone,
        "figures": readout.figures,
        "refusal": readout.refusal,
    }
    if readout.figures:
        low, high = readout.figures.interval.low, readout.figures.interval.high
        places = figures.places(low, high)
        row |= {
            "low": low,
            "high": high,
            "point": readout.figures.effect.value,
            "proved": readout.figures.interval.excludes_zero,
            "unit": f"points{places}",
            "places": places,
            "extra": readout.figures.extra,
            "mde": readout.figures.mde,
        }
    return row


def _share(successes: int, n: int) -> float | None:
    return successes / n if n else None


def _rate_places(evaluation: Evaluation) -> int:
    """Decimals of the rates: one number for the column, as many as its least certain arm allows."""
    intervals = [wilson(arm["successes"], arm["assigned"]) for arm in evaluation.arms]
    return min((figures.places(one.low, one.high) for one in intervals), default=1)


def _money_row(readout: ArmReadout, names: dict[str, str]) -> dict[str, Any]:
    known = readout.figures
    revenue = known.revenue if known else None
    roi = known.roi if known else None
    return {
        "code": readout.arm.code,
        "name": names.get(readout.arm.code, ""),
        "cost": readout.arm.cost,
        "revenue": revenue.uncapped.total() if revenue and revenue.uncapped else None,
        "capped": revenue.capped.total() if revenue and revenue.capped else None,
        "approximate": bool(revenue and revenue.uncapped and revenue.uncapped.approximate),
        "roi": roi if isinstance(roi, Estimate) else None,
        **_why_no_money(readout),
    }


def _why_no_money(readout: ArmReadout) -> dict[str, str]:
    """Why an arm has no interval of revenue and of the return; the same sentence for both is shown once."""
    if readout.figures is None:
        why = readout.refusal.sentence if readout.refusal else figures.NONE
        return {"revenue_why": why, "roi_why": why}
    revenue, roi = readout.figures.revenue, readout.figures.roi
    return {
        "revenue_why": revenue.refusal.sentence
        if revenue and revenue.refusal
        else _("No amounts are known of these sales."),
        "roi_why": roi.sentence if isinstance(roi, Refusal) else _("No margin per sale is known."),
    }


def _funnel(evaluation: Evaluation) -> list[dict[str, Any]]:
    treated = [arm for arm in evaluation.arms if not arm["is_control"]]
    control = [arm for arm in evaluation.arms if arm["is_control"]]

    def step(label: str, name: str, counted_for_control: bool) -> dict[str, Any]:
        return {
            "label": label,
            "count": sum(arm[name] for arm in treated),
            "control": sum(arm[name] for arm in control) if control and counted_for_control else None,
        }

    rows = [step(_("Assigned"), "assigned", True)]
    if any(arm["contacts"] for arm in treated):
        rows.append(step(_("Contacted"), "contacted", True))
        if _tells_reached(evaluation.campaign):
            rows.append(step(_("Reached"), "reached", True))
    if evaluation.sums["success"] != "conversion":
        rows.append(step(str(SUCCESS_WORDS[evaluation.sums["success"]]).capitalize(), "successes", True))
    rows.append(step(_("Bought"), "conversions", True))
    return rows


def _tells_reached(campaign: Campaign) -> bool:
    """Whether anything says who was reached: a file that does not would show everybody contacted as reached."""
    if campaign.state != Campaign.State.IMPORTED:
        return True
    return Contact.objects.filter(campaign_code=campaign.code, was_reached__isnull=False).exists()


def _funnel_source(evaluation: Evaluation) -> str:
    """Where the responses of this campaign are known from, for the treated and for control."""
    campaign = evaluation.campaign
    if campaign.state == Campaign.State.IMPORTED:
        file = (
            ImportFile.objects.filter(
                kind=ImportFile.Kind.CAMPAIGN,
                state=ImportFile.State.MERGED,
                options__campaign__code=campaign.code,
            )
            .order_by("-merged_at")
            .first()
        )
        if file is None:
            return _("Responses are those of the imported history, for control as for the treated.")
        return _(
            "Responses are those of the imported file %(file)s, for control as for the treated; the holdings"
            " were not searched."
        ) % {"file": file.name}
    if evaluation.sums["success"] != Response.Kind.CONVERSION:
        return _(
            "Bought is matched from new holdings of %(product)s. Interest and visits are only reported by staff, who"
            " report nothing of control, so they are not counted."
        ) % {"product": campaign.product}
    return _(
        "Bought is matched from new holdings of %(product)s within %(days)s days of assignment, for control as for"
        " the treated. Sales that staff only reported are not counted."
    ) % {"product": campaign.product, "days": campaign.attribution_days}


def _method(evaluation: Evaluation) -> str:
    sums = evaluation.sums
    if evaluation.campaign.state == Campaign.State.IMPORTED:
        counted = _("responses as imported, treated and control alike")
    else:
        counted = _(
            "new contracts of %(product)s within %(days)s days of assignment, treated and control alike"
        ) % {
            "product": evaluation.campaign.product,
            "days": evaluation.campaign.attribution_days,
        }
    parts = [_("95 % intervals (Newcombe), Holm-corrected over the arms"), counted]
    if evaluation.report:
        parts.append(
            _("frozen, version %(version)s, inputs %(hash)s")
            % {"version": evaluation.report.version, "hash": evaluation.report.inputs_hash[:8]}
        )
    if sums["data_through"]:
        parts.append(_("data to %(day)s") % {"day": _day(sums["data_through"])})
    return " · ".join(parts)


def _day(text: str) -> str:
    return figures.short_day(dt.date.fromisoformat(text))


def _trust(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The checks a reader should know before believing the verdict."""
    return [
        *_design_check(evaluation),
        *_ratio_check(evaluation),
        *_contamination_check(evaluation),
        *_window_check(evaluation),
        *_sales_check(evaluation),
    ]


def _design_check(evaluation: Evaluation) -> list[dict[str, Any]]:
    """How an imported campaign was told to have been assigned; one that was run here shows it by its arms."""
    is_compared = any(arm["is_control"] for arm in evaluation.arms)
    if evaluation.campaign.state != Campaign.State.IMPORTED or not is_compared:
        return []
    is_random = all(arm["is_random"] for arm in evaluation.arms)
    return [
        {
            "level": "ok" if is_random else "warn",
            "text": _("Assigned at random, as was said at the import.")
            if is_random
            else _("Not said at the import to be assigned at random."),
            "detail": _(
                "The file does not tell the shares the arms were to have, so their sizes are not judged."
            ),
        }
    ]


def _ratio_check(evaluation: Evaluation) -> list[dict[str, Any]]:
    ratio = evaluation.readout.ratio
    if ratio is None:
        return []
    sizes = " : ".join(f"{n:,}" for n in ratio.observed.values())
    return [
        {
            "level": "block" if ratio.blocked else "ok",
            "text": _("Arm sizes differ from the design.") if ratio.blocked else _("Arm sizes as designed."),
            "detail": f"{sizes}, p {p_shown(ratio.p_value)}",
        }
    ]


def _contamination_check(evaluation: Evaluation) -> list[dict[str, Any]]:
    controls = [arm for arm in evaluation.arms if arm["is_control"]]
    if not controls:
        missing = Refusal(Code.NO_CONTROL)
        return [
            {
                "level": "block",
                "text": missing.sentence,
                "detail": _("What it takes: %(needed)s") % {"needed": missing.needed},
            }
        ]
    if evaluation.campaign.state == Campaign.State.IMPORTED:
        return []
    called, total = sum(arm["contacted"] for arm in controls), sum(arm["assigned"] for arm in controls)
    return [
        {
            "level": "warn" if called else "ok",
            "text": _("Control was contacted.") if called else _("Control left alone."),
            "detail": _("%(called)s of %(total)s controls were contacted; they stay in control.")
            % {"called": called, "total": total},
        }
    ]


def _window_check(evaluation: Evaluation) -> list[dict[str, Any]]:
    end, through = evaluation.sums["window_end"], evaluation.sums["data_through"]
    if end is None:
        return []
    complete = through is not None and through >= end
    return [
        {
            "level": "ok" if complete else "warn",
            "text": _("Window closed, data complete.")
            if complete
            else _("The data do not cover the window yet."),
            "detail": _("Window to %(end)s, holdings to %(through)s.")
            % {"end": _day(end), "through": _day(through) if through else "—"},
        }
    ]


def _sales_check(evaluation: Evaluation) -> list[dict[str, Any]]:
    if evaluation.campaign.state == Campaign.State.IMPORTED:
        return []
    compared = attribution.compare(evaluation.campaign)
    return [
        {
            "level": "warn" if compared.reported_only else "ok",
            "text": _("Sales reconciled."),
            "detail": _(
                "%(both)s in holdings and reported, %(matched)s in holdings only,"
                " %(reported)s reported only. Plan and campaign call all of them sales; the result counts those in"
                " holdings, for control as for the treated."
            )
            % {"both": compared.both, "matched": compared.matched_only, "reported": compared.reported_only},
        }
    ]
