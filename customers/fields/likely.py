"""Needs (S1.4) as preference models see them: what is likely next, beside what the facts of the past say."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.fields.declaration import Area, Basis, Field, Origin, Type
from customers.grades import FinancialPreference, RiskPreference
from customers.models.products import ProductLine
from customers.models.transactions import Channel

# Channel Other is counted and never preferred.
CHANNELS = tuple((code, label) for code, label in Channel.choices if code != Channel.OTHER)


def likely(code: str, label: Any, meaning: Any, chance_label: Any, choices: Any, basis: Basis) -> list[Field]:
    """The likeliest answer of a preference model, and the chance it gives to it."""
    return [
        Field(
            code=code,
            label=label,
            meaning=meaning,
            area=Area.NEED,
            type=Type.CHOICE,
            source=f"p.{code}",
            choices=tuple(choices),
            basis=basis,
            origin=Origin.MODEL,
            group=True,
        ),
        Field(
            code=f"{code}_chance",
            label=chance_label,
            meaning=_("Modelled chance of the likeliest answer; empty without an answer."),
            area=Area.NEED,
            type=Type.NUMBER,
            unit="share",
            source=f"p.{code}_chance",
            basis=basis,
            origin=Origin.MODEL,
        ),
    ]


FIELDS = [
    *likely(
        "likely_product",
        _("Likely next product line"),
        _(
            "Likeliest product line of the next purchase, if there is one. Empty until a preference model is in use,"
            " and for customers with too little behaviour to tell."
        ),
        _("Chance of the product line"),
        ProductLine.choices,
        Basis.HOLDINGS,
    ),
    *likely(
        "likely_channel",
        _("Likely channel"),
        _(
            "Likeliest channel of most transactions to come. Empty until a preference model is in use, and for"
            " customers with too little behaviour to tell."
        ),
        _("Chance of the channel"),
        CHANNELS,
        Basis.TRANSACTIONS,
    ),
    *likely(
        "likely_risk",
        _("Likely risk preference"),
        _(
            "Likeliest risk preference at the end of the model's horizon, in order from cautious to adventurous. Empty"
            " until a preference model is in use, and for customers with too little behaviour to tell."
        ),
        _("Chance of the risk preference"),
        RiskPreference.choices,
        Basis.BALANCES,
    ),
    *likely(
        "likely_finance",
        _("Likely financial preference"),
        _(
            "Likeliest financial preference at the end of the model's horizon. Empty until a preference model is in"
            " use, and for customers with too little behaviour to tell."
        ),
        _("Chance of the financial preference"),
        FinancialPreference.choices,
        Basis.BALANCES,
    ),
]
