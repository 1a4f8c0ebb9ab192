"""What ties customers to staff and branches: counted for the people pages, and given over when a branch closes."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from bankcrm import branches, people
from bankcrm.models import Branch
from customers.models import Customer

# Where customers, and their open leads with them, are given to others.
TRANSFER = "transfer-create"


def by_manager(users: Collection[int]) -> dict[int, int]:
    """User id → customers of the portfolio, without those who left."""
    found = Customer.objects.active().filter(primary_rm__in=users).values_list("primary_rm")
    return dict(found.annotate(n=Count("pk")).order_by())


def by_branch() -> dict[int, int]:
    """Branch id → its customers, without those who left."""
    found = Customer.objects.active().filter(home_branch__isnull=False).values_list("home_branch")
    return dict(found.annotate(n=Count("pk")).order_by())


def give_branch(old: Branch, new: Branch) -> int:
    """Make ``new`` the branch of every customer of ``old``; their relationship managers stay. Returns how many."""
    # In the order of ids, as everything that locks customers: two of these at once wait and do not deadlock.
    ids = Customer.objects.filter(home_branch=old).order_by("pk").select_for_update(no_key=True).values("pk")
    return Customer.objects.filter(pk__in=ids).update(home_branch=new)


def declare() -> None:
    """Tell the people pages; called in ``AppConfig.ready``."""
    people.holds("customers", people.Duty(_("Customers"), by_manager, TRANSFER))
    branches.belongs("customers", branches.Belonging(_("Customers"), by_branch, give_branch))
