"""A fitted model as bytes and back, without pickle.

Layout: one line of magic that names the kind of model, one line of JSON (everything but the estimator, its size, the
version), then the estimator as skops bytes. Loading checks, in this order: the sha256 kept elsewhere (the database),
the magic, the versions, that the skops part names only the types listed for this kind; only then is anything built,
and an estimator of another kind refused. Load in workers only.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

import sklearn
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from .documents import DoesNotFit, from_document, to_document
from .ordinal import OrdinalClassifier
from .preference import FittedPreference
from .response import FittedResponse
from .segment_preparation import SegmentPreparation
from .segmentation import Segmentation
from .sentences import ModellingRefusal, gettext_noop
from .uplift import UpliftLearner
from .uplift_model import FittedUplift

# All that the estimators need beyond what skops itself trusts: data, and functions that only check arrays.
_TREES = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)
_LOGIT = ("analytics.modelling.estimators.SignedLog", "numpy.dtype")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fitted model: its magic, its class, the field that holds the estimator, what that may be, and the
    types its bytes may name."""

    magic: bytes
    fitted: type[Any]
    field: str
    estimators: tuple[type[Any], ...]
    trusted: tuple[str, ...]


RESPONSE = Kind(
    b"bankcrm-response-1\n",
    FittedResponse,
    "estimator",
    (HistGradientBoostingClassifier, Pipeline),
    (*_LOGIT, *_TREES),
)
KINDS = (
    RESPONSE,
    Kind(
        b"bankcrm-preference-1\n",
        FittedPreference,
        "estimator",
        (HistGradientBoostingClassifier, Pipeline, OrdinalClassifier),
        ("analytics.modelling.ordinal.OrdinalClassifier", *_LOGIT, *_TREES),
    ),
    Kind(
        b"bankcrm-uplift-1\n",
        FittedUplift,
        "estimator",
        (UpliftLearner,),
        (
            *(f"analytics.modelling.uplift.{name}Learner" for name in ("S", "T", "X", "Response")),
            *_LOGIT,
            *_TREES,
        ),
    ),
    Kind(
        b"bankcrm-segments-1\n",
        Segmentation,
        "preparation",
        (SegmentPreparation,),
        ("analytics.modelling.segment_preparation.SegmentPreparation",),
    ),
)
MAGIC = RESPONSE.magic
Fitted = TypeVar("Fitted", FittedResponse, FittedPreference, FittedUplift, Segmentation)


class ArtefactRefused(ModellingRefusal):
    """The bytes are not an artefact this installation may load."""


def digest(data: bytes) -> str:
    """sha256 of an artefact, to be stored apart from it."""
    return hashlib.sha256(data).hexdigest()


def dump(fitted: FittedResponse | FittedPreference | FittedUplift | Segmentation) -> bytes:
    """The artefact of a fitted model. ArtefactRefused if its estimator needs a type that loading would not trust."""
    kind = next((known for known in KINDS if known.fitted is type(fitted)), None)
    if kind is None:
        raise TypeError(f"{type(fitted).__name__} is no fitted model")
    payload = skops.io.dumps(getattr(fitted, kind.field))
    _refuse_untrusted(payload, kind)
    model = {
        field.name: to_document(getattr(fitted, field.name))
        for field in fields(fitted)
        if field.name != kind.field
    }
    document = {"sklearn": sklearn.__version__, "bytes": len(payload), "model": model}
    return kind.magic + json.dumps(document, allow_nan=False).encode() + b"\n" + payload


def load(data: bytes, sha256: str) -> FittedResponse:
    """The response or churn model of an artefact whose digest must be `sha256`; see `load_as`."""
    return load_as(FittedResponse, data, sha256)


def load_as(fitted: type[Fitted], data: bytes, sha256: str) -> Fitted:
    """The fitted model of the given class. ArtefactRefused with a sentence for bytes that are changed, foreign, of
    another kind, outdated, damaged, or that name a type outside the list."""
    kind = next(known for known in KINDS if known.fitted is fitted)
    document, payload = _opened(data, sha256, kind)
    try:
        estimator = skops.io.loads(payload, trusted=list(kind.trusted))
    except Exception as error:  # skops raises whatever a damaged archive provokes; none of it may pass
        raise ArtefactRefused(gettext_noop("The model file is damaged or incomplete.")) from error
    if not isinstance(estimator, kind.estimators):
        raise ArtefactRefused(gettext_noop("The estimator inside the model file is not of its kind."))
    try:
        values = {
            field.name: from_document(get_type_hints(fitted)[field.name], document[field.name])
            for field in fields(kind.fitted)
            if field.name != kind.field and field.name in document
        }
        if set(document) - set(values):
            raise DoesNotFit("the description has more than the model")
        return fitted(**{kind.field: estimator}, **values)
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactRefused(gettext_noop("The model file is damaged or incomplete.")) from error


def _opened(data: bytes, sha256: str, kind: Kind) -> tuple[dict[str, Any], bytes]:
    """The description and the estimator's bytes, with everything checked that needs no estimator."""
    if digest(data) != sha256:
        raise ArtefactRefused(
            gettext_noop("The model file is not the one that was stored: its sha256 differs.")
        )
    if not data.startswith(kind.magic):
        if any(data.startswith(known.magic) for known in KINDS):
            raise ArtefactRefused(gettext_noop("The file is a model of another kind."))
        raise ArtefactRefused(gettext_noop("The file is not a model of this application."))
    header, _, payload = data.removeprefix(kind.magic).partition(b"\n")
    try:
        document = json.loads(header)
        version, size, model = document["sklearn"], document["bytes"], document["model"]
        described = isinstance(model, dict)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtefactRefused(
            gettext_noop("The description inside the model file cannot be read.")
        ) from error
    if _minor(str(version)) != _minor(sklearn.__version__):
        raise ArtefactRefused(
            gettext_noop("The model was fitted with scikit-learn %(then)s, this is %(now)s: fit it again."),
            then=version,
            now=sklearn.__version__,
        )
    if not described or len(payload) != size:
        raise ArtefactRefused(gettext_noop("The model file is damaged or incomplete."))
    _refuse_untrusted(payload, kind)
    return model, payload


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _refuse_untrusted(payload: bytes, kind: Kind) -> None:
    if not zipfile.is_zipfile(io.BytesIO(payload)):
        raise ArtefactRefused(gettext_noop("The estimator inside the model file cannot be read."))
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(data=payload)) - set(kind.trusted))
    except Exception as error:  # skops raises whatever a crafted schema provokes; none of it may pass
        raise ArtefactRefused(gettext_noop("The estimator inside the model file cannot be read.")) from error
    if foreign:
        raise ArtefactRefused(
            gettext_noop("The model file wants to load types that are not trusted: %(types)s."),
            types=", ".join(foreign),
        )
