"""What each column of a profile is computed from: one SQL expression per column, in the aliases of ``profile_sql``."""

from customers import life_stage, tiering
from customers.profile_sql import ASSET_CLASSES, CHANNELS, SPENDING

ACTIVITY = """CASE
    WHEN y.last_on > %(day)s - 30 THEN 'active'
    WHEN y.last_on > %(day)s - 90 THEN 'occasional'
    WHEN y.last_on IS NOT NULL THEN 'quiet'
    ELSE 'dormant' END"""


def largest(alias: str, columns: dict[str, str]) -> str:
    """The code of the largest positive column, the first by name of equal ones so that a rebuild says the same."""
    ordered = sorted(columns.items())
    whens = " ".join(f"WHEN {alias}.{column} THEN '{code}'" for code, column in ordered)
    values = ", ".join(f"{alias}.{column}" for _code, column in ordered)
    return f"CASE greatest({values}, 0) WHEN 0 THEN '' {whens} ELSE '' END"


PREFERRED_CHANNEL = f"CASE WHEN y.n >= 5 THEN {largest('y', {code: code for code in CHANNELS})} ELSE '' END"
TOP_MERCHANT_CATEGORY = largest("q", {code: f"spend_{code}" for code in (*SPENDING, "other")})

RISK_PREFERENCE = """CASE
    WHEN x.assets < 1000 THEN ''
    WHEN x.risky + coalesce(b.wealth_management, 0) / 2 < 0.1 * x.assets THEN 'cautious'
    WHEN x.risky + coalesce(b.wealth_management, 0) / 2 <= 0.4 * x.assets THEN 'balanced'
    ELSE 'adventurous' END"""

FINANCIAL_PREFERENCE = """CASE
    WHEN x.assets + x.liabilities < 1000 THEN ''
    WHEN x.liabilities > x.assets THEN 'borrowing'
    WHEN b.demand_deposit >= 0.6 * x.assets THEN 'liquidity'
    WHEN x.saving >= z.investing AND x.saving >= b.insurance THEN 'saving'
    WHEN z.investing >= b.insurance THEN 'investing'
    ELSE 'protection' END"""

# Of whom no balance, contract or booking ever came in is not at risk: nothing is known of such a customer.
FACTS_GRADE = """CASE WHEN x.balances_on IS NULL AND h.codes IS NULL AND y.last_on IS NULL THEN ''
    ELSE (ARRAY['D', 'D', 'C', 'B', 'A'])[1
    + (coalesce(x.tenure, 0) >= 60)::int + (coalesce(h.lines, 0) >= 3)::int
    + coalesce(y.last_on > %(day)s - 30, false)::int
    + (coalesce(b.aum, 0) > 0 AND b.aum >= 0.8 * coalesce(x.aum_3m_ago, 0))::int] END"""


def zero(expression: str) -> str:
    return f"coalesce({expression}, 0)"


def empty(expression: str) -> str:
    return f"coalesce({expression}, '')"


COLUMNS: dict[str, str] = {
    "month": "%(day)s::date",
    "customer_id": "c.id",
    "age": "x.age",
    "tenure_months": "x.tenure",
    "life_stage": life_stage.SQL,
    "first_purchase_on": "h.first_purchase",
    "first_contract_on": "h.first_contract",
    "first_use_on": "h.first_use",
    "last_purchase_on": "h.last_purchase",
    "held_products": "coalesce(h.codes, '{}')",
    "products_held": "coalesce(cardinality(h.codes), 0)",
    "lines_held": zero("h.lines"),
    "purchases_12m": zero("h.bought"),
    "purchase_channels": "coalesce(h.channels, '{}')",
    "second_product_on": "s.second_on",
    "purchase_channel": empty("u.channel"),
    "activity": ACTIVITY,
    "last_transaction_on": "y.last_on",
    "transactions_1m": zero("q.n_1m"),
    "transactions_3m": zero("q.n"),
    "transactions_6m": zero("y.n_6m"),
    "transactions_12m": zero("y.n"),
    **{code: zero(f"b.{code}") for code in ASSET_CLASSES},
    "aum": zero("b.aum"),
    "aum_high_3m": "x.aum_high",
    "aum_1m_ago": "coalesce(g.aum_1m_ago, e.aum_1m_ago, 0)",
    "aum_3m_ago": "coalesce(g.aum_3m_ago, e.aum_3m_ago, 0)",
    "aum_6m_ago": "coalesce(g.aum_6m_ago, e.aum_6m_ago, 0)",
    "aum_12m_ago": "coalesce(g.aum_12m_ago, e.aum_12m_ago, 0)",
    "loan_balance": zero("b.loan"),
    "loan_high_3m": "x.loan_high",
    "card_balance": zero("b.card"),
    "liabilities": "x.liabilities",
    "margin_12m": "x.margin",
    "fees_12m": "x.fees",
    "cost_12m": "x.cost",
    "contribution_12m": "x.margin + x.fees - x.cost",
    "balances_on": "x.balances_on",
    "balances_before": "coalesce(g.classes, '{}')",
    "tier": tiering.TIER_SQL,
    "next_maturity_on": "h.next_maturity",
    "maturing_30d": zero("h.due_30"),
    "maturing_90d": zero("h.due_90"),
    "preferred_product": empty("u.line"),
    "preferred_channel": PREFERRED_CHANNEL,
    "risk_preference": RISK_PREFERENCE,
    "financial_preference": FINANCIAL_PREFERENCE,
    "facts_grade": FACTS_GRADE,
    "loyalty_grade": FACTS_GRADE,  # until ``attitude.fill`` knows the churn chances of the month
    "amount_in_1m": zero("q.in_1m"),
    "amount_out_1m": zero("q.out_1m"),
    "amount_in_3m": zero("q.in_3m"),
    "amount_out_3m": zero("q.out_3m"),
    "amount_in_6m": zero("y.in_6m"),
    "amount_out_6m": zero("y.out_6m"),
    "amount_in_12m": zero("y.in_12m"),
    "amount_out_12m": zero("y.out_12m"),
    "transfers_3m": zero("q.transfers"),
    "salary_3m": zero("q.salary"),
    "largest_in_3m": zero("q.largest"),
    "counterparties_3m": zero("w.number"),
    "top_counterparty": empty("w.counterparty"),
    "top_merchant_category": TOP_MERCHANT_CATEGORY,
    **{f"spend_{code}_3m": zero(f"q.spend_{code}") for code in (*SPENDING, "other")},
    **{f"{code}_3m": zero(f"q.{code}") for code in CHANNELS},
    "upfront_fees": zero("f.fees"),
    "principal_outstanding": zero("f.outstanding"),
    "overdue_days": zero("f.overdue"),
    "contacts_30d": zero("k.n_30d"),
    "contacts_90d": zero("k.n_90d"),
    "contacts_180d": zero("k.n_180d"),
    "contacts_12m": zero("k.n_12m"),
    "reached_12m": zero("k.reached"),
    "last_contact_on": "k.last_on",
    "last_refusal_on": "r.last_refusal",
    "conversions_12m": zero("r.conversions"),
    "last_conversion_on": "r.last_conversion",
}
