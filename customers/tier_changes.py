"""Who moved to another tier from one month-end to the next, and why; written with the profiles of the month."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from bankcrm import figures
from bankcrm.models import User
from customers.models import TierChange
from customers.models.value import TierChangeQuerySet
from customers.tiering import rules_in_force

MOST = 50_000  # rows of a file
# A move that yesterday's thresholds would not have made is the thresholds' doing. Otherwise up is the side, assets or
# personal loan, that meets the new tier, down the side that once held the old one.
RECORD = f"""
WITH now_rule AS ({rules_in_force("day")}), old_rule AS ({rules_in_force("ago_1m")}),
moved AS (
    SELECT p.customer_id, old.tier AS from_tier, p.tier AS to_tier, p.aum_high_3m AS aum, p.loan_high_3m AS loan,
           old.aum_high_3m AS aum_before, old.loan_high_3m AS loan_before
    FROM customers_customerprofile p JOIN customers_customerprofile old
        ON old.month = %(ago_1m)s AND old.customer_id = p.customer_id
    WHERE p.month = %(day)s AND p.tier <> old.tier AND old.tier <> ''
), ranked AS (
    SELECT moved.*, came.minimum_aum AS to_aum, came.minimum_loan AS to_loan,
           coalesce(left_rule.minimum_aum, was.minimum_aum) AS from_aum,
           coalesce(left_rule.minimum_loan, was.minimum_loan) AS from_loan,
           coalesce(came.rank, 32767) < coalesce(left_rule.rank, was.rank, 32767) AS is_up,
           moved.from_tier = coalesce((
               SELECT code FROM old_rule
               WHERE moved.aum >= minimum_aum OR moved.loan >= minimum_loan ORDER BY rank LIMIT 1
           ), '') AS by_rules
    FROM moved
    LEFT JOIN now_rule came ON came.code = to_tier
    LEFT JOIN now_rule left_rule ON left_rule.code = from_tier
    LEFT JOIN old_rule was ON was.code = from_tier
), judged AS (
    SELECT ranked.*, CASE
        WHEN is_up THEN coalesce(aum < to_aum, false)
        ELSE coalesce(aum_before < from_aum AND loan_before >= from_loan, false) END AS by_loan
    FROM ranked
)
INSERT INTO customers_tierchange (month, customer_id, from_tier, to_tier, is_up, reason, amount, threshold)
SELECT %(day)s, customer_id, from_tier, to_tier, is_up,
       CASE WHEN by_rules THEN 'rules' WHEN by_loan THEN 'loan' ELSE 'aum' END,
       CASE WHEN by_loan THEN loan ELSE aum END,
       CASE WHEN is_up AND by_loan THEN to_loan WHEN is_up THEN to_aum WHEN by_loan THEN from_loan ELSE from_aum END
FROM judged
"""  # noqa: S608  names of parameters


def record(cursor: Any, day: datetime.date) -> None:
    """Write the changes of the month that ends on ``day`` anew, and those of the next month where it is built."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM customers_customerprofile WHERE month = %s)", [_month_end(day, 1)]
    )
    later = [_month_end(day, 1)] if cursor.fetchone()[0] else []
    for month in [day, *later]:
        cursor.execute("DELETE FROM customers_tierchange WHERE month = %s", [month])
        cursor.execute(RECORD, {"day": month, "ago_1m": month.replace(day=1) - datetime.timedelta(days=1)})


def months() -> list[datetime.date]:
    """Month-ends at which somebody changed, newest first."""
    return list(TierChange.objects.order_by("-month").values_list("month", flat=True).distinct()[:36])


def seen(user: User, chosen: dict[str, Any], branch_ids: list[int] | None) -> TierChangeQuerySet:
    """The changes of a month that ``user`` may see; ``chosen`` may name way ("up", "down") and reason."""
    found = TierChange.objects.visible_to(user).filter(month=chosen.get("month") or datetime.date.min)
    if chosen.get("way"):
        found = found.filter(is_up=chosen["way"] == "up")
    if chosen.get("reason"):
        found = found.filter(reason=chosen["reason"])
    if branch_ids is not None:
        found = found.filter(customer__home_branch__in=branch_ids)
    return found


def by_branch(changes: TierChangeQuerySet) -> list[dict[str, Any]]:
    """Rows of code, name, up and down, most changes first."""
    counted = changes.order_by().values("customer__home_branch__code", "customer__home_branch__name")
    rows = counted.annotate(up=Count("pk", filter=Q(is_up=True)), down=Count("pk", filter=Q(is_up=False)))
    return [
        {"code": code, "name": name or _("no branch"), "up": up, "down": down}
        for code, name, up, down in rows.values_list(
            "customer__home_branch__code", "customer__home_branch__name", "up", "down"
        ).order_by("-up", "-down", "customer__home_branch__name")
    ]


def table(changes: TierChangeQuerySet, names: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """The changes as rows of a file under their headings, the largest first; ``MOST`` at most, customers by number."""
    yield (
        _("Customer number"),
        _("Month"),
        _("From"),
        _("To"),
        _("Direction"),
        _("Reason"),
        _("Highest in three months"),
        _("Threshold"),
        _("Branch"),
        _("Relationship manager"),
    )
    found = changes.select_related("customer__home_branch", "customer__primary_rm").order_by("-amount", "-pk")
    for change in found[:MOST].iterator(2000):
        customer = change.customer
        yield (
            customer.number,
            change.month.isoformat(),
            names.get(change.from_tier, change.from_tier),
            names.get(change.to_tier, change.to_tier),
            _("up") if change.is_up else _("down"),
            change.get_reason_display(),
            change.amount,
            change.threshold,
            customer.home_branch.name if customer.home_branch else "",
            customer.primary_rm.full_name if customer.primary_rm else "",
        )


def why(change: TierChange) -> str:
    """The reason of one change as a sentence with its figures."""
    said = {"amount": figures.money(change.amount), "threshold": figures.money(change.threshold)}
    if change.reason == TierChange.Reason.RULES:
        return _("The thresholds changed: %(threshold)s, with %(amount)s at best in three months") % said
    if change.reason == TierChange.Reason.LOAN:
        if change.is_up:
            return _("Personal loan of %(amount)s reached %(threshold)s") % said
        return _("Personal loan three months below %(threshold)s, %(amount)s at best") % said
    if change.is_up:
        return _("Assets of %(amount)s reached %(threshold)s") % said
    return _("Assets three months below %(threshold)s, %(amount)s at best") % said


def _month_end(day: datetime.date, later: int) -> datetime.date:
    first = day.replace(day=1)
    for _month in range(later + 1):
        first = (first + datetime.timedelta(days=32)).replace(day=1)
    return first - datetime.timedelta(days=1)
