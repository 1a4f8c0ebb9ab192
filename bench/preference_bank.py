"""Preferences on the sample bank: how often the likeliest answer comes true, against naming the commonest for all.

Channel, risk and finance are measured on the latest month-ends that training held back. The next product line is held
against the planted hazards besides: of whoever buys, line l comes first with a chance of its share of all hazards. The
accuracy expected of the model under these chances has no luck in it, nor has the best possible: naming the largest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench import model_bank

if TYPE_CHECKING:
    from analytics.modelling.preference import FittedPreference
    from analytics.models import PredictiveModel
    from bench.models import Figure

DAYS = 90
RESAMPLES = 200
TARGETS = ("product", "channel", "risk", "finance")


def figures() -> list[Figure]:
    """All figures on the bank that ``model_bank`` makes where it is missing."""
    model_bank.ready()
    found: list[Figure] = []
    for target in TARGETS:
        fitted, model = _fitted(target)
        found.append(_measured(target, fitted))
        if target == "product":
            found.append(_expected(fitted, model))
    return found


def _fitted(target: str) -> tuple[FittedPreference, PredictiveModel]:
    """What training would make of a definition that is not stored."""
    from analytics import preference_training, preferences
    from analytics.modelling.preference import fit_preference
    from analytics.models import PredictiveModel
    from customers import sample_bank

    model = PredictiveModel(code=f"bench-{target}", kind="preference", target=target, horizon_days=DAYS)
    about = preferences.subject(model)
    data = preference_training.read(model, sample_bank.load().as_of)
    codes = data.y.astype(np.intp)
    fitted = fit_preference(
        data.X, codes, data.dates, data.specs, about.classes, kind=about.kind, resamples=RESAMPLES
    )
    return fitted, model


def _measured(target: str, fitted: FittedPreference) -> Figure:
    """Accuracy on the months held back, beside the commonest; met where the log loss is proven lower."""
    from bench.models import Figure

    found = fitted.quality.intervals
    accuracy, base, gain = (found[name] for name in ("accuracy", "base_accuracy", "gain"))
    note = (
        f"{fitted.learner}, {fitted.n} learned from, {accuracy.n} tested; log loss lower by {gain.value:.4f}"
        f" ({gain.low:.4f} to {gain.high:.4f}), calibration error {found['ece'].value:.4f}"
    )
    return Figure(
        f"sample bank: preference for {target}, accuracy",
        accuracy.value,
        accuracy.low,
        accuracy.high,
        f"> {base.value:.4f}, commonest",
        accuracy.low > base.value and gain.low > 0,
        note,
    )


def _expected(fitted: FittedPreference, model: PredictiveModel) -> Figure:
    """The accuracy expected of the next product line under the planted hazards, on the newest month."""
    from analytics import features, preferences
    from bench.models import Figure
    from customers import profile

    month = profile.latest_month()
    if month is None:
        raise SystemExit("the sample bank has no profile")
    batch = features.matrix(month, fitted.specs, preferences.asked(model, month))
    found = fitted.prefer(batch.X, batch.extra["seen"])
    answered = found.answer >= 0
    hazards = _hazards(fitted.classes)[batch.ids[answered] - 1]
    weight = hazards.sum(axis=1)
    shares = hazards / np.maximum(weight, 1e-12)[:, None]
    answer = found.answer[answered]
    ours = float(np.average(shares[np.arange(len(answer)), answer], weights=weight))
    best = float(np.average(shares.max(axis=1), weights=weight))
    commonest = float(np.average(shares, axis=0, weights=weight).max())
    way = (ours - commonest) / (best - commonest)
    note = f"best possible {best:.4f}; {way:.0%} of the way from the commonest to it"
    return Figure(
        "sample bank: next product line, expected accuracy",
        ours,
        None,
        None,
        f"> {commonest:.4f}, commonest",
        ours > commonest,
        note,
    )


def _hazards(classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Planted hazards (customers, classes) of 60 days, summed over the products of a line."""
    from customers import sample_bank
    from customers.models import Product

    bank = sample_bank.load()
    lines: dict[str, str] = dict(Product.objects.values_list("code", "line"))
    columns: dict[str, Any] = dict.fromkeys(classes, 0.0)
    for product in sample_bank.MARKETED:
        truth = sample_bank.probabilities(bank, product)
        chance = np.where(truth["eligible"], truth["baseline"], 0.0)
        columns[lines[product]] = columns[lines[product]] - np.log1p(-np.minimum(chance, 1 - 1e-9))
    size = max(np.size(column) for column in columns.values())
    return np.column_stack([np.broadcast_to(column, (size,)) for column in columns.values()])
