"""Dates: the forms a column may write them in, and the SQL that reads each."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from psycopg import sql

from customers.imports.kinds.declaration import Target, Type
from customers.imports.readers import EARLIEST, ERROR_CELL, LATEST, Read, code

SQL, Literal = sql.SQL, sql.Literal
# Form → how a person writes the last day of 2024 in it.
FORMS = {
    "ymd": _("2024-12-31, 2024/12/31, 20241231 or 2024年12月31日"),
    "dmy": _("31/12/2024 or 31.12.2024"),
    "mdy": _("12/31/2024"),
    "yymmdd": _("241231"),
    "mon": _("31-Dec-2024, 31 December 2024 or Dec-2024"),
    "ym": _("2024-12 or 202412"),
    "serial": _("45657, a spreadsheet's number of the day"),
    "serial1904": _("44195, the same counted from 1904"),
}
SHAPES = {
    "ymd": r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{8}|\d{4}年\d{1,2}月\d{1,2}日)$",
    "dmy": r"^\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})$",
    "mdy": r"^\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})$",
    "yymmdd": r"^\d{6}$",
    "mon": r"^(\d{1,2}[- ])?[A-Za-z]{3,9}[- ,.]*(\d{4}|\d{2})$",
    "ym": r"^\d{4}[-/.]?\d{2}$|^\d{4}年\d{1,2}月$",
    "serial": r"^\d{4,5}(\.\d+)?$",
    "serial1904": r"^\d{4,5}(\.\d+)?$",
}
MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"


def iso(form: str, v: sql.Composable, century: Any = 20) -> sql.Composable:
    """The text of a day as YYYY-MM-DD, perhaps of no calendar; ``v`` has the shape of the form."""
    digits = SQL(r"regexp_replace({}, {}, {})")
    if form in ("dmy", "mdy"):
        order = r"\3-\2-\1" if form == "dmy" else r"\3-\1-\2"
        day = digits.format(v, Literal(SHAPES[form].replace(r"\d{1,2}", r"(\d{1,2})")), Literal(order))
        short = SQL(r"{} ~ '[/.-]\d{{2}}$'").format(v)
        return SQL("CASE WHEN {} THEN {} || {} ELSE {} END").format(short, _century(century), day, day)
    if form == "yymmdd":
        return SQL("{} || {}").format(_century(century), v)
    if form == "mon":
        return _month_names(v, century)
    if form == "ym":
        return SQL("left({d}, 4) || '-' || lpad(substr({d}, 5), 2, '0') || '-01'").format(
            d=SQL(r"regexp_replace({}, '\D', '', 'g')").format(v)
        )
    if form.startswith("serial"):
        start = "1899-12-30" if form == "serial" else "1904-01-01"
        return SQL("({}::date + trunc({}::numeric)::int)::text").format(Literal(start), v)
    return SQL("rtrim(translate({}, '/.年月日', '-----'), '-')").format(v)


def _month_names(v: sql.Composable, century: Any) -> sql.Composable:
    part = SQL("substring({} from {})")
    month = SQL("strpos({}, lower(left({}, 3)))").format(
        Literal(MONTHS), part.format(v, Literal("[A-Za-z]{3,9}"))
    )
    year = SQL("CASE WHEN {v} ~ '[0-9]{{4}}$' THEN right({v}, 4) ELSE {c} || right({v}, 2) END").format(
        v=v, c=_century(century)
    )
    day = SQL("COALESCE({}, '1')").format(part.format(v, Literal(r"^(\d{1,2})[- ]")))
    return SQL("({}) || '-' || (({}) + 2) / 3 || '-' || {}").format(year, month, day)


def _century(century: Any) -> sql.Composable:
    return Literal(str(century)[:2])


# A sample bank may live on a later day than the calendar's.
TODAY = SQL("greatest(current_date, (SELECT max(day) FROM bankcrm_businessday))")
SURELY_A_DAY = "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"
SURELY_PAST = "2026-01-01"


def read(target: Target, v: sql.Composable, options: dict[str, Any]) -> Read:
    """A day, judged: its form, the calendar, 1900 to 2100, no future, a month's end where the target asks for it."""
    form = options.get("date_format", "ymd")
    day = iso(form, v, options.get("century", 19 if form == "yymmdd" else 20))
    value = SQL("({})::date").format(day)
    if form == "ym" and target.type == Type.MONTH_END:
        value = SQL("({} + interval '1 month' - interval '1 day')::date").format(value)
    late = (
        SQL("WHEN {} > {} THEN {}").format(value, TODAY, code("in_the_future")) if target.in_past else SQL("")
    )
    odd: sql.Composable = SQL("")
    if target.type == Type.MONTH_END:
        odd = SQL("WHEN extract(day FROM {} + 1) <> 1 THEN {}").format(value, code("not_a_month_end"))
    found = SQL(
        "CASE {sure} WHEN {v} !~ {form} THEN CASE WHEN {v} ~ {error} THEN {cell} ELSE {text} END"
        " WHEN NOT pg_input_is_valid({day}, 'date') THEN {impossible}"
        " WHEN {value} NOT BETWEEN {first} AND {last} THEN {years} {late} {odd} END"
    ).format(
        v=v,
        sure=_sure(form, target, v),
        form=Literal(SHAPES[form]),
        error=Literal(ERROR_CELL),
        cell=code("error_cell"),
        text=code("not_a_date"),
        day=day,
        impossible=code("impossible_date"),
        years=code("not_these_years"),
        value=value,
        first=Literal(EARLIEST),
        last=Literal(LATEST),
        late=late,
        odd=odd,
    )
    return Read(found, value)


def _sure(form: str, target: Target, v: sql.Composable) -> sql.Composable:
    """A first WHEN for what most cells are, a day no calendar doubts, long past: judging it further is dear."""
    if form != "ymd" or target.type == Type.MONTH_END:
        return SQL("")
    past = SQL(""" AND {} COLLATE "C" < {}""").format(v, Literal(SURELY_PAST)) if target.in_past else SQL("")
    return SQL("WHEN {v} ~ {sure}{past} THEN NULL").format(v=v, sure=Literal(SURELY_A_DAY), past=past)
