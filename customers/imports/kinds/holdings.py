"""Holdings and monthly balances."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.imports.kinds.declaration import Kind, Rule, Target, Type, of_model
from customers.models import Holding, ImportFile, MonthlyBalance

CUSTOMER = (
    "customer number",
    "customer id",
    "customer no",
    "cust id",
    "client id",
    "client num",
    "member id",
    "borrower id",
    "cif",
    "客户号",
    "客户编号",
    "客户ID",
    "customer key",
    "customer code",
    "cust no",
    "client no",
    "client number",
    "party id",
    "核心客户号",
    "客户代码",
)
PRODUCT = (
    "product code",
    "product id",
    "product name",
    "product type",
    "card category",
    "产品",
    "产品代码",
    "产品编号",
    "产品名称",
    "产品类型",
)


def customer_target(column: str = "customer_id") -> Target:
    return Target(
        name="customer",
        label=_("Customer number"),
        type=Type.CUSTOMER,
        column=column,
        required=True,
        synonyms=(*CUSTOMER, "number"),
    )


def product_target(*, required: bool = True) -> Target:
    return Target(
        name="product",
        label=_("Product"),
        type=Type.PRODUCT,
        column="product_id",
        required=required,
        synonyms=PRODUCT,
    )


HOLDINGS = Kind(
    code=ImportFile.Kind.HOLDINGS,
    model=Holding,
    targets=(
        of_model(
            Holding,
            "number",
            required=True,
            synonyms=(
                "contract",
                "contract id",
                "loan id",
                "loan number",
                "account",
                "account id",
                "account number",
                "card number",
                "合同号",
                "账号",
                "账户号",
                "合约号",
                "借据号",
                "id",
            ),
        ),
        customer_target(),
        product_target(),
        of_model(
            Holding,
            "opened_on",
            required=True,
            in_past=True,
            synonyms=(
                "opened",
                "open date",
                "start date",
                "issue d",
                "issue date",
                "issued",
                "loan date",
                "disbursement date",
                "开户日期",
                "开立日期",
                "放款日期",
                "起息日",
            ),
        ),
        of_model(
            Holding, "closed_on", in_past=True, synonyms=("closed", "close date", "销户日期", "结清日期")
        ),
        of_model(Holding, "first_used_on", in_past=True, synonyms=("first used", "首次使用日期")),
        of_model(Holding, "matures_on", synonyms=("maturity", "maturity date", "到期日", "到期日期")),
        of_model(
            Holding,
            "amount",
            synonyms=(
                "principal",
                "loan amnt",
                "loan amount",
                "funded amnt",
                "金额",
                "本金",
                "余额",
                "贷款金额",
            ),
        ),
        of_model(
            Holding,
            "instalment",
            synonyms=("installment", "payment", "payments", "monthly payment", "月供", "分期金额"),
        ),
        of_model(Holding, "channel", synonyms=("bought through", "渠道", "购买渠道")),
        of_model(Holding, "status", synonyms=("state", "状态")),
    ),
    key=("number",),
    rules=(
        Rule(
            code="dates_out_of_order",
            target="closed_on",
            sentence=_("The contract was closed before it was opened."),
            wrong="k.closed_on < k.opened_on",
            needs=("closed_on",),
        ),
        Rule(
            code="less_than_nothing",
            target="amount",
            sentence=_(
                "Only an account on demand can be overdrawn; this contract cannot be worth less than nothing."
            ),
            wrong="k.amount < 0 AND EXISTS (SELECT FROM customers_product sold WHERE sold.id = k.product"
            " AND sold.asset_class NOT IN ('', 'demand_deposit'))",
            needs=("amount",),
        ),
        Rule(
            code="due_before_opened",
            target="matures_on",
            sentence=_("The contract was due before it was opened."),
            wrong="k.matures_on < k.opened_on",
            needs=("matures_on",),
        ),
    ),
)
BALANCES = Kind(
    code=ImportFile.Kind.BALANCES,
    model=MonthlyBalance,
    targets=(
        of_model(
            MonthlyBalance,
            "month",
            type=Type.MONTH_END,
            required=True,
            # One month-end yet to come would move the day through which the whole bank has data.
            in_past=True,
            synonyms=("month end", "date", "月份", "月末", "日期"),
        ),
        customer_target(),
        product_target(),
        of_model(
            MonthlyBalance,
            "average",
            synonyms=("daily average", "average balance", "日均", "日均余额", "月日均"),
        ),
        of_model(
            MonthlyBalance,
            "closing",
            required=True,
            synonyms=("balance", "closing balance", "month-end balance", "余额", "月末余额", "时点余额"),
        ),
    ),
    key=("month", "customer", "product"),
    month_column="month",
    day="month",
)
