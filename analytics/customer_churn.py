"""What churn models in use say of one customer, and how far it lowers the loyalty grade: for Customer-360."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from analytics import targets
from analytics.models import PredictiveModel, Score
from customers import attitude
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Leaving:
    """One chance of leaving: ``times`` the average of all it was computed for, and the best grade that leaves. Chance
    and times are None where the model did not ask about the customer."""

    model: PredictiveModel
    definition: str
    version: int
    as_of: dt.date
    run: int
    average: float | None
    chance: float | None = None
    times: float | None = None
    best_grade: str = "A"


def of(customer: Customer) -> list[Leaving]:
    """Every churn model that fills a field of the profile and has scores in use, in the order of the fields."""
    models = (
        PredictiveModel.objects.filter(feeds__in=attitude.CHURN, current_score_run__isnull=False)
        .select_related("product", "current_score_run__version")
        .defer("current_score_run__version__artefact", "current_score_run__version__card")
    )
    found = []
    for model in sorted(models, key=lambda model: attitude.CHURN.index(model.feeds)):
        run = model.current_score_run
        if run is None:
            continue
        mine = Score.objects.filter(score_run=run, customer=customer)
        chance = mine.values_list("probability", flat=True).first()
        told = Leaving(model, targets.sentence(model), run.version.number, run.as_of, run.pk, run.average)
        if chance is not None and run.average:
            times = chance / run.average
            told = replace(told, chance=chance, times=times, best_grade=attitude.best_grade(times))
        found.append(told)
    return found
