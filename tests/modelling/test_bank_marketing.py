"""The protocol of Moro, Cortez and Rita (2014) on their real data, which is not part of the repository."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.modelling.leakage import LeakageFound
from analytics.modelling.matrix import FeatureSpec, encode, learn_categories
from analytics.modelling.rolling import five_fold_auc, rolling_protocol

DATA = Path(__file__).parents[3] / "shared" / "data" / "bank-additional-full.csv.gz"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real data is not at ../shared/data")


@pytest.fixture(scope="module")
def calls():
    return pd.read_csv(DATA, sep=";")


def features(calls, *, leave_out=("duration",)):
    """Matrix, labels, specifications; 999 days since the last contact means never, `unknown` is a category."""
    y = (calls["y"] == "yes").to_numpy().astype(np.int8)
    inputs = calls.drop(columns=["y", *leave_out])
    inputs["pdays"] = inputs["pdays"].where(inputs["pdays"] < 999)
    specs = [
        FeatureSpec(name, "numeric" if pd.api.types.is_numeric_dtype(inputs[name]) else "categorical", name)
        for name in inputs
    ]
    columns = {name: inputs[name].to_numpy() for name in inputs}
    specs = learn_categories(columns, specs)
    return encode(columns, specs), y, specs


@pytest.mark.slow
def test_refitted_on_the_past_it_ranks_the_last_fifth(calls):
    X, y, specs = features(calls)
    result = rolling_protocol(X, y, specs)
    print(f"\nrolling: AUC {result.auc:.4f}, gains area {result.gains_area:.4f}, {result.refits} refits")  # noqa: T201
    assert len(specs) == 19
    assert (result.start, result.refits, len(result.scores)) == (32_950, 33, 8_238)
    assert result.auc >= 0.75
    assert result.gains_area >= 0.67


@pytest.mark.slow
def test_five_random_folds_agree_with_the_literature(calls):
    X, y, specs = features(calls)
    auc = five_fold_auc(X, y, specs)
    print(f"\nfive-fold: AUC {auc:.4f}")  # noqa: T201
    assert 0.795 <= auc <= 0.83


def test_the_duration_of_the_call_is_refused_as_an_input(calls):
    # Within one regime of the campaign duration alone separates; over all years its AUC stays below the limit.
    X, y, specs = features(calls, leave_out=())
    first = slice(0, 25_000)
    with pytest.raises(LeakageFound, match="duration"):
        rolling_protocol(X[first], y[first], specs)


def test_the_rolling_protocol_refuses_a_window_it_does_not_have(calls):
    X, y, specs = features(calls)
    with pytest.raises(ValueError, match="does not fit"):
        rolling_protocol(X[:5_000], y[:5_000], specs)
