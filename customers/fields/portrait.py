"""The portrait drawn from transactions (S1.6), and the history of contacts and responses."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from customers.fields.declaration import Area, Basis, Field, Origin, Personal, Type
from customers.models.transactions import MerchantCategory


def portrait(code: str, label: Any, meaning: Any, kind: Type = Type.MONEY, **rest: Any) -> Field:
    rest.setdefault("model_use", True)
    return Field(
        code=code,
        label=label,
        meaning=meaning,
        area=Area.PORTRAIT,
        type=kind,
        source=f"p.{code}",
        basis=Basis.TRANSACTIONS,
        origin=Origin.FACTS,
        **rest,
    )


def history(code: str, label: Any, meaning: Any, kind: Type = Type.NUMBER, **rest: Any) -> Field:
    return Field(
        code=code,
        label=label,
        meaning=meaning,
        area=Area.HISTORY,
        type=kind,
        source=f"p.{code}",
        basis=Basis.CONTACTS,
        origin=Origin.FACTS,
        model_use=True,
        **rest,
    )


FLOWS = [
    portrait(
        "amount_in_1m",
        _("Money in, this month"),
        _("Sum of bookings in during the as-of month."),
        reasons={"high": _("%(value)s came in this month"), "low": _("Only %(value)s came in this month")},
    ),
    portrait(
        "amount_out_1m",
        _("Money out, this month"),
        _("Sum of bookings out during the as-of month."),
        reasons={"high": _("%(value)s went out this month"), "low": _("Only %(value)s went out this month")},
    ),
    portrait(
        "amount_in_3m",
        _("Money in, 3 months"),
        _("Sum of bookings in over three months."),
        reasons={
            "high": _("%(value)s came in over 3 months"),
            "low": _("Only %(value)s came in over 3 months"),
        },
    ),
    portrait(
        "amount_out_3m",
        _("Money out, 3 months"),
        _("Sum of bookings out over three months."),
        reasons={
            "high": _("%(value)s went out over 3 months"),
            "low": _("Only %(value)s went out over 3 months"),
        },
    ),
    portrait(
        "transfers_3m",
        _("Transfers, 3 months"),
        _("Transfers in and out, both counted as positive, over three months."),
        reasons={
            "high": _("Transfers of %(value)s in 3 months"),
            "low": _("Transfers of only %(value)s in 3 months"),
        },
    ),
    portrait(
        "salary_3m",
        _("Salary and pension, 3 months"),
        _("Salary and pension received over three months."),
        reasons={
            "high": _("Salary of %(value)s came in over 3 months"),
            "low": _("Salary of %(value)s came in over 3 months"),
        },
    ),
    portrait(
        "largest_in_3m",
        _("Largest inflow, 3 months"),
        _("The largest single booking in over three months."),
        reasons={"high": _("A single inflow of %(value)s"), "low": _("Largest inflow was %(value)s")},
    ),
    portrait(
        "counterparties_3m",
        _("Counterparties, 3 months"),
        _("Different counterparties of bookings over three months."),
        Type.NUMBER,
        reasons={
            "high": ngettext_lazy(
                "Deals with %(value)s counterparty", "Deals with %(value)s counterparties", "n"
            ),
            "low": ngettext_lazy(
                "Deals with only %(value)s counterparty", "Deals with only %(value)s counterparties", "n"
            ),
        },
    ),
    portrait(
        "top_counterparty",
        _("Main counterparty"),
        _(
            "Counterparty with the largest turnover over three months. A third person: shown, not used otherwise."
        ),
        Type.TEXT,
        personal=Personal.PERSONAL,
        model_use=False,
        filter=False,
        export=False,
    ),
    portrait(
        "top_merchant_category",
        _("Main merchant category"),
        _(
            "Category of the largest card spending over three months. It may tell of health: no model uses it."
        ),
        Type.CHOICE,
        choices=tuple(MerchantCategory.choices),
        model_use=False,
        group=True,
    ),
]

IN_CATEGORY = _("Spending in this merchant category over three months.")
SPENDING = [
    portrait(
        f"spend_{code}_3m",
        label,
        meaning,
        reasons={"high": high, "low": low},
    )
    for code, label, meaning, high, low in (
        (
            "food",
            _("Food, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on food in 3 months"),
            _("Spends only %(value)s on food in 3 months"),
        ),
        (
            "home",
            _("Home, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on the home in 3 months"),
            _("Spends only %(value)s on the home in 3 months"),
        ),
        (
            "travel",
            _("Travel, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on travel in 3 months"),
            _("Spends only %(value)s on travel in 3 months"),
        ),
        (
            "education",
            _("Education, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on education in 3 months"),
            _("Spends only %(value)s on education in 3 months"),
        ),
        (
            "leisure",
            _("Leisure, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on leisure in 3 months"),
            _("Spends only %(value)s on leisure in 3 months"),
        ),
        (
            "other",
            _("Other spending, 3 months"),
            _("Spending in the categories Other and Insurance together over three months."),
            _("Spends %(value)s on other things in 3 months"),
            _("Spends only %(value)s on other things in 3 months"),
        ),
    )
]
HEALTH = portrait(
    "spend_health_3m",
    _("Health, 3 months"),
    _("Spending on health over three months. Health is protected: neither filtered nor used by a model."),
    personal=Personal.SENSITIVE,
    model_use=False,
    filter=False,
    export=False,
)

FOOTPRINT = [
    portrait(
        f"{code}_3m",
        label,
        _("Transactions through this channel over three months."),
        Type.NUMBER,
        unit=_("times"),
        reasons={"high": high, "low": low},
    )
    for code, label, high, low in (
        (
            "online",
            _("Online bank, 3 months"),
            ngettext_lazy(
                "Used the online bank once in 3 months",
                "Used the online bank %(value)s times in 3 months",
                "n",
            ),
            ngettext_lazy(
                "Used the online bank only once in 3 months",
                "Used the online bank only %(value)s times in 3 months",
                "n",
            ),
        ),
        (
            "mobile",
            _("Mobile bank, 3 months"),
            ngettext_lazy(
                "Used the mobile bank once in 3 months",
                "Used the mobile bank %(value)s times in 3 months",
                "n",
            ),
            ngettext_lazy(
                "Used the mobile bank only once in 3 months",
                "Used the mobile bank only %(value)s times in 3 months",
                "n",
            ),
        ),
        (
            "phone",
            _("Phone bank, 3 months"),
            ngettext_lazy(
                "Used the phone bank once in 3 months", "Used the phone bank %(value)s times in 3 months", "n"
            ),
            ngettext_lazy(
                "Used the phone bank only once in 3 months",
                "Used the phone bank only %(value)s times in 3 months",
                "n",
            ),
        ),
        (
            "epayment",
            _("E-payment, 3 months"),
            ngettext_lazy(
                "Paid electronically once in 3 months", "Paid electronically %(value)s times in 3 months", "n"
            ),
            ngettext_lazy(
                "Paid electronically only once in 3 months",
                "Paid electronically only %(value)s times in 3 months",
                "n",
            ),
        ),
        (
            "counter",
            _("Counter, 3 months"),
            ngettext_lazy(
                "Came to the counter once in 3 months", "Came to the counter %(value)s times in 3 months", "n"
            ),
            ngettext_lazy(
                "Came to the counter only once in 3 months",
                "Came to the counter only %(value)s times in 3 months",
                "n",
            ),
        ),
    )
]

HISTORY = [
    history(
        "contacts_30d",
        _("Contacts, 30 days"),
        _("Contacts in the 30 days to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy("Contacted once in 30 days", "Contacted %(value)s times in 30 days", "n"),
            "low": ngettext_lazy(
                "Contacted only once in 30 days", "Contacted only %(value)s times in 30 days", "n"
            ),
        },
    ),
    history(
        "contacts_90d",
        _("Contacts, 90 days"),
        _("Contacts in the 90 days to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy("Contacted once in 90 days", "Contacted %(value)s times in 90 days", "n"),
            "low": ngettext_lazy(
                "Contacted only once in 90 days", "Contacted only %(value)s times in 90 days", "n"
            ),
        },
    ),
    history(
        "contacts_12m",
        _("Contacts, 12 months"),
        _("Contacts in the 12 months to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy(
                "Contacted once in 12 months", "Contacted %(value)s times in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Contacted only once in 12 months", "Contacted only %(value)s times in 12 months", "n"
            ),
        },
    ),
    history(
        "reached_12m",
        _("Reached, 12 months"),
        _("Contacts in 12 months in which the customer was reached."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy(
                "Was reached once in 12 months", "Was reached %(value)s times in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Was reached only once in 12 months", "Was reached only %(value)s times in 12 months", "n"
            ),
        },
    ),
    history(
        "last_contact_on",
        _("Last contact"),
        _("Day of the latest contact within 12 months."),
        Type.DATE,
        reasons={"high": _("Last contacted on %(value)s"), "low": _("Not contacted since %(value)s")},
    ),
    history(
        "last_refusal_on",
        _("Last refusal"),
        _("Day on which the customer last refused an offer."),
        Type.DATE,
        reasons={
            "high": _("Refused an offer on %(value)s"),
            "low": _("Last refused as long ago as %(value)s"),
        },
    ),
    history(
        "conversions_12m",
        _("Conversions, 12 months"),
        _("Campaigns in the 12 months to the as-of date whose objective the customer reached."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy(
                "Took up %(value)s offer in 12 months", "Took up %(value)s offers in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Took up %(value)s offer in 12 months", "Took up %(value)s offers in 12 months", "n"
            ),
        },
    ),
    history(
        "last_conversion_on",
        _("Last conversion"),
        _("Day of the latest conversion."),
        Type.DATE,
        reasons={"high": _("Took up an offer on %(value)s"), "low": _("Last took up an offer on %(value)s")},
    ),
]

FIELDS = [*FLOWS, *SPENDING, HEALTH, *FOOTPRINT, *HISTORY]
