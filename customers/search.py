"""Finding one customer among a million: by number, by the last digits of a phone number, or by name."""

from __future__ import annotations

import re

from django.db.models import Case, F, Func, IntegerField, Q, Value, When
from django.db.models.fields import CharField
from django.db.models.functions import Reverse

from bankcrm.models import User
from customers.models import Customer
from customers.models.attributes import CustomerQuerySet

MOST = 20
# Fewer digits would name half of the bank.
SUFFIX_DIGITS = 4
# A trigram index needs three characters; a shorter name is looked for at the beginning, where it has them.
INFIX_CHARACTERS = 3


def find(user: User, text: str) -> CustomerQuerySet:
    """Up to MOST customers that ``user`` may see: number exact or as prefix, phone suffix, name; best match first.

    Text of digits only is a number or a phone suffix; everything else is a name or a number. Two indexed look-ups
    joined by OR, so the time does not grow with the bank.
    """
    wanted = " ".join(text.split())[:60].replace("\0", "")
    if not wanted:
        return Customer.objects.none()
    tests = Q(number__startswith=wanted.upper()) | Q(number__startswith=wanted)
    digits = re.sub(r"[\s-]", "", wanted)
    found = Customer.objects.visible_to(user)
    if digits.isascii() and digits.isdigit():
        if len(digits) >= SUFFIX_DIGITS:
            found = found.annotate(backwards=_backwards())
            tests |= Q(backwards__startswith=digits[::-1]) & ~Q(phone="")
    elif len(wanted) >= INFIX_CHARACTERS:
        tests |= Q(name__icontains=wanted)
    else:
        tests |= Q(name__istartswith=wanted)
    closeness = Case(
        When(Q(number=wanted.upper()) | Q(number=wanted) | Q(name__iexact=wanted), then=Value(0)),
        When(name__istartswith=wanted, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return (
        found.filter(tests)
        .annotate(closeness=closeness)
        .order_by(F("closed_on").asc(nulls_first=True), "closeness", "name", "pk")
    )


def _backwards() -> Func:
    return Reverse("phone", output_field=CharField())
