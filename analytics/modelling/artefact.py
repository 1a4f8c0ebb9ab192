"""A fitted model as bytes and back, without pickle.

Layout: one line of magic, one line of JSON (everything but the estimator, its size, the version), then the
estimator as skops bytes. Loading checks, in this order: the sha256 kept elsewhere (the database), the magic,
the versions, that the skops part names only the types listed here; only then is anything built. Load in workers only.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict
from typing import Any

import sklearn
import skops.io

from . import metrics, stability
from .bootstrap import Interval
from .calibration import SigmoidCalibrator
from .estimators import KINDS
from .leakage import Drift
from .matrix import FeatureSpec
from .response import FittedResponse, Importance, Quality
from .sentences import ModellingRefusal, Sentence, gettext_noop

MAGIC = b"bankcrm-response-1\n"
# All that the two estimators need beyond what skops itself trusts: data, and functions that only check arrays.
TRUSTED = (
    "analytics.modelling.estimators.SignedLog",
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)


class ArtefactRefused(ModellingRefusal):
    """The bytes are not an artefact this installation may load."""


def digest(data: bytes) -> str:
    """sha256 of an artefact, to be stored apart from it."""
    return hashlib.sha256(data).hexdigest()


def dump(fitted: FittedResponse) -> bytes:
    """The artefact of a fitted model. ArtefactRefused if its estimator needs a type that loading would not trust."""
    payload = skops.io.dumps(fitted.estimator)
    _refuse_untrusted(payload)
    document = {"sklearn": sklearn.__version__, "bytes": len(payload), "model": _to_document(fitted)}
    return MAGIC + json.dumps(document, allow_nan=False).encode() + b"\n" + payload


def load(data: bytes, sha256: str) -> FittedResponse:
    """The fitted model of an artefact whose digest must be `sha256`. ArtefactRefused with a sentence otherwise."""
    if digest(data) != sha256:
        raise ArtefactRefused(
            gettext_noop("The model file is not the one that was stored: its sha256 differs.")
        )
    if not data.startswith(MAGIC):
        raise ArtefactRefused(gettext_noop("The file is not a model of this application."))
    header, _, payload = data.removeprefix(MAGIC).partition(b"\n")
    try:
        document = json.loads(header)
        version, size, model = document["sklearn"], document["bytes"], document["model"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactRefused(
            gettext_noop("The description inside the model file cannot be read.")
        ) from error
    if _minor(str(version)) != _minor(sklearn.__version__):
        raise ArtefactRefused(
            gettext_noop("The model was fitted with scikit-learn %(then)s, this is %(now)s: fit it again."),
            then=version,
            now=sklearn.__version__,
        )
    if len(payload) != size:
        raise ArtefactRefused(gettext_noop("The model file is damaged or incomplete."))
    _refuse_untrusted(payload)
    try:
        return _from_document(model, skops.io.loads(payload, trusted=list(TRUSTED)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactRefused(gettext_noop("The model file is damaged or incomplete.")) from error


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _refuse_untrusted(payload: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(payload)):
        raise ArtefactRefused(gettext_noop("The estimator inside the model file cannot be read."))
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=payload)) - set(TRUSTED))
    except Exception as error:  # skops raises whatever a crafted schema provokes; none of it may pass
        raise ArtefactRefused(gettext_noop("The estimator inside the model file cannot be read.")) from error
    if foreign:
        raise ArtefactRefused(
            gettext_noop("The model file wants to load types that are not trusted: %(types)s."),
            types=", ".join(foreign),
        )


def _to_document(fitted: FittedResponse) -> dict[str, Any]:
    fields = {
        name: getattr(fitted, name)
        for name in ("kind", "seed", "n", "positives", "slices", "groups", "background")
    }
    refusal = fitted.calibration_refusal
    return {
        **fields,
        "calibrator": fitted.calibrator.to_json(),
        "calibration_refusal": refusal and {"template": refusal.template, "values": dict(refusal.values)},
        "specs": [asdict(spec) for spec in fitted.specs],
        "quality": asdict(fitted.quality),
        "score_reference": asdict(fitted.score_reference),
        "feature_references": [asdict(known) for known in fitted.feature_references],
    }


def _from_document(model: dict[str, Any], estimator: Any) -> FittedResponse:
    if model["kind"] not in KINDS:
        raise ValueError(f"unknown kind of model {model['kind']!r}")
    refusal = model["calibration_refusal"]
    return FittedResponse(
        kind=model["kind"],
        estimator=estimator,
        calibrator=SigmoidCalibrator.from_json(model["calibrator"]),
        calibration_refusal=Sentence(**refusal) if refusal else None,
        specs=tuple(
            FeatureSpec(**{**spec, "categories": tuple(spec["categories"])}) for spec in model["specs"]
        ),
        seed=model["seed"],
        n=model["n"],
        positives=model["positives"],
        slices=model["slices"],
        quality=_quality(model["quality"]),
        groups=tuple(model["groups"]),
        background=tuple(model["background"]),
        score_reference=_reference(model["score_reference"]),
        feature_references=tuple(_reference(known) for known in model["feature_references"]),
    )


def _quality(document: dict[str, Any]) -> Quality:
    return Quality(
        intervals={name: Interval(**interval) for name, interval in document["intervals"].items()},
        observed_expected=metrics.ObservedExpected(**document["observed_expected"]),
        lift=tuple(metrics.LiftRow(**row) for row in document["lift"]),
        gains=tuple((float(x), float(found)) for x, found in document["gains"]),
        calibration=tuple(metrics.CalibrationRow(**row) for row in document["calibration"]),
        importance=tuple(Importance(**row) for row in document["importance"]),
        score_psi=document["score_psi"],
        drift=tuple(
            Drift(**{**item, "sentence": Sentence(**item["sentence"])}) for item in document["drift"]
        ),
    )


def _reference(document: dict[str, Any]) -> stability.Reference:
    return stability.Reference(tuple(document["edges"]), tuple(document["shares"]), document["n"])
