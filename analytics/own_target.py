"""Models of a yes/no field of the bank's own: who has such a word, and which rows a model learns it from.

Where the field was told anew on later days, customers are asked at month-ends and the word said in the window counts,
split by time like every other model. Where there is nothing to split by, the words known at the month-end are learned
beside the features of that day, the customers are dealt at random, and the card says so (methods.md section 4).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from numpy.typing import ArrayLike

from analytics import features, labels, targets
from analytics.features import Population
from analytics.modelling.matrix import check_labels
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.modelling.splits import CannotSplit, Slices
from analytics.models import PredictiveModel
from bankcrm import figures

SOURCE = "own"
ONE_DAY = gettext_noop(
    "All values of “%(field)s” are of %(day)s: there is no time to split by. Customers were dealt at random into three"
    " parts, each with the same share of the outcome; how the model ranks at a later time is not known."
)
FEW_DAYS = gettext_noop(
    "The values of “%(field)s” are of %(days)s days, too few for a split by time. Customers were dealt at random into"
    " three parts, each with the same share of the outcome; how the model ranks at a later time is not known."
)
SAME_DAY = gettext_noop(
    "Features and outcome may be of the same day: a field that was written because of the outcome would be learned"
    " from. Look at the most important features before promoting."
)
LATER = gettext_noop("What “%(field)s” was said to be within the window after each of %(dates)s month-ends.")
VALIDATION = OUT_OF_TIME = 0.2


class NoValues(Exception):
    """Nobody has a value that could be learned from; the message says why, in the reader's language."""


def dataset(model: PredictiveModel, as_of: dt.date, step: labels.Step | None = None) -> labels.Dataset:
    """The labelled rows of a model of an own field.

    Raises NoValues with a sentence when nobody has a value by ``as_of``, ValueError for unknown features.
    """
    days = told_on(model, as_of)
    label = targets.own_field(model).label
    if not days:
        raise NoValues(_nothing(model, as_of))
    later = _later(model, as_of) if len(days) >= labels.FEWEST_SNAPSHOTS else []
    if later:
        told = Sentence(LATER, {"field": str(label), "dates": len(later)})
        return labels.read(model, SOURCE, later, (told,), step)
    template, named = (
        (ONE_DAY, {"day": days[0].isoformat()}) if len(days) == 1 else (FEW_DAYS, {"days": len(days)})
    )
    now, params = targets.own_now(model)
    who, who_params = targets.conditions(model, as_of)
    known = Population(
        where=f"({who}) AND ({now}) IS NOT NULL",
        params=(*who_params, *params),
        extra={"label": (now, params), "day": ("p.month", ())},
    )
    told = Sentence(template, {"field": str(label), **named})
    return replace(labels.read(model, SOURCE, [(as_of, known)], (told,), step), by_time=False)


def told_on(model: PredictiveModel, until: dt.date) -> list[dt.date]:
    """The days values of the field are of, up to ``until``, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT valid_from FROM customers_ownvalues"
            " WHERE jsonb_exists(content, %s) AND valid_from <= %s ORDER BY 1",
            [str(targets.own_id(model)), until],
        )
        return [row[0] for row in cursor.fetchall()]


def _later(model: PredictiveModel, as_of: dt.date) -> list[tuple[dt.date, Population]]:
    """Month-ends after which values were said within the window, where there are enough for a split by time."""
    batches = []
    months = labels.snapshots(model, as_of)
    labels.ensure_profiles(months)
    for month in months:
        outcome = targets.outcome(model, month)
        where, params = targets.conditions(model, month)
        who = Population(
            where=f"({where}) AND ({outcome[0]}) IS NOT NULL",
            params=(*params, *outcome[1]),
            extra={"label": outcome, "day": ("p.month", ())},
        )
        if features.count(month, who):
            batches.append((month, who))
    return batches if len(batches) >= labels.FEWEST_SNAPSHOTS else []


def _nothing(model: PredictiveModel, as_of: dt.date) -> str:
    named = {"field": targets.own_field(model).label, "month": figures.day(as_of)}
    if told_on(model, dt.date.max):
        return (
            _(
                "The values of “%(field)s” are of days after %(month)s, the newest month-end with a profile. Build the"
                " profile of a later month-end first."
            )
            % named
        )
    return _("No customer has a value of “%(field)s”.") % named


def split_at_random(y: ArrayLike, day: Any, seed: int) -> Slices:
    """Rows y (n,) 0/1 dealt 60/20/20 with the share of positives kept; one row a customer, so nobody is in two parts.

    Raises CannotSplit where a part would lack an outcome.
    """
    known = check_labels(y, len(np.asarray(y)))
    draw = np.random.default_rng(seed)
    parts: list[list[Any]] = [[], [], []]
    for value in (0, 1):
        rows = draw.permutation(np.flatnonzero(known == value))
        last, middle = round(len(rows) * OUT_OF_TIME), round(len(rows) * VALIDATION)
        if not (last and middle and len(rows) > last + middle):
            raise CannotSplit(
                gettext_noop(
                    "Too few customers with either outcome to deal them into three parts: %(positives)s of %(n)s have"
                    " it."
                ),
                positives=int(known.sum()),
                n=len(known),
            )
        for part, found in zip(
            parts, np.split(rows, [len(rows) - last - middle, len(rows) - last]), strict=True
        ):
            part.append(found)
    train, validation, out_of_time = (np.sort(np.concatenate(part)) for part in parts)
    return Slices(train, validation, out_of_time, day, day)
