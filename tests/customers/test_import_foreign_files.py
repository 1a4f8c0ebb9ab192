"""Files shaped like public data of other banks come in through the mapping page, without code."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from customers.imports import sniffing
from customers.models import Customer, Holding, ImportFile, MonthlyBalance
from tests.cast import Cast, login
from tests.customers.import_page_steps import bring_in, draft, field_of, filled, upload, word_of, work
from tests.customers.imports_world import product, rejects

pytestmark = pytest.mark.django_db
DAY = {"effective_on": "2024-11-30"}

CHURN = (
    b"RowNumber,CustomerId,Surname,CreditScore,Geography,Gender,Age,Tenure,Balance,NumOfProducts,HasCrCard,"
    b"IsActiveMember,EstimatedSalary,Exited\n"
    b"1,15634602,Hargrave,619,France,Female,42,2,0,1,1,1,101348.88,1\n"
    b"2,15647311,Hill,608,Spain,Female,41,1,83807.86,1,0,1,112542.58,0\n"
    b"3,15619304,Onio,502,France,Male,42,8,159660.8,3,1,0,113931.57,1\n"
)
CARDS = (
    b'"CLIENTNUM","Attrition_Flag","Customer_Age","Gender","Dependent_count","Education_Level","Marital_Status",'
    b'"Income_Category","Card_Category","Months_on_book","Credit_Limit"\n'
    b'768805383,"Existing Customer",45,"M",3,"High School","Married","$60K - $80K","Blue",39,12691.0\n'
    b'818770008,"Attrited Customer",49,"F",5,"Graduate","Single","Less than $40K","Blue",44,8256.0\n'
    b'713982108,"Existing Customer",51,"M",3,"Unknown","Unknown","Unknown","Gold",36,3418.0\n'
    b'769911858,"Existing Customer",40,"F",4,"Doctorate","Divorced","$120K +","Blue",34,3313.0\n'
)
LOANS = (
    b"loan_id,cust_id,loan_amnt,term,int_rate,installment,issue_d,emp_length,annual_inc,addr_state,loan_status\n"
    b"1077501,1296599,5000, 36 months,10.65%,162.87,Dec-2011,10+ years,24000.0,AZ,Fully Paid\n"
    b"1077430,1314167,2500, 60 months,15.27%,59.83,Nov-2011,< 1 year,30000.0,GA,Charged Off\n"
)
CHINESE = (
    "客户号,姓名,证件号码,手机号,性别,出生日期,学历,婚姻,开户日期,网点,月收入\n"
    "8800001,王芳,11010519491231002X,138 1234 2291,女,1949年12月31日,本科,已婚,2020/3/1,N1,￥12,000\n"
    "8800002,李雷,110105194912310038,+86-13812342292,男,19491231,硕士,未知,2019.12.31,N1,8000元\n"
).replace("￥12,000", '"￥12,000"')


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def test_a_churn_file_comes_in_as_the_page_proposes_it(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, CHURN, name="Churn_Modelling.csv")
    file = bring_in(client, page, filled(page) | DAY | {"constant_branch": "N1"})
    assert (file.state, file.accepted, file.rejected) == (ImportFile.State.MERGED, 3, 0)
    gone = Customer.objects.get(number="15634602")
    assert (gone.name, gone.region, gone.gender) == ("Hargrave", "France", "female")
    assert (gone.birth_date, gone.opened_on) == (dt.date(1982, 5, 30), dt.date(2022, 11, 30))
    assert (gone.closed_on, gone.monthly_income) == (dt.date(2024, 11, 30), Decimal("8445.74"))
    assert gone.home_branch == cast.tree.n1
    assert Customer.objects.get(number="15647311").closed_on is None


def test_who_left_already_keeps_the_day_when_a_later_file_says_so_again(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, CHURN)
    bring_in(client, page, filled(page) | DAY)
    later = upload(client, CHURN.replace(b",0\n", b",1\n"), name="december.csv")
    bring_in(client, later, filled(later) | {"effective_on": "2024-12-31"})
    days = dict(Customer.objects.values_list("number", "closed_on"))
    assert days["15634602"] == dt.date(2024, 11, 30)
    assert days["15647311"] == dt.date(2024, 12, 31)


def test_a_card_file_says_its_words_and_bands_and_names_nobody(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, CARDS, name="BankChurners.csv")
    told = filled(page) | DAY | {"constant_name": "Customer {CLIENTNUM}"}
    assert told[word_of(page, "Income_Category", "$60K - $80K")] == "70000"
    assert told[word_of(page, "Education_Level", "Unknown")] == "="
    file = bring_in(client, page, told)
    assert (file.accepted, rejects(file)) == (4, [])
    first = Customer.objects.get(number="768805383")
    assert (first.name, first.gender, first.children) == ("Customer 768805383", "male", 3)
    assert (first.education, first.marital_status) == ("secondary", "married")
    assert (first.monthly_income, first.credit_limit) == (Decimal("5833.33"), Decimal(12691))
    assert first.opened_on == dt.date(2024, 11, 30) - dt.timedelta(days=1187)
    assert Customer.objects.get(number="818770008").closed_on == dt.date(2024, 11, 30)
    third = Customer.objects.get(number="713982108")
    assert (third.education, third.marital_status, third.monthly_income) == ("", "", None)


def test_a_word_without_a_meaning_leaves_its_rows_out_and_is_counted_on_the_page(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, CARDS.replace(b"Doctorate", b"Magister"))
    assert "1 word of the file has no meaning yet" in page.content.decode()
    told = filled(page) | DAY | {"constant_name": "Customer {CLIENTNUM}"}
    file = bring_in(client, page, told)
    assert rejects(file) == [(5, "Education_Level", "unknown_value")]


def test_a_word_deep_in_the_file_is_asked_for_once_the_check_met_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sniffing, "SAMPLE_ROWS", 2)
    client = login(cast.ada)
    page = upload(client, b"number,name,sex\nC1,A,m\nC2,B,m\nC3,C,x\nC4,D,x\n")
    file = page.context["file"]
    client.post(reverse("import-map", args=[file.pk]), filled(page))
    work()
    again = client.get(reverse("import-map", args=[file.pk]))
    assert "2 words" in again.content.decode()
    told = filled(again) | {word_of(again, "sex", "x"): "female"}
    file = bring_in(client, again, told)
    assert (file.accepted, file.rejected) == (4, 0)
    assert Customer.objects.filter(gender="female").count() == 2


def test_a_loan_file_gives_contracts_and_their_customers(cast: Cast) -> None:
    product("loan")
    client = login(cast.ada)
    page = upload(client, LOANS, name="loans.csv")
    told = filled(page) | {"constant_name": "Borrower {cust_id}", field_of(page, "loan_id"): ""}
    people = bring_in(client, page, told)
    assert (people.accepted, people.rejected) == (2, 0)
    assert Customer.objects.get(number="1296599").monthly_income == Decimal(2000)
    page = upload(client, LOANS, kind="holdings", name="loans.csv")
    told = filled(page) | {"constant_product": "loan"}
    assert told[field_of(page, "issue_d", "form")] == "mon"
    told[field_of(page, "loan_status")] = ""
    contracts = bring_in(client, page, told)
    assert (contracts.accepted, contracts.rejected) == (2, 0)
    loan = Holding.objects.get(number="1077501")
    assert (loan.customer.number, loan.amount, loan.instalment) == ("1296599", 5000, Decimal("162.87"))
    assert loan.opened_on == dt.date(2011, 12, 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_chinese_core_file_needs_no_hand(cast: Cast, encoding: str) -> None:
    client = login(cast.ada)
    page = upload(client, CHINESE.encode(encoding), name="客户.csv")
    text = page.content.decode()
    assert "11010519491231002X" not in text
    assert "138 1234 2291" not in text
    assert "13812342292" not in text
    told = filled(page)
    assert told[word_of(page, "婚姻", "未知")] == "="
    file = bring_in(client, page, told)
    assert rejects(file) == []
    wang, li = Customer.objects.order_by("number")
    assert (wang.name, wang.phone, wang.gender) == ("王芳", "13812342291", "female")
    assert (wang.birth_date, wang.opened_on) == (dt.date(1949, 12, 31), dt.date(2020, 3, 1))
    assert (wang.monthly_income, wang.education, wang.marital_status) == (12000, "bachelor", "married")
    assert (li.phone, li.opened_on, li.monthly_income) == ("13812342292", dt.date(2019, 12, 31), 8000)


def test_an_identity_number_is_held_against_birthday_and_gender(cast: Cast) -> None:
    client = login(cast.ada)
    data = CHINESE.replace("1949年12月31日", "1950-12-31").replace("男", "女").encode()
    page = upload(client, data)
    file = bring_in(client, page, filled(page))
    assert (file.accepted, file.rejected) == (2, 0)
    assert rejects(file) == [(2, "出生日期", "another_birthday"), (3, "性别", "another_gender")]
    text = client.get(reverse("import-detail", args=[file.pk])).content.decode()
    assert "Goes in, but look at it" in text
    assert "Identity number says another gender" in text
    assert "The identity number says 1949-12-31, this column 1950-12-31. The row goes in" in text
    assert Customer.objects.get(number="8800001").birth_date == dt.date(1950, 12, 31)


def test_a_change_of_meaning_shows_what_it_asks_and_saves_nothing(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, b"number,name,when,how\nC1,A,31/12/2024,m\nC2,B,30/11/2024,f\nC3,C,29/11/2024,f\n")
    file = ImportFile.objects.get()
    told = filled(page) | {field_of(page, "when"): "opened_on", field_of(page, "how"): "gender"}
    body = draft(client, file, told)
    assert body.context["form"]["form_2"].value() == "dmy"
    assert [bound.value() for _word, _count, bound in body.context["rows"][3].words] == ["female", "male"]
    file.refresh_from_db()
    assert file.mapping["when"] == ""
    told = filled(page) | {bound.html_name: bound.value() or "" for bound in body.context["form"]}
    bring_in(client, page, told)
    assert Customer.objects.get(number="C1").opened_on == dt.date(2024, 12, 31)


def test_an_identifier_made_of_the_line_is_for_files_without_one(cast: Cast) -> None:
    client = login(cast.ada)
    page = upload(client, b"age,job\n30,admin\n40,technician\n")
    told = filled(page) | DAY | {"constant_name": "Client {line}", "constant_number": "all the same"}
    refused = client.post(reverse("import-map", args=[ImportFile.objects.get().pk]), told)
    assert "Every row would be the same one" in refused.content.decode()
    bring_in(client, page, told | {"constant_number": "BM-{line}"})
    assert list(Customer.objects.order_by("number").values_list("number", "name")) == [
        ("BM-2", "Client 2"),
        ("BM-3", "Client 3"),
    ]


def test_one_file_gives_customers_and_their_balances(cast: Cast) -> None:
    product("savings")
    client = login(cast.ada)
    page = upload(client, CHURN, name="Churn_Modelling.csv")
    file = bring_in(client, page, filled(page) | DAY)
    again = client.post(reverse("import-again", args=[file.pk]), {"kind": "balances"}, follow=True)
    told = filled(again) | {
        "effective_on": "2024-11-30",
        "constant_month": "2024-11-30",
        "constant_product": "savings",
        "constant_average": "{Balance}",
        field_of(again, "Balance"): "closing",
    }
    balances = bring_in(client, again, told)
    assert (balances.kind, balances.accepted, balances.rejected) == ("balances", 3, 0)
    balance = MonthlyBalance.objects.get(customer__number="15647311")
    assert (balance.average, balance.closing) == (Decimal("83807.86"), Decimal("83807.86"))
    refused = login(cast.ana).post(reverse("import-again", args=[file.pk]), {"kind": "staff"})
    assert refused.status_code in (403, 404)
    assert login(cast.ada).post(reverse("import-again", args=[file.pk]), {"kind": "no"}).status_code == 403
