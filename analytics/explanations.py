"""Making and keeping why one customer has a score, an answer or a segment: the work behind "Why this score?".

For workers: it loads models. What is kept is told by ``why_page``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from analytics import features, preferences, scoring, segment_fit, targets, unscored
from analytics.compared import plain
from analytics.explaining import Explainer, Teller, in_full
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.preference import FittedPreference
from analytics.modelling.preference_reasons import margin_contributions
from analytics.modelling.reasons import in_groups
from analytics.modelling.segment_reasons import place
from analytics.models import (
    Explanation,
    ModelVersion,
    PredictiveModel,
    PreferenceAnswer,
    ScoreRun,
    SegmentationVersion,
    SegmentMember,
    SegmentRun,
)
from bankcrm import runs
from customers import fields as catalogue
from customers.fields import own
from customers.models import Customer

Method = SegmentationVersion.Method


@own.read_once()
def make(run: ScoreRun | SegmentRun, customer: Customer, job: runs.Job | None = None) -> Explanation:
    """The explanation of what ``run`` says of ``customer``, made once and kept. Raises runs.Refused with a sentence:
    nothing is said of the customer, the rows are no longer kept, or the model cannot be loaded."""
    of = {"score_run" if isinstance(run, ScoreRun) else "segment_run": run}
    if found := Explanation.objects.filter(customer=customer, **of).first():
        return found
    if lack := unscored.why(run, customer):
        raise runs.Refused(lack)
    told = _of_score(run, customer) if isinstance(run, ScoreRun) else _of_segment(run, customer)
    with transaction.atomic():
        if job:
            job.fence()
        # Two who ask at once under different runs: the first word stays.
        return Explanation.objects.get_or_create(customer=customer, **of, defaults={"told": told})[0]


def _of_score(run: ScoreRun, customer: Customer) -> dict[str, Any]:
    model = run.version.model
    if model.kind == PredictiveModel.Kind.PREFERENCE:
        return {"kind": "preference", **_of_preference(run, customer)}
    if run.version.algorithm == ModelVersion.Algorithm.RULE:
        return {"kind": "rule", **_of_rule(run, customer)}
    found = Explainer(run).in_full(customer.pk)
    if found is None:
        return {"kind": "none", "uplift": model.kind == PredictiveModel.Kind.UPLIFT}
    return {"kind": "score", **found}


def _of_rule(run: ScoreRun, customer: Customer) -> dict[str, Any]:
    """The points the rule gave for recency, frequency and value, ranked among everybody it was computed for."""
    who = targets.population(run.version.model, run.as_of)
    specs, batch, ranked = scoring.ranked_by_rule(run.version, run.as_of, who)
    row = int(np.flatnonzero(batch.ids == customer.pk)[0])
    teller = Teller(run.as_of, specs, ())
    values = {
        spec.name: teller.plain(spec, float(value)) for spec, value in zip(specs, batch.X[row], strict=True)
    }
    return {
        "points": [
            {"field": code, "value": values[code], "text_code": "high" if n >= 3 else "low", "points": n}
            for code, n in zip(features.RULE_FIELDS, ranked.parts[row].tolist(), strict=True)
        ],
        "turned": run.version.model.kind == PredictiveModel.Kind.CHURN,
    }


def _of_preference(run: ScoreRun, customer: Customer) -> dict[str, Any]:
    fitted = scoring.load(run.version)
    if not isinstance(fitted, FittedPreference):
        raise runs.Refused(_("The file is a model of another kind."))
    if fitted.learner == "logistic" and not fitted.background:
        raise runs.Refused(_("This version was trained before reasons were kept. Train the model again."))
    answer = PreferenceAnswer.objects.get(score_run=run, customer=customer)
    about = preferences.subject(run.version.model)
    ours, theirs = fitted.classes.index(answer.answer), fitted.classes.index(answer.second)
    teller = Teller(run.as_of, fitted.specs, fitted.feature_references)
    batch = teller.rows([customer.pk])
    each, base = margin_contributions(fitted, batch.X[0], ours, theirs)
    groups = fitted.groups or range(len(fitted.specs))
    return {
        "answer": answer.answer,
        "rival": answer.second,
        "ordered": fitted.kind == "ordinal",
        "least": ours == min(fitted.kept),
        "counted": preferences.so_far(about, customer.pk, run.as_of),
        **in_full(teller, batch, in_groups(each[None, :], base, list(groups))),
    }


def _of_segment(run: SegmentRun, customer: Customer) -> dict[str, Any]:
    number = SegmentMember.objects.get(segment_run=run, customer=customer).segment
    if run.version.method == Method.CLUSTERS:
        return {"kind": "segment", "segment": number, **_of_cluster(run, customer)}
    if run.version.method == Method.RULES:
        return {"kind": "rules", "segment": number}
    specs = features.learn_specs(features.usable(features.RULE_FIELDS), ())
    teller = Teller(run.as_of, specs, ())
    row = teller.rows([customer.pk]).X[0]
    told = [
        {"field": spec.name, "value": teller.plain(spec, float(value)), "text_code": "high"}
        for spec, value in zip(specs, row, strict=True)
    ]
    return {"kind": "baseline", "segment": number, "reasons": told}


def _of_cluster(run: SegmentRun, customer: Customer) -> dict[str, Any]:
    fitted = segment_fit.load(run.version)
    teller = Teller(run.as_of, fitted.specs, fitted.references)
    row = teller.rows([customer.pk]).X[0]
    found = place(fitted, row)
    traits = {trait.feature: trait for trait in fitted.traits[found.segment]}
    told = []
    for held in found.held:
        spec, value = fitted.specs[held.feature], float(row[held.feature])
        trait = traits[spec.name]
        told.append(
            {
                "field": spec.name,
                "value": teller.plain(spec, value),
                "text_code": "high",
                "share": round(held.share, 3),
                "here": _usual(spec, trait.mean, trait.category),
                "all": _usual(spec, trait.population, trait.category),
            }
        )
    identity = run.version.card["identity"]
    return {"rival": int(identity[found.rival]), "reasons": told}


def _usual(spec: FeatureSpec, mean: float, category: int | None) -> dict[str, Any]:
    """What is usual: of a number the mean, of a category or flag the share that has it."""
    if spec.kind == "numeric" and catalogue.get(spec.name).type != catalogue.Type.DATE:
        return {"mean": plain(mean)}
    if spec.kind == "categorical" and category is not None:
        return {"share": round(mean, 3), "of": spec.categories[category]}
    return {"share": round(mean, 3)} if spec.kind == "flag" else {}
