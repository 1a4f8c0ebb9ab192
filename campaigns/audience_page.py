"""What the audience builder shows: fields to pick from, controls with real values, counts, histograms, words."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import audience
from analytics.conditions import EVENTS, EXTRA_LABELS, MANY_VALUES, NAMED, NO_VALUE, OPERATORS
from analytics.distribution import Bin
from analytics.models import Audience, PredictiveModel, Segment, Segmentation
from bankcrm.models import User
from campaigns import audience_builder, histogram
from campaigns.audience_rows import DAYS, Item, base_of, has_choices, operators, row_value
from campaigns.models import Campaign
from customers import fields
from customers.fields import Area, Reference, Type
from customers.models import Customer

KINDS = {
    "all": gettext_lazy("All of these"),
    "any": gettext_lazy("Any of these"),
    "none": gettext_lazy("None of these"),
}
PREVIEWED = 20
_MINUTES = 10 * 60
_DRAWN = (Type.NUMBER, Type.MONEY, Type.DATE)
EMPTY: Mapping[str, int] = {}


@dataclass(slots=True)
class Catalogue:
    """What may be picked: groups of (code, label) by subject area, and labels both ways."""

    groups: list[tuple[str, list[tuple[str, str]]]]
    labels: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _area, options in self.groups:
            for code, label in options:
                self.labels[code] = label
                self.codes.setdefault(label.casefold(), code)

    def find(self, typed: str) -> str:
        """The field somebody typed the name of, or the only one that contains it; "" for none."""
        typed = typed.strip().casefold()
        if not typed or typed in self.codes:
            return self.codes.get(typed, "")
        containing = [code for label, code in self.codes.items() if typed in label]
        return containing[0] if len(containing) == 1 else ""


def catalogue(user: User, *, without: int | None = None) -> Catalogue:
    """Fields by subject area, then scores, history and saved audiences (not the one that is being edited itself)."""
    everything = fields.filterable().values()
    groups = [
        (
            str(area.label),
            [
                (entry.code, str(entry.label))
                for entry in everything
                if entry.area == area and not entry.is_retired
            ],
        )
        for area in Area
    ]
    # Answers of preference models are fields of the customer; they rank nobody.
    models = PredictiveModel.objects.visible_to(user).exclude(kind=PredictiveModel.Kind.PREFERENCE)
    scores = []
    for model in models.filter(current_score_run__isnull=False).order_by("name"):
        scores.append((f"decile:{model.code}", _("%(model)s, decile") % {"model": model.name}))
        scores.append((f"score:{model.code}", _("%(model)s, score") % {"model": model.name}))
    divided = Segment.objects.filter(segmentation__in=Segmentation.objects.visible_to(user))
    segments = [
        (f"segment:{segment.segmentation.code}/{segment.number}", f"{segment.segmentation}: {segment}")
        for segment in divided.filter(segmentation__current_run__isnull=False)
        .select_related("segmentation")
        .order_by("segmentation__name", "number")
    ]
    saved = (
        Audience.objects.visible_to(user)
        .exclude(pk__in=[] if without is None else [without])
        .order_by("name")
    )
    groups += [
        (_("Scores"), scores),
        (_("Segments"), segments),
        (_("Campaign history"), [(event, str(EXTRA_LABELS[event])) for event in EVENTS]),
        (_("Saved audiences"), [(f"audience:{one.pk}", one.name) for one in saved]),
        (_("Lists"), [("customer_number", str(EXTRA_LABELS["customer_number"]))]),
    ]
    return Catalogue([(label, options) for label, options in groups if options])


@dataclass(slots=True)
class Builder:
    """Everything one rendering needs; ``root`` is the tree as dicts for the templates."""

    root: dict[str, Any]
    condition: dict[str, Any]
    everybody: int
    total: int | None
    seconds: float
    month: dt.date
    words: str
    shape: str
    has_errors: bool


class Page:
    """One rendering of the builder for a user and a month: look-ups are made once and shared by all rows."""

    def __init__(self, user: User, month: dt.date, known: Catalogue) -> None:
        self.user, self.month, self.known = user, month, known
        self.names: dict[Reference, dict[str, str]] = {}
        self.campaigns: list[tuple[str, str]] | None = None

    def build(self, root: Item, open_key: str = "", *, complete: bool = False) -> Builder:
        """Check, count and describe the tree; the row ``open_key`` shows how its values are spread.

        ``complete``: rows that still miss something say so.
        """
        condition = audience_builder.check(root)
        if complete:
            audience_builder.unfinished(root)
        began = time.perf_counter()
        counts = audience.row_counts(condition, self.month, self.user)
        seconds = time.perf_counter() - began
        by_path = {row.path: row for row in counts.rows}
        return Builder(
            root=self._node(root, by_path, open_key, None),
            condition=condition,
            everybody=counts.everybody,
            total=counts.total,
            seconds=seconds,
            month=self.month,
            words=audience.describe(condition),
            shape=audience_builder.shape(root),
            has_errors=bool(root.error) or any(row.error for row in root.rows()),
        )

    def _node(
        self, item: Item, counts: Mapping[str, audience.RowCount], open_key: str, parent: Item | None
    ) -> dict[str, Any]:
        count = counts.get(item.path) if item.path else None
        shown: dict[str, Any] = {
            "item": item,
            "key": item.key,
            "in": parent.key if parent else "",
            "alone": count.alone if count else None,
            "left": count.left if count else None,
        }
        if not item.is_row:
            return shown | {
                "label": KINDS[item.kind],
                "kinds": list(KINDS.items()),
                "children": [self._node(child, counts, open_key, item) for child in item.children],
            }
        return shown | self._row(item, item.key == open_key)

    def _row(self, item: Item, is_open: bool) -> dict[str, Any]:
        entry = fields.filterable().get(item.code)
        control = self._control(item)
        shown: dict[str, Any] = {
            "ops": [(op, OPERATORS[op]) for op in operators(item.code)],
            "control": control,
            "input": "date" if entry and entry.type == Type.DATE else "text",
            "numeric": entry is None or entry.type in (Type.NUMBER, Type.MONEY),
            "hint": _hint(item),
            "unit": str(entry.unit) if entry and entry.unit not in ("share", "change") else "",
            "value": ", ".join(item.values),
            "label": self.known.labels.get(item.code, item.code),
            "is_open": is_open,
        }
        if control == "event":
            shown["options"] = self._campaigns(item)
        elif control in ("choice", "ticks"):
            shown["options"] = self._options(item, is_open)
            shown["said"] = ", ".join(o["label"] for o in shown["options"] if o["on"]) or _("choose")
        if is_open and entry and entry.type in _DRAWN:
            shown |= self._picture(item)
        return shown

    def _control(self, item: Item) -> str:
        """Which control takes the row's value."""
        base, entry = base_of(item.code), fields.filterable().get(item.code)
        many = item.op in MANY_VALUES or item.op == "contains"
        found = {
            "none": not item.code or item.op in NO_VALUE or base in NAMED,
            "event": base in EVENTS,
            "days": item.op in DAYS,
            "between": item.op == "between",
            "flag": entry is not None and entry.type == Type.FLAG,
            "ticks": many and has_choices(item.code),
            "choice": has_choices(item.code),
        }
        return next((control for control, is_it in found.items() if is_it), "value")

    def _options(self, item: Item, is_open: bool) -> list[dict[str, Any]]:
        entry = fields.get(item.code)
        if entry.reference:
            if entry.reference not in self.names:
                self.names[entry.reference] = audience.reference_names(entry.reference)
            choices = list(self.names[entry.reference].items())
        else:
            choices = [(str(code), str(label)) for code, label in entry.choices]
        spread = self._spread(item.code, compute=is_open)
        counts = {one.value: one.count for one in spread[0]} if spread else EMPTY
        return [
            {
                "value": code,
                "label": label,
                "count": counts.get(code, 0) if spread else None,
                "on": code in item.values,
            }
            for code, label in choices
        ]

    def _campaigns(self, item: Item) -> list[dict[str, Any]]:
        if self.campaigns is None:
            found = Campaign.objects.visible_to(self.user).order_by("-id").values_list("code", "name")[:200]
            self.campaigns = list(found)
        return [{"value": code, "label": name, "on": code == item.campaign} for code, name in self.campaigns]

    def _spread(self, code: str, *, compute: bool) -> tuple[tuple[Bin, ...], int, int] | None:
        """(bins, not known, all) of a field, remembered for ten minutes: profiles change once a month."""
        key = f"audience-spread:{code}:{self.month}:{self.user.pk}"
        found = cache.get(key)
        if found is None and compute:
            spread = audience.distribution(code, self.month, self.user)
            found = (spread.bins, spread.missing, spread.total)
            cache.set(key, found, _MINUTES)
        return found

    def _picture(self, item: Item) -> dict[str, Any]:
        spread = self._spread(item.code, compute=True)
        if spread is None or not spread[0]:
            return {}
        entry = fields.get(item.code)
        low, high = _bounds(item)
        return {
            "picture": histogram.histogram(entry, spread[0], low, high),
            "missing": spread[1],
            "seen": spread[2],
        }


def _bounds(item: Item) -> tuple[Any, Any]:
    """The bounds a row draws into its histogram, where they can be read."""
    try:
        stored = row_value(item)
    except ValueError:
        return None, None
    if fields.get(item.code).type == Type.DATE:
        is_day = item.op in ("between", "before", "after")
        days = stored if isinstance(stored, list) else [stored]
        values = [dt.date.fromisoformat(day) for day in days] if is_day else []
    else:
        values = stored if isinstance(stored, list) else [stored]
    if item.op in ("at_least", "after"):
        return values[0], None
    if item.op in ("at_most", "before"):
        return None, values[0]
    return (values[0], values[1]) if item.op == "between" else (None, None)


def _hint(item: Item) -> str:
    base = base_of(item.code)
    entry = fields.filterable().get(item.code)
    if base == "score" or (entry and entry.unit == "share"):
        return _("0 to 1: 0.3 is 30 %")
    if base == "decile":
        return _("1 is the best tenth")
    if base == "customer_number":
        return _("numbers, with commas between")
    return ""


def preview(condition: Mapping[str, Any], month: dt.date, user: User) -> list[Customer]:
    """The first customers in sight who meet the condition. Raises InvalidCondition."""
    compiled = audience.compile_condition(dict(condition), month)
    return list(
        Customer.objects.visible_to(user)
        .filter(pk__in=RawSQL(compiled.sql, compiled.params))  # noqa: S611  compiled by allow-list
        .select_related("home_branch")
        .order_by("pk")[:PREVIEWED]
    )
