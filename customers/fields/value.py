"""Value (S1.3), attitude and loyalty (S1.5), consumer finance (S1.8)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from customers.fields.declaration import Area, Basis, Field, Origin, Reference, Type
from customers.grades import LoyaltyGrade
from customers.models.products import AssetClass


def value(code: str, label: Any, meaning: Any, kind: Type = Type.MONEY, **rest: Any) -> Field:
    rest.setdefault("source", f"p.{code}")
    rest.setdefault("basis", Basis.BALANCES)
    rest.setdefault("origin", Origin.FACTS)
    rest.setdefault("model_use", True)
    return Field(code=code, label=label, meaning=meaning, area=Area.VALUE, type=kind, **rest)


ASSET_REASONS = {
    AssetClass.DEMAND_DEPOSIT: (_("Keeps %(value)s on demand"), _("Keeps only %(value)s on demand")),
    AssetClass.TIME_DEPOSIT: (_("Holds time deposits of %(value)s"), _("Time deposits are %(value)s")),
    AssetClass.WEALTH_MANAGEMENT: (
        _("Holds wealth management of %(value)s"),
        _("Wealth management is %(value)s"),
    ),
    AssetClass.FUND: (_("Holds funds of %(value)s"), _("Funds are %(value)s")),
    AssetClass.TREASURY_BOND: (_("Holds treasury bonds of %(value)s"), _("Treasury bonds are %(value)s")),
    AssetClass.INSURANCE: (_("Holds insurance of %(value)s"), _("Insurance is %(value)s")),
    AssetClass.PRECIOUS_METAL: (_("Holds precious metal of %(value)s"), _("Precious metal is %(value)s")),
    AssetClass.TRUST: (_("Holds trust products of %(value)s"), _("Trust products are %(value)s")),
    AssetClass.SECURITIES_CUSTODY: (
        _("Holds securities of %(value)s in custody"),
        _("Securities in custody are %(value)s"),
    ),
}

ASSETS = [
    value(
        str(asset_class.value),
        asset_class.label,
        _(
            "Daily average of the month in this asset class: the bank's own, else computed from bookings that carry a"
            " balance, else half-way between the month-end balances."
        ),
        reasons=dict(zip(("high", "low"), ASSET_REASONS[asset_class], strict=True)),
    )
    for asset_class in AssetClass
]

TOTALS = [
    value(
        "aum",
        _("AUM"),
        _(
            "Assets under management: daily averages of the month, each asset class by its weight; a class that is"
            " switched off does not count."
        ),
        reasons={"high": _("Has %(value)s with us"), "low": _("Has only %(value)s with us")},
    ),
    value(
        "balances_on",
        _("Balances known to"),
        _(
            "The month-end through which every balance of the customer is known. A balance that did not come in and"
            " whose contract was not closed keeps its last month-end balance for three months and counts nothing after"
            " them; this day then stays behind the profile's. Empty where no balance of a year is known."
        ),
        Type.DATE,
        model_use=False,
    ),
    value(
        "aum_high_3m",
        _("Highest AUM, 3 months"),
        _(
            "The highest AUM of the month and the two before, or of the newest three months whose balances are known:"
            " what the tier is judged by."
        ),
        model_use=False,
    ),
    value(
        "aum_1m_ago",
        _("AUM 1 month ago"),
        _("AUM of the month before, by today's weights."),
        model_use=False,
    ),
    value(
        "aum_3m_ago",
        _("AUM 3 months ago"),
        _("AUM of the month three months before, by today's weights."),
        model_use=False,
    ),
    value(
        "aum_6m_ago",
        _("AUM 6 months ago"),
        _("AUM of the month six months before, by today's weights."),
        model_use=False,
    ),
    value(
        "aum_12m_ago",
        _("AUM 12 months ago"),
        _("AUM of the month twelve months before, by today's weights."),
        model_use=False,
    ),
    value(
        "aum_change_1m",
        _("AUM change, 1 month"),
        _("AUM now less AUM one month ago."),
        source="(p.aum - p.aum_1m_ago)",
        unit="change",
        change_of="aum",
        reasons={
            "high": _("Assets moved by %(value)s in one month"),
            "low": _("Assets moved by %(value)s in one month"),
        },
    ),
    value(
        "aum_change_3m",
        _("AUM change, 3 months"),
        _("AUM now less AUM three months ago."),
        source="(p.aum - p.aum_3m_ago)",
        unit="change",
        change_of="aum",
        reasons={
            "high": _("Assets moved by %(value)s in 3 months"),
            "low": _("Assets moved by %(value)s in 3 months"),
        },
    ),
    value(
        "aum_change_6m",
        _("AUM change, 6 months"),
        _("AUM now less AUM six months ago."),
        source="(p.aum - p.aum_6m_ago)",
        unit="change",
        change_of="aum",
        reasons={
            "high": _("Assets moved by %(value)s in 6 months"),
            "low": _("Assets moved by %(value)s in 6 months"),
        },
    ),
    value(
        "aum_change_12m",
        _("AUM change, 12 months"),
        _("AUM now less AUM twelve months ago."),
        source="(p.aum - p.aum_12m_ago)",
        unit="change",
        change_of="aum",
        reasons={
            "high": _("Assets moved by %(value)s in 12 months"),
            "low": _("Assets moved by %(value)s in 12 months"),
        },
    ),
    value(
        "loan_balance",
        _("Loans"),
        _("Daily average of the month owed on loans, cards apart: the personal-loan side of value and tier."),
        reasons={"high": _("Owes %(value)s on loans"), "low": _("Owes %(value)s on loans")},
    ),
    value(
        "loan_high_3m",
        _("Highest loans, 3 months"),
        _("The highest loan balance of the month and the two before: it too can give a tier."),
        model_use=False,
    ),
    value(
        "card_balance",
        _("Card balance"),
        _("Daily average of the month owed on credit cards."),
        reasons={"high": _("Owes %(value)s on cards"), "low": _("Owes %(value)s on cards")},
    ),
    value(
        "liabilities",
        _("Liabilities"),
        _("Loans and card balance together."),
        reasons={"high": _("Owes %(value)s in all"), "low": _("Owes only %(value)s in all")},
    ),
    value(
        "margin_12m",
        _("Margin, 12 months"),
        _(
            "Each month's daily average times the yearly margin of the product on the month's last day ÷ 12, loans and"
            " cards included."
        ),
        model_use=False,
    ),
    value(
        "fees_12m",
        _("Fees, 12 months"),
        _(
            "Bookings of kind fee, less fees paid back, and up-front fees of consumer-finance contracts opened."
        ),
        basis=Basis.SEVERAL,
        model_use=False,
    ),
    value(
        "cost_12m",
        _("Cost to serve, 12 months"),
        _("Every transaction and every contact times what one costs through its channel on that day."),
        basis=Basis.SEVERAL,
        model_use=False,
    ),
    value(
        "contribution_12m",
        _("Contribution, 12 months"),
        _("What the customer brought in 12 months: margin + fees − cost."),
        basis=Basis.SEVERAL,
        reasons={
            "high": _("Contributed %(value)s in 12 months"),
            "low": _("Contributed only %(value)s in 12 months"),
        },
    ),
    value(
        "tier",
        _("Tier"),
        _(
            "Best tier that AUM or the loan balance reached in the last three months: up at once, down only after"
            " three months below. A month whose balances are not known does not count as below."
        ),
        Type.CHOICE,
        origin=Origin.RULE,
        reference=Reference.TIER,
        group=True,
        reasons={"high": _("Is in tier %(value)s"), "low": _("Is in tier %(value)s")},
    ),
    value(
        "next_maturity_on",
        _("Next maturity"),
        _("Earliest day after the as-of date on which a deposit or investment matures."),
        Type.DATE,
        basis=Basis.HOLDINGS,
        agreed=True,
        reasons={
            "high": _("Next maturity on %(value)s"),
            "low": _("Next maturity on %(value)s"),
            "unknown": _("Nothing is to mature"),
        },
    ),
    value(
        "maturing_30d",
        _("Maturing in 30 days"),
        _("Deposits and investments that mature within 30 days after the as-of date."),
        basis=Basis.HOLDINGS,
        agreed=True,
        reasons={
            "high": _("%(value)s matures within 30 days"),
            "low": _("Only %(value)s matures within 30 days"),
        },
    ),
    value(
        "maturing_90d",
        _("Maturing in 90 days"),
        _("Deposits and investments that mature within 90 days after the as-of date."),
        basis=Basis.HOLDINGS,
        agreed=True,
        reasons={
            "high": _("%(value)s matures within 90 days"),
            "low": _("Only %(value)s matures within 90 days"),
        },
    ),
]

CONSUMER_FINANCE = [
    value(
        "upfront_fees",
        _("Up-front fees"),
        _("Fees taken up front on consumer-finance contracts opened up to the as-of date."),
        basis=Basis.CONSUMER_FINANCE,
        reasons={"high": _("Paid %(value)s in up-front fees"), "low": _("Paid %(value)s in up-front fees")},
    ),
    value(
        "principal_outstanding",
        _("Principal outstanding"),
        _("Principal outstanding on consumer-finance contracts, as last told by the as-of date."),
        basis=Basis.CONSUMER_FINANCE,
        reasons={
            "high": _("%(value)s outstanding on consumer finance"),
            "low": _("%(value)s outstanding on consumer finance"),
        },
    ),
    value(
        "overdue_days",
        _("Days overdue"),
        _("The longest overdue consumer-finance contract, as last told by the as-of date."),
        Type.NUMBER,
        basis=Basis.CONSUMER_FINANCE,
        unit=_("days"),
        reasons={
            "high": ngettext_lazy("%(value)s day overdue", "%(value)s days overdue", "n"),
            "low": ngettext_lazy("%(value)s day overdue", "%(value)s days overdue", "n"),
        },
    ),
]

ATTITUDE = [
    Field(
        code="churn_wealth",
        label=_("Churn, wealth management"),
        meaning=_("Modelled chance of leaving wealth management; empty until a churn model is in use."),
        area=Area.ATTITUDE,
        type=Type.NUMBER,
        unit="share",
        source="p.churn_wealth",
        basis=Basis.SEVERAL,
        origin=Origin.MODEL,
    ),
    Field(
        code="churn_loan",
        label=_("Churn, personal loans"),
        meaning=_(
            "Modelled chance of repaying loans early and leaving; empty until a churn model is in use."
        ),
        area=Area.ATTITUDE,
        type=Type.NUMBER,
        unit="share",
        source="p.churn_loan",
        basis=Basis.SEVERAL,
        origin=Origin.MODEL,
    ),
    Field(
        code="facts_grade",
        label=_("Loyalty by facts"),
        meaning=_(
            "A rule on facts, not a model: one point each for five years with us, three product lines, a transaction"
            " in 30 days, and assets not down by more than a fifth in three months. A: 4, B: 3, C: 2, D: fewer;"
            " none where no balance, contract or booking of the customer ever came in."
        ),
        area=Area.ATTITUDE,
        type=Type.CHOICE,
        source="p.facts_grade",
        basis=Basis.SEVERAL,
        origin=Origin.RULE,
        choices=tuple(LoyaltyGrade.choices),
        model_use=True,
        group=True,
        reasons={"high": _("Loyalty by facts %(value)s"), "low": _("Loyalty by facts %(value)s")},
    ),
    Field(
        code="loyalty_grade",
        label=_("Loyalty grade"),
        meaning=_(
            "Loyalty by facts, lowered by the higher chance of leaving that a churn model in use gives: from one and a"
            " half times the average of all it was computed for at best B, from twice C, from three times D."
        ),
        area=Area.ATTITUDE,
        type=Type.CHOICE,
        source="p.loyalty_grade",
        basis=Basis.SEVERAL,
        origin=Origin.MODEL,
        choices=tuple(LoyaltyGrade.choices),
        group=True,
    ),
    Field(
        code="objects_to",
        label=_("Objects to"),
        meaning=_("Channels the customer has objected to. Selection and push obey it on their own."),
        area=Area.ATTITUDE,
        type=Type.LIST,
        basis=Basis.CONSENTS,
        origin=Origin.GIVEN,
        source=(
            "ARRAY(SELECT o.channel::text FROM customers_consent o"
            " WHERE o.customer_id = c.id AND o.is_objection ORDER BY 1)"
        ),
        filter=False,
    ),
]

FIELDS = [*ASSETS, *TOTALS, *CONSUMER_FINANCE, *ATTITUDE]
