"""Finding one customer among a million: by number, by the last digits of it or of the phone, by name, typos included.

Every look-up goes through an index and stops after CANDIDATES, so that a letter typed in a bank of a million costs what
it costs in a small one; the best of the candidates come first. Nothing is said about customers out of sight.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import F, FloatField, Q, QuerySet, Value
from django.db.models.fields import CharField
from django.db.models.functions import Reverse, Upper

from bankcrm.models import User
from customers import recent
from customers.models import Customer
from customers.models.attributes import CustomerQuerySet

MOST = 20
CANDIDATES = 200
# Fewer digits would name half of the bank.
SUFFIX_DIGITS = 4
# A trigram index needs three characters; a shorter piece is looked for at either end of the name, where it has them.
INFIX_CHARACTERS = 3
TYPO_CHARACTERS = 3
# With so many certain finds nobody meant another name.
ENOUGH = 5


# Rows of (id, distance, day they left, name).
Look = QuerySet[Any, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    pk: int
    distance: float
    closed_on: dt.date | None
    name: str

    @property
    def place(self) -> tuple[bool, float, str, int]:
        """Who left comes last, then the closest, then by name."""
        return self.closed_on is not None, self.distance, self.name, self.pk


def find(user: User, text: str) -> CustomerQuerySet:
    """Up to MOST + 1 customers that ``user`` may see, best match first; one more than MOST says that there are more.

    Text of digits only is a number, or the end of one or of a phone number; everything else is a name or a number. Sure
    matches are looked for first, then pieces of names, then names that sound alike: at most three queries, and one for
    the result.
    """
    wanted = tidied(text)
    if not wanted:
        return Customer.objects.none()
    seen = Customer.objects.visible_to(user)
    digits = re.sub(r"[\s-]", "", wanted)
    if digits.isascii() and digits.isdigit():
        found = _candidates(_numbers(seen, wanted, digits))
    else:
        found = _candidates([*_by_number(seen, wanted), *_beginnings(seen, wanted)])
        if len(found) <= MOST:
            found = _candidates(_pieces(seen, wanted)) | found
        if len(found) < ENOUGH and len(wanted) >= TYPO_CHARACTERS:
            found = _candidates([_alike(seen, wanted)]) | found
    return _ordered(found)


def is_too_short(text: str) -> bool:
    """Whether it is only digits, and too few of them to be the end of a number."""
    digits = re.sub(r"[\s-]", "", tidied(text))
    return digits.isascii() and digits.isdigit() and len(digits) < SUFFIX_DIGITS


def tidied(text: str) -> str:
    """What was typed without full-width forms, needless blanks and NUL, 60 characters at most."""
    return " ".join(unicodedata.normalize("NFKC", text).split())[:60].replace("\0", "").strip()


def _numbers(seen: CustomerQuerySet, wanted: str, digits: str) -> list[Look]:
    looks = _by_number(seen, wanted)
    if len(digits) >= SUFFIX_DIGITS:
        looks.append(_at(_ending(seen, "number", digits), 3))
        looks.append(_at(_ending(seen, "phone", digits).exclude(phone=""), 4))
    return looks


def _ending(seen: CustomerQuerySet, column: str, digits: str) -> CustomerQuerySet:
    """Those whose number ends so; read from its end, it begins so, which an index of ``0002_database`` finds."""
    backwards = seen.annotate(backwards=Reverse(column, output_field=CharField()))
    return backwards.filter(backwards__startswith=digits[::-1])


def _by_number(seen: CustomerQuerySet, wanted: str) -> list[Look]:
    spellings = {wanted, wanted.upper()}
    begins = Q()
    for one in spellings:
        begins |= Q(number__startswith=one)
    return [_at(seen.filter(number__in=spellings), 0), _at(seen.filter(begins), 2)]


def _beginnings(seen: CustomerQuerySet, wanted: str) -> list[Look]:
    return [_at(seen.filter(name__iexact=wanted), 1), _at(seen.filter(name__istartswith=wanted), 3)]


def _pieces(seen: CustomerQuerySet, wanted: str) -> list[Look]:
    """The end of a name, from two characters on (a Chinese given name); any piece of it from three on."""
    if len(wanted) < 2:
        return []
    if len(wanted) < INFIX_CHARACTERS:
        return [_at(seen.filter(name__iendswith=wanted), 5)]
    return [_at(seen.filter(name__icontains=wanted), 5)]


def _alike(seen: CustomerQuerySet, wanted: str) -> Look:
    """Names with a word as close as the connection's ``pg_trgm.word_similarity_threshold`` asks, closest first."""
    close = TrigramWordSimilarity(wanted.upper(), Upper("name"))
    alike = seen.annotate(large=Upper("name")).filter(large__trigram_word_similar=wanted.upper())
    distance = Value(7.0) - F("close")
    return (
        alike.annotate(close=close, distance=distance)
        .order_by("-close", "pk")
        .values_list("pk", "distance", "closed_on", "name")[:CANDIDATES]
    )


def _at(found: CustomerQuerySet, distance: float) -> Look:
    marked = found.annotate(distance=Value(float(distance), FloatField()))
    return marked.order_by().values_list("pk", "distance", "closed_on", "name")[:CANDIDATES]


def _candidates(looks: list[Look]) -> dict[int, Candidate]:
    """The candidates of all look-ups in one query, by id; each as near as its nearest look-up says."""
    if not looks:
        return {}
    rows = looks[0].union(*looks[1:], all=True) if len(looks) > 1 else looks[0]
    found: dict[int, Candidate] = {}
    for row in rows:
        one = Candidate(*row)
        if one.pk not in found or one.distance < found[one.pk].distance:
            found[one.pk] = one
    return found


def _ordered(found: dict[int, Candidate]) -> CustomerQuerySet:
    best = sorted(found.values(), key=lambda one: one.place)[: MOST + 1]
    if not best:
        return Customer.objects.none()
    ids = [one.pk for one in best]
    return Customer.objects.filter(pk__in=ids).order_by(recent.in_order(ids))
