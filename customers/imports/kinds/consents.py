"""Consents: what customers said about being contacted, as another system or the branch wrote it down."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext_lazy as _
from psycopg import sql

from customers import consents
from customers.imports.kinds.declaration import Kind, Rule, of_model
from customers.imports.kinds.holdings import customer_target
from customers.models import Consent, ConsentPurpose, ImportFile

SQL = sql.SQL


def silence(file: ImportFile, chunk: sql.Composable) -> None:
    """An objection that comes by a file ends the customer's open leads in the transaction that writes it."""
    with connection.cursor() as cursor:
        # Of a row that came too late for a newer word nothing follows.
        cursor.execute(
            SQL(
                "SELECT DISTINCT k.customer FROM {} AND k.is_objection AND EXISTS (SELECT FROM customers_consent t"
                " WHERE t.customer_id = k.customer AND t.channel = k.channel AND t.purpose = k.purpose"
                " AND t.is_objection)"
            ).format(chunk)
        )
        customers = [row[0] for row in cursor.fetchall()]
    consents.silence(customers, file.uploaded_by, f"import:{file.pk}")


def silence_again(file: ImportFile) -> None:
    """Objections that hold again because the file that withdrew them was taken back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT customer_id FROM customers_consentevent"
            " WHERE said = 'objects' AND at >= transaction_timestamp()"
        )
        customers = [row[0] for row in cursor.fetchall()]
    consents.silence(customers, file.uploaded_by, f"import:{file.pk}:undone")


KIND = Kind(
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
            "purpose",
            default=ConsentPurpose.MARKETING.value,
            synonyms=("consent purpose", "目的", "用途"),
            known=(
                ("全部", "all"),
                ("营销", "marketing"),
                ("个性化推荐", "profiling"),
                ("personalisation", "profiling"),
                ("调查", "survey"),
                ("共享", "partners"),
            ),
        ),
        of_model(
            Consent,
            "is_objection",
            required=True,
            synonyms=("objects", "objection", "opt out", "拒绝", "是否拒绝"),
        ),
        of_model(Consent, "since", required=True, in_past=True, synonyms=("date", "日期", "起始日期")),
        of_model(Consent, "source", synonyms=("来源",)),
        of_model(Consent, "evidence", synonyms=("proof", "reference", "凭证")),
    ),
    key=("customer", "channel", "purpose"),
    rules=(
        Rule(
            code="older_than_known",
            target="since",
            sentence=_("A later word of this customer on this channel is known already."),
            wrong="EXISTS (SELECT FROM customers_consent known WHERE known.customer_id = k.customer"
            " AND known.channel = k.channel AND known.purpose = k.purpose AND known.since > k.since)",
        ),
    ),
    dated_by="since",
    locks_customers=True,
    written=silence,
    undone=silence_again,
)
