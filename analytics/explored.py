"""How good a model is among customers drawn at random: what campaigns chose by score flatters or hides, the draw shows.

Feedback bias: a model that learns from whom earlier models chose is tested on such customers too. Those whom a campaign
drew to explore stand for everybody who could be contacted (methods.md section 4).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.modelling import bootstrap, metrics
from analytics.modelling.sentences import Sentence, gettext_noop

# Below so many of either outcome the interval says nothing.
LEAST = 20
MEASURED = gettext_noop(
    "Among the %(n)s later customers drawn at random, %(positives)s of them positive: AUC %(auc).3f (%(low).3f to"
    " %(high).3f), observed ÷ expected %(ratio).2f (%(ratio_low).2f to %(ratio_high).2f)."
)
TOO_FEW = gettext_noop(
    "%(n)s of the later customers were drawn at random, %(positives)s of them positive; from %(needed)s of each outcome"
    " on the model is tested on them apart. Keep a share of the contacts for exploration."
)


def evidence(
    y: NDArray[np.int8],
    raw: NDArray[np.float64],
    probability: NDArray[Any],
    drawn: NDArray[np.bool_],
    *,
    resamples: int,
    seed: int,
) -> tuple[dict[str, Any], Sentence]:
    """Figures and their sentence for the rows that were ``drawn``; all inputs (n,), rows the model has not seen."""
    n, positives = int(drawn.sum()), int(y[drawn].sum())
    found: dict[str, Any] = {"n": n, "positives": positives}
    if min(positives, n - positives) < LEAST:
        return found, Sentence(TOO_FEW, found | {"needed": LEAST})
    auc = bootstrap.bootstrap_interval(metrics.auc, y[drawn], raw[drawn], n=resamples, seed=seed)
    observed = metrics.observed_over_expected(y[drawn], probability[drawn])
    values = {
        "auc": auc.value,
        "low": auc.low,
        "high": auc.high,
        "ratio": observed.ratio,
        "ratio_low": observed.low,
        "ratio_high": observed.high,
    }
    found |= {"auc": asdict(auc), "observed_expected": asdict(observed)}
    return found, Sentence(MEASURED, {"n": n, "positives": positives} | values)
