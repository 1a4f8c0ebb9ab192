"""What becomes of a cell, type by type: the rules as a person reads them, each with cells and what they turn into.

``docs/imports.md`` is written from this table, and a test runs every row of it through the SQL that reads files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from customers.imports import reasons
from customers.imports.kinds import KINDS


@dataclass(frozen=True)
class Example:
    """A cell and what is kept of it, or the code of the reason why its row stays out."""

    cell: str
    kept: str = ""
    reason: str = ""


def keeps(*pairs: tuple[str, str]) -> tuple[Example, ...]:
    return tuple(Example(cell, kept) for cell, kept in pairs)


def refuses(reason: str, *cells: str) -> tuple[Example, ...]:
    return tuple(Example(cell, reason=reason) for cell in cells)


@dataclass(frozen=True)
class Rules:
    """Rules of one type of cell, tried on a target of a kind; ``options`` of the column, ``reading`` as mapped."""

    title: str
    kind: str
    target: str
    text: str
    examples: tuple[Example, ...]
    options: dict[str, Any] = field(default_factory=dict)
    reading: str = ""


TABLE = (
    Rules(
        "Any cell",
        "customers",
        "name",
        "Blanks at both ends go, also full-width ones. An empty cell of a mapped column empties the value. Errors of a"
        " spreadsheet stay out; an apostrophe that keeps a spreadsheet from running a cell comes off. Text of several"
        " lines goes in as one, with a space for each line end and a warning.",
        keeps(
            ("  Wang Fang　", "Wang Fang"),
            ('="00123"', "00123"),
            ("'=1+1", "=1+1"),
            ("Wang \r\nFang", "Wang Fang"),
        )
        + refuses("error_cell", "#N/A", "#DIV/0!", "#VALUE!")
        + refuses("too_long", "x" * 121),
    ),
    Rules(
        "Identity number",
        "customers",
        "identity_number",
        "18 digits: check digit (GB 11643-1999) and birthday inside must hold. The old form of 15 digits is kept as it"
        " is when its birthday is a day. Other documents: 4 to 32 letters and digits. Blanks and dashes go, full width"
        " becomes half width, letters become capitals. Where the row says no date of birth or no gender, those inside"
        " count, and the date of birth is no estimate; where the row says others, the row counts and a warning names"
        " both. What the bank knows for certain stays where no column of the file speaks of it.",
        keeps(
            ("11010519491231002x", "11010519491231002X"),
            ("110105 19491231 002X", "11010519491231002X"),
            ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
            ("110105491231002", "110105491231002"),
            ("p1234567", "P1234567"),
        )
        + refuses("bad_checksum", "110105194912310021")
        + refuses("identity_without_birthday", "110105491331002")
        + refuses("lost_digits", "1.10105194912310E+17")
        + refuses("not_an_identity", "1101051949123100", "11010519491231002A", "N/A"),
    ),
    Rules(
        "Phone",
        "customers",
        "phone",
        "Blanks, dots, dashes and brackets go, full width becomes half width, +86, 0086 and 86 before a Chinese number"
        " go. A mobile has 11 digits and begins with 13 to 19. Landlines keep their area code, extensions stand after a"
        " dash; foreign numbers keep their +.",
        keeps(
            ("13812342291", "13812342291"),
            ("+86 138 1234 2291", "13812342291"),
            ("0086-138-1234-2291", "13812342291"),
            ("8613812342291", "13812342291"),
            ("１３８１２３４２２９１", "13812342291"),
            ("13812342291.0", "13812342291"),
            ("(010) 6512-3456", "01065123456"),
            ("010-65123456-801", "01065123456-801"),
            ("0571 8765 4321 转 12", "057187654321-12"),
            ("+420 123 456 789", "+420123456789"),
            ("95588", "95588"),
        )
        + refuses("not_a_phone", "call me", "12812342291", "13812342291/13812342292")
        + refuses("lost_digits", "1.38123E+10"),
    ),
    Rules(
        "E-mail",
        "customers",
        "email",
        "One address with a name and a domain; full width becomes half width.",
        keeps(
            ("wang@bank.cn", "wang@bank.cn"), ("wang＠bank.cn", "wang@bank.cn"), ("mailto:w@b.cn", "w@b.cn")
        )
        + refuses("not_an_email", "wang", "wang@bank", "a@b@c.cn", "wang fang@bank.cn"),
    ),
    Rules(
        "Amount",
        "customers",
        "monthly_income",
        "Digits with a point, thousands by commas; a currency before or after goes; brackets or a minus behind make it"
        " negative. Negative where it cannot be, percentages, exponents, NaN and infinity stay out. Places beyond the"
        " kept ones stay out unless they are zeros.",
        keeps(
            ("1,234.50", "1234.50"),
            ("1234.5", "1234.50"),
            ("￥1,234.50", "1234.50"),
            ("¥ 1234", "1234.00"),
            ("1234元", "1234.00"),
            ("CNY 1,234", "1234.00"),
            ("１，２３４．５０", "1234.50"),
            ("+12.5000", "12.50"),
        )
        + refuses("negative", "-5", "(1,234)", "1,234-")
        + refuses("not_a_number", "1e9", "NaN", "Infinity", "1,23", "12abc", "1.234,50")
        + refuses("percentage", "12.5%")
        + refuses("too_precise", "12.345")
        + refuses("out_of_range", "1234567890123")
        + refuses("error_cell", "#REF!"),
    ),
    Rules(
        "Amount that may be negative",
        "transactions",
        "amount",
        "Bookings and balances may be negative.",
        keeps(("(1,234)", "-1234.00"), ("1,234-", "-1234.00"), ("－５", "-5.00"), ("- 5", "-5.00")),
    ),
    Rules(
        "Amount with a decimal comma",
        "customers",
        "monthly_income",
        "A column may be said to write 1.234,50.",
        keeps(("1.234,50", "1234.50"), ("1 234,5", "1234.50")),
        {"number_format": "comma"},
    ),
    Rules(
        "Whole number",
        "customers",
        "children",
        "As an amount, without places; zeros after the point are none.",
        keeps(("2", "2"), ("2.0", "2"), ("２", "2"))
        + refuses("negative", "-1")
        + refuses("too_precise", "1.5")
        + refuses("not_a_number", "two"),
    ),
    Rules(
        "Date",
        "customers",
        "opened_on",
        "Year, month, day in digits, with dashes, slashes, dots, 年月日 or nothing between; a time of day goes. It must"
        " be a day of the calendar from 1900 on, and not in the future where that cannot be. Other forms are declared"
        " for their column; the mapping page proposes them from the values.",
        keeps(
            ("2024-02-29", "2024-02-29"),
            ("2024/2/9", "2024-02-09"),
            ("2024.02.09", "2024-02-09"),
            ("20240209", "2024-02-09"),
            ("2024年2月9日", "2024-02-09"),
            ("２０２４－０２－０９", "2024-02-09"),
            ("2024-02-09 00:00:00", "2024-02-09"),
            ("2024-02-09T08:30:00Z", "2024-02-09"),
        )
        + refuses("impossible_date", "2025-02-29", "20250431")
        + refuses("not_these_years", "0001-01-01", "1880-01-01")
        + refuses("not_a_date", "31/04/2025", "45657", "yesterday")
        + refuses("in_the_future", "2090-01-01")
        + refuses("error_cell", "#N/A"),
    ),
    Rules(
        "Date, day first",
        "customers",
        "opened_on",
        "Declared as 31/12/2024.",
        keeps(("31/12/2024", "2024-12-31"), ("1.2.2024", "2024-02-01"), ("01-02-24", "2024-02-01"))
        + refuses("impossible_date", "31/04/2025")
        + refuses("not_a_date", "2024-12-31"),
        {"date_format": "dmy"},
    ),
    Rules(
        "Date, month first",
        "customers",
        "opened_on",
        "Declared as 12/31/2024.",
        keeps(("12/31/2024", "2024-12-31"), ("1/2/2024", "2024-01-02"))
        + refuses("impossible_date", "31/12/2024"),
        {"date_format": "mdy"},
    ),
    Rules(
        "Date, six digits",
        "customers",
        "birth_date",
        "Declared as 241231; the century is said once for the file.",
        keeps(("930105", "1993-01-05"))
        + refuses("impossible_date", "930231")
        + refuses("not_a_date", "19930105"),
        {"date_format": "yymmdd", "century": 19},
    ),
    Rules(
        "Date with the name of the month",
        "customers",
        "opened_on",
        "Declared as 31-Dec-2024; without a day it is the first of the month.",
        keeps(("31-Dec-2024", "2024-12-31"), ("5 January 2011", "2011-01-05"), ("Dec-2011", "2011-12-01"))
        + refuses("impossible_date", "31-Foo-2024", "31-Feb-2024"),
        {"date_format": "mon"},
    ),
    Rules(
        "Date as a spreadsheet counts it",
        "customers",
        "opened_on",
        "Declared as 45657, days since 1900, or since 1904 in files of old Macintosh spreadsheets.",
        keeps(("45657", "2024-12-31"), ("45657.5", "2024-12-31")) + refuses("not_a_date", "2024-12-31"),
        {"date_format": "serial"},
    ),
    Rules(
        "Month-end",
        "balances",
        "month",
        "The last day of a month; a month alone, declared as 2024-12, means its last day.",
        keeps(("2024-02-29", "2024-02-29")) + refuses("not_a_month_end", "2024-02-28"),
    ),
    Rules(
        "Month",
        "balances",
        "month",
        "Declared as 2024-12 or 202412.",
        keeps(("202402", "2024-02-29"), ("2024-12", "2024-12-31"), ("2024年2月", "2024-02-29")),
        {"date_format": "ym"},
    ),
    Rules(
        "Yes or no",
        "customers",
        "is_employee",
        "yes, y, true, t, 1, x, 是, 有 and their opposites, in any case; other words by the value map.",
        keeps(("Yes", "true"), ("是", "true"), ("0", "false"), ("N", "false"), ("1.0", "true"))
        + refuses("not_yes_or_no", "maybe", "2"),
    ),
    Rules(
        "Choice",
        "customers",
        "gender",
        "The code, the label in English or Chinese, the usual short forms; other words by the value map.",
        keeps(("female", "female"), ("Male", "male"), ("F", "female"), ("男", "male"), ("女性", "female"))
        + refuses("unknown_value", "x", "1"),
    ),
    Rules(
        "Date of birth, from the age in years",
        "customers",
        "birth_date",
        "Half a year before the birthday that the age counts from, as of the day of the load.",
        keeps(("42", "1982-05-30"), ("0", "2024-05-30"))
        + refuses("out_of_range", "121")
        + refuses("not_a_number", "forty"),
        reading="age",
    ),
    Rules(
        "Customer since, from the months with the bank",
        "customers",
        "opened_on",
        "So many months of 30.4375 days before the day of the load.",
        keeps(("12", "2023-12-01"), ("0", "2024-11-30")) + refuses("negative", "-1"),
        reading="months",
    ),
    Rules(
        "Monthly income, from the income of a year",
        "customers",
        "monthly_income",
        "A twelfth; bands are given an amount by the value map.",
        keeps(("120000", "10000.00"), ("$60,000", "5000.00")) + refuses("not_a_number", "$60K - $80K"),
        reading="annual",
    ),
    Rules(
        "Left on, from yes for customers who left",
        "customers",
        "closed_on",
        "Yes means the day of the load, or the earlier day that is known already; no means still a customer.",
        keeps(("1", "2024-11-30"), ("Attrited Customer", "2024-11-30"), ("No", ""), ("Existing Customer", ""))
        + refuses("not_yes_or_no", "maybe"),
        reading="left",
    ),
)


def document() -> Iterator[str]:
    """The table as Markdown, line by line."""
    for rules in TABLE:
        yield f"### {rules.title}"
        yield ""
        yield rules.text
        yield ""
        yield "| cell | kept | left out because |"
        yield "|---|---|---|"
        for example in rules.examples:
            cell = (
                example.cell
                if len(example.cell) <= 40
                else f"{example.cell[:3]}… ({len(example.cell)} characters)"
            )
            why = str(reasons.SHORT[example.reason]) if example.reason else ""
            kept = "" if why else f"`{example.kept}`" if example.kept else "nothing"
            yield f"| `{_inline(cell)}` | {kept} | {why} |"
        yield ""
    yield "### Rules over whole rows"
    yield ""
    yield "| kind | column | sentence | |"
    yield "|---|---|---|---|"
    for kind in KINDS.values():
        for rule in kind.rules:
            what = "warning" if rule.warns else "left out"
            yield f"| {kind.code} | {kind.target(rule.target).label} | {rule.sentence} | {what} |"


def _inline(text: str) -> str:
    return text.replace("|", "\\|").replace("\r", "\\r").replace("\n", "\\n")
