"""The field catalogue declares every customer field once, and says what it may be used for."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from customers import dictionary, fields
from customers.fields import Personal, Type
from customers.management.commands import data_dictionary
from customers.models import Customer, CustomerProfile

pytestmark = pytest.mark.django_db

PROTECTED = {"gender", "marital_status", "children", "life_stage", "region", "city", "spend_health_3m"}
BOOKKEEPING = {"id", "source", "brought_by", "updated_at"}


def columns(model):
    return {field.column for field in model._meta.concrete_fields if getattr(field, "column", None)}


def test_every_column_of_a_profile_is_in_the_catalogue():
    # ``balances_before`` says of ``balances_on`` which classes it is about.
    assert columns(CustomerProfile) - {"month", "customer_id", "balances_before"} <= set(fields.CATALOGUE)


def test_every_column_of_a_customer_is_in_the_catalogue():
    sources = {field.source for field in fields.CATALOGUE.values()}
    assert {f"c.{column}" for column in columns(Customer) - BOOKKEEPING} <= sources


def test_every_source_is_sql_the_database_accepts():
    with connection.cursor() as cursor:
        for field in fields.CATALOGUE.values():
            cursor.execute(
                f"SELECT {field.source} FROM customers_customer c JOIN customers_customerprofile p ON TRUE LIMIT 0"
            )


def test_no_model_uses_what_the_law_protects_or_what_names_a_person():
    assert not PROTECTED & set(fields.for_models())
    assert all(field.personal != Personal.SENSITIVE for field in fields.for_models().values())
    assert {"age", "aum", "tenure_months"} <= set(fields.for_models())


def test_numbers_that_name_a_person_are_neither_filtered_nor_exported():
    for code in ("phone", "identity_number", "email", "birth_date", "top_counterparty"):
        assert code not in fields.filterable()
        assert code not in fields.exportable()


def test_an_import_can_fill_a_column_of_customer_and_no_computed_field():
    names = {field.name for field in Customer._meta.fields}
    assert {field.column for field in fields.importable().values()} <= names
    assert fields.importable()["branch"].column == "home_branch"
    assert "age" not in fields.importable()
    assert "phone_is_wrong" not in fields.importable()


def test_every_field_has_a_label_a_meaning_and_sentences_where_a_model_uses_it():
    for field in fields.CATALOGUE.values():
        assert str(field.label)
        assert len(str(field.meaning)) > 10
        assert not field.model_use or {"high", "low"} <= set(field.reasons) <= {
            "high",
            "low",
            "unknown",
            "none",
        }, field.code
        assert not field.change_of or field.change_of in fields.CATALOGUE


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("aum", Decimal("12960.40"), "¥12,960"),
        ("age", 51, "51"),
        ("education", "master", "Master or higher"),
        ("is_employee", False, "no"),
        ("held_products", ["a", "b"], "a, b"),
        ("held_products", [], "—"),
        ("churn_wealth", 0.314, "31\u00a0%"),
        ("industry", "", "—"),
        ("aum", None, "—"),
        ("aum", 0, "¥0"),
    ],
)
def test_values_read_as_people_write_them(code, value, shown):
    assert fields.get(code).display(value) == shown


def test_a_reason_is_a_sentence_with_the_value():
    assert fields.get("maturing_30d").reason(420000, high=True) == "¥420,000 matures within 30 days"
    assert fields.get("lines_held").reason(1, high=False) == "Uses only 1 product line: room to cross-sell"
    assert fields.get("contacts_12m").reason(1, high=True) == "Contacted once in 12 months"
    assert fields.get("contacts_12m").reason(2, high=True) == "Contacted 2 times in 12 months"
    assert fields.get("opened_on").reason(dt.date(2015, 3, 10), high=True) == "Customer since: 10 Mar 2015"


def test_a_code_stands_once():
    declared = [
        field.code for area in fields.Area for field in fields.CATALOGUE.values() if field.area == area
    ]
    assert len(declared) == len(set(declared)) == len(fields.CATALOGUE)
    assert all(field.type in Type for field in fields.CATALOGUE.values())


def test_the_data_dictionary_is_current_and_a_change_is_noticed(tmp_path, monkeypatch):
    call_command("data_dictionary", "--check")
    stale = tmp_path / "data-dictionary.md"
    stale.write_text(dictionary.text().replace("AUM", "assets", 1))
    monkeypatch.setattr(data_dictionary, "PATH", stale)
    with pytest.raises(CommandError, match="out of date"):
        call_command("data_dictionary", "--check")
