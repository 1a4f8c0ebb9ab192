"""Bookings."""

from __future__ import annotations

from customers.imports.kinds.declaration import Kind, of_model
from customers.imports.kinds.holdings import customer_target
from customers.models import ImportFile, Transaction

TRANSACTIONS = Kind(
    code=ImportFile.Kind.TRANSACTIONS,
    model=Transaction,
    targets=(
        of_model(
            Transaction,
            "booked_on",
            required=True,
            in_past=True,
            synonyms=("booked", "booking date", "date", "transaction date", "交易日期", "记账日期", "日期"),
        ),
        of_model(
            Transaction,
            "reference",
            required=True,
            synonyms=("transaction id", "trans id", "id", "流水号", "交易流水号"),
        ),
        customer_target(),
        of_model(
            Transaction,
            "holding_number",
            synonyms=("contract number", "account", "account number", "账号", "账户号"),
        ),
        of_model(Transaction, "amount", required=True, synonyms=("金额", "交易金额")),
        of_model(Transaction, "balance_after", synonyms=("balance", "余额", "交易后余额")),
        of_model(
            Transaction,
            "kind",
            synonyms=("transaction type", "type", "交易类型"),
            known=(
                ("工资", "salary"),
                ("养老金", "pension"),
                ("转账", "transfer"),
                ("现金", "cash"),
                ("刷卡", "card"),
                ("利息", "interest"),
                ("手续费", "fee"),
                ("还贷", "loan"),
            ),
        ),
        of_model(Transaction, "channel", synonyms=("渠道", "交易渠道")),
        of_model(Transaction, "hour", high=23, synonyms=("时", "小时")),
        of_model(Transaction, "merchant_category", synonyms=("category", "商户类别")),
        of_model(Transaction, "counterparty", synonyms=("对手方", "交易对手", "对方户名")),
        of_model(Transaction, "counterparty_bank", synonyms=("counterparty's bank", "对方银行", "对手行")),
    ),
    key=("booked_on", "reference"),
    month_column="booked_on",
)
