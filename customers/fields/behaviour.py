"""Behaviour (S1.2) and needs (S1.4)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from customers.fields.declaration import Area, Basis, Field, Origin, Reference, Type
from customers.grades import Activity, FinancialPreference, RiskPreference
from customers.models.products import ProductLine
from customers.models.transactions import Channel

CHANNELS = tuple(Channel.choices)
UNKNOWN_NEED = _("Too little behaviour or assets to show a preference")


def behaviour(code: str, label: Any, meaning: Any, kind: Type = Type.NUMBER, **rest: Any) -> Field:
    rest.setdefault("source", f"p.{code}")
    rest.setdefault("basis", Basis.HOLDINGS)
    rest.setdefault("origin", Origin.FACTS)
    return Field(code=code, label=label, meaning=meaning, area=Area.BEHAVIOUR, type=kind, **rest)


def need(code: str, label: Any, meaning: Any, choices: Any, **rest: Any) -> Field:
    return Field(
        code=code,
        label=label,
        meaning=meaning,
        area=Area.NEED,
        type=Type.CHOICE,
        source=f"p.{code}",
        choices=tuple(choices),
        origin=Origin.RULE,
        model_use=True,
        group=True,
        **rest,
    )


BEHAVIOUR = [
    behaviour(
        "first_contract_on",
        _("First contract"),
        _("Day of the first contract of any kind, accounts included."),
        Type.DATE,
    ),
    behaviour(
        "first_purchase_on",
        _("First purchase"),
        _("Day on which the first product other than a current account was bought."),
        Type.DATE,
    ),
    behaviour(
        "first_use_on",
        _("First use"),
        _("Day on which any product was first used."),
        Type.DATE,
    ),
    behaviour(
        "last_purchase_on",
        _("Last purchase"),
        _("Day of the latest purchase other than a current account."),
        Type.DATE,
        model_use=True,
        reasons={
            "high": _("Bought something as recently as %(value)s"),
            "low": _("Last bought on %(value)s"),
            "unknown": _("Has bought nothing but accounts yet"),
        },
    ),
    behaviour(
        "second_product_on",
        _("Second product"),
        _(
            "Day on which a second, different product was opened: when the relationship went beyond the first."
        ),
        Type.DATE,
    ),
    behaviour(
        "held_products",
        _("Products held"),
        _("Codes of the products held at the as-of date."),
        Type.LIST,
        reference=Reference.PRODUCT,
    ),
    behaviour(
        "products_held",
        _("Number of products"),
        _("Different products held at the as-of date."),
        model_use=True,
        reasons={
            "high": ngettext_lazy("Holds %(value)s product with us", "Holds %(value)s products with us", "n"),
            "low": ngettext_lazy("Holds only %(value)s product", "Holds only %(value)s products", "n"),
        },
    ),
    behaviour(
        "lines_held",
        _("Product lines"),
        _("Product crossing: different product lines held at the as-of date."),
        model_use=True,
        group=True,
        reasons={
            "high": ngettext_lazy("Uses %(value)s product line", "Uses %(value)s product lines", "n"),
            "low": ngettext_lazy(
                "Uses only %(value)s product line: room to cross-sell",
                "Uses only %(value)s product lines: room to cross-sell",
                "n",
            ),
        },
    ),
    behaviour(
        "purchases_12m",
        _("Purchases, 12 months"),
        _("How often the customer buys: products bought in the 12 months to the as-of date, accounts apart."),
        unit=_("times"),
        model_use=True,
        reasons={
            "high": ngettext_lazy("Bought once in 12 months", "Bought %(value)s times in 12 months", "n"),
            "low": ngettext_lazy(
                "Bought only once in 12 months", "Bought only %(value)s times in 12 months", "n"
            ),
        },
    ),
    behaviour(
        "purchase_channel",
        _("Purchase channel"),
        _("Channel of most purchases in 12 months, the latest when equal. Empty without a purchase."),
        Type.CHOICE,
        choices=CHANNELS,
        model_use=True,
        group=True,
        reasons={
            "high": _("Buys through %(value)s"),
            "low": _("Buys through %(value)s"),
            "unknown": _("Has bought nothing in 12 months"),
        },
    ),
    behaviour(
        "purchase_channels",
        _("Purchase channels"),
        _("Every channel through which something was bought in 12 months, current accounts apart."),
        Type.LIST,
        choices=CHANNELS,
        filter=False,
    ),
    behaviour(
        "activity",
        _("Activity"),
        _(
            "Days since the last transaction: active up to 30, occasional up to 90, quiet up to 365, else dormant."
        ),
        Type.CHOICE,
        basis=Basis.TRANSACTIONS,
        origin=Origin.RULE,
        choices=tuple(Activity.choices),
        model_use=True,
        group=True,
        reasons={"high": _("Account is %(value)s"), "low": _("Account is %(value)s")},
    ),
    behaviour(
        "last_transaction_on",
        _("Last transaction"),
        _("Day of the latest transaction within 12 months."),
        Type.DATE,
        basis=Basis.TRANSACTIONS,
        model_use=True,
        reasons={
            "high": _("Used the account on %(value)s"),
            "low": _("Last used the account on %(value)s"),
            "unknown": _("Has not used the account in 12 months"),
        },
    ),
    behaviour(
        "transactions_1m",
        _("Transactions, this month"),
        _("Bookings in the as-of month."),
        basis=Basis.TRANSACTIONS,
        unit=_("times"),
        model_use=True,
        reasons={
            "high": ngettext_lazy(
                "%(value)s transaction this month", "%(value)s transactions this month", "n"
            ),
            "low": ngettext_lazy(
                "Only %(value)s transaction this month", "Only %(value)s transactions this month", "n"
            ),
        },
    ),
    behaviour(
        "transactions_3m",
        _("Transactions, 3 months"),
        _("Bookings in the as-of month and the two before."),
        basis=Basis.TRANSACTIONS,
        unit=_("times"),
        model_use=True,
        reasons={
            "high": ngettext_lazy(
                "%(value)s transaction in 3 months", "%(value)s transactions in 3 months", "n"
            ),
            "low": ngettext_lazy(
                "Only %(value)s transaction in 3 months", "Only %(value)s transactions in 3 months", "n"
            ),
        },
    ),
    behaviour(
        "transactions_6m",
        _("Transactions, 6 months"),
        _("Bookings in the as-of month and the five before."),
        basis=Basis.TRANSACTIONS,
        unit=_("times"),
        model_use=True,
        reasons={
            "high": ngettext_lazy(
                "%(value)s transaction in 6 months", "%(value)s transactions in 6 months", "n"
            ),
            "low": ngettext_lazy(
                "Only %(value)s transaction in 6 months", "Only %(value)s transactions in 6 months", "n"
            ),
        },
    ),
    behaviour(
        "transactions_12m",
        _("Transactions, 12 months"),
        _("Bookings in the as-of month and the eleven before."),
        basis=Basis.TRANSACTIONS,
        unit=_("times"),
        model_use=True,
        reasons={
            "high": ngettext_lazy(
                "%(value)s transaction in 12 months", "%(value)s transactions in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Only %(value)s transaction in 12 months", "Only %(value)s transactions in 12 months", "n"
            ),
        },
    ),
]

NEEDS = [
    need(
        "preferred_product",
        _("Preferred product line"),
        _(
            "Product line of most purchases in 12 months, from two purchases on. Empty where there is not enough"
            " behaviour to say."
        ),
        ProductLine.choices,
        basis=Basis.HOLDINGS,
        reasons={"high": _("Prefers %(value)s"), "low": _("Prefers %(value)s"), "unknown": UNKNOWN_NEED},
    ),
    need(
        "preferred_channel",
        _("Preferred channel"),
        _(
            "Channel of most transactions in 12 months, from five transactions on; channel Other counts to the five and"
            " is never preferred. Empty where there is not enough behaviour to say."
        ),
        CHANNELS,
        basis=Basis.TRANSACTIONS,
        reasons={"high": _("Prefers %(value)s"), "low": _("Prefers %(value)s"), "unknown": UNKNOWN_NEED},
    ),
    need(
        "risk_preference",
        _("Risk preference"),
        _(
            "Share of funds, trust, securities and precious metal in assets, wealth management counted half: cautious"
            " below 10 %, balanced to 40 %, adventurous above. Empty below 1,000 of assets."
        ),
        RiskPreference.choices,
        basis=Basis.BALANCES,
        reasons={
            "high": _("Risk preference is %(value)s"),
            "low": _("Risk preference is %(value)s"),
            "unknown": UNKNOWN_NEED,
        },
    ),
    need(
        "financial_preference",
        _("Financial preference"),
        _(
            "Borrowing when liabilities exceed assets; money at hand when demand deposits are 60 % or more; else the"
            " largest of saving, investing and protection. Empty below 1,000 of assets and liabilities."
        ),
        FinancialPreference.choices,
        basis=Basis.BALANCES,
        reasons={"high": _("Leans to %(value)s"), "low": _("Leans to %(value)s"), "unknown": UNKNOWN_NEED},
    ),
]

FIELDS = [*BEHAVIOUR, *NEEDS]
