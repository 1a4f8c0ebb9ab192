"""What the campaign page shows: cards, the rail with its waterfall, forecast and blockers, work, reconciliation."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import audience
from bankcrm import figures
from bankcrm.charts import lines
from bankcrm.models import Run, User
from campaigns import blockers as blocking
from campaigns import exploration, lifecycle, power, push, targeting
from campaigns.conflicts import Refused
from campaigns.models import Campaign, Change, Push, Selection
from campaigns.refusal import MIN_PER_ARM
from campaigns.targeting_sql import REASONS, STEPS
from campaigns.wording import STATE_TONES, Wording, merged

State = Campaign.State
CONTROL_STEP, FINAL_STEP = "control", "final"
HISTORY = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is left: computed live for a draft, else as it was selected. ``sentence`` is set when it cannot be said."""

    waterfall: list[dict[str, Any]]
    forecast: dict[str, Any]
    targets: int
    control: int
    seconds: float | None
    month: dt.date | None
    ranking: str
    ranking_sentence: str
    selection: Selection | None
    sentence: str = ""
    exploration: str = ""


def standing(campaign: Campaign, user: User) -> Standing:
    """A draft's counts as of now; of anything later the selection that was approved or pushed."""
    if campaign.state != State.DRAFT:
        if campaign.selection is None:
            return Standing([], {}, 0, 0, None, None, "", "", None, _("No customers were selected here."))
        return _selected(campaign.selection)
    try:
        found = targeting.preview(campaign, user)
    except (Refused, audience.InvalidCondition) as refusal:
        return Standing([], {}, 0, 0, None, None, "", "", campaign.selection, str(refusal))
    return Standing(
        waterfall=found.waterfall,
        forecast=found.forecast,
        targets=found.targets_count,
        control=found.control_count,
        seconds=found.seconds,
        month=found.profile_month,
        ranking=found.ranking,
        ranking_sentence=found.ranking_sentence,
        selection=campaign.selection,
        exploration=exploration.sentence(found.explored),
    )


def _selected(selection: Selection) -> Standing:
    stored = selection.definition
    return Standing(
        waterfall=selection.waterfall,
        forecast=stored.get("forecast") or {},
        targets=selection.targets_count,
        control=selection.control_count,
        seconds=selection.seconds,
        month=selection.profile_month,
        ranking=stored.get("ranking", ""),
        ranking_sentence=targeting.ranking_sentence(stored["ranking"], stored.get("rate_source") or {})
        if stored.get("ranking")
        else "",
        selection=selection,
        exploration=exploration.sentence(stored.get("exploration") or {}),
    )


def waterfall_rows(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The waterfall for the kit's tag."""
    kinds = {CONTROL_STEP: "control", FINAL_STEP: "final", "audience": "audience"}
    return [
        {
            "label": STEPS.get(step["step"], step["step"]),
            "remaining": step["remaining"],
            "dropped": step["dropped"],
            "kind": kinds.get(step["step"], "left_out"),
            "dropped_url": "#exclusions" if step.get("reasons") else "",
        }
        for step in steps
    ]


def exclusion_rows(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who was left out why: reason, step and customers, in the order of the checks."""
    return [
        {"reason": REASONS[code][1], "step": STEPS[step["step"]], "count": step["reasons"][code]}
        for step in steps
        # Their own order is lost where they were stored as JSON.
        for code in REASONS
        if code in step.get("reasons", {})
    ]


def blocker_rows(campaign: Campaign, user: User) -> tuple[list[dict[str, Any]], int, int]:
    """The list before submission for the kit: (rows, blockers, things to know)."""
    found = blocking.blockers(campaign)
    may_edit = any(action.code == "edit" for action in lifecycle.actions_for(campaign, user))
    rows = [
        {
            "level": "block" if one.severity == blocking.BLOCKER else "warn",
            "text": one.sentence,
            "url": _fix_url(one) if may_edit else "",
            "action": _("Select now") if one.code in ("not_selected", "selection_stale") else _("Go there"),
        }
        for one in found
    ]
    hard = sum(one.severity == blocking.BLOCKER for one in found)
    if not rows:
        rows = [{"level": "ok", "text": _("Nothing stands in the way.")}]
    return rows, hard, len(found) - hard


def _fix_url(one: blocking.Blocker) -> str:
    return "#acts" if one.code in ("not_selected", "selection_stale") else f"#{one.anchor}"


def power_card(found: Standing) -> dict[str, Any]:
    """Smallest visible effect against control share, where past campaigns or scores give a base rate."""
    base, expected = found.forecast.get("base_rate"), found.forecast.get("expected_effect")
    sentence = (found.forecast.get("sentences") or [""])[-1]
    total = found.targets + found.control
    shown: dict[str, Any] = {
        "sentence": sentence,
        "judged": found.forecast.get("can_be_judged"),
    }
    shown |= {"mde": found.forecast.get("mde"), "expected": expected, "base": base}
    if base is None or not 0 <= base < 1 or total < 2:
        return shown
    here = found.control / total
    curve = power.power_curve(base, total, sorted({*power.CURVE_SHARES, here} - {0.0}))
    # Fewer customers than that in control show nothing, and would stretch the axis; the plan always stands on it.
    least = min(MIN_PER_ARM, found.control or MIN_PER_ARM)
    points = [
        p for p in curve if p.mde is not None and p.n_control >= least and p.control_share <= max(0.3, here)
    ]
    if not points:
        return shown
    series: list[dict[str, Any]] = [
        {"label": _("smallest visible effect"), "points": [(p.control_share, p.mde) for p in points]}
    ]
    customers = {p.control_share: figures.number(p.n_control) for p in points}
    if own := [(p.control_share, p.mde) for p in points if p.control_share == here]:
        series.append({"label": _("this campaign"), "points": own, "marked": True})
    shown["chart"] = lines.line_chart(
        series,
        x_label=_("Control"),
        x_format="pct",
        y_format="points2",
        marks=[{"y": expected, "label": _("forecast"), "tone": "act"}] if expected else [],
        size="low",
        label=_("Smallest visible effect in points, by control share"),
        more=[(_("Customers in control"), customers)],
    )
    return shown


def work(campaign: Campaign) -> list[Run]:
    """Selections and pushes under way, and the last one when it failed: newest first."""
    keys = [f"campaign:{campaign.pk}", lifecycle.push_key(campaign.pk)]
    newest = list(
        Run.objects.filter(kind__in=["campaigns.select", "campaigns.push"], key__in=keys)
        .select_related("requested_by")
        .order_by("-pk")[:3]
    )
    unfinished = [run for run in newest if not run.is_finished]
    failed = [run for run in newest[:1] if run.state in (Run.State.FAILED, Run.State.DEAD)]
    # A failure before the last change of the campaign is no news any more.
    return unfinished or [
        run for run in failed if run.arguments.get("version", campaign.version) == campaign.version
    ]


def history(campaign: Campaign) -> list[dict[str, Any]]:
    """The change log: who, when, what, fields before and after; newest first."""
    changes = list(campaign.changes.select_related("by").order_by("-id")[:HISTORY])
    words = Wording(change.fields for change in changes)
    return [
        {
            "when": change.at,
            "by": change.by,
            "text": _("sent v%(version)s back") % {"version": change.version}
            if _is_sent_back(change)
            else _step(change.from_state, change.to_state, change.version, bool(change.fields)),
            "icon": STATE_TONES.get(change.to_state, ("", "point"))[1],
            "comment": change.comment,
            "fields": words.fields(change.fields),
        }
        for change in changes
    ]


def sent_back(campaign: Campaign) -> Change | None:
    """The approver's word on a draft that came back, until it is submitted again."""
    if campaign.state != State.DRAFT:
        return None
    answer = campaign.changes.filter(from_state=State.SUBMITTED).select_related("by").order_by("-id").first()
    return answer if answer and _is_sent_back(answer) else None


def _is_sent_back(change: Change) -> bool:
    """Taking back says nothing and an edit names fields; only an approver returns a campaign with a word alone."""
    returned = (change.from_state, change.to_state) == (State.SUBMITTED, State.DRAFT)
    return returned and bool(change.comment) and not change.fields


def _step(from_state: str, to_state: str, version: int, has_fields: bool) -> str:
    steps: dict[tuple[str, str], str] = {
        ("", State.DRAFT): _("made the campaign"),
        (State.DRAFT, State.SUBMITTED): _("submitted v%(version)s"),
        (State.SUBMITTED, State.APPROVED): _("approved v%(version)s"),
        (State.APPROVED, State.RUNNING): _("pushed v%(version)s"),
        (State.RUNNING, State.CLOSED): _("closed the campaign"),
        (State.RUNNING, State.RUNNING): _("recalled untouched leads"),
        (State.DRAFT, State.DRAFT): _("edited, now v%(version)s"),
    }
    if to_state == State.CANCELLED:
        return _("cancelled the campaign")
    if (from_state, to_state) == (State.SUBMITTED, State.DRAFT) and not has_fields:
        return _("took v%(version)s back to draft") % {"version": version}
    if to_state == State.DRAFT and from_state in (State.SUBMITTED, State.APPROVED):
        return _("edited, which reopened it as v%(version)s") % {"version": version}
    return steps.get((from_state, to_state), to_state) % {"version": version}


def difference(campaign: Campaign) -> tuple[str, list[Any]]:
    """What changed since the last version an approver saw, as (sentence, fields before and after)."""
    log = list(campaign.changes.order_by("id"))
    submissions = [i for i, c in enumerate(log) if c.to_state == State.SUBMITTED]
    last = submissions[-1] if submissions and campaign.state != State.DRAFT else len(log)
    seen = [i for i in range(last) if log[i].to_state in (State.SUBMITTED, State.APPROVED)]
    if not seen:
        return _("Submitted for the first time: nothing to compare with."), []
    before = log[seen[-1]]
    found = merged(log[seen[-1] + 1 : last + 1])
    # Offer texts may change without a change of the campaign; arms carry them.
    words = Wording([found])
    if not found:
        return _("Unchanged since v%(version)s, but customers may have been selected anew.") % {
            "version": before.version
        }, []
    return _("Since v%(version)s:") % {"version": before.version}, words.fields(found)


def reconciliation(campaign: Campaign) -> dict[str, Any] | None:
    """Every target of a pushed campaign accounted for; None before the push is complete."""
    pushed = Push.objects.filter(campaign=campaign).order_by("-wave").first()
    if pushed is None:
        return None
    counted = push.reconcile(campaign)
    return {
        "counted": counted,
        "finished": pushed.finished_at,
        "assigned_on": campaign.assigned_on,
        "withheld": [(push.WITHHELD_REASONS.get(code, code), n) for code, n in counted.withheld.items()],
        "withheld_sum": sum(counted.withheld.values()),
    }


def actions(
    campaign: Campaign, user: User, blocked: int, returned: Change | None = None
) -> list[dict[str, Any]]:
    """The buttons of the head, one of them filled: the step that comes next. ``returned``: as ``sent_back`` says."""
    found = [a for a in lifecycle.actions_for(campaign, user) if a.code != "edit"]
    ready = campaign.selection is not None and campaign.selection.campaign_version == campaign.version
    primary = {
        State.DRAFT: "submit" if ready and not blocked else "select",
        State.SUBMITTED: "approve",
        State.APPROVED: "push",
    }.get(State(campaign.state), "")
    still_open = campaign.leads.open().count() if any(a.code == "close" for a in found) else 0
    waits = lifecycle.why_not_close(campaign, still_open)
    return [
        {
            "code": action.code,
            "label": action.label,
            "wants_comment": action.wants_comment or action.code == "recall",
            "needs_comment": action.code == "send_back",
            "primary": action.code == primary,
            "icon": _ICONS.get(action.code, "point"),
            "disabled": (action.code == "submit" and bool(blocked))
            or (action.code == "close" and bool(waits)),
            "why": waits if action.code == "close" else "",
            "destructive": action.code in ("cancel", "recall"),
            "confirm": _confirm(action.code, campaign, returned, still_open),
        }
        for action in found
    ]


_ICONS = {
    "select": "users-group",
    "submit": "send",
    "withdraw": "arrow-back-up",
    "approve": "shield-check",
    "send_back": "arrow-back-up",
    "push": "send",
    "cancel": "ban",
    "recall": "arrow-back-up",
    "close": "check",
}


def _confirm(code: str, campaign: Campaign, returned: Change | None, still_open: int) -> str:
    if code == "submit" and returned and not _answered(campaign, returned):
        return _("Nothing was changed since %(name)s sent it back. Submit it all the same?") % {
            "name": returned.by.full_name
        }
    if code == "push" and campaign.selection:
        leads = campaign.selection.targets_count
        return ngettext(
            "Push %(n)s lead to the relationship managers now? Control stays without contact.",
            "Push %(n)s leads to the relationship managers now? Control stays without contact.",
            leads,
        ) % {"n": figures.number(leads)}
    if code == "close" and still_open:
        return ngettext(
            "Close the campaign? %(n)s lead is still open and ends with it.",
            "Close the campaign? %(n)s leads are still open and end with it.",
            still_open,
        ) % {"n": figures.number(still_open)}
    return _("Close the campaign?") if code == "close" else ""


def _answered(campaign: Campaign, returned: Change) -> bool:
    """Whether the definition or the customers are others than those that were sent back."""
    selection = campaign.selection
    return campaign.version != returned.version or (
        selection is not None and selection.created_at > returned.at
    )
