"""Bookings and consents."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.imports.kinds.declaration import Kind, Rule, of_model
from customers.imports.kinds.holdings import customer_target
from customers.models import Consent, ImportFile, Transaction

TRANSACTIONS = Kind(
    code=ImportFile.Kind.TRANSACTIONS,
    model=Transaction,
    targets=(
        of_model(
            Transaction,
            "booked_on",
            required=True,
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
CONSENTS = Kind(
    code=ImportFile.Kind.CONSENTS,
    model=Consent,
    targets=(
        customer_target(),
        of_model(
            Consent,
            "channel",
            required=True,
            synonyms=("渠道",),
            known=(("全部", "all"), ("电话", "phone"), ("短信", "sms"), ("邮件", "email")),
        ),
        of_model(
            Consent,
            "is_objection",
            required=True,
            synonyms=("objects", "objection", "opt out", "拒绝", "是否拒绝"),
        ),
        of_model(Consent, "since", required=True, in_past=True, synonyms=("date", "日期", "起始日期")),
        of_model(Consent, "source", synonyms=("来源",)),
    ),
    key=("customer", "channel"),
    rules=(
        Rule(
            code="older_than_known",
            target="since",
            sentence=_("A later word of this customer on this channel is known already."),
            wrong="EXISTS (SELECT FROM customers_consent known WHERE known.customer_id = k.customer"
            " AND known.channel = k.channel AND known.since > k.since)",
        ),
    ),
)
