"""The targets of a plan from a sheet: branch, product and month a line, all of it or nothing."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bankcrm import table_file
from bankcrm.models import Branch, User
from bankcrm.runs import Refused
from bankcrm.spreadsheets import csv_bytes
from bankcrm.table_file import MOST_BYTES, MOST_ERRORS, MOST_ROWS, Line, WrongFile
from campaigns import planning
from campaigns.models import MarketingPlan, PlanTarget
from customers.imports import workbooks
from customers.models import Product

COLUMNS = {
    "branch": ("branch", "branch code", "机构", "机构号", "支行"),
    "product": ("product", "product code", "产品", "产品代码"),
    "month": ("month", "月份", "月"),
    "sales": ("sales", "contracts", "target", "销量", "笔数", "目标"),
    "volume": ("volume", "amount", "金额", "规模"),
}
OPTIONAL = ("volume",)
_MONTH = re.compile(r"(\d{4})[-/.年]?(\d{1,2})(?:[-/.月]\d{1,2}日?|月)?(?: 00:00:00)?")


def read(content: bytes) -> list[Line]:
    """The lines of a CSV or of a workbook's first sheet. Raises WrongFile for what is no such table."""
    if len(content) > MOST_BYTES:
        raise WrongFile([_("The file is larger than 5 MB.")])
    rows = _workbook(content) if content.startswith(b"PK") else table_file.csv_rows(content)
    return table_file.lines(rows, COLUMNS, OPTIONAL)


def _workbook(content: bytes) -> list[list[str]]:
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as kept:
        kept.write(content)
        kept.flush()
        path = Path(kept.name)
        try:
            title = workbooks.look(path, "", 1).sheets[0]
            found = list(workbooks.rows(path, title))
        except Refused as refusal:
            raise WrongFile([str(refusal)]) from refusal
    # Blank lines are left out by the reader; put back, so that a line keeps the number the sheet shows.
    rows: list[list[str]] = []
    for row in found:
        if row.line > MOST_ROWS + 1:
            raise WrongFile([_("The file has more than 50,000 rows.")])
        rows.extend([[]] * (row.line - len(rows) - 1))
        rows.append(row.cells)
    return rows


def bring(plan: MarketingPlan, user: User, lines: list[Line], version: int, *, keep_others: bool) -> int:
    """Make the lines the plan's targets; with ``keep_others`` those the sheet does not name stay. Returns how many.

    Raises WrongFile, and writes nothing, when a line is wrong; otherwise as ``planning.set_targets``.
    """
    targets = _targets(plan, lines)
    if keep_others:
        named = {(t["branch"].pk, t["product"].pk, t["month"]) for t in targets}
        others = PlanTarget.objects.filter(plan=plan).select_related("branch", "product")
        targets += [
            {name: getattr(other, name) for name in ("branch", "product", "month", "sales", "volume")}
            for other in others
            if (other.branch_id, other.product_id, other.month) not in named
        ]
    return planning.set_targets(plan, user, targets, version)


def sheet(plan: MarketingPlan) -> bytes:
    """The plan's targets as a sheet that ``read`` takes back."""
    targets = PlanTarget.objects.filter(plan=plan).select_related("branch", "product")
    rows = [
        [t.branch.code, t.product.code, f"{t.month:%Y-%m}", t.sales, t.volume]
        for t in targets.order_by("month", "branch__code", "product__code")
    ]
    return csv_bytes([list(COLUMNS), *rows])


def _targets(plan: MarketingPlan, lines: list[Line]) -> list[dict[str, Any]]:
    branches = _known(Branch.objects.filter(closed_on__isnull=True))
    products = _known(Product.objects.all())
    found, problems = [], []
    for line in lines:
        target = {
            "branch": branches.get(line.cells["branch"].lower()),
            "product": products.get(line.cells["product"].lower()),
            "month": _month(line.cells["month"]),
            "sales": _number(line.cells["sales"]),
            "volume": _number(line.cells["volume"]),
        }
        problems += [
            _("Line %(line)s: %(what)s") % {"line": line.line, "what": what}
            for what in _wrong(plan, line, target)
        ]
        found.append(target)
    if not problems:
        problems = list(_twice(lines, found))
    if problems:
        raise WrongFile(problems[:MOST_ERRORS])
    return found


def _known(rows: Any) -> dict[str, Any]:
    """Rows by code and by name, in lower case; a name that two rows have names neither."""
    named = [(row.name.strip().lower(), row) for row in rows]
    times = Counter(name for name, _row in named)
    return {name: row for name, row in named if times[name] == 1} | {
        row.code.lower(): row for _name, row in named
    }


def _month(text: str) -> dt.date | None:
    found = _MONTH.fullmatch(text)
    if not found:
        return None
    year, month = int(found[1]), int(found[2])
    return dt.date(year, month, 1) if 1 <= month <= 12 and year >= 1900 else None


def _number(text: str) -> Decimal | None:
    """A number as sheets write it, 0 for an empty cell, None for what is none."""
    if not text:
        return Decimal(0)
    try:
        number = Decimal(text.replace(",", "").replace(" ", "").lstrip("¥￥"))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _wrong(plan: MarketingPlan, line: Line, target: dict[str, Any]) -> Iterator[str]:
    cells = {name: text[:40] for name, text in line.cells.items()}
    if target["branch"] is None:
        yield _("no open branch is called “%(name)s”.") % {"name": cells["branch"]}
    if target["product"] is None:
        yield _("no product is called “%(name)s”.") % {"name": cells["product"]}
    month = target["month"]
    if month is None:
        yield _("“%(month)s” is no month; write it as 2026-11.") % {"month": cells["month"]}
    elif not plan.starts_on.replace(day=1) <= month <= plan.ends_on:
        yield _("%(month)s is not in the period of the plan.") % {"month": f"{month:%Y-%m}"}
    sales, volume = target["sales"], target["volume"]
    if sales is None or sales < 0 or sales != int(sales) or sales > 2_000_000_000:
        yield _("“%(text)s” is no number of sales.") % {"text": cells["sales"]}
    else:
        target["sales"] = int(sales)
    if volume is None or not 0 <= volume < Decimal(10) ** 14:
        yield _("“%(text)s” is no volume.") % {"text": cells["volume"]}
    else:
        target["volume"] = volume.quantize(Decimal("0.01"))


def _twice(lines: list[Line], targets: list[dict[str, Any]]) -> Iterator[str]:
    first: dict[tuple[int, int, dt.date], int] = {}
    for line, target in zip(lines, targets, strict=True):
        cell = (target["branch"].pk, target["product"].pk, target["month"])
        if cell in first:
            yield _("Line %(line)s: the same branch, product and month as line %(other)s.") % {
                "line": line.line,
                "other": first[cell],
            }
        first.setdefault(cell, line.line)
