"""What the controls of the mapping page offer: meanings of a column, of a word, and of what every row shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from bankcrm.models import Branch, User
from customers.import_own_forms import NEW
from customers.imports import mapping
from customers.imports.kinds import Kind, Reading, Target, Type
from customers.models import Product

CODED = (Type.CHOICE, Type.FLAG, Type.BRANCH, Type.STAFF, Type.PRODUCT)
UNSAID, NOTHING = "", "="
Choices = list[tuple[str, Any]]


def meanings(kind: Kind) -> list[Any]:
    """Choices of a column: left out, a fact, then targets and readings in groups."""
    head: Choices = [(mapping.LEFT_OUT, _("— left out"))]
    if kind.keeps_other_columns:
        head.append((mapping.FACTS, _("— kept as a fact")))
    if kind.keeps_own_fields:
        head.append((NEW, _("— kept as an own field")))
    needed = [target for target in kind.targets if target.required or target.wanted]
    others = [target for target in kind.targets if target not in needed and not target.is_own]
    kept = [target for target in kind.targets if target.is_own]
    derived = [
        (
            f"{target.name}:{reading.code}",
            capital(mapping.meaning_label(kind, f"{target.name}:{reading.code}")),
        )
        for target in kind.targets
        for reading in target.readings
    ]
    groups = [
        (_("Needed"), [(target.name, _label(target)) for target in needed]),
        (_("Other fields"), [(target.name, _label(target)) for target in others]),
        (_("Worked out from something else"), derived),
        (_("Own fields of the bank"), [(target.name, _label(target)) for target in kept]),
    ]
    return [*head, *((title, pairs) for title, pairs in groups if pairs)]


def _label(target: Target) -> str:
    label = capital(str(target.label))
    return _("%(label)s (required)") % {"label": label} if target.required else label


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def word_choices(target: Target, reading: Reading | None) -> Choices | None:
    """What a word may mean: a code of the target; None where it is typed."""
    kind = reading.type if reading else target.type
    if kind == Type.FLAG:
        codes: Iterable[tuple[str, Any]] = [("yes", _("Yes")), ("no", _("No"))]
    elif kind in CODED:
        codes = _codes(target) or []
    else:
        return None
    return [(UNSAID, _("— not said; such rows stay out")), (NOTHING, _("— no value")), *codes]


def constant(target: Target, told: str) -> forms.Field:
    """What every row shares: chosen where the bank knows the codes, typed where not."""
    codes = _codes(target)
    label = capital(str(target.label))
    if codes is None:
        return forms.CharField(label=label, required=False, max_length=200, initial=told)
    known = [(code, _("%(name)s (%(code)s)") % {"name": name, "code": code}) for code, name in codes]
    if told and told not in dict(known):
        known.append((told, told))  # as an earlier file or the command line said it; the check judges it
    choices = [("", _("— not the same in every row")), *known]
    return forms.ChoiceField(label=label, required=False, choices=choices, initial=told)


def _codes(target: Target) -> Iterable[tuple[str, Any]] | None:
    """(code, name) of everything a coded target may be; None for one that is not coded."""
    match target.type:
        case Type.BRANCH:
            return Branch.objects.order_by("name").values_list("code", "name")
        case Type.PRODUCT:
            return Product.objects.order_by("name").values_list("code", "name")
        case Type.STAFF:
            people = User.objects.filter(is_active=True).order_by("full_name")
            return people.values_list("employee_number", "full_name")
        case Type.CHOICE:
            return target.choices
        case Type.FLAG:
            return [("yes", _("Yes")), ("no", _("No"))]
    return None
