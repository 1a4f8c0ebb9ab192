"""Which words of a column name what the bank has: a branch, a colleague, a product, a customer."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from bankcrm.models import Branch, User
from customers.imports.kinds import Type
from customers.models import Customer, Product


def known(kind: Type, words: Iterable[str]) -> set[str]:
    """Those of ``words`` that are a code, a number, or (of branches and products) a name; one query.

    Raises KeyError for a type that refers to nothing.
    """
    asked = set(words)
    pairs: Iterable[tuple[str, ...]]
    match kind:
        case Type.CUSTOMER:
            pairs = Customer.objects.filter(number__in=asked).values_list("number")
        case Type.STAFF:
            pairs = User.objects.filter(employee_number__in=asked).values_list("employee_number")
        case Type.BRANCH:
            named = Branch.objects.filter(Q(code__in=asked) | Q(name__in=asked))
            pairs = named.values_list("code", "name")
        case Type.PRODUCT:
            sold = Product.objects.filter(Q(code__in=asked) | Q(name__in=asked))
            pairs = sold.values_list("code", "name")
        case _:
            raise KeyError(kind)
    return {word for pair in pairs for word in pair if word in asked}
