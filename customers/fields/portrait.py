"""The portrait drawn from transactions (S1.6)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from customers.fields.declaration import Area, Basis, Field, Origin, Personal, Type
from customers.models.transactions import MerchantCategory


def portrait(code: str, label: Any, meaning: Any, kind: Type = Type.MONEY, **rest: Any) -> Field:
    rest.setdefault("model_use", True)
    rest.setdefault("source", f"p.{code}")
    rest.setdefault("basis", Basis.TRANSACTIONS)
    return Field(
        code=code,
        label=label,
        meaning=meaning,
        area=Area.PORTRAIT,
        type=kind,
        origin=Origin.FACTS,
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
        "amount_in_6m",
        _("Money in, 6 months"),
        _("Sum of bookings in over six months."),
        reasons={
            "high": _("%(value)s came in over 6 months"),
            "low": _("Only %(value)s came in over 6 months"),
        },
    ),
    portrait(
        "amount_out_6m",
        _("Money out, 6 months"),
        _("Sum of bookings out over six months."),
        reasons={
            "high": _("%(value)s went out over 6 months"),
            "low": _("Only %(value)s went out over 6 months"),
        },
    ),
    portrait(
        "amount_in_12m",
        _("Money in, 12 months"),
        _("Sum of bookings in over twelve months."),
        reasons={
            "high": _("%(value)s came in over 12 months"),
            "low": _("Only %(value)s came in over 12 months"),
        },
    ),
    portrait(
        "amount_out_12m",
        _("Money out, 12 months"),
        _("Sum of bookings out over twelve months."),
        reasons={
            "high": _("%(value)s went out over 12 months"),
            "low": _("Only %(value)s went out over 12 months"),
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
        "salary_to_income",
        _("Salary and pension against stated income"),
        _(
            "Salary and pension of three months as a share of three times the monthly income the customer stated; above"
            " 100 % after a rise. Unknown without a stated income."
        ),
        Type.NUMBER,
        source="(CASE WHEN c.monthly_income > 0 THEN p.salary_3m / (3 * c.monthly_income) END)",
        unit="share",
        basis=Basis.SEVERAL,
        reasons={
            "high": _("Salary of %(value)s of the stated income"),
            "low": _("Salary of only %(value)s of the stated income"),
            "unknown": _("No stated income to hold the salary against"),
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
        reasons={"high": high, "low": low, "none": none},
    )
    for code, label, meaning, high, low, none in (
        (
            "food",
            _("Food, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on food in 3 months"),
            _("Spends only %(value)s on food in 3 months"),
            _("Spends nothing on food in 3 months"),
        ),
        (
            "home",
            _("Home, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on the home in 3 months"),
            _("Spends only %(value)s on the home in 3 months"),
            _("Spends nothing on the home in 3 months"),
        ),
        (
            "travel",
            _("Travel, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on travel in 3 months"),
            _("Spends only %(value)s on travel in 3 months"),
            _("Spends nothing on travel in 3 months"),
        ),
        (
            "education",
            _("Education, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on education in 3 months"),
            _("Spends only %(value)s on education in 3 months"),
            _("Spends nothing on education in 3 months"),
        ),
        (
            "leisure",
            _("Leisure, 3 months"),
            IN_CATEGORY,
            _("Spends %(value)s on leisure in 3 months"),
            _("Spends only %(value)s on leisure in 3 months"),
            _("Spends nothing on leisure in 3 months"),
        ),
        (
            "other",
            _("Other spending, 3 months"),
            _("Spending in the categories Other and Insurance together over three months."),
            _("Spends %(value)s on other things in 3 months"),
            _("Spends only %(value)s on other things in 3 months"),
            _("Spends nothing on other things in 3 months"),
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

FIELDS = [*FLOWS, *SPENDING, HEALTH, *FOOTPRINT]
