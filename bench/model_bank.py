"""The sample bank, whose truth is known: are the planted segments found, and the planted propensities ranked?

Chances are compared, not draws: a customer counts as a buyer with weight p and as none with weight 1 − p, p the planted
probability. The AUC of p itself is then the best any model could have, and no luck is in either figure. Part of p hangs
on traits that no field shows; how much the fields can tell is estimated beside it, by learning p itself from them.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

if TYPE_CHECKING:
    from analytics.models import PredictiveModel
    from bench.models import Figure

# Large enough that what a model cannot know shows, not what it had no time to learn; before the world begins to drift.
SIZE, MONTHS = 60_000, 18
DAYS = 60
GAP = 0.02
RESAMPLES = 200


def figures() -> list[Figure]:
    """All figures on the bank in the database `bench_models`, which is made where it is missing (some minutes)."""
    ready()
    from customers.sample_bank import MARKETED

    found = [_segments(), *(_propensity(product) for product in MARKETED)]
    gaps = [figure.value for figure in found[1:]]
    return [*found, _figure("sample bank: mean AUC below the best possible", float(np.mean(gaps)), GAP)]


def ready() -> None:
    """Connects to the database and makes the bank where there is none."""
    os.environ.setdefault("BANKCRM_DATABASE", "bench_models")
    os.environ["BANKCRM_STATEMENT_TIMEOUT_MS"] = os.environ["BANKCRM_IDLE_TIMEOUT_MS"] = "0"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankcrm.settings")
    from bankcrm import embedded

    embedded.ensure_started()
    import django

    django.setup()
    from django.core.management import call_command

    from customers import sample_bank
    from customers.models import Customer

    call_command("migrate", verbosity=0)
    if not Customer.objects.exists():
        started = time.perf_counter()
        sample_bank.create(SIZE, MONTHS)
        print(f"     sample bank of {SIZE:,} made in {time.perf_counter() - started:.0f} s", flush=True)


def _figure(name: str, value: float, most: float, note: str = "") -> Figure:
    from bench.models import Figure

    return Figure(name, value, None, None, f"<= {most}", value <= most, note)


def _segments() -> Figure:
    """Adjusted Rand index of the segments found, on the fields the product proposes, with those planted."""
    from analytics import features, segments
    from analytics.modelling.segmentation import NoStableSegments, find_segments
    from bench.models import Figure
    from customers import profile, sample_bank

    month = profile.latest_month()
    if month is None:
        raise SystemExit("the sample bank has no profile")
    specs = features.learn_specs(features.usable(segments.DEFAULT_FEATURES), [month])
    batch = features.matrix(month, specs)
    planted = sample_bank.traits().segment[batch.ids - 1]
    name = "sample bank: planted segments recovered (ARI)"
    try:
        found = find_segments(batch.X, specs)
    except NoStableSegments as refused:
        return Figure(name, 0.0, None, None, ">= 0.7", False, str(refused.sentence))
    agreement = np.array(_drawn_agreement(planted, found.assign(batch.X)))
    low, high = np.quantile(agreement, (0.025, 0.975))
    value = float(adjusted_rand_score(planted, found.assign(batch.X)))
    return Figure(name, value, float(low), float(high), ">= 0.7", value >= 0.7, f"{found.k} segments found")


def _drawn_agreement(planted: NDArray[Any], found: NDArray[Any]) -> list[float]:
    rng = np.random.default_rng(0)
    rows = (rng.integers(0, len(planted), len(planted)) for _ in range(RESAMPLES))
    return [float(adjusted_rand_score(planted[drawn], found[drawn])) for drawn in rows]


def _propensity(product: str) -> Figure:
    """How far the AUC of the product's own response model stays below the best possible, on the newest month."""
    from analytics import features, labels, targets
    from analytics.modelling.response import fit_champion
    from analytics.modelling.splits import time_split
    from customers import sample_bank

    bank = sample_bank.load()
    model = _model(product)
    data = labels.dataset(model, bank.as_of)
    embargo = None
    if data.source == labels.HOLDINGS:
        embargo = np.timedelta64(min(targets.window_end(model, month) - month for month, _ in data.batches))
    slices = time_split(data.dates, data.y, embargo=embargo)
    fitted = fit_champion(data.X, data.y, data.dates, data.specs, slices, resamples=50).chosen
    truth = sample_bank.probabilities(bank, product)
    batch = features.matrix(bank.as_of, fitted.specs)
    known = truth["eligible"][batch.ids - 1]
    chance = truth["baseline"][batch.ids - 1][known]
    best = expected_auc(chance, chance)
    ours = expected_auc(chance, fitted.raw(batch.X)[known])
    seen = expected_auc(chance, _from_fields(batch.X[known], chance))
    note = (
        f"AUC {ours:.4f}, best possible {best:.4f}, from the fields about {seen:.4f}; "
        f"{fitted.kind}, {fitted.positives} buyers in training"
    )
    return _figure(f"sample bank: {product}, AUC below the best possible", best - ours, GAP, note)


def _from_fields(fields: NDArray[np.float32], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the fields (n, features) tell of the planted chance (n,): its log odds, learned and cross-fitted."""
    learner = HistGradientBoostingRegressor(max_iter=200, learning_rate=0.05, random_state=0)
    target = logit(np.clip(chance, 1e-9, 1 - 1e-9))
    return np.asarray(
        cross_val_predict(learner, np.where(np.isnan(fields).all(axis=0), 0, fields), target, cv=5)
    )


def _model(product: str) -> PredictiveModel:
    """A definition that is not stored."""
    from analytics.models import PredictiveModel
    from customers.models import Product

    return PredictiveModel(
        code=f"bench-{product}", product=Product.objects.get(code=product), horizon_days=DAYS
    )


def expected_auc(chance: NDArray[np.float64], score: NDArray[np.float64]) -> float:
    """AUC of a score (n,) where every row is a buyer with weight `chance` and none with the rest."""
    both = np.concatenate((np.ones(len(chance)), np.zeros(len(chance))))
    weight = np.concatenate((chance, 1 - chance))
    return float(roc_auc_score(both, np.concatenate((score, score)), sample_weight=weight))
