"""What stands between a draft and its submission, in words, each with the card of the campaign page that mends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from bankcrm import clock, figures
from campaigns import contact_policy, definition
from campaigns.conflicts import Refused
from campaigns.models import Arm, Campaign, Selection
from campaigns.targeting_sql import audience_pieces
from customers.models import Response

BLOCKER = "blocker"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Blocker:
    """``anchor``: the card on the campaign page. A warning is to be known and does not stop the submission."""

    code: str
    sentence: str
    anchor: str
    severity: str = BLOCKER


def blockers(campaign: Campaign, on: dt.date | None = None) -> list[Blocker]:
    """Blockers first, then what to know; an empty list: nothing to say."""
    on = on or clock.today()
    arms = definition.arms_of(campaign)
    found = [
        *_dates(campaign, on),
        *_audience(campaign, on),
        *_arms(campaign, arms),
        *_selection(campaign),
        *_policy(),
    ]
    return sorted(found, key=lambda blocker: blocker.severity != BLOCKER)


def _dates(campaign: Campaign, on: dt.date) -> Iterator[Blocker]:
    if campaign.ends_on < campaign.starts_on:
        yield Blocker("dates_reversed", _("The campaign ends before it starts."), "brief")
    if campaign.ends_on < on:
        yield Blocker(
            "dates_past",
            _("The campaign ended on %(day)s; move its dates.") % {"day": figures.day(campaign.ends_on)},
            "brief",
        )
    if not campaign.product.is_active:
        yield Blocker("product_off_sale", _("The product is no longer on sale."), "brief")


def _audience(campaign: Campaign, on: dt.date) -> Iterator[Blocker]:
    if not campaign.condition:
        yield Blocker("audience_missing", _("Say who it is for: the audience has no condition."), "audience")
        return
    try:
        audience_pieces(campaign.condition, campaign.profile_month or on, on)
    except Refused as refusal:
        yield Blocker("audience_invalid", str(refusal), "audience")


def _arms(campaign: Campaign, arms: list[Arm]) -> Iterator[Blocker]:
    if not arms:
        yield Blocker(
            "arms_missing", _("There is no arm: say what is offered and through which channel."), "arms"
        )
        return
    total = sum((arm.share for arm in arms), Decimal(0))
    if total != 1:
        yield Blocker(
            "shares",
            _("The shares of the arms add up to %(total)s %%, not 100 %%.") % {"total": f"{total * 100:.1f}"},
            "arms",
        )
    for arm in arms:
        yield from _arm(campaign, arm)


def _arm(campaign: Campaign, arm: Arm) -> Iterator[Blocker]:
    named = {"arm": arm.code}
    if arm.share <= 0:
        yield Blocker("arm_empty", _("Arm %(arm)s has no share of the customers.") % named, "arms")
    if arm.offer is None:
        yield Blocker("offer_missing", _("Arm %(arm)s has no offer.") % named, "arms")
        return
    if not arm.offer.script_open.strip() or not arm.offer.script_offer.strip():
        sentence = _("The offer of arm %(arm)s has no script: relationship managers cannot read it out.")
        yield Blocker("script_missing", sentence % named, "arms")
    if arm.offer.product_id != campaign.product_id:
        sentence = _("Arm %(arm)s offers another product than the campaign is judged by.")
        yield Blocker("offer_of_another_product", sentence % named, "arms")
    if arm.offer.valid_to and arm.offer.valid_to < campaign.ends_on:
        sentence = _("The offer of arm %(arm)s ends before the campaign does.")
        yield Blocker("offer_ends_early", sentence % named, "arms")
    if arm.offer.valid_from and arm.offer.valid_from > campaign.starts_on:
        sentence = _("The offer of arm %(arm)s is not valid yet when the campaign starts.")
        yield Blocker("offer_starts_late", sentence % named, "arms")


def _selection(campaign: Campaign) -> Iterator[Blocker]:
    selection = campaign.selection
    if selection is None:
        yield Blocker("not_selected", _("No customers have been selected yet."), "audience")
        return
    if selection.campaign_version != campaign.version:
        sentence = _("The campaign was changed since customers were selected; select again.")
        yield Blocker("selection_stale", sentence, "audience")
        return
    if not selection.targets_count:
        sentence = _("Nobody is left to be contacted; see who dropped out at which step.")
        yield Blocker("nobody_selected", sentence, "exclusions")
    yield from _money(campaign, selection)
    yield from _control(campaign, selection)


def _money(campaign: Campaign, selection: Selection) -> Iterator[Blocker]:
    cost = Decimal(str(selection.definition.get("forecast", {}).get("cost") or 0))
    if cost > campaign.budget:
        sentence = _("The contacts cost %(cost)s, the budget is %(budget)s.")
        named = {"cost": f"{cost:,.0f}", "budget": f"{campaign.budget:,.0f}"}
        yield Blocker("over_budget", sentence % named, "brief")


def _control(campaign: Campaign, selection: Selection) -> Iterator[Blocker]:
    forecast = selection.definition.get("forecast", {})
    if not campaign.control_share or not selection.control_count:
        sentence = _("There is no control group: no effect can be claimed afterwards.")
        yield Blocker("no_control", sentence, "control", WARNING)
    elif forecast.get("can_be_judged") is False:
        yield Blocker("cannot_be_judged", forecast["sentences"][-1], "control", WARNING)
    if campaign.success != Response.Kind.CONVERSION:
        sentence = _(
            "Judged by what only staff report: they report nothing of control, so no effect can be claimed. Judge by"
            " conversion to have one."
        )
        yield Blocker("outcome_only_reported", sentence, "control", WARNING)
    if selection.definition.get("ranking") == "score" and not campaign.exploration_share:
        sentence = _(
            "No contact is kept for exploration: from this campaign models learn only of customers they chose"
            " themselves."
        )
        yield Blocker("no_exploration", sentence, "exclusions", WARNING)
    if selection.definition.get("ranking") != "score":
        sentence = _("No model ranks the customers; the order is drawn.")
        yield Blocker("no_model", sentence, "audience", WARNING)


def _policy() -> Iterator[Blocker]:
    if not contact_policy.active_rules():
        sentence = _("No contact rule is in force: customers may be contacted any number of times.")
        yield Blocker("no_contact_rules", sentence, "exclusions", WARNING)
