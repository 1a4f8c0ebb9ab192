"""Every field the brief names in rows S1.1 to S1.6 and S1.8 is in the catalogue, complete."""

import pytest

from customers import fields
from customers.fields import Area, Basis, Origin, Personal
from customers.models import AssetClass

# What the brief names, in its words, and the fields that hold it.
NAMED = {
    "S1.1": {
        "age": ["age"],
        "gender": ["gender"],
        "education": ["education"],
        "income": ["monthly_income"],
        "marital status": ["marital_status"],
        "industry": ["industry"],
        "occupation": ["occupation"],
        "region": ["region", "city"],
        "credit limit": ["credit_limit"],
        "life stage": ["life_stage"],
    },
    "S1.2": {
        "first purchase": ["first_purchase_on"],
        "first contract": ["first_contract_on"],
        "first use": ["first_use_on"],
        "products held": ["held_products", "products_held"],
        "purchase channels": ["purchase_channels", "purchase_channel"],
        "purchase frequency": ["purchases_12m"],
        "product crossing": ["lines_held", "second_product_on"],
        "activity": ["activity", "last_transaction_on", "transactions_12m"],
    },
    "S1.3": {
        "nine asset classes": [asset_class.value for asset_class in AssetClass],
        "liabilities": ["liabilities", "loan_balance", "card_balance"],
        "contribution": ["contribution_12m", "margin_12m", "fees_12m", "cost_12m"],
        "tier": ["tier"],
        "asset total and personal-loan balance": ["aum", "aum_high_3m", "loan_balance", "loan_high_3m"],
    },
    "S1.4": {
        "product preference": ["preferred_product"],
        "channel preference": ["preferred_channel"],
        "risk preference": ["risk_preference"],
        "financial preference": ["financial_preference"],
    },
    "S1.5": {
        "churn, wealth management": ["churn_wealth"],
        "churn, personal loans": ["churn_loan"],
        "loyalty grade": ["loyalty_grade"],
    },
    "S1.6": {
        "transfer amounts": ["transfers_3m", "amount_in_3m", "amount_out_3m"],
        "counterparties": ["counterparties_3m", "top_counterparty"],
        "consumption by industry": [
            "top_merchant_category",
            "spend_food_3m",
            "spend_home_3m",
            "spend_travel_3m",
            "spend_health_3m",
            "spend_education_3m",
            "spend_leisure_3m",
            "spend_other_3m",
        ],
        "digital footprint by channel": ["online_3m", "mobile_3m", "phone_3m", "epayment_3m", "counter_3m"],
    },
    "S1.8": {
        "channel": ["acquisition_channel"],
        "partner": ["acquisition_partner"],
        "scene": ["acquisition_scene"],
        "cost": ["acquisition_cost"],
        "up-front fee income": ["upfront_fees"],
        "outstanding principal": ["principal_outstanding"],
        "overdue": ["overdue_days"],
        "deeper relationship": ["second_product_on", "products_held", "lines_held", "contribution_12m"],
    },
}
AREAS = {"S1.2": Area.BEHAVIOUR, "S1.4": Area.NEED, "S1.5": Area.ATTITUDE, "S1.6": Area.PORTRAIT}
ROWS = [(row, said, codes) for row, named in NAMED.items() for said, codes in named.items()]


@pytest.mark.parametrize(("row", "said", "codes"), ROWS, ids=[f"{row} {said}" for row, said, _ in ROWS])
def test_a_field_the_brief_names_is_in_the_catalogue_and_complete(row, said, codes):
    assert codes, said
    for code in codes:
        field = fields.get(code)
        assert str(field.label).strip()
        assert str(field.meaning).strip()
        assert field.source
        assert field.basis in Basis
        assert field.origin in Origin
        assert field.personal in Personal
        assert field.area == AREAS.get(row, field.area)


def test_there_are_nine_asset_classes():
    assert len(NAMED["S1.3"]["nine asset classes"]) == 9


def test_fields_that_a_model_gives_say_so():
    by_model = {code for code, field in fields.CATALOGUE.items() if field.origin == Origin.MODEL}
    likely = {
        f"likely_{what}{end}" for what in ("product", "channel", "risk", "finance") for end in ("", "_chance")
    }
    assert by_model == {"churn_wealth", "churn_loan", "loyalty_grade"} | likely


def test_only_what_a_file_brings_is_given_by_the_bank():
    for code, field in fields.CATALOGUE.items():
        if field.column:
            assert field.origin == Origin.GIVEN, code
        if field.source.startswith("p."):
            assert field.origin not in (Origin.GIVEN, Origin.STAFF), code


def test_measured_things_have_a_unit():
    for code in ("age", "tenure_months", "purchases_12m", "overdue_days", "transactions_3m", "churn_wealth"):
        assert str(fields.get(code).unit), code


def test_what_names_or_describes_a_person_is_marked_personal():
    for code in ("name", "birth_date", "age", "education", "monthly_income", "occupation", "life_stage"):
        assert fields.get(code).personal == Personal.PERSONAL, code
    for code in ("gender", "marital_status", "children", "phone", "identity_number", "spend_health_3m"):
        assert fields.get(code).personal == Personal.SENSITIVE, code
