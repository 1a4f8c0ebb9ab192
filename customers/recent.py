"""The customers somebody looked at last: ids in the session, so that they end with it and nobody else sees them."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import F, Func, IntegerField, Value

from bankcrm.models import User
from customers.models import Customer
from customers.models.attributes import CustomerQuerySet

KEY = "recent_customers"
MOST = 8


def remember(session: SessionBase, customer: Customer) -> None:
    """Put the customer first; the session is written only when the order changes."""
    known: list[int] = session.get(KEY, [])
    kept = [customer.pk, *(pk for pk in known if pk != customer.pk)][:MOST]
    if kept != known:
        session[KEY] = kept


def customers(user: User, session: SessionBase) -> CustomerQuerySet:
    """Those still in sight, the latest first."""
    ids: list[Any] = session.get(KEY, [])
    if not ids:
        return Customer.objects.none()
    return Customer.objects.visible_to(user).filter(pk__in=ids).order_by(in_order(ids))


def in_order(ids: list[int]) -> Func:
    """Sorts rows as their ids stand in the list."""
    return Func(Value(ids), F("pk"), function="array_position", output_field=IntegerField())
