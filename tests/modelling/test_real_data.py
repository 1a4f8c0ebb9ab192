"""Berka's bank and Hillstrom's e-mails: real data nobody here wrote, read as the bench reads them."""

import numpy as np
import pytest

from analytics.modelling import bootstrap, metrics
from analytics.modelling.rolling import fold_scores
from analytics.modelling.segmentation import find_segments
from analytics.modelling.uplift_model import fit_uplift
from analytics.modelling.uplift_pool import CampaignRows, pool
from bench import berka, model_data

pytestmark = pytest.mark.skipif(not model_data.DATA.is_dir(), reason="the real data is not at ../shared/data")


def test_berkas_features_end_before_the_loans_begin():
    bookings = berka.Bookings(model_data.DATA)
    assert bookings.age.min() >= 0  # no booking after the date
    table = berka.loans()
    assert (table.X.shape[0], int(table.y.sum())) == (1_191, 104)
    names = {spec.name for spec in table.specs}
    assert not any("loan" in name or "uver" in name.lower() for name in names)
    # by hand: an account's last booking in the file, and what came in over its last ninety days
    raw = model_data.columns_of(model_data.DATA / "berka" / "trans_19930101_19940331_partial.asc.gz", ";")
    columns = berka.behaviour(bookings)
    rows = np.flatnonzero(raw["account_id"].astype(int) == bookings.accounts[7])
    assert columns["balance"][7] == float(raw["balance"][rows[-1]])
    lately = [i for i in rows if raw["type"][i] == "PRIJEM" and raw["date"][i] > "931231"]
    assert columns["in_90"][7] == pytest.approx(sum(float(raw["amount"][i]) for i in lately))


def test_who_takes_a_loan_at_berkas_bank_is_ranked():
    table = berka.loans()
    folds = fold_scores(table.X, table.y, table.specs, kind="logistic")
    found = bootstrap.mean_over_folds(metrics.auc, table.y, folds, n=100)
    assert found.value >= 0.79
    assert found.low > 0.7


def test_berkas_accounts_fall_into_stable_segments():
    accounts = berka.households()
    found = find_segments(accounts.X, accounts.specs, resamples=10)
    chosen = next(candidate for candidate in found.candidates if candidate.k == found.k)
    assert chosen.stability >= 0.85
    pensioners = next(
        traits for traits in found.traits if traits[0].feature == "pension_amount" and traits[0].z > 0
    )
    assert next(trait for trait in pensioners if trait.feature == "age").z > 0.5


def judged_on_half(arm):
    trial = model_data.hillstrom(arm)
    assert trial.treated.mean() == pytest.approx(0.5, abs=0.01)
    rows = CampaignRows(arm, trial.X, trial.y, trial.treated, np.arange(len(trial.y)), 0.5)
    held_back = np.random.default_rng(0).random(len(trial.y)) < 0.5
    return fit_uplift(pool([rows]), trial.specs, kind="x", held_back=held_back, resamples=100).decision


def test_the_womens_email_moves_some_more_than_others():
    decision = judged_on_half("Womens E-Mail")
    assert decision.evidence.qini.value >= 0.006
    assert decision.evidence.qini.low > 0
    assert decision.why in {
        "proven",
        "not_above_response",
    }  # half of the data does not always tell the two apart


def test_the_mens_email_proves_no_uplift_and_falls_back():
    decision = judged_on_half("Mens E-Mail")
    assert decision.use == "response"
    assert decision.exploration == 0.20
    assert str(decision.sentence).startswith("Uplift is not used")
