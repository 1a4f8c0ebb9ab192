"""Acquisition cohorts: building every row beside one bare pass over balances, and the page beside one second."""

from __future__ import annotations

from functools import partial

from django.db import connection, transaction

from bench.big_bank import BigBank
from bench.measure import Line, best_of, line
from bench.page_times import Ask, beside, signed_in, site
from customers import acquisition

# The balances of acquired customers added up, and as many rows written as there are acquisitions.
BARE = """
CREATE TEMPORARY TABLE bare_value ON COMMIT DROP AS
SELECT b.customer_id, sum(b.average) AS value FROM customers_monthlybalance b
JOIN customers_customer c ON c.id = b.customer_id AND c.opened_on BETWEEN %(first)s AND %(as_of)s
WHERE b.month BETWEEN %(first)s AND %(as_of)s GROUP BY 1;
CREATE TEMPORARY TABLE bare_rows ON COMMIT DROP AS SELECT * FROM customers_acquisition
"""
TRIES, SECONDS_ALLOWED = 20, 1.0


def measure(bank: BigBank) -> list[Line]:
    """One line for the build, one for the page of somebody who sees every branch, over all cohorts there are."""
    limit = best_of(2, lambda: _bare(bank))
    seconds = best_of(2, lambda: acquisition.build(bank.month))
    client = signed_in(bank.planner)
    first = acquisition.first_cohort(bank.month).isoformat()
    with site():
        pages: list[Ask] = [partial(client.get, "/acquisition/", {"first": first})] * TRIES
        taken, _nothing = beside(pages, [partial(client.get, "/bench/nothing/")])
    return [
        line("acquisition cohorts built", bank.n, seconds, limit, 4.0),
        line("cohort page, all branches and months", bank.n, taken, SECONDS_ALLOWED, 1.0),
    ]


def _bare(bank: BigBank) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        given = {"first": acquisition.first_cohort(bank.month), "as_of": bank.month}
        for statement in BARE.split(";"):
            cursor.execute(statement, given)
