"""The form of the mapping page: a meaning for every column, how it is written, what its words mean, what rows share.

Its fields follow the meanings chosen so far: a column that means a day asks for its form, one that means a choice lists
the real values of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm.day_field import day_problem
from customers import imports
from customers.import_campaign_forms import campaign_fields
from customers.import_choice_forms import CODED, NOTHING, UNSAID, constant, meanings, word_choices
from customers.import_own_forms import BY_NUMBER, NEW, PARTS, OwnColumns, by_number, controls
from customers.imports import day_readers, mapping, proposing, readers, sampling, values
from customers.imports.expressions import judged_target
from customers.imports.kinds import KINDS, Reading, Target, Type, own
from customers.models import ImportFile, OwnField

DAYS, NUMBERS = (Type.DATE, Type.MONTH_END), (Type.DECIMAL, Type.INTEGER)
MOST_WORDS = sampling.FEW
NUMBER_FORMS = [("point", gettext_lazy("1,234.50")), ("comma", gettext_lazy("1.234,50"))]


class MapForm(forms.Form):
    """``columns`` are samples of the file's columns in their order; ``draft`` is what a page holds and nobody saved."""

    century = forms.TypedChoiceField(
        label=gettext_lazy("Century of two-digit years"),
        choices=[(19, "19.."), (20, "20..")],
        coerce=int,
        initial=20,
        required=False,
    )

    def __init__(
        self,
        file: ImportFile,
        columns: Sequence[sampling.Column],
        data: Mapping[str, Any] | None = None,
        draft: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data)
        self.draft = draft or data or {}
        self.file, self.columns = file, list(columns)
        self.own = OwnColumns(file, self.columns)
        self.kind = own.extended(KINDS[file.kind], self.own.known, {})
        self.is_confirmed = bool(file.options.get("confirmed"))
        self.fields["century"].initial = file.options.get("century", 20)
        self.words: dict[int, list[tuple[str, int]]] = {}
        offered = meanings(self.kind)
        for at, column in enumerate(self.columns):
            self.fields[f"column_{at}"] = forms.ChoiceField(
                label=column.name,
                choices=offered,
                required=False,
                initial=self.own.meaning(column.name)
                if self.kind.keeps_own_fields
                else file.mapping.get(column.name, mapping.LEFT_OUT),
                widget=forms.Select(attrs={"class": "target"}),
            )
            self._add_column(at, column)
        self._add_constants()
        if file.kind == ImportFile.Kind.CAMPAIGN:
            for name, field in campaign_fields(file.options.get("campaign", {})).items():
                self.fields[f"campaign_{name}"] = field
        for name, field in self.fields.items():
            if draft and name in self.draft and not name.startswith("shown_"):
                field.initial = self.draft[name]

    # ── what the fields are ────────────────────────────────────────────────────────────────────────────────────────

    def meaning(self, at: int) -> str:
        """What column ``at`` means as far as it is said: as posted, otherwise as stored."""
        name = f"column_{at}"
        if name in self.draft:
            return str(self.draft[name])
        return str(self.fields[name].initial)

    def told(self, at: int) -> tuple[Target, Reading | None] | None:
        """The target and reading of a column; None when it is left out, a fact, or nonsense."""
        if self.meaning(at) == NEW:
            return self._new_target(at), None
        name, _sign, code = self.meaning(at).partition(":")
        try:
            target = self.kind.target(name)
            return target, target.reading(code)
        except KeyError:
            return None

    def _is_said(self, at: int) -> bool:
        """Whether somebody saved the column with the meaning it has now: how it is written was judged then."""
        stored = self.file.mapping.get(self.columns[at].name, mapping.LEFT_OUT)
        means = self.meaning(at)
        return self.is_confirmed and (stored == means or (means == NEW and own.is_own(stored)))

    def _new_target(self, at: int) -> Target:
        """How the cells of a column that becomes a field are read, as its type is chosen so far."""
        field = self.fields[f"own_type_{at}"]
        kind = str(self.draft.get(f"own_type_{at}", field.initial))
        told = {
            "label": self.columns[at].name,
            "type": kind if kind in OwnField.Type.values else field.initial,
        }
        # Its words are stored under its code.
        stored = self.file.mapping.get(self.columns[at].name, "")
        return own.target(stored if own.is_own(stored) else f"{NEW}_{at}", told)

    def _shape(self, at: int) -> str:
        """What the controls below a meaning depend on."""
        told = self.told(at)
        return f"{NEW} {told[0].type}" if told and self.meaning(at) == NEW else self.meaning(at)

    def _add_column(self, at: int, column: sampling.Column) -> None:
        shown = self.draft.get(f"shown_{at}")
        if self.meaning(at) == NEW:
            for part, control in controls(self.own.initial(column.name)).items():
                self.fields[f"own_{part}_{at}"] = control
        shape = self._shape(at)
        self.fields[f"shown_{at}"] = forms.CharField(required=False, initial=shape, widget=forms.HiddenInput)
        if (told := self.told(at)) is None:
            if self.meaning(at) == mapping.FACTS:
                self._add_blank(at, self._said(at))
            return
        if shown is not None and shown != shape and self.is_bound:
            return  # its words were never shown for this meaning
        target, reading = told
        kind = reading.type if reading else target.type
        self._add_form(at, column, target, reading)
        said = self._said(at)
        plain = {old.strip().lower(): new for old, new in said.items()}
        proposed = {} if self._is_said(at) else proposing.words_of(target, reading, column)
        self.words[at] = self._asked(kind, target, column, plain, proposed)
        # A text says nothing by being empty; a name that is given as "?" is for the check.
        if kind in (*DAYS, *NUMBERS) or "" in said.values():
            self._add_blank(at, said)
        choices = word_choices(target, reading)
        by_name = values.by_name(choices) if target.type in readers.NAMED and choices else {}
        for number, (word, _count) in enumerate(self.words[at]):
            known = values.understood(judged_target(target, reading), word)
            initial = plain.get(word.lower(), proposed.get(word, by_name.get(word, known)))
            field: forms.Field
            if choices is None:
                field = forms.CharField(label=word, required=False, max_length=60, initial=initial)
            else:
                code = NOTHING if initial == "" else initial if initial in dict(choices) else UNSAID
                field = forms.ChoiceField(label=word, required=False, choices=choices, initial=code)
            self.fields[f"value_{at}_{number}"] = field
        if shown is not None and shown != shape:
            stale = [name for name in self.draft if name.startswith((f"value_{at}_", f"form_{at}"))]
            self.draft = {name: value for name, value in self.draft.items() if name not in stale}

    def _said(self, at: int) -> dict[str, str]:
        """What words of the column mean as stored: word → meaning, "" for nothing."""
        return dict(self.file.options.get("values", {}).get(self._target_name(at, {}), {}))

    def _add_blank(self, at: int, said: Mapping[str, str]) -> None:
        """Which cells say nothing although something stands in them: a bank may write "never" as 999."""
        self.fields[f"blank_{at}"] = forms.CharField(
            label=_("Empty where it says"),
            required=False,
            max_length=200,
            initial="; ".join(self._blank(at, said)),
            widget=forms.TextInput(attrs={"placeholder": _("such as 999; -1")}),
        )

    def _blank(self, at: int, said: Mapping[str, str]) -> list[str]:
        """Those of ``said`` that mean nothing and whose meaning is not asked for word by word."""
        asked = {word.lower() for word, _count in self.words.get(at, [])}
        return [word for word, meant in said.items() if meant == "" and word.strip().lower() not in asked]

    def _add_form(self, at: int, column: sampling.Column, target: Target, reading: Reading | None) -> None:
        kind = reading.type if reading else target.type
        if kind not in (*DAYS, *NUMBERS):
            return
        stored = self.file.options.get("formats", {}).get(column.name, "")
        stored = stored or (self.file.options.get("date_format", "") if kind in DAYS else "")
        proposed = "" if self._is_said(at) else proposing.form_of(target, reading, column)
        is_day = kind in DAYS
        stored = stored if stored in (day_readers.FORMS if is_day else mapping.NUMBER_FORMATS) else ""
        if not is_day and "comma" not in (stored, proposed, column.number_form()):
            return
        self.fields[f"form_{at}"] = forms.ChoiceField(
            label=_("Written as"),
            required=False,
            choices=list(day_readers.FORMS.items()) if is_day else NUMBER_FORMS,
            initial=stored or proposed or ("ymd" if is_day else "point"),
        )

    def _asked(
        self,
        kind: Type,
        target: Target,
        column: sampling.Column,
        said: Mapping[str, str],
        proposed: Mapping[str, str],
    ) -> list[tuple[str, int]]:
        """(word, how often) of the words whose meaning is asked for."""
        if kind in CODED:
            if kind not in (Type.CHOICE, Type.FLAG) and not column.is_code_list:
                return []
            if len(column.values) <= MOST_WORDS:
                return column.values
            return [
                pair
                for pair in column.values
                if values.understood(target, pair[0]) is None or pair[0].lower() in said
            ][:MOST_WORDS]
        if kind in NUMBERS:
            odd = set(column.odd_numbers())
            return [
                pair
                for pair in column.values
                if pair[0] in proposed
                or said.get(pair[0].lower())
                or (pair[0] in odd and column.is_code_list)
            ][:MOST_WORDS]
        return [pair for pair in column.values if pair[0] in proposed or said.get(pair[0].lower())][
            :MOST_WORDS
        ]

    def _add_constants(self) -> None:
        stored = self.file.options.get("constants", {})
        if self.kind.keeps_own_fields:
            self.fields[BY_NUMBER] = by_number(self.file)
        for target in self.kind.targets:
            if not target.is_own:
                field = constant(target, stored.get(target.name, ""))
                if target.wanted and target.type == Type.TEXT and (key := self.key_column()):
                    field.widget.attrs["placeholder"] = _("such as Customer {%(column)s}") % {"column": key}
                self.fields[f"constant_{target.name}"] = field

    def asked(self) -> list[str]:
        """Fields that count as the columns are meant now: what a column gives is not asked for a second time.

        The page holds the others hidden, so that a change of meaning never takes a control from under somebody's hands.
        """
        given = {told[0].name for at in range(len(self.columns)) if (told := self.told(at))}
        names = [
            f"constant_{target.name}"
            for target in self.kind.targets
            if target.name not in given and not target.is_own
        ]
        if not self.kind.keeps_own_fields or "name" in given or self["constant_name"].value():
            return names
        return [*names, BY_NUMBER]

    def key_column(self) -> str:
        """The column that names the rows; "" where none does yet."""
        keys = [at for at in range(len(self.columns)) if self.meaning(at) in self.kind.key]
        return self.columns[keys[0]].name if keys else ""

    # ── what was posted ────────────────────────────────────────────────────────────────────────────────────────────

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, value in self._constants().items():
            target = self.kind.target(name)
            has_column = bool(value and mapping.PLACEHOLDER.search(value))
            if value and (target.name,) == self.kind.key and not has_column:
                self.add_error(
                    f"constant_{name}", _("Every row would be the same one; write {a column} in it.")
                )
            if value and target.type in DAYS and not has_column and (problem := day_problem(value)):
                self.add_error(f"constant_{name}", problem)
        return cleaned

    def save(self) -> ImportFile:
        """Store the meaning of the columns. Raises imports.Refused when the file is merged or something is missing."""
        options: dict[str, Any] = {
            key: value for key, value in self.file.options.items() if key in ("date_format", "without_branch")
        }
        options |= {
            "confirmed": True,
            "century": self.cleaned_data["century"] or 20,
            "formats": {
                self.columns[int(at)].name: form
                for at, form in self._group("form_").items()
                if form not in ("", "point")
            },
            "constants": {name: value for name, value in self._constants().items() if value},
        }
        mapped, codes = self.mapped(), self._codes()
        if self.kind.keeps_own_fields:
            options["own"] = {code: self._definition(at) for at, code in codes.items()}
            options[BY_NUMBER] = BY_NUMBER in self.asked() and self.cleaned_data[BY_NUMBER] == "yes"
        options["values"] = self._values(codes)
        if self.file.kind == ImportFile.Kind.CAMPAIGN:
            options["campaign"] = self._campaign()
        file = imports.remap(self.file, mapped, options)
        mapping.complete(file)
        return file

    def mapped(self) -> dict[str, str]:
        """File column → meaning, as far as it is said."""
        codes = self._codes()
        return {column.name: codes.get(at) or self.meaning(at) for at, column in enumerate(self.columns)}

    def _codes(self) -> dict[int, str]:
        """Position of every column that becomes a field → the field's code."""
        new = [at for at in range(len(self.columns)) if self.meaning(at) == NEW]
        codes = self.own.codes(self.columns[at].name for at in new) if new else {}
        return {at: codes[self.columns[at].name] for at in new}

    def _definition(self, at: int) -> dict[str, str]:
        told = {part: self.cleaned_data[f"own_{part}_{at}"] for part in PARTS}
        return told | {"meaning": "", "heading": self.columns[at].name[:200]}

    def _values(self, codes: Mapping[int, str]) -> dict[str, dict[str, str]]:
        """What was said of words, beside what was said before of words that no longer show."""
        found = {name: dict(pairs) for name, pairs in self.file.options.get("values", {}).items()}
        for at in range(len(self.columns)):
            if f"blank_{at}" in self.cleaned_data:
                self._say_blank(found.setdefault(self._target_name(at, codes), {}), at)
        for at, asked in self.words.items():
            if (told := self.told(at)) is None:
                continue
            target, reading = told
            pairs = found.setdefault(self._target_name(at, codes), {})
            for number, (word, _count) in enumerate(asked):
                name = f"value_{at}_{number}"
                for old in [old for old in pairs if old.strip().lower() == word.lower()]:
                    del pairs[old]
                if name not in self.cleaned_data:
                    continue
                said = self.cleaned_data[name]
                is_choice = isinstance(self.fields[name], forms.ChoiceField)
                if is_choice and said == UNSAID:
                    continue
                meant = "" if said == NOTHING else said
                if meant != values.understood(judged_target(target, reading), word):
                    pairs[word] = meant
        return {name: pairs for name, pairs in found.items() if pairs}

    def _target_name(self, at: int, codes: Mapping[int, str]) -> str:
        """Under which name the words of a column are stored."""
        told = self.told(at)
        return codes.get(at) or (told[0].name if told else f"{mapping.FACTS}.{self.columns[at].name}")

    def _say_blank(self, pairs: dict[str, str], at: int) -> None:
        for old in self._blank(at, pairs):
            del pairs[old]
        words = (word.strip() for word in self.cleaned_data[f"blank_{at}"].split(";"))
        pairs |= dict.fromkeys(self._blank(at, {word: "" for word in words if word}), "")

    def _constants(self) -> dict[str, str]:
        """Target → what every row shares, of those that no column gives."""
        asked = self.asked()
        return {
            name: value for name, value in self._group("constant_").items() if f"constant_{name}" in asked
        }

    def _group(self, prefix: str) -> dict[str, Any]:
        return {
            name.removeprefix(prefix): value
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix)
        }

    def _campaign(self) -> dict[str, Any]:
        told = self._group("campaign_")
        told["control_cells"] = [cell.strip() for cell in told["control_cells"].split(",") if cell.strip()]
        told["product"] = told["product"].code
        told["branch"] = told["branch"].code if told["branch"] else ""
        return told

    def group(self, prefix: str) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(prefix)]
