"""Files shaped like public data of banks, 200 rows each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from random import Random

ROWS = 200


def _file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()


def churn_modelling(dice: Random) -> bytes:
    head = (
        "RowNumber,CustomerId,Surname,CreditScore,Geography,Gender,Age,Tenure,Balance,NumOfProducts,HasCrCard,"
        "IsActiveMember,EstimatedSalary,Exited"
    ).split(",")
    rows = (
        [
            at,
            15_600_000 + at,
            dice.choice(["Hargrave", "Hill", "Onio", "Boni", "Chu"]) + str(at % 90),
            dice.randint(350, 850),
            dice.choice(["France", "Spain", "Germany"]),
            dice.choice(["Female", "Male"]),
            dice.randint(18, 80),
            dice.randint(0, 10),
            dice.choice([0, round(dice.uniform(1e4, 2e5), 2)]),
            dice.randint(1, 4),
            dice.randint(0, 1),
            dice.randint(0, 1),
            round(dice.uniform(1e4, 2e5), 2),
            int(dice.random() < 0.2),
        ]
        for at in range(1, ROWS + 1)
    )
    return _file(head, rows)


def bank_churners(dice: Random) -> bytes:
    head = (
        "CLIENTNUM,Attrition_Flag,Customer_Age,Gender,Dependent_count,Education_Level,Marital_Status,Income_Category,"
        "Card_Category,Months_on_book,Total_Relationship_Count,Credit_Limit,Total_Trans_Amt,Avg_Utilization_Ratio,"
        "Naive_Bayes_Classifier_1"
    ).split(",")
    rows = (
        [
            768_805_383 + at * 17,
            "Attrited Customer" if dice.random() < 0.16 else "Existing Customer",
            dice.randint(26, 70),
            dice.choice("MF"),
            dice.randint(0, 5),
            dice.choice(["High School", "Graduate", "Uneducated", "Unknown", "Doctorate"]),
            dice.choice(["Married", "Single", "Unknown", "Divorced"]),
            dice.choice(["$60K - $80K", "Less than $40K", "$120K +", "Unknown"]),
            dice.choice(["Blue", "Gold", "Silver", "Platinum"]),
            dice.randint(13, 56),
            dice.randint(1, 6),
            round(dice.uniform(1500, 34500), 1),
            dice.randint(510, 18000),
            round(dice.random(), 3),
            f"{dice.uniform(1e-5, 9e-5):.6e}",
        ]
        for at in range(ROWS)
    )
    return _file(head, rows)


def loan_approval(dice: Random) -> bytes:
    head = (
        "Loan_ID,Gender,Married,Dependents,Education,Self_Employed,ApplicantIncome,CoapplicantIncome,LoanAmount,"
        "Loan_Amount_Term,Credit_History,Property_Area,Loan_Status"
    ).split(",")
    rows = (
        [
            f"LP{1002 + at:06}",
            dice.choice(["Male", "Female", ""]),
            dice.choice(["Yes", "No"]),
            dice.choice(["0", "1", "2", "3+"]),
            dice.choice(["Graduate", "Not Graduate"]),
            dice.choice(["Yes", "No", ""]),
            dice.randint(1500, 20000),
            dice.choice([0.0, 1508.0, 2358.0]),
            dice.choice(["", dice.randint(40, 400)]),
            dice.choice([360.0, 180.0, ""]),
            dice.choice([1.0, 0.0, ""]),
            dice.choice(["Urban", "Rural", "Semiurban"]),
            dice.choice("YN"),
        ]
        for at in range(ROWS)
    )
    return _file(head, rows)


def facts_only() -> bytes:
    return b"customer_id,nps\nC1,7\nC2,3\nC3,10\n"
