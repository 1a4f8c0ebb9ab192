"""The month-end profile of every customer, beside one bare pass over the facts it reads and the rows it writes."""

from __future__ import annotations

from django.db import connection, transaction

from bench.big_bank import BigBank
from bench.measure import Line, best_of, line
from customers import profile

# What any way of building a profile must do at least once: add up a year of bookings and thirteen months of balances
# by customer, read the contracts and the newest states of those of consumer finance, and write as many bytes as the
# profiles have.
BARE = """
CREATE TEMPORARY TABLE bare_bookings ON COMMIT DROP AS SELECT customer_id, count(*), sum(amount)
FROM customers_transaction WHERE booked_on BETWEEN %(first)s AND %(day)s GROUP BY 1;
CREATE TEMPORARY TABLE bare_balances ON COMMIT DROP AS SELECT customer_id, count(*), sum(average)
FROM customers_monthlybalance WHERE month BETWEEN %(first)s AND %(day)s GROUP BY 1;
CREATE TEMPORARY TABLE bare_contracts ON COMMIT DROP AS SELECT customer_id, count(*) FROM customers_holding GROUP BY 1;
CREATE TEMPORARY TABLE bare_states ON COMMIT DROP AS SELECT number, max(as_of)
FROM customers_consumerfinancestate WHERE as_of <= %(day)s GROUP BY 1;
CREATE TABLE bare_profiles AS SELECT * FROM customers_customerprofile WHERE month = %(day)s;
ALTER TABLE bare_profiles ADD PRIMARY KEY (month, customer_id);
DROP TABLE bare_profiles
"""


def measure(bank: BigBank) -> list[Line]:
    """One line; the runner puts the cost of a row at a tenth of the bank beside it."""
    limit = best_of(1, lambda: _bare(bank))
    seconds = best_of(1, lambda: profile.build(bank.month))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE customers_customerprofile")
    return [line("month-end profile of every customer", bank.n, seconds, limit, 6.0)]


def _bare(bank: BigBank) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [profile.WORK_MEMORY])
        for statement in BARE.split(";"):
            cursor.execute(statement, {"first": bank.first, "day": bank.month})
