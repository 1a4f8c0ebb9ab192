"""How the form of the mapping page is shown: every column with its values and what it means, what is still missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import clock, figures
from bankcrm.day_field import day_problem
from customers.import_choice_forms import NOTHING, UNSAID, capital
from customers.import_map_forms import DAYS, NUMBERS, MapForm
from customers.import_own_forms import BY_NUMBER, NEW, PARTS
from customers.imports import loads, mapping, references, sampling, values
from customers.imports.expressions import judged_target
from customers.imports.kinds import Target, Type, own
from customers.models import ImportFile
from customers.own_values import disguised

# What is said of a column none of whose words the bank knows.
NAMELESS = {
    Type.BRANCH: gettext_lazy(
        "None of the %(count)s values of %(column)s is a branch of the bank: %(words)s…"
    ),
    Type.STAFF: gettext_lazy("None of the %(count)s values of %(column)s is an employee number: %(words)s…"),
    Type.PRODUCT: gettext_lazy(
        "None of the %(count)s values of %(column)s is a product of the bank: %(words)s…"
    ),
}


@dataclass
class Row:
    """One column of the file."""

    at: int
    name: str
    examples: list[str]
    different: int
    empty: int
    means: BoundField
    shown: BoundField
    form: BoundField | None = None
    # Which cells say nothing although something stands in them.
    blank: BoundField | None = None
    words: list[tuple[str, int, BoundField]] = field(default_factory=list)
    unsaid: int = 0
    # Every word is understood without anybody saying so.
    is_plain: bool = False
    # Meanings are typed, not chosen.
    typed: bool = False
    perhaps: str = ""
    # The controls of a column that becomes an own field, and why one is proposed to be left out.
    own: list[BoundField] = field(default_factory=list)
    why_not: str = ""


def body(file: ImportFile, form: MapForm) -> dict[str, Any]:
    """Everything the page shows of the columns and of what rows share."""
    rows = [_row(form, at, column) for at, column in enumerate(form.columns)]
    meanings = form.mapped()
    left_out = [name for name, meaning in meanings.items() if meaning == mapping.LEFT_OUT]
    constants, asked = form.group("constant_"), form.asked()
    seen = max((column.seen for column in form.columns), default=0)
    return {
        "file": file,
        "form": form,
        "rows": rows,
        "needed": _needed(form, meanings, asked),
        "sampled": seen if seen + 1 < int(file.options.get("lines") or 0) else 0,
        "example": _("Customer {%(column)s}") % {"column": form.key_column() or mapping.LINE},
        "mapped": len(rows) - len(left_out),
        "left_out": len(left_out),
        "unsaid": sum(row.unsaid for row in rows),
        "twice": _twice(form, meanings),
        "asked": asked,
        "shared": [each for each in constants if _is_usual(form, each)],
        "others": [each for each in constants if not _is_usual(form, each)],
        "campaign": form.group("campaign_"),
        "arms": _arms(form),
        "moved": file.options.get("moved"),
        "by_number": form[BY_NUMBER] if form.kind.keeps_own_fields else None,
        "kept": sum(form.meaning(at) == NEW or own.is_own(form.meaning(at)) for at in range(len(rows))),
        "own_from": loads.effective_day(file),
    }


def _row(form: MapForm, at: int, column: sampling.Column) -> Row:
    told = form.told(at)
    hidden = bool(told and told[0].is_masked)
    found = Row(
        at,
        column.name,
        [_masked(value) if hidden else disguised(value) for value in column.examples()],
        len(column.values),
        column.seen - column.filled,
        form[f"column_{at}"],
        form[f"shown_{at}"],
        form[f"form_{at}"] if f"form_{at}" in form.fields else None,
        form[f"blank_{at}"] if f"blank_{at}" in form.fields else None,
    )
    for number, (word, count) in enumerate(form.words.get(at, [])):
        name = f"value_{at}_{number}"
        if name in form.fields:
            found.words.append((disguised(word), count, form[name]))
    found.unsaid = sum(
        field.value() in ("", None) for _word, _count, field in found.words if hasattr(field.field, "choices")
    )
    if told is not None:
        target = judged_target(*told)
        if target.type in NUMBERS:
            found.unsaid = sum(
                not sampling.is_number(str(bound.value() or "0")) for _word, _count, bound in found.words
            )
        asked = [word for word, _count in form.words.get(at, [])]
        found.is_plain = not found.unsaid and all(
            values.understood(target, word) == bound.value()
            for word, (_shown, _count, bound) in zip(asked, found.words, strict=False)
        )
    found.typed = any(not hasattr(bound.field, "choices") for _word, _count, bound in found.words)
    found.own = [form[f"own_{part}_{at}"] for part in PARTS if f"own_{part}_{at}" in form.fields]
    if form.kind.keeps_own_fields and form.meaning(at) == mapping.LEFT_OUT:
        found.why_not = form.own.why_not(column.name)
    found.perhaps = (form.file.options.get("moved") or {}).get("perhaps", {}).get(column.name, "")
    return found


def _masked(value: str) -> str:
    shown = disguised(value)
    return shown if "*" in shown else f"{value[:2]}***{value[-2:]}" if len(value) > 4 else "***"


def _arms(form: MapForm) -> list[str]:
    """The arms of a past campaign that the first rows name; none where what means them is no list of arms."""
    found = [
        column for at, column in enumerate(form.columns) if form.meaning(at) == "cell" and column.is_code_list
    ]
    return [word for column in found for word, _count in column.values]


def _needed(form: MapForm, meanings: dict[str, str], asked: list[str]) -> list[dict[str, Any]]:
    """Targets a file should give: label, state ("ok", "bad" when required and missing, "warn"), by what or why."""
    by = {meaning.partition(":")[0]: name for name, meaning in meanings.items() if meaning}
    constants = {
        name.removeprefix("constant_"): str(form[name].value() or "")
        for name in asked
        if name.startswith("constant_")
    }
    load, problem = _day_of_load(form, meanings, constants)
    found = []
    for target in form.kind.targets:
        if not (target.required or target.wanted):
            continue
        column, shared = by.get(target.name, ""), constants.get(target.name, "")
        free = _filled_otherwise(form, target, load) if not column and not shared else ""
        tone = "ok" if column or shared or free else "bad" if target.required else "warn"
        why = column or shared or free or str(target.wanted) or _("required")
        field = "" if column else f"#{_asked_by(form, target)}"
        if column and (unheard := _unheard(form, target, column)):
            tone, why, field = (
                "bad",
                unheard,
                f"#{form[f'column_{list(meanings).index(column)}'].id_for_label}",
            )
        if target.name == "name" and BY_NUMBER in asked and form[BY_NUMBER].value() == "yes":
            tone, why, field = "ok", _("new customers are called by their number"), f"#id_{BY_NUMBER}"
        if target.type in DAYS and shared and "{" not in shared and (wrong := day_problem(shared)):
            tone, why = "bad", wrong
        if target.name == form.kind.day and not column and problem:
            tone, why, field = "bad", problem, "#id_effective_on"
        found.append({"label": capital(str(target.label)), "tone": tone, "why": why, "url": field})
    if any(":" in meaning for meaning in meanings.values()):
        found.append(_as_of(load, problem))
    return found


def _unheard(form: MapForm, target: Target, name: str) -> str:
    """Why a column that should name branches, colleagues or products names none of the bank's; "" where it may.

    Words that a person gave a meaning count as known, and so does a word that means nothing.
    """
    if target.type not in NAMELESS:
        return ""
    at = [column.name for column in form.columns].index(name)
    column = form.columns[at]
    asked = [word for word, _count in form.words.get(at, [])]
    said = {str(form[f"value_{at}_{number}"].value() or UNSAID) for number in range(len(asked))}
    if not column.values or said - {UNSAID, NOTHING} or said == {NOTHING}:
        return ""
    words = [word for word, _count in column.values]
    if references.known(target.type, words):
        return ""
    shown = {"column": name, "count": figures.number(len(words)), "words": ", ".join(column.examples())}
    told = str(NAMELESS[target.type]) % shown
    if asked:
        return _("%(told)s Say below what each means.") % {"told": told}
    if target.required:
        return _("%(told)s Such rows stay out.") % {"told": told}
    return _("%(told)s Such rows stay out: leave the column out, or set one for every row.") % {"told": told}


def _asked_by(form: MapForm, target: Target) -> str:
    """The control that says what no column does."""
    is_listed = target.type == Type.CUSTOMER and "campaign_new_customers" in form.fields
    return "id_campaign_new_customers" if is_listed else f"id_constant_{target.name}"


def _filled_otherwise(form: MapForm, target: Target, load: str) -> str:
    """What fills a target that neither a column nor a constant gives: the day of the load, the prefix of a list."""
    if target.name == form.kind.day and load:
        return _("%(day)s, the day of the load") % {"day": load}
    if target.type == Type.CUSTOMER and "campaign_new_customers" in form.fields:
        prefix = str(form["campaign_new_customers"].value() or "")
        return _("%(prefix)s and the line of the file") % {"prefix": prefix} if prefix else ""
    return ""


def _day_of_load(form: MapForm, meanings: dict[str, str], constants: dict[str, str]) -> tuple[str, str]:
    """(the day of the load as the page holds it, why the file cannot be of that day)."""
    told = str(form.draft.get("effective_on", form.file.effective_on) or "").strip()
    if not told:
        return "", ""
    if problem := day_problem(told):
        return told, problem
    return told, loads.day_objection(form.file, dt.date.fromisoformat(told), meanings, constants)


def _as_of(load: str, problem: str) -> dict[str, Any]:
    """From which day ages and years count back."""
    why = problem or load
    if not why:
        why = _("ages and years count back from %(day)s, unless you say another day") % {
            "day": clock.today().isoformat()
        }
    tone = "bad" if problem else "ok" if load else "warn"
    return {"label": _("As of"), "tone": tone, "why": why, "url": "#id_effective_on"}


def _twice(form: MapForm, meanings: dict[str, str]) -> list[str]:
    names = [
        meaning.partition(":")[0]
        for meaning in meanings.values()
        if meaning not in (mapping.FACTS, mapping.LEFT_OUT)
    ]
    return [str(target.label) for target in form.kind.targets if names.count(target.name) > 1]


def _is_usual(form: MapForm, bound: BoundField) -> bool:
    """What a file that does not say it often shares in every row."""
    target = form.kind.target(bound.name.removeprefix("constant_"))
    coded = target.type in (Type.BRANCH, Type.PRODUCT)
    return bool(target.required or target.wanted or coded or bound.value())
