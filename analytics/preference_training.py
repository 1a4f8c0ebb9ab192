"""Training of preference models: what customers then did, a split by time, the learner that earned it, a model card.

The card says how often the likeliest answer came true against naming the commonest, whether the chances of every answer
mean what they say, and what was taken for what. A model not proven to know more than the shares has an objection, so
that nobody can promote it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import card, features, labels, preferences, targets
from analytics.material import TODAYS_ROW, refusing
from analytics.modelling import artefact, preference_quality
from analytics.modelling.leakage import BETTER_THAN_TODAY, LeakageFound, preference_leaks
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.preference import FittedPreference, fit_preference, split_by_time
from analytics.modelling.sentences import ModellingRefusal, Sentence, gettext_noop
from analytics.modelling.splits import Slices
from analytics.models import ModelVersion, PredictiveModel
from analytics.training import Draft, store
from bankcrm import runs
from bankcrm.models import User
from customers import fields as catalogue

SOURCE = "preferences"
RESAMPLES = 500
STEPS = 3
# Several binary or one many-class fit cost as many times more; beyond so many rows little is learned from another.
MOST_ROWS = 60_000
# Customers of the newest month whose answers stand for all of them in the reference that later months are held to.
REFERENCE_ROWS = 20_000
LEARNED_FROM = gettext_noop("Learned from %(n)s customers at %(dates)s month-ends, each with what followed.")
THINNED = gettext_noop(
    "Learned from %(share).0f %% of the customers, chosen by a hash: more would take longer."
)
NEVER_CHOSEN = gettext_noop("Never an answer, because nobody chose it: %(names)s.")
SCANNED = gettext_noop(
    "Every field was scanned for knowing the later choice. What is preferred today rightly says much about tomorrow,"
    " so a field is refused when it tells the later choice better than the earlier one (AUC by %(margin).2f), or all"
    " but certainly."
)
NOT_WHETHER = gettext_noop(
    "Says what is likeliest, not whether anything will be done, nor whether an offer moves it."
)
TREES_BETTER = gettext_noop(
    "Trees know more than the logistic regression: log loss lower by %(gain).4f (%(low).4f to %(high).4f)."
)
TREES_NOT_BETTER = gettext_noop(
    "No gain of trees over the logistic regression is proven: log loss lower by %(gain).4f (%(low).4f to %(high).4f)."
    " The simpler one is used."
)


def train(
    model: PredictiveModel, user: User, as_of: dt.date | None = None, job: runs.Job | None = None
) -> list[ModelVersion]:
    """One new version from what customers did after past month-ends, with its evidence.

    A repeated run finds its version. Raises runs.Refused with a sentence: no month-end with a complete window, fewer
    than three to split by time, fewer than two answers with customers enough.
    """
    if job and (made := list(ModelVersion.objects.filter(run=job.run_id).order_by("number"))):
        return made
    began = time.monotonic()
    _step(job, 0, _("Reading what customers did, and features"))
    day = features.month_to_read(as_of)
    about = preferences.subject(model)
    with refusing(model, day):
        try:
            data = read(model, day)
            codes = data.y.astype(np.intp)
            slices = split_by_time(data.dates, codes)
            _refuse_leaks(about, data, codes, slices.train)
            _step(job, 1, _("Fitting and calibrating"))
            fitted = fit_preference(
                data.X,
                codes,
                data.dates,
                data.specs,
                about.classes,
                kind=about.kind,
                seed=model.pk,
                resamples=RESAMPLES,
            )
        except ModellingRefusal as lack:
            raise runs.Refused(card.told(lack.sentence)) from lack
    _step(job, 2, _("Comparing with the champion"))
    document = _card(model, day, data, slices, fitted)
    document["seconds"] = round(time.monotonic() - began, 1)
    draft = Draft(algorithm(fitted), fitted.specs, document, artefact.dump(fitted))
    return store(model, user, job, [draft])


def _refuse_leaks(
    about: preferences.Subject, data: labels.Dataset, codes: NDArray[np.intp], rows: NDArray[np.intp]
) -> None:
    """Raise LeakageFound when a field of the training rows knew what was chosen later."""
    known = features.learn_specs([catalogue.get(about.fact)], np.unique(data.dates).tolist())
    today = _fact(about.fact, known, data.again(known, rows), about.classes)
    if today is None:
        raise RuntimeError(f"{about.fact} is no category")
    names = [about.label(code) for code in about.classes]
    if leaks := preference_leaks(data.X[rows], codes[rows], today, data.specs, names):
        raise LeakageFound(leaks)


def _step(job: runs.Job | None, done: int, note: str) -> None:
    if job:
        job.progress(done, STEPS, note)


def algorithm(fitted: FittedPreference) -> str:
    """The name a version of this fit carries."""
    return f"ordinal_{fitted.learner}" if fitted.kind == "ordinal" else fitted.learner


def read(model: PredictiveModel, as_of: dt.date) -> labels.Dataset:
    """The labelled rows; ``y`` are positions among the subject's classes.

    Raises LookupError when no month-end has a complete window, ValueError for unknown features.
    """
    months = labels.snapshots(model, as_of)
    if not months:
        raise LookupError("no month-end has a complete window")
    # Counted before they are read, so the profiles must be there.
    labels.ensure_profiles([*months, *targets.profiles_after(model, months)])
    batches = [(month, preferences.labelled(model, month)) for month in months]
    total = sum(features.count(month, who) for month, who in batches)
    if not total:
        raise LookupError("nobody did anything that says a preference")
    if total > MOST_ROWS:
        share = MOST_ROWS / total
        batches = [(month, features.thinned(who, share)) for month, who in batches]
        told: tuple[Sentence, ...] = (Sentence(THINNED, {"share": 100 * share}),)
    else:
        told = ()
    return labels.read(model, SOURCE, batches, told, None)


def _card(
    model: PredictiveModel, day: dt.date, data: labels.Dataset, slices: Slices, fitted: FittedPreference
) -> dict[str, Any]:
    about, quality, objection = preferences.subject(model), fitted.quality, fitted.objection
    latest = slices.out_of_time
    learned = Sentence(LEARNED_FROM, {"n": len(data.y), "dates": len(np.unique(data.dates))})
    told = [about.told, preferences.behaviour(model), learned, *data.notes, *_left_out(about, fitted)]
    rows = latest[np.isin(data.y[latest], fitted.kept)]
    return {
        "source": SOURCE,
        "as_of": day.isoformat(),
        "owner": model.owner.full_name,
        "horizon_days": model.horizon_days,
        "n": len(data.y),
        "notes": [card.sentence(text) for text in told],
        "limits": [card.sentence(Sentence(text)) for text in (NOT_WHETHER, TODAYS_ROW)]
        + [card.sentence(Sentence(SCANNED, {"margin": BETTER_THAN_TODAY}))],
        "comparison": _learners(fitted),
        "calibration_refusal": _kept(fitted.calibration_refusal),
        "objection": _kept(objection),
        "ignored": [card.sentence(each) for each in fitted.ignored],
        "chosen": True,
        "importance": [
            asdict(row)
            for row in preference_quality.importance(
                lambda some: _of_kept(fitted, some),
                data.X[rows],
                np.searchsorted(fitted.kept, data.y[rows]),
                [spec.name for spec in data.specs],
                seed=model.pk,
            )
        ],
        "preference": {
            "subject": model.target,
            "classes": list(fitted.classes),
            "kept": [fitted.classes[code] for code in fitted.kept],
            "least_seen": model.least_seen,
            "parts": _parts(data, slices, len(fitted.classes)),
            "metrics": {name: asdict(interval) for name, interval in quality.intervals.items()},
            "by_class": [asdict(row) for row in quality.classes],
            "confusion": [list(row) for row in quality.confusion],
            "calibration": [asdict(row) for row in quality.calibration],
            "inverse_temperature": fitted.inverse_temperature,
            "today": _today(model, data, fitted, rows),
            "against": _against_champion(model, data, fitted, rows),
            "reference": _reference(model, day, fitted),
        },
    }


def _left_out(about: preferences.Subject, fitted: FittedPreference) -> list[Sentence]:
    """Which answers are not learned and why, by name; those nobody chose in one sentence."""
    chosen = [text for text in fitted.left_out if text.values["found"]]
    never = [str(text.values["name"]) for text in fitted.left_out if not text.values["found"]]
    told = [
        Sentence(text.template, {**text.values, "name": about.label(str(text.values["name"]))})
        for text in chosen
    ]
    if never:
        told.append(Sentence(NEVER_CHOSEN, {"names": ", ".join(map(about.label, never))}))
    return told


def _kept(text: Sentence | None) -> dict[str, Any] | None:
    return card.sentence(text) if text else None


def _learners(fitted: FittedPreference) -> dict[str, Any] | None:
    if fitted.compared is None:
        return None
    gain = fitted.compared
    template = TREES_BETTER if gain.low > 0 else TREES_NOT_BETTER
    return card.sentence(Sentence(template, {"gain": gain.value, "low": gain.low, "high": gain.high}))


def _parts(data: labels.Dataset, slices: Slices, classes: int) -> list[dict[str, Any]]:
    """The split by time: of every part its name, first and last month-end, rows, and rows of each class."""
    return [
        {
            "name": name,
            "from": str(data.dates[rows].min()),
            "to": str(data.dates[rows].max()),
            "n": len(rows),
            "counts": np.bincount(data.y[rows], minlength=classes).tolist(),
        }
        for name, rows in slices.parts()
    ]


def _of_kept(fitted: FittedPreference, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Chances of the classes the model knows, (n, kept)."""
    return fitted.predict_proba(rows)[:, list(fitted.kept)].astype(np.float64)


def _today(
    model: PredictiveModel, data: labels.Dataset, fitted: FittedPreference, rows: NDArray[np.intp]
) -> dict[str, Any] | None:
    """How often what facts say today comes true, beside the model on the same customers; None where it is not known.

    The fact is the field of the catalogue that says by a rule what was preferred so far.
    """
    said = _fact(preferences.subject(model).fact, data.specs, data.X[rows], fitted.classes)
    if said is None or not (known := said >= 0).any():
        return None
    chosen = data.y[rows][known].astype(np.intp)
    ours = np.argmax(fitted.predict_proba(data.X[rows][known]), axis=1) == chosen
    theirs = said[known] == chosen
    measured = {
        "facts": theirs,
        "model": ours,
        "difference": ours.astype(np.float64) - theirs.astype(np.float64),
    }
    return {
        "n": len(chosen),
        "share": float(known.mean()),
        **{
            name: asdict(preference_quality.mean_interval(values, resamples=RESAMPLES, seed=model.pk))
            for name, values in measured.items()
        },
    }


def _fact(
    name: str, specs: Sequence[FeatureSpec], rows: NDArray[np.float32], classes: Sequence[str]
) -> NDArray[np.intp] | None:
    """The classes (n,) a categorical column says, −1 where it says none of them; None without such a column."""
    position = next((at for at, spec in enumerate(specs) if spec.name == name), None)
    if position is None:
        return None
    places = [classes.index(word) if word in classes else -1 for word in specs[position].categories]
    column = rows[:, position]
    known = ~np.isnan(column)
    found = np.full(len(rows), -1, dtype=np.intp)
    found[known] = np.array([*places, -1], dtype=np.intp)[column[known].astype(np.intp)]
    return found


def _against_champion(
    model: PredictiveModel, data: labels.Dataset, fitted: FittedPreference, rows: NDArray[np.intp]
) -> dict[str, Any] | None:
    """The new version against the champion on the same later customers whose choice both have learned."""
    version = model.champion
    if version is None or version.artefact is None:
        return None
    try:
        champion = artefact.load_as(FittedPreference, bytes(version.artefact), version.sha256)
    except artefact.ArtefactRefused:
        return None  # the card then has no comparison; scoring with it says why
    if champion.classes != fitted.classes:
        return None
    both = rows[np.isin(data.y[rows], champion.kept)]
    chosen = data.y[both].astype(np.intp)
    ours = fitted.predict_proba(data.X[both]).astype(np.float64)
    theirs = champion.predict_proba(data.again(champion.specs, both)).astype(np.float64)
    found = preference_quality.compare(ours, theirs, chosen, resamples=RESAMPLES, seed=model.pk)
    return {
        "version": version.number,
        "n": len(chosen),
        "theirs": {
            "log_loss": float(preference_quality.row_losses(theirs, chosen).mean()),
            "accuracy": float((np.argmax(theirs, axis=1) == chosen).mean()),
        },
        **{name: asdict(interval) for name, interval in found.items()},
    }


def _reference(model: PredictiveModel, day: dt.date, fitted: FittedPreference) -> dict[str, Any]:
    """What the version would answer at the newest month-end: later score runs are held to it.

    The rows learned from are no measure: of a product only those who bought are among them.
    """
    who = preferences.asked(model, day)
    batch = features.matrix(
        day,
        fitted.specs,
        features.thinned(who, min(1.0, REFERENCE_ROWS / max(features.count(day, who), 1))),
    )
    found = fitted.prefer(batch.X, batch.extra["seen"], needed=model.least_seen)
    return {
        "n": len(batch.ids),
        "answered": int((found.answer >= 0).sum()),
        "shares": preferences.shares(found.answer, found.probabilities),
    }
