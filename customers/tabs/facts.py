"""Tabs that list fields of the catalogue: behaviour, needs, attitude and loyalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from customers import kyc
from customers.fields import Area, Origin
from customers.models import CustomerProfile, Product
from customers.tabs.seen import Seen

# Said only of customers of whom it holds.
ONLY_WHEN_SO = frozenset({"birth_date_is_estimated", "phone_is_wrong", "is_employee", "closed_on"})
# The groups of the attributes tab; what is in none of them stands under "Relation to the bank".
PERSON = (
    "kind",
    "gender",
    "age",
    "birth_date",
    "birth_date_is_estimated",
    "marital_status",
    "children",
    "household",
    "life_stage",
    "region",
    "city",
)
MEANS = ("education", "industry", "occupation", "monthly_income", "credit_limit")


def attributes(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    """Who the customer is, what he or she lives on, and what ties him or her to the bank."""
    facts = kyc.facts(seen.customer, seen.month, [Area.ATTRIBUTE], {})
    said = {code: fact for code, fact in facts.items() if fact.value or code not in ONLY_WHEN_SO}
    known = {*PERSON, *MEANS}
    return {
        "groups": [
            (_("Person and household"), [said[code] for code in PERSON if code in said]),
            (_("Education, work and income"), [said[code] for code in MEANS if code in said]),
            (_("Relation to the bank"), [fact for code, fact in said.items() if code not in known]),
        ]
    }


def behaviour(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    names = dict(Product.objects.values_list("code", "name"))
    return {"facts": list(kyc.facts(seen.customer, seen.month, [Area.BEHAVIOUR], names).values())}


def needs(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    """What facts say; what models find likely comes as a panel with its date, chance and model."""
    facts = kyc.facts(seen.customer, seen.month, [Area.NEED], {}).values()
    return {"facts": [fact for fact in facts if fact.field.origin != Origin.MODEL]}


def loyalty(seen: Seen, _asked: Mapping[str, str]) -> dict[str, Any]:
    facts = kyc.facts(seen.customer, seen.month, [Area.ATTITUDE, Area.HISTORY], {})
    return {
        "facts": [fact for fact in facts.values() if fact.field.area == Area.ATTITUDE],
        "contacts": [fact for fact in facts.values() if fact.field.area == Area.HISTORY],
        "points": _loyalty_points(seen.profile),
        "rule": facts["loyalty_grade"].field.meaning,
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
