"""Customer-360, each tab, against a signed-in page that shows nothing; and how many queries each costs."""

from __future__ import annotations

from functools import partial

from django.db import connection
from django.test.utils import CaptureQueriesContext

from bankcrm.models import User
from bench.big_bank import BigBank
from bench.measure import Line, line
from bench.page_times import Ask, beside, signed_in, site
from customers.models import Customer
from customers.tabs import TABS

GOAL = 5.0
QUERIES = 15
CUSTOMERS = 60


def measure(bank: BigBank) -> list[Line]:
    """One line per tab, and one for the most queries of any (in the place of seconds)."""
    rita = User.objects.select_related("branch").get(username="rita")
    ids = list(Customer.objects.visible_to(rita).order_by("pk").values_list("pk", flat=True)[:CUSTOMERS])
    client = signed_in(rita)
    lines, most = [], 0
    with site():
        nothing: list[Ask] = [partial(client.get, "/bench/nothing/")]
        for tab in TABS:
            pages: list[Ask] = [partial(client.get, f"/customers/{pk}/{tab}/") for pk in ids]
            taken, allowed = beside(pages, nothing)
            lines.append(line(f"Customer-360, {tab}", bank.n, taken, allowed, GOAL))
            with CaptureQueriesContext(connection) as queries:
                pages[0]()
            most = max(most, len(queries))
    lines.append(line("Customer-360, queries of the largest tab", bank.n, most, QUERIES, 1.0))
    return lines
