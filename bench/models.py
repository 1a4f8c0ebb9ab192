"""``python -m bench.models``: the models on real data, every figure with its interval beside what is asked of it.

The same code as in the product; nothing is tuned here. Lines are appended to var/bench-models.jsonl.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from analytics.modelling import bootstrap, metrics
from analytics.modelling.bootstrap import Interval
from analytics.modelling.response import fit_response
from analytics.modelling.rolling import fold_scores, rolling_protocol
from analytics.modelling.segmentation import NoStableSegments, find_segments
from analytics.modelling.splits import time_split
from analytics.modelling.uplift_model import FittedUplift, fit_uplift
from analytics.modelling.uplift_pool import CampaignRows, Pooled, pool
from bench import berka, model_data

FILE = Path(__file__).resolve().parents[1] / "var" / "bench-models.jsonl"
SEEDS = range(10)


@dataclass(frozen=True)
class Figure:
    """One measured figure, its 95 % interval (None where there is none), what is asked, and whether it is met."""

    name: str
    value: float
    low: float | None
    high: float | None
    goal: str
    met: bool
    note: str = ""


def least(name: str, found: Interval, goal: float, note: str = "") -> Figure:
    """A figure that must not be below `goal`."""
    return Figure(name, found.value, found.low, found.high, f">= {goal}", found.value >= goal, note)


def bank_marketing() -> list[Figure]:
    """Moro's data without `duration`: five random folds, and refitted along the file."""
    table = model_data.bank_marketing()
    folds = fold_scores(table.X, table.y, table.specs)
    five = bootstrap.mean_over_folds(metrics.auc, table.y, folds, n=200)
    rolled = rolling_protocol(table.X, table.y, table.specs)
    measures = {"auc": (metrics.auc, rolled.scores), "gains": (metrics.gains_area, rolled.scores)}
    found = bootstrap.bootstrap_intervals(measures, rolled.outcomes, n=200)
    return [
        least("bank marketing: AUC of 5 folds", five, 0.800, f"plain scikit-learn {_plain(table):.4f}"),
        least("bank marketing: rolling AUC", found["auc"], 0.765, f"{rolled.refits} refits"),
        least("bank marketing: rolling gains area", found["gains"], 0.68),
        *_calibrated(table),
    ]


def _plain(table: model_data.Table) -> float:
    """The same folds with scikit-learn's own defaults."""
    aucs = []
    categorical = [j for j, spec in enumerate(table.specs) if spec.kind == "categorical"]
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(table.X, table.y):
        plain = HistGradientBoostingClassifier(categorical_features=categorical, random_state=0)
        plain.fit(table.X[train], table.y[train])
        aucs.append(metrics.auc(table.y[test], plain.decision_function(table.X[test])))
    return float(np.mean(aucs))


def _calibrated(table: model_data.Table) -> list[Figure]:
    """Calibration error of the trees on random splits, and what the calibrator says of a split by time."""
    errors = []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(table.y))
        fitted = fit_response(
            table.X, table.y, order, table.specs, time_split(order, table.y), seed=seed, resamples=100
        )
        errors.append(fitted.quality.intervals["ece"])
    mean, low, high = (
        float(np.mean([getattr(e, name) for e in errors])) for name in ("value", "low", "high")
    )
    order = np.arange(len(table.y))
    by_time = fit_response(table.X, table.y, order, table.specs, time_split(order, table.y), resamples=50)
    refusal = by_time.calibration_refusal
    named = "bank marketing: ECE of random splits, mean of 5"
    return [
        Figure(named, mean, low, high, "<= 0.012", mean <= 0.012, "interval: mean of the five"),
        Figure(
            "bank marketing: by time the calibrator is refused",
            float(refusal is not None),
            None,
            None,
            "= 1",
            refusal is not None,
            str(refusal),
        ),
    ]


def hillstrom() -> list[Figure]:
    """Both e-mails, visit: Qini on held-back halves over ten seeds, and the gate's word on everybody."""
    figures = []
    for arm in ("Womens E-Mail", "Mens E-Mail"):
        trial = model_data.hillstrom(arm)
        pooled = pool([CampaignRows(arm, trial.X, trial.y, trial.treated, np.arange(len(trial.y)), 0.5)])
        halves = [_half(pooled, trial, seed) for seed in SEEDS]
        qinis = [half.decision.evidence.qini for half in halves]
        mean, low, high = (
            float(np.mean([getattr(q, name) for q in qinis])) for name in ("value", "low", "high")
        )
        kinds = ", ".join(sorted({half.kind for half in halves}))
        note = f"chosen learners {kinds}; least {min(q.value for q in qinis):.4f}; interval: mean of the ten"
        whole = fit_uplift(pooled, trial.specs, resamples=500).decision
        evidence = whole.evidence
        if arm.startswith("Women"):
            figures.append(
                Figure(
                    f"{arm}, visit: mean Qini of 10 halves", mean, low, high, ">= 0.007", mean >= 0.007, note
                )
            )
            fits, goal = True, "any"
        else:
            includes_zero = low <= 0 <= high
            figures.append(
                Figure(
                    f"{arm}, visit: mean Qini of 10 halves",
                    mean,
                    low,
                    high,
                    "interval holds 0",
                    includes_zero,
                    note,
                )
            )
            fits, goal = whole.use != "uplift", "falls back"
        q = evidence.qini
        told = f"{whole.use}: {whole.sentence}"
        figures.append(
            Figure(f"{arm}, visit: cross-fitted Qini, gate", q.value, q.low, q.high, goal, fits, told)
        )
    return figures


def _half(pooled: Pooled, trial: model_data.Trial, seed: int) -> FittedUplift:
    """The learner chosen on one random half and judged on the other."""
    held_back = np.zeros(len(trial.y), dtype=bool)
    rng = np.random.default_rng(seed)
    for stratum in range(4):
        rows = rng.permutation(np.flatnonzero(2 * trial.treated + trial.y == stratum))
        held_back[rows[: len(rows) // 2]] = True
    return fit_uplift(pooled, trial.specs, held_back=held_back, seed=seed, resamples=200)


def czech_bank() -> list[Figure]:
    """Berka: who takes a loan within a year, and whether the accounts fall into stable segments."""
    table = berka.loans()
    folds = fold_scores(table.X, table.y, table.specs, kind="logistic", repeats=10)
    found = bootstrap.mean_over_folds(metrics.auc, table.y, folds, n=200)
    note = f"{len(table.y)} accounts, {int(table.y.sum())} loans"
    return [least("Berka: loan in 12 months, AUC of 10 times 5 folds", found, 0.80, note), _segments()]


def _segments() -> Figure:
    accounts = berka.households()
    name = "Berka: stability of the segments (ARI)"
    try:
        found = find_segments(accounts.X, accounts.specs)
    except NoStableSegments as refused:
        best = max(refused.candidates, key=lambda candidate: candidate.stability)
        return Figure(
            name, best.stability, best.low, best.high, ">= 0.85 or refused", True, str(refused.sentence)
        )
    chosen = next(candidate for candidate in found.candidates if candidate.k == found.k)
    shares = ", ".join(f"{100 * share:.0f} %" for share in found.shares)
    met = chosen.stability >= 0.85
    note = f"{found.k} segments: {shares}"
    return Figure(name, chosen.stability, chosen.low, chosen.high, ">= 0.85 or refused", met, note)


def sample_bank() -> list[Figure]:
    """The bank whose truth is known; needs its own database."""
    figures: list[Figure] = importlib.import_module("bench.model_bank").figures()
    return figures


def preferences() -> list[Figure]:
    """What customers of the same bank prefer."""
    figures: list[Figure] = importlib.import_module("bench.preference_bank").figures()
    return figures


# Parts that need no real data.
SAMPLES = {"sample", "preferences"}
PARTS: dict[str, Callable[[], list[Figure]]] = {
    "bank": bank_marketing,
    "hillstrom": hillstrom,
    "berka": czech_bank,
    "sample": sample_bank,
    "preferences": preferences,
}


def told(figure: Figure) -> str:
    """One line of the table."""
    mark = "ok  " if figure.met else "MISS"
    interval = "" if figure.low is None else f"{figure.low:.4f} to {figure.high:.4f}"
    return f"{mark} {figure.name:<52} {figure.value:8.4f}  {interval:<19} {figure.goal:<18} {figure.note}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.models", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), help="these parts alone")
    parser.add_argument("--file", type=Path, default=FILE, help="JSON lines are appended here")
    options = parser.parse_args()
    if not model_data.DATA.is_dir():
        print(f"The real data is not at {model_data.DATA}: only the sample bank can be measured.")
    failed = False
    for name, part in PARTS.items():
        if name not in (options.only or PARTS) or (name not in SAMPLES and not model_data.DATA.is_dir()):
            continue
        started = time.perf_counter()
        figures = part()
        for figure in figures:
            print(told(figure), flush=True)
        failed |= not all(figure.met for figure in figures)
        options.file.parent.mkdir(parents=True, exist_ok=True)
        with options.file.open("a") as out:
            out.writelines(json.dumps(asdict(figure)) + "\n" for figure in figures)
        print(f"     {name} took {time.perf_counter() - started:.0f} s", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
