"""A campaign's definition and its changes in words: field names and values as people read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from analytics import audience, audience_text, conditions
from analytics.models import Audience, PredictiveModel
from bankcrm import figures
from bankcrm.models import User
from campaigns.models import Campaign, Change, MarketingPlan, Offer
from customers.fields import Reference
from customers.models import ContactChannel, Product, Response

# A state of a campaign as a pill: (tone, icon).
STATE_TONES: dict[str, tuple[str, str]] = {
    Campaign.State.DRAFT: ("", "pencil"),
    Campaign.State.SUBMITTED: ("warn", "clock"),
    Campaign.State.APPROVED: ("ok", "shield-check"),
    Campaign.State.RUNNING: ("act", "player-play"),
    Campaign.State.CLOSED: ("", "check"),
    Campaign.State.CANCELLED: ("", "ban"),
    Campaign.State.IMPORTED: ("", "file-import"),
}
_ROWS = {"product": Product, "plan": MarketingPlan, "owner": User, "model": PredictiveModel}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after, as text."""

    label: str
    before: str
    after: str


class Wording:
    """Looks up every name a set of changes mentions, once, whatever their number."""

    def __init__(self, changes: Iterable[Mapping[str, Any]]) -> None:
        listed = [dict(change) for change in changes]
        self.rows = {name: self._names(model, name, listed) for name, model in _ROWS.items()}
        arms = [
            arm
            for change in listed
            for side in change.get("arms", ())
            if isinstance(side, list)
            for arm in side
        ]
        offers = {arm["offer"] for arm in arms if isinstance(arm, dict) and arm.get("offer")}
        self.offers = dict(Offer.objects.filter(pk__in=offers).values_list("pk", "name")) if offers else {}
        self.names = self._condition_names() if any("condition" in change for change in listed) else {}

    def _names(self, model: Any, name: str, listed: list[dict[str, Any]]) -> dict[int, str]:
        ids = {value for change in listed for value in change.get(name, ()) if isinstance(value, int)}
        return {row.pk: str(row) for row in model.objects.filter(pk__in=ids)} if ids else {}

    def _condition_names(self) -> dict[str, str]:
        names = {f"audience:{pk}": name for pk, name in Audience.objects.values_list("pk", "name")}
        names |= {f"model:{code}": name for code, name in PredictiveModel.objects.values_list("code", "name")}
        for reference in (Reference.BRANCH, Reference.PRODUCT, Reference.TIER):
            names |= {f"{reference}:{code}": n for code, n in audience.reference_names(reference).items()}
        return names

    def fields(self, change: Mapping[str, Any]) -> list[FieldChange]:
        """Every changed field of one change."""
        return [
            FieldChange(self._label(name), self.value(name, pair[0]), self.value(name, pair[1]))
            for name, pair in change.items()
            if isinstance(pair, list) and len(pair) == 2
        ]

    def _label(self, name: str) -> str:
        known = {"arms": _("arms"), "recalled": _("leads recalled"), "owner": _("owner"), "salt": _("draw")}
        if name in known:
            return known[name]
        return str(getattr(Campaign._meta.get_field(name), "verbose_name", name))

    def value(self, name: str, value: Any) -> str:
        """A stored value of a field as text."""
        if value is None or value in ("", [], {}):
            return figures.NONE
        if name in _ROWS:
            return self.rows[name].get(value, f"#{value}")
        write = {
            "condition": self._condition,
            "arms": self._arms,
            "control_share": lambda share: figures.pct(float(share)),
            "exploration_share": lambda share: figures.pct(float(share)),
            "budget": lambda amount: figures.money(float(amount)),
            "minimum_value": lambda amount: figures.money(float(amount)),
            "capacity": figures.number,
            "starts_on": _day,
            "ends_on": _day,
            "profile_month": _day,
            "success": lambda kind: str(dict(Response.Kind.choices).get(kind, kind)),
        }.get(name, str)
        return str(write(value))

    def _condition(self, value: Any) -> str:
        return audience_text.describe(conditions.read(value).tree, self.names)

    def _arms(self, arms: list[dict[str, Any]]) -> str:
        channels = dict(ContactChannel.choices)
        return "; ".join(
            _("%(code)s: %(offer)s by %(channel)s, %(share)s")
            % {
                "code": arm["code"],
                "offer": self.offers.get(arm["offer"], figures.NONE),
                "channel": channels.get(arm["channel"], arm["channel"]),
                "share": figures.pct(float(arm["share"]), 0),
            }
            for arm in arms
        )


def _day(value: str) -> str:
    return figures.short_day(dt.date.fromisoformat(value))


def merged(changes: Iterable[Change]) -> dict[str, list[Any]]:
    """Several changes, oldest first, as one: the first value before and the last one after, where they differ."""
    found: dict[str, list[Any]] = {}
    for change in changes:
        for name, (before, after) in change.fields.items():
            found[name] = [found[name][0] if name in found else before, after]
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}
