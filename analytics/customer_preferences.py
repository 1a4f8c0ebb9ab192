"""What preference models in use say of one customer, beside what facts say: for Customer-360 and the API."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from analytics import preferences
from analytics.models import PredictiveModel, PreferenceAnswer
from bankcrm import figures
from customers import fields as catalogue
from customers.models import Customer, CustomerProfile

Kind, Target = PredictiveModel.Kind, PredictiveModel.Target


@dataclass(frozen=True, slots=True)
class Likely:
    """One preference of one customer. ``code`` is the field of the catalogue the answer fills; ``answer`` a code of its
    choices, "" with the reason in ``why_not``. ``chance`` and ``second_chance`` are shares, None without an answer.
    ``fact`` is what the catalogue's rule says was preferred so far, "" where it says nothing."""

    code: str
    label: str
    answer: str = ""
    chance: float | None = None
    second: str = ""
    second_chance: float | None = None
    fact: str = ""
    why_not: str = ""
    model: PredictiveModel | None = None
    version: int | None = None
    as_of: dt.date | None = None
    run: int | None = None

    @property
    def said(self) -> str:
        return catalogue.get(self.code).choice_label(self.answer) if self.answer else ""

    @property
    def second_said(self) -> str:
        return catalogue.get(self.code).choice_label(self.second) if self.second else ""

    @property
    def agrees(self) -> bool:
        """Whether the model expects what facts say already."""
        return bool(self.answer) and self.answer == self.fact


def of(customer: Customer) -> list[Likely]:
    """The four preferences in the catalogue's order, in three queries whatever the customer has."""
    models = {
        model.target: model
        for model in PredictiveModel.objects.filter(kind=Kind.PREFERENCE, current_score_run__isnull=False)
        .exclude(feeds="")
        .select_related("current_score_run__version")
        .defer("current_score_run__version__artefact", "current_score_run__version__card")
    }
    runs = [model.current_score_run_id for model in models.values()]
    answers = {
        row.score_run_id: row
        for row in PreferenceAnswer.objects.filter(score_run__in=runs, customer=customer).defer("chances")
    }
    facts: dict[str, Any] = (
        CustomerProfile.objects.filter(customer=customer)
        .order_by("-month")
        .values(*(about.fact for about in preferences.SUBJECTS.values()))
        .first()
        or {}
    )
    return [
        _one(about, models.get(target), answers, facts.get(about.fact, ""))
        for target, about in preferences.SUBJECTS.items()
    ]


def _one(
    about: preferences.Subject,
    model: PredictiveModel | None,
    answers: dict[int, PreferenceAnswer],
    fact: str,
) -> Likely:
    label = str(catalogue.get(about.likely).label)
    if model is None or model.current_score_run is None:
        return Likely(about.likely, label, fact=fact, why_not=_("No model for this is in use yet."))
    run = model.current_score_run
    known: dict[str, Any] = {
        "fact": fact,
        "model": model,
        "version": run.version.number,
        "as_of": run.as_of,
        "run": run.pk,
    }
    found = answers.get(run.pk)
    if found is None:
        told = _("Not asked: outside the model's conditions, or not with us on %(day)s.")
        return Likely(about.likely, label, why_not=told % {"day": figures.short_day(run.as_of)}, **known)
    if not found.answer:
        told = _("Not enough behaviour: fewer than %(least)s bookings, purchases and contacts in 12 months.")
        return Likely(about.likely, label, why_not=told % {"least": model.least_seen}, **known)
    return Likely(
        about.likely,
        label,
        found.answer,
        found.chance,
        found.second if found.second_chance else "",
        found.second_chance or None,
        **known,
    )
