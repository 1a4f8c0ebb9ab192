"""Search as one types, typing errors included, against a page that finds one customer by primary key.

Every keystroke of names, phone endings and customer numbers of customers in sight is one request. Three people: a
relationship manager, a branch manager, a planner at head office; the 95th percentile of each may be five times the
limit's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.http import HttpResponseBase
from django.test import Client

from bankcrm.models import User
from bench.big_bank import BigBank
from bench.measure import Line, line
from bench.page_times import Ask, beside, signed_in, site
from customers.models import Customer

GOAL = 5.0
CUSTOMERS = 12
PEOPLE = {"rita": "relationship manager", "bao": "branch manager", "mei": "head office"}


def measure(bank: BigBank) -> list[Line]:
    """One line per person."""
    lines = []
    with site():
        for name, role in PEOPLE.items():
            user = User.objects.select_related("branch").get(username=name)
            client = signed_in(user)
            chosen = _some(user)
            asks: list[Ask] = [
                partial(_search, client, text)
                for customer in chosen
                for text in keystrokes(customer.name, customer.phone, customer.number)
            ]
            limit: list[Ask] = [partial(client.get, f"/bench/customer/{customer.pk}/") for customer in chosen]
            taken, allowed = beside(asks, limit)
            lines.append(line(f"search as one types, {role}", bank.n, taken, allowed, GOAL))
    return lines


def _search(client: Client, text: str) -> HttpResponseBase:
    answer: HttpResponseBase = client.post(
        "/customers/search/", {"q": text}, headers={"HX-Request": "true", "HX-Target": "search-found"}
    )
    return answer


def _some(user: User) -> list[Customer]:
    """Customers in sight from all over the bank, the same at every run."""
    seen = Customer.objects.visible_to(user).order_by("pk")
    ids = list(seen.values_list("pk", flat=True)[:20_000])
    wanted = ids[:: max(1, len(ids) // CUSTOMERS)][:CUSTOMERS]
    return list(Customer.objects.filter(pk__in=wanted))


def keystrokes(name: str, phone: str, number: str) -> Iterator[str]:
    """What one types until the customer is found: the name, a wrong character in it, the phone's end, the number."""
    for length in range(1, len(name) + 1):
        yield name[:length]
    if len(name) >= 3:
        yield name[:-1] + ("围" if name[-1] > "\u2e80" else "q")
    for length in range(1, 7):
        if len(phone) >= 8:
            yield phone[-6:][:length]
    for length in range(1, len(number) + 1):
        yield number[:length]
