"""A model survives as bytes; changed, foreign, outdated or dangerous bytes are refused before anything is built."""

import json
import pickle

import numpy as np
import pytest
import skops.io
from sklearn.gaussian_process.kernels import RBF
from sklearn.neighbors import KDTree
from sklearn.pipeline import Pipeline

from analytics.modelling import artefact
from analytics.modelling.artefact import MAGIC, ArtefactRefused, digest, dump, load


@pytest.mark.parametrize("name", ["trees", "logit"])
def test_a_loaded_model_scores_and_describes_itself_alike(name, history, request):
    fitted = request.getfixturevalue(name)
    data = dump(fitted)
    again = load(data, digest(data))
    np.testing.assert_array_equal(again.predict(history.X), fitted.predict(history.X))
    assert artefact._to_document(again) == artefact._to_document(fitted)
    for field in (
        "specs",
        "quality",
        "groups",
        "background",
        "calibrator",
        "score_reference",
        "feature_references",
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


def swap_estimator(data, payload):
    header_end = data.index(b"\n", len(MAGIC)) + 1
    header = json.loads(data[len(MAGIC) : header_end])
    header["bytes"] = len(payload)
    return MAGIC + json.dumps(header).encode() + b"\n" + payload
