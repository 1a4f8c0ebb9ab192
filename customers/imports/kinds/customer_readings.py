"""Other ways a file may say a day or an amount of a customer: an age, years with the bank, a flag, a year's income."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.imports.kinds.declaration import Reading, Type

GONE = (
    ("attrited customer", "yes"),
    ("churned", "yes"),
    ("exited", "yes"),
    ("closed", "yes"),
    ("left", "yes"),
    ("流失", "yes"),
    ("已流失", "yes"),
    ("已销户", "yes"),
    ("销户", "yes"),
    ("existing customer", "no"),
    ("existing", "no"),
    ("retained", "no"),
    ("active", "no"),
    ("open", "no"),
    ("stayed", "no"),
    ("正常", "no"),
    ("未流失", "no"),
)
# Who has left already keeps the day; a file that still says "left" a month later does not move it.
LEFT = (
    "CASE WHEN {v} THEN LEAST({as_of}, (SELECT known.closed_on FROM customers_customer known"
    " WHERE known.number = q.t_number)) END"
)
# A date of birth that is known already and fits stays: the same age in next month's file is no other day.
FITS = (
    "COALESCE((SELECT known.birth_date FROM customers_customer known WHERE known.number = q.t_number"
    " AND extract(year FROM {known}) = {{v}}), {otherwise})"
)
READINGS: dict[str, tuple[Reading, ...]] = {
    "birth_date": (
        Reading(
            code="age",
            label=_("the age in years"),
            type=Type.INTEGER,
            low=0,
            high=120,
            # Half a year before the birthday that age counts from: the age holds on the day of the file, and the
            # error of the estimate is at most six months.
            value=FITS.format(
                known="age({as_of}, known.birth_date)",
                otherwise="({as_of} - make_interval(years => {v}, months => 6))::date",
            ),
            is_estimate=True,
            synonyms=(
                "age",
                "customer age",
                "client age",
                "age years",
                "age in years",
                "current age",
                "person age",
                "年龄",
                "客户年龄",
                "周岁",
                "年龄(周岁)",
            ),
        ),
        Reading(
            code="year",
            label=_("the year of birth"),
            type=Type.INTEGER,
            low=1900,
            high=2100,
            value=FITS.format(known="known.birth_date", otherwise="make_date({v}, 7, 1)"),
            is_estimate=True,
            synonyms=("birth year", "year of birth", "yob", "year birth", "出生年份", "出生年"),
        ),
    ),
    "opened_on": (
        Reading(
            code="months",
            label=_("the months with the bank"),
            type=Type.DECIMAL,
            low=0,
            high=1200,
            places=2,
            value="({as_of} - make_interval(days => round({v} * 30.4375)::int))::date",
            synonyms=(
                "months on book",
                "tenure months",
                "months with bank",
                "mob",
                "months as customer",
                "customer months",
                "relationship months",
                "在行月数",
                "账龄",
            ),
        ),
        Reading(
            code="years",
            label=_("the years with the bank"),
            type=Type.DECIMAL,
            low=0,
            high=100,
            places=2,
            value="({as_of} - make_interval(days => round({v} * 365.25)::int))::date",
            synonyms=(
                "tenure",
                "tenure years",
                "years with bank",
                "customer tenure",
                "years as customer",
                "relationship years",
                "在行年限",
                "开户年限",
                "客户年限",
            ),
        ),
        Reading(
            code="days",
            label=_("the days with the bank"),
            type=Type.DECIMAL,
            low=0,
            high=36600,
            places=2,
            value="({as_of} - {v}::int)::date",
            synonyms=("tenure days", "days with bank", "在行天数"),
        ),
    ),
    "closed_on": (
        Reading(
            code="left",
            label=_("yes for customers who left"),
            type=Type.FLAG,
            known=GONE,
            value=LEFT,
            synonyms=(
                "exited",
                "churn",
                "is churn",
                "churn flag",
                "churn label",
                "churn value",
                "is churned",
                "customer churn",
                "customer attrition",
                "churned",
                "attrition flag",
                "attrition",
                "attrited",
                "is closed",
                "closed",
                "是否流失",
                "流失标志",
                "是否销户",
                "流失",
                "流失标识",
                "客户流失",
                "销户标志",
            ),
        ),
        Reading(
            code="stayed",
            label=_("yes for customers who are still here"),
            type=Type.FLAG,
            known=tuple((word, "no" if said == "yes" else "yes") for word, said in GONE),
            value=LEFT.replace("{v}", "NOT {v}"),
            synonyms=("is customer", "still customer", "是否在行"),
        ),
    ),
    "monthly_income": (
        Reading(
            code="annual",
            label=_("the income of a year"),
            type=Type.DECIMAL,
            low=0,
            whole=12,
            places=6,
            value="round({v} / 12, 2)",
            synonyms=(
                "annual income",
                "annual inc",
                "yearly income",
                "estimated salary",
                "salary",
                "annual salary",
                "income category",
                "person income",
                "income per year",
                "yearly salary",
                "gross annual income",
                "net annual income",
                "amt income total",
                "年收入",
                "年薪",
                "年收入(税前)",
                "家庭年收入",
                "预估年收入",
            ),
        ),
    ),
}
