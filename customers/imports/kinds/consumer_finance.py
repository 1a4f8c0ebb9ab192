"""Consumer-finance contracts, each row the state of one contract as of one day (S1.8)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers import consumer_finance
from customers.imports.kinds.declaration import Kind, Rule, of_model
from customers.imports.kinds.holdings import customer_target
from customers.models import ConsumerFinanceState, ImportFile

KIND = Kind(
    code=ImportFile.Kind.CONSUMER_FINANCE,
    model=ConsumerFinanceState,
    targets=(
        of_model(
            ConsumerFinanceState,
            "number",
            required=True,
            synonyms=("contract", "loan number", "contract id", "合同号", "借据号", "合约号"),
        ),
        customer_target(),
        of_model(
            ConsumerFinanceState,
            "as_of",
            required=True,
            in_past=True,
            synonyms=("as of", "date", "state date", "month end", "数据日期", "截止日期"),
        ),
        of_model(
            ConsumerFinanceState,
            "opened_on",
            required=True,
            in_past=True,
            synonyms=("opened", "start date", "disbursed", "放款日期", "起始日期"),
        ),
        of_model(ConsumerFinanceState, "partner", synonyms=("merchant", "合作方", "商户")),
        of_model(ConsumerFinanceState, "scene", synonyms=("scenario", "purpose", "场景", "用途")),
        of_model(
            ConsumerFinanceState,
            "upfront_fee",
            low=0,
            empty=0,
            synonyms=("fee", "up-front fee", "手续费", "前收手续费"),
        ),
        of_model(
            ConsumerFinanceState,
            "principal",
            required=True,
            low=0,
            synonyms=("loan amount", "本金", "贷款金额"),
        ),
        of_model(
            ConsumerFinanceState,
            "principal_outstanding",
            required=True,
            low=0,
            synonyms=("outstanding", "balance", "剩余本金", "本金余额"),
        ),
        of_model(
            ConsumerFinanceState, "overdue_days", synonyms=("overdue", "days past due", "dpd", "逾期天数")
        ),
    ),
    key=("number", "as_of"),
    rules=(
        Rule(
            code="dates_out_of_order",
            target="opened_on",
            sentence=_("The contract was opened after the day its state is of."),
            wrong="k.opened_on > k.as_of",
        ),
        Rule(
            code="more_than_principal",
            target="principal_outstanding",
            sentence=_("More is outstanding than the principal."),
            wrong="k.principal_outstanding > k.principal",
        ),
        Rule(
            code="other_customer",
            target="customer",
            sentence=_("The contract is known as another customer's."),
            wrong="EXISTS (SELECT FROM customers_consumerfinancecontract known"
            " WHERE known.number = k.number AND known.customer_id <> k.customer)",
        ),
    ),
    written=consumer_finance.derive,
    undone=consumer_finance.derive_again,
)
