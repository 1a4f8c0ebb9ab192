"""The tabs of Customer-360: what each one reads, as the context of its fragment."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from bankcrm import clock, figures
from bankcrm.models import User
from customers import fields, kyc, tiering, timeline
from customers.fields import Area, Type
from customers.models import AssetClass, Customer, CustomerProfile, Holding, Product, TierRule
from customers.models.transactions import Channel, MerchantCategory

ENTRY_TEXT: dict[str, tuple[str, Any]] = {
    "opened": ("shopping-cart", gettext_lazy("Opened %(what)s")),
    "closed": ("circle-x", gettext_lazy("Closed %(what)s")),
    "contact_phone": ("phone", gettext_lazy("Call %(what)s")),
    "contact_meeting": ("users", gettext_lazy("Meeting %(what)s")),
    "contact_sms": ("message", gettext_lazy("SMS %(what)s")),
    "contact_email": ("mail", gettext_lazy("E-mail %(what)s")),
    "contact_app": ("device-mobile", gettext_lazy("App message %(what)s")),
    "contact_letter": ("mail", gettext_lazy("Letter %(what)s")),
    "response_visit": ("building-bank", gettext_lazy("Visited after %(what)s")),
    "response_interest": ("thumb-up", gettext_lazy("Showed interest in %(what)s")),
    "response_conversion": ("circle-check", gettext_lazy("Took up the offer of %(what)s")),
    "response_refusal": ("thumb-down", gettext_lazy("Refused the offer of %(what)s")),
    "assigned": ("target", gettext_lazy("Selected for %(what)s")),
    "control": ("scale", gettext_lazy("In the control group of %(what)s")),
    "objection": ("hand-stop", gettext_lazy("Objected to: %(what)s")),
    "consent": ("check", gettext_lazy("Agreed to: %(what)s")),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Whose page it is and who looks at it, with what every tab needs."""

    user: User
    customer: Customer
    month: dt.date | None
    profile: CustomerProfile | None
    tiers: list[TierRule]
    today: dt.date

    @property
    def tier_names(self) -> dict[str, str]:
        return {rule.code: rule.name for rule in self.tiers}


def look(user: User, customer: Customer, month: dt.date | None) -> Seen:
    profile = CustomerProfile.objects.filter(month=month, customer=customer).first() if month else None
    return Seen(user, customer, month, profile, list(tiering.rules_at(month or dt.date.max)), clock.today())


def overview(seen: Seen, _until: dt.date) -> dict[str, Any]:
    past = kyc.history(seen.customer, seen.month)
    held = kyc.holdings(seen.customer, seen.today)
    classes = _classes(seen, past, held)
    touched = [row for row in classes if row["amount"] or row["change"] or row["due"]]
    return {
        "chart": _aum_chart(past),
        "threshold": _threshold(seen),
        "classes": touched,
        "nothing_in": ", ".join(str(row["label"]).lower() for row in classes if row not in touched),
        "change": _change(past),
        "entries": [
            _entry(entry, seen.today.year)
            for entry in timeline.timeline(seen.user, seen.customer, seen.today, 8)
        ],
    }


def value(seen: Seen, _until: dt.date) -> dict[str, Any]:
    held = kyc.holdings(seen.customer, seen.today)
    facts = kyc.facts(seen.customer, seen.month, [Area.VALUE], seen.tier_names)
    kept = [fact for code, fact in facts.items() if code not in kyc.ASSETS]
    return {"facts": kept, "holdings": held, "peers": _peer_rows(seen), "today": seen.today}


def behaviour(seen: Seen, _until: dt.date) -> dict[str, Any]:
    names = dict(Product.objects.values_list("code", "name"))
    facts = kyc.facts(seen.customer, seen.month, [Area.BEHAVIOUR, Area.ATTRIBUTE], names)
    return {
        "facts": [fact for fact in facts.values() if fact.field.area == Area.BEHAVIOUR],
        "attributes": [fact for fact in facts.values() if fact.field.area == Area.ATTRIBUTE],
    }


def needs(seen: Seen, _until: dt.date) -> dict[str, Any]:
    return {"facts": list(kyc.facts(seen.customer, seen.month, [Area.NEED], {}).values())}


def loyalty(seen: Seen, _until: dt.date) -> dict[str, Any]:
    facts = kyc.facts(seen.customer, seen.month, [Area.ATTITUDE, Area.HISTORY], {})
    return {
        "facts": [fact for fact in facts.values() if fact.field.area == Area.ATTITUDE],
        "contacts": [fact for fact in facts.values() if fact.field.area == Area.HISTORY],
        "points": _loyalty_points(seen.profile),
        "churn_known": any(facts[code].value is not None for code in ("churn_wealth", "churn_loan")),
    }


def portrait(seen: Seen, _until: dt.date) -> dict[str, Any]:
    facts = kyc.facts(seen.customer, seen.month, [Area.PORTRAIT], {})
    spending = {
        str(MerchantCategory(code.removeprefix("spend_").removesuffix("_3m")).label): fact.value or 0
        for code, fact in facts.items()
        if code.startswith("spend_")
    }
    channels = {
        str(channel.label): facts[f"{channel.value}_3m"].value or 0
        for channel in Channel
        if channel != Channel.OTHER
    }
    drawn = {f"spend_{code}_3m" for code in MerchantCategory.values} | {
        f"{code}_3m" for code in Channel.values
    }
    return {
        "facts": [fact for code, fact in facts.items() if code not in drawn],
        "spending": _bars(spending),
        "channels": _bars(channels),
    }


def past(seen: Seen, until: dt.date) -> dict[str, Any]:
    entries = timeline.timeline(seen.user, seen.customer, until, timeline.MOST + 1)
    older = entries[timeline.MOST].day if len(entries) > timeline.MOST else None
    return {
        "entries": [_entry(entry, seen.today.year) for entry in entries[: timeline.MOST]],
        "older": older,
        "until": until,
    }


# name in the URL → (label, what it reads)
TABS: dict[str, tuple[Any, Callable[[Seen, dt.date], dict[str, Any]]]] = {
    "overview": (gettext_lazy("Overview"), overview),
    "value": (gettext_lazy("Value"), value),
    "behaviour": (gettext_lazy("Behaviour"), behaviour),
    "needs": (gettext_lazy("Needs"), needs),
    "loyalty": (gettext_lazy("Loyalty"), loyalty),
    "portrait": (gettext_lazy("Portrait"), portrait),
    "history": (gettext_lazy("History"), past),
}


def _aum_chart(past_months: list[CustomerProfile]) -> list[dict[str, Any]]:
    points = [(date_format(one.month, pgettext("date", "M y")), float(one.aum)) for one in past_months]
    return [{"label": _("AUM"), "points": points}] if len(points) > 1 else []


def _change(past_months: list[CustomerProfile]) -> Any:
    year = [
        profile for profile in past_months if profile.month <= past_months[-1].month - dt.timedelta(days=360)
    ]
    return past_months[-1].aum - year[-1].aum if year else None


def _threshold(seen: Seen) -> list[dict[str, Any]]:
    """The next tier's threshold as a mark of the chart; none at the top or too far away to draw."""
    if seen.profile is None:
        return []
    ranks = {rule.code: rule.rank for rule in seen.tiers}
    rank = ranks.get(seen.profile.tier)
    above = [rule for rule in seen.tiers if rank is None or rule.rank < rank]
    if not above or above[-1].minimum_aum > 2 * seen.profile.aum:
        return []
    return [{"y": float(above[-1].minimum_aum), "label": above[-1].name}]


def _classes(seen: Seen, past_months: list[CustomerProfile], held: list[Holding]) -> list[dict[str, Any]]:
    """One row per asset class: amount, share of assets and the peers', change in 12 months, what matures next."""
    profile = seen.profile
    if profile is None:
        return []
    peers = kyc.peers(profile)
    total = sum(getattr(profile, code) for code in kyc.ASSETS)
    year = [one for one in past_months if one.month <= profile.month - dt.timedelta(days=360)]
    coming: dict[str, list[Holding]] = defaultdict(list)
    for one in held:
        if one.matures_on and one.matures_on >= seen.today:
            coming[one.product.asset_class].append(one)
    rows = []
    for asset_class in AssetClass:
        amount = getattr(profile, asset_class.value)
        due = coming.get(asset_class.value)
        rows.append(
            {
                "label": asset_class.label,
                "amount": amount,
                "share": amount / total if total else None,
                "peer": peers.shares.get(asset_class.value),
                "change": amount - getattr(year[-1], asset_class.value) if year else None,
                "due": due[0] if due else None,
            }
        )
    return rows


def _peer_rows(seen: Seen) -> dict[str, Any] | None:
    if seen.profile is None:
        return None
    peers = kyc.peers(seen.profile)
    rows = []
    for code in kyc.PEER_AVERAGES:
        entry = fields.get(code)
        average = peers.averages[code]
        peer = entry.display(average) if entry.type == Type.MONEY else figures.number(average, 1)
        rows.append({"label": entry.label, "own": entry.display(getattr(seen.profile, code)), "peer": peer})
    return {
        "rows": rows,
        "count": peers.count,
        "band": peers.band,
        "tier": seen.tier_names.get(seen.profile.tier),
    }


def _loyalty_points(profile: CustomerProfile | None) -> list[dict[str, Any]]:
    """The four facts behind the grade, as the profile's rule counts them."""
    if profile is None:
        return []
    recent = (
        profile.last_transaction_on is not None and (profile.month - profile.last_transaction_on).days < 30
    )
    return [
        {"text": _("Five years with us"), "met": (profile.tenure_months or 0) >= 60},
        {"text": _("Three product lines"), "met": profile.lines_held >= 3},
        {"text": _("A transaction within 30 days"), "met": recent},
        {
            "text": _("Assets not down by more than a fifth in three months"),
            "met": profile.aum > 0 and profile.aum * 5 >= profile.aum_3m_ago * 4,
        },
    ]


def _bars(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a bar table, largest first, with shares of the total."""
    total = sum(values.values())
    rows = [
        {"label": label, "value": number, "share": number / total if total else None}
        for label, number in values.items()
    ]
    return sorted(rows, key=lambda row: -row["value"])


def _entry(entry: timeline.Entry, this_year: int) -> dict[str, Any]:
    icon, text = ENTRY_TEXT.get(entry.kind, ("point", gettext_lazy("%(what)s")))
    meta = [entry.detail.replace("_", " ")] if entry.detail else []
    if entry.amount and entry.kind in ("opened", "response_conversion"):
        meta.append(figures.money(entry.amount))
    return {
        "when": figures.short_day(entry.day)
        if entry.day.year == this_year
        else date_format(entry.day, "M Y"),
        "icon": icon,
        "text": (text % {"what": entry.what}).strip(),
        "meta": " · ".join(meta),
    }
