"""A model survives as bytes; changed, foreign, outdated or dangerous bytes are refused before anything is built."""

import json
import pickle
from dataclasses import fields

import numpy as np
import pytest
import skops.io
from sklearn.gaussian_process.kernels import RBF
from sklearn.neighbors import KDTree
from sklearn.pipeline import Pipeline

from analytics.modelling import artefact
from analytics.modelling.artefact import MAGIC, ArtefactRefused, digest, dump, load, load_as
from analytics.modelling.preference import FittedPreference, fit_preference
from analytics.modelling.response import FittedResponse
from analytics.modelling.segmentation import Segmentation, find_segments
from analytics.modelling.uplift_model import FittedUplift, fit_uplift
from analytics.modelling.uplift_pool import pool

from .test_preference import CLASSES, choices
from .test_preference import SPECS as CHOICE_SPECS
from .test_segmentation import SPECS as BANK_SPECS
from .test_segmentation import bank
from .test_uplift import SPECS as CAMPAIGN_SPECS
from .test_uplift import simulate as campaign


@pytest.mark.parametrize("name", ["trees", "logit"])
def test_a_loaded_model_scores_and_describes_itself_alike(name, history, request):
    fitted = request.getfixturevalue(name)
    data = dump(fitted)
    again = load(data, digest(data))
    np.testing.assert_array_equal(again.predict(history.X), fitted.predict(history.X))
    for field in (
        "specs",
        "quality",
        "groups",
        "background",
        "calibrator",
        "score_reference",
        "feature_references",
        "ignored",
    ):
        assert getattr(again, field) == getattr(fitted, field), field
    assert str(again.calibration_refusal) == str(fitted.calibration_refusal)


def test_one_changed_byte_is_refused(logit):
    data = dump(logit)
    for position in (0, len(MAGIC) + 20, len(data) // 2, len(data) - 1):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(ArtefactRefused, match="sha256 differs"):
            load(bytes(changed), digest(data))


def test_damage_is_refused_even_when_the_digest_was_taken_after_it(logit):
    data = dump(logit)
    for damaged in (
        data[: len(data) // 2],
        data[: len(MAGIC) + 10],
        data + b"tail",
        data[: data.index(b"\n", 30) + 1],
    ):
        with pytest.raises(ArtefactRefused):
            load(damaged, digest(damaged))


def test_foreign_bytes_are_refused(logit):
    for foreign in (b"", b"PK\x03\x04", pickle.dumps({"model": 1}), skops.io.dumps(logit.estimator)):
        with pytest.raises(ArtefactRefused, match="not a model of this application"):
            load(foreign, digest(foreign))


def test_a_pickle_in_place_of_the_estimator_is_refused_and_not_run(logit, tmp_path):
    mark = tmp_path / "ran"

    class Runs:
        def __reduce__(self):
            return (mark.touch, ())

    data = swap_estimator(dump(logit), pickle.dumps(Runs()))
    with pytest.raises(ArtefactRefused, match="cannot be read"):
        load(data, digest(data))
    assert not mark.exists()


@pytest.mark.parametrize(
    "smuggled", [KDTree(np.zeros((2, 2))), print, RBF()], ids=["tree", "function", "kernel"]
)
def test_types_outside_the_list_are_refused(logit, smuggled):
    design, model = (step for _, step in logit.estimator.steps)
    pipeline = Pipeline([("design", design), ("logit", model)])
    pipeline.smuggled_ = smuggled
    payload = skops.io.dumps(pipeline)
    data = swap_estimator(dump(logit), payload)
    with pytest.raises(ArtefactRefused, match="not trusted"):
        load(data, digest(data))


def test_a_model_of_another_scikit_learn_is_refused(logit, monkeypatch):
    monkeypatch.setattr(artefact.sklearn, "__version__", "0.1.0")
    data = dump(logit)
    monkeypatch.undo()
    with pytest.raises(ArtefactRefused, match=r"scikit-learn 0\.1\.0.*fit it again"):
        load(data, digest(data))


@pytest.fixture(scope="module")
def preference():
    X, y, dates, _ = choices()
    return fit_preference(X, y, dates, CHOICE_SPECS, CLASSES, kind="ordinal", resamples=5)


@pytest.fixture(scope="module")
def uplift():
    rows, _truth = campaign(2_000)
    return fit_uplift(pool([rows]), CAMPAIGN_SPECS, group=2, resamples=5)


@pytest.fixture(scope="module")
def segments():
    return find_segments(bank()[0], BANK_SPECS, candidates=(3,), resamples=3)


def test_a_preference_survives(preference):
    data = dump(preference)
    again = load_as(FittedPreference, data, digest(data))
    X, _, _, _ = choices(500, seed=3)
    np.testing.assert_array_equal(again.predict_proba(X), preference.predict_proba(X))
    assert without(again, "estimator") == without(preference, "estimator")


def test_an_uplift_model_survives_with_its_decision(uplift):
    data = dump(uplift)
    again = load_as(FittedUplift, data, digest(data))
    rows, truth = campaign(500, seed=3)
    np.testing.assert_array_equal(again.predict(rows.X), uplift.predict(rows.X))
    assert without(again, "estimator") == without(uplift, "estimator")
    assert again.decision.evidence.deciles[0].treated > 0
    assert again.segments.of(truth > 0.2) == pytest.approx(uplift.segments.of(truth > 0.2))


def test_segments_survive_with_their_frozen_centroids(segments):
    data = dump(segments)
    again = load_as(Segmentation, data, digest(data))
    X, _ = bank(seed=4)
    np.testing.assert_array_equal(again.assign(X), segments.assign(X))
    np.testing.assert_array_equal(again.centroids, segments.centroids)
    assert again.centroids.dtype == np.float32
    for field in ("traits", "candidates", "shares", "references", "specs"):
        assert getattr(again, field) == getattr(segments, field)


def test_a_model_of_another_kind_is_refused(segments, preference):
    data = dump(segments)
    with pytest.raises(ArtefactRefused, match="another kind"):
        load_as(FittedPreference, data, digest(data))
    with pytest.raises(ArtefactRefused, match="another kind"):
        load(data, digest(data))
    with pytest.raises(TypeError, match="no fitted model"):
        dump({"model": 1})
    disguised = swap_estimator(dump(preference), skops.io.dumps(segments.preparation), FittedPreference)
    with pytest.raises(ArtefactRefused, match="not trusted"):
        load_as(FittedPreference, disguised, digest(disguised))
    listed = swap_estimator(dump(preference), skops.io.dumps([1, 2]), FittedPreference)
    with pytest.raises(ArtefactRefused, match="not of its kind"):
        load_as(FittedPreference, listed, digest(listed))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda model: model.pop("quality"),
        lambda model: model.update(kept="everything"),
        lambda model: model.update(inverse_temperature="1"),
        lambda model: model.update(surprise=1),
        lambda model: model["specs"][0].update(kind="magic"),
        lambda model: model["quality"]["intervals"]["gain"].update(low=None),
        lambda model: model["quality"].update(intervals=[1]),
    ],
)
def test_a_description_that_does_not_fit_is_refused(preference, tamper):
    magic, header, payload = taken_apart(dump(preference), FittedPreference)
    tamper(header["model"])
    data = magic + json.dumps(header).encode() + b"\n" + payload
    with pytest.raises(ArtefactRefused, match="damaged"):
        load_as(FittedPreference, data, digest(data))


def test_a_model_of_before_features_were_named_still_loads(logit):
    magic, header, payload = taken_apart(dump(logit))
    del header["model"]["ignored"]
    data = magic + json.dumps(header).encode() + b"\n" + payload
    assert load(data, digest(data)).ignored == ()


def without(fitted, *names):
    return {field.name: getattr(fitted, field.name) for field in fields(fitted) if field.name not in names}


def taken_apart(data, kind=FittedResponse):
    magic = next(known.magic for known in artefact.KINDS if known.fitted is kind)
    header_end = data.index(b"\n", len(magic)) + 1
    return magic, json.loads(data[len(magic) : header_end]), data[header_end:]


def swap_estimator(data, payload, kind=FittedResponse):
    magic, header, _ = taken_apart(data, kind)
    header["bytes"] = len(payload)
    return magic + json.dumps(header).encode() + b"\n" + payload
