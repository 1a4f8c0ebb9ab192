"""Which outcomes a response model learns from: what campaigns gave, or what all customers bought.

Campaigns' outcomes say what a contact leads to, but only of whom they chose. Both are tried and judged on the same
later customers, everybody who could still buy; campaigns' are taken unless they may rank those noticeably worse.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics import card, labels
from analytics.material import Material
from analytics.modelling import bootstrap, metrics
from analytics.modelling.response import Choice, FittedResponse
from analytics.modelling.rolling import Rolling
from analytics.modelling.sentences import Sentence, gettext_noop
from analytics.modelling.splits import Slices

# Of an AUC: ranking everybody worse by more than this is no price for knowing what a contact leads to. A judgement.
MARGIN = 0.02
# Below so many of either outcome later customers cannot decide.
LEAST = 20

CAMPAIGNS = gettext_noop(
    "Learned from campaigns. Of the same %(n)s later customers, everybody who could still buy and %(positives)s who"
    " did, it ranks no worse than what all purchases teach: AUC %(ours).3f against %(theirs).3f, difference"
    " %(difference)+.3f (%(low)+.3f to %(high)+.3f; down to −%(margin).2f is accepted)."
)
PURCHASES = gettext_noop(
    "Learned from all purchases. What campaigns gave was tried too; of the same %(n)s later customers, everybody who"
    " could still buy and %(positives)s who did, it may rank worse: AUC %(ours).3f against %(theirs).3f, difference"
    " %(difference)+.3f (%(low)+.3f to %(high)+.3f; down to −%(margin).2f is accepted)."
)
NO_BETTER_THAN_CHANCE = gettext_noop(
    "Learned from all purchases. What campaigns gave was tried too and ranked their own later customers no better than"
    " chance."
)
UNDECIDED = gettext_noop(
    "Learned from all purchases. What campaigns gave was tried too, but only %(positives)s of %(n)s later customers"
    " bought; from %(needed)s on they decide between the two."
)
NOT_LEARNED = gettext_noop("Learned from all purchases. What campaigns gave was tried too: %(why)s")
NO_PURCHASES = gettext_noop(
    "Learned from campaigns: what all customers bought is too little to learn from. %(why)s"
)


@dataclass(frozen=True, slots=True)
class Fit:
    """Material, its parts, the two learners, and what they are compared on: ``tested`` rows of ``judges``."""

    material: Material
    slices: Slices
    choice: Choice
    judges: Material
    tested: NDArray[np.intp]
    # A history's learners refitted along the file, by kind.
    rolled: dict[str, Rolling] = field(default_factory=dict)

    @property
    def fitted(self) -> FittedResponse:
        """The better learner."""
        return self.choice.chosen

    def outcomes(self) -> NDArray[np.int8]:
        """What happened to the rows all are compared on."""
        return self.judges.y[self.tested]

    def answers(self, fitted: FittedResponse) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Raw scores and probabilities of a model of any specifications on the rows all are compared on."""
        rows = self.judges.again(fitted.specs, self.tested)
        raw = fitted.raw(rows)
        return raw, fitted.calibrator.predict(raw)

    def noting(self, sentence: Sentence, **facts: Any) -> Fit:
        """The same with a sentence for the card, and further facts."""
        known = self.material.facts
        notes = [card.sentence(sentence), *known["notes"]]
        return replace(self, material=replace(self.material, facts={**known, "notes": notes, **facts}))


def of(material: Material, slices: Slices, choice: Choice) -> Fit:
    """A fit judged on its own later rows."""
    return Fit(material, slices, choice, material, slices.out_of_time)


def choose(purchases: Fit, campaigns: Fit, horizon_days: int, *, resamples: int, seed: int) -> Fit:
    """The one to keep, with the sentence why; the campaigns' is then compared on everybody, as a champion is."""
    rows = _unseen(purchases, campaigns, horizon_days)
    y = purchases.material.y[rows]
    n, positives = len(y), int(y.sum())
    if campaigns.fitted.objection and not purchases.fitted.objection:
        return purchases.noting(Sentence(NO_BETTER_THAN_CHANCE))
    if min(positives, n - positives) < LEAST:
        return purchases.noting(Sentence(UNDECIDED, {"n": n, "positives": positives, "needed": LEAST}))
    everybody = replace(campaigns, judges=purchases.material, tested=rows)
    ours, theirs = everybody.answers(campaigns.fitted)[0], everybody.answers(purchases.fitted)[0]
    auc = bootstrap.bootstrap_interval(metrics.auc, y, ours, n=resamples, seed=seed)
    difference = bootstrap.paired_difference(metrics.auc, y, ours, theirs, n=resamples, seed=seed)
    values = {
        "n": n,
        "positives": positives,
        "ours": auc.value,
        "theirs": metrics.auc(y, theirs),
        "margin": MARGIN,
    }
    values |= {"difference": difference.value, "low": difference.low, "high": difference.high}
    if difference.low < -MARGIN:
        return purchases.noting(Sentence(PURCHASES, values), labels_compared=values)
    return everybody.noting(
        Sentence(CAMPAIGNS, values),
        labels_compared=values,
        everybody={"n": n, "positives": positives, "auc": asdict(auc)},
    )


def _unseen(purchases: Fit, campaigns: Fit, horizon_days: int) -> NDArray[np.intp]:
    """Later rows of everybody, but for customers whose purchase in that window a campaign's row may have taught."""
    rows = purchases.slices.out_of_time
    data, given = purchases.material.data, campaigns.material.data
    if data is None or given is None:
        raise ValueError("both sources are of customers")
    learned = np.concatenate((campaigns.slices.train, campaigns.slices.validation))
    reaches = given.dates[learned] + np.timedelta64(horizon_days)
    overlapping = given.ids[learned][reaches > data.dates[rows].min()]
    return rows[~np.isin(data.ids[rows], overlapping)]


def of_campaigns(material: Material) -> bool:
    """Whether it came from campaigns."""
    return bool(material.facts["source"] == labels.ASSIGNMENTS)
