"""What banks call their columns: proposed by name, without a hand; what no field has may become an own field."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from customers.imports import own_proposing, proposing, sampling, values
from customers.imports.kinds import KINDS

CUSTOMERS = KINDS["customers"]
# Headings of public churn, loan and card files and of core systems, each with what it is proposed as.
HEADINGS = {
    "Client no": "number",
    "CustomerId": "number",
    "CLIENTNUM": "number",
    "客户内码": "number",
    "Surname": "name",
    "客户名": "name",
    "Opening date": "opened_on",
    "Member since": "opened_on",
    "首次开户日期": "opened_on",
    "Tenure": "opened_on:years",
    "Months_on_book": "opened_on:months",
    "Email": "email",
    "邮箱地址": "email",
    "ApplicantIncome": "monthly_income",
    "月收入(元)": "monthly_income",
    "EstimatedSalary": "monthly_income:annual",
    "Annual income (USD)": "monthly_income:annual",
    "Married": "marital_status",
    "是否已婚": "marital_status",
    "Dependents": "children",
    "Dependent_count": "children",
    "Education": "education",
    "受教育程度": "education",
    "Geography": "region",
    "Customer_Age": "birth_date:age",
    "周岁": "birth_date:age",
    "Exited": "closed_on:left",
    "Churn Label": "closed_on:left",
    "Attrition_Flag": "closed_on:left",
    "Card limit": "credit_limit",
    "授信金额": "credit_limit",
    "开户行": "branch",
    "支行名称": "branch",
    "Branch name": "branch",
    "身份证件号码": "identity_number",
    "移动电话": "phone",
    "管户人": "primary_rm",
}


def proposed(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    return proposing.propose(CUSTOMERS, sampling.columns(headings, rows))


def test_headings_of_banks_are_known_in_both_languages() -> None:
    # Each in a file of its own: two headings of one field would take it from each other.
    found = {heading: proposed([heading], [["a"], ["b"]])[heading] for heading in HEADINGS}
    assert found == HEADINGS


def test_a_unit_that_changes_the_figure_is_not_passed_over() -> None:
    assert set(proposed(["月收入(万元)", "Income (thousands)"], [["1", "2"]]).values()) == {""}


def test_yes_and_no_are_words_of_a_column_called_married_and_digits_are_asked_about() -> None:
    target = CUSTOMERS.target("marital_status")
    said = {word: values.understood(target, word) for word in ("Yes", "No", "否", "1", "0")}
    assert said == {"Yes": "married", "No": "single", "否": "single", "1": None, "0": None}


@pytest.mark.parametrize("rows", [3, 30])
def test_a_loan_id_names_the_customer_where_nothing_else_does(rows: int) -> None:
    cells = [[f"LP{at:06}", "Male", str(at)] for at in range(rows)]
    assert proposed(["Loan_ID", "Gender", "LoanAmount"], cells)["Loan_ID"] == "number"
    assert proposed(["Loan_ID", "Client no"], [[row[0], row[2]] for row in cells]) == {
        "Loan_ID": "",
        "Client no": "number",
    }


def test_an_identifier_that_repeats_is_no_key() -> None:
    assert proposed(["Loan_ID"], [["LP1"], ["LP1"], ["LP2"]]) == {"Loan_ID": ""}


@pytest.mark.parametrize("heading", ["LoanAmount", "Credit_History", "Property_Area", "Total_Trans_Amt"])
def test_what_no_field_has_is_proposed_as_an_own_field(heading: str) -> None:
    cells = {"Property_Area": ["Urban", "Rural"], "Credit_History": ["1", "0"]}.get(heading, ["128", "66.5"])
    column = sampling.columns([heading], [[cells[at % 2]] for at in range(30)])[0]
    assert proposed([heading], [[cell] for cell in cells]) == {heading: ""}
    assert own_proposing.guess(column).why == ""


@pytest.mark.parametrize(
    ("unit", "headings"),
    [
        (
            "months",
            ["tenure months", "Months_Inactive", "Term (months)", "months_since_last_call", "在网月数"],
        ),
        ("days", ["days_past_due", "NumberOfDays", "Waiting days"]),
        ("years", ["Years of credit history", "Age (year)", "工作年限"]),
        (
            "money",
            [
                *("Previous month end balance", "Current month credit", "Previous month debit", "LoanAmount"),
                *("BILL_AMT1", "Total_Trans_Amt", "average_balance_12_months", "AvgSalary", "存款余额"),
            ],
        ),
        (
            "",
            [
                *("Contacts_Count_12_mon", "calls last 12 months", "Month of birth", "Credit score", "Age"),
                *("Total_Amt_Chng_Q4_Q1", "debt_to_income", "payments count", "number of credit", "day"),
            ],
        ),
    ],
)
def test_a_unit_is_proposed_only_where_the_heading_is_of_it(unit: str, headings: list[str]) -> None:
    cells = [[f"{128 + 37 * at}.5"] for at in range(30)]
    found = {heading: own_proposing.guess(sampling.columns([heading], cells)[0]).unit for heading in headings}
    assert found == dict.fromkeys(headings, unit)
