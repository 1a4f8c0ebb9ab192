"""Training of uplift models: treated and control customers of a product's past campaigns, pooled, and an honest gate.

The version's card keeps the gate's decision. Where it is not for uplift, the decision stands as the version's
objection, so that nobody can promote it and its scores never choose customers.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from analytics import card, features, labels, targets
from analytics.features import Batch, Population
from analytics.modelling import artefact, uplift_gate
from analytics.modelling.matrix import FeatureSpec
from analytics.modelling.sentences import ModellingRefusal, Sentence, gettext_noop
from analytics.modelling.uplift_metrics import newcombe
from analytics.modelling.uplift_model import FittedUplift, fit_uplift
from analytics.modelling.uplift_pool import CampaignRows, Pooled, pool
from analytics.models import ModelVersion, PredictiveModel
from analytics.training import Draft, store
from bankcrm import runs
from bankcrm.models import User

SOURCE = "uplift"
GROUP = "tier"
RESAMPLES = 500
STEPS = 3
# The smallest history for which methods.md section 6 measured anything.
LEAST_CONTROLS = 500
LEAST_CONTROL_CONVERSIONS = 30
SHARES = gettext_noop(
    "The chance of being contacted is each campaign's treated share as it was designed, and as it was found where no"
    " design is known; lists that were not drawn at random are left out."
)
WITHOUT_TIER = gettext_noop(
    "The tier is not among its features, so no effect by tier was measured: where uplift is not proven, nothing of this"
    " model stands in."
)
JUDGED_LATER = gettext_noop(
    "Judged on %(n)s customers of the latest campaigns (%(codes)s), held back from learning."
)
JUDGED_CROSSED = gettext_noop(
    "Judged on all %(n)s customers, each by a model that has not seen the customer: the latest campaigns alone have too"
    " few controls to be held back."
)
AGAINST_CHAMPION = gettext_noop(
    "Held against the response champion v%(number)s, which knew none of these outcomes."
)
AGAINST_TWIN = gettext_noop(
    "Held against a response model learned from the same customers, because no response champion was made before the"
    " outcomes it would be judged on."
)


@dataclass(frozen=True, slots=True)
class Past:
    """Past campaigns as rows, in order of their first day: ``pooled``, each campaign's ``first`` day by code, and the
    ``batches`` (month, population) by code that can be read again for other specifications."""

    pooled: Pooled
    specs: tuple[FeatureSpec, ...]
    first: dict[str, dt.date]
    batches: dict[str, list[tuple[dt.date, Population]]]


def train(
    model: PredictiveModel, user: User, as_of: dt.date | None = None, job: runs.Job | None = None
) -> list[ModelVersion]:
    """One new version: the best of three learners, judged, with the gate's decision on its card.

    A repeated run finds its version. Raises runs.Refused with a sentence where no campaign can be used, or controls or
    their conversions are too few: what is there and what is needed.
    """
    if job and (made := list(ModelVersion.objects.filter(run=job.run_id).order_by("number"))):
        return made
    began = time.monotonic()
    _step(job, 0, _("Reading campaigns and features"))
    day = features.month_to_read(as_of)
    try:
        past = read(model, day)
        _refuse_too_few(past.pooled)
        held_back = latest(past.pooled)
        response, against = _champion(model, past, held_back)
        _step(job, 1, _("Fitting three learners and judging the best"))
        fitted = fit_uplift(
            past.pooled,
            past.specs,
            response=response,
            group=group_column(past.specs),
            held_back=held_back,
            seed=model.pk,
            resamples=RESAMPLES,
        )
    except ModellingRefusal as lack:
        raise runs.Refused(card.told(lack.sentence)) from lack
    except ValueError as unusable:
        raise runs.Refused(str(unusable)) from unusable
    _step(job, 2, _("Writing the model card"))
    document = _card(model, day, past, fitted, held_back, against)
    document["seconds"] = round(time.monotonic() - began, 1)
    by_tier = fitted.decision.use == "response_by_segment"
    algorithm = ModelVersion.Algorithm.BY_TIER if by_tier else f"uplift_{fitted.kind}"
    draft = Draft(algorithm, past.specs, document, artefact.dump(fitted))
    return store(model, user, job, [draft])


def group_column(specs: Sequence[FeatureSpec]) -> int | None:
    """Where the tier stands among the features: the group whose effect the fallback uses, because every past month-end
    knows it. None for a model that does not look at it."""
    names = [spec.name for spec in specs]
    return names.index(GROUP) if GROUP in names else None


def _step(job: runs.Job | None, done: int, note: str) -> None:
    if job:
        job.progress(done, STEPS, note)


_CAMPAIGNS = """
SELECT campaign_code, date_trunc('month', assigned_on)::date - 1, min(assigned_on)
FROM customers_assignment
WHERE product_code = %s AND is_random AND assigned_on <= %s
GROUP BY 1, 2 ORDER BY min(min(assigned_on)) OVER (PARTITION BY campaign_code), 1, 2
"""


def read(model: PredictiveModel, as_of: dt.date) -> Past:
    """Everybody assigned at random for the product whose window is complete at ``as_of``, with features as of the
    month-end before. Raises ModellingRefusal without a usable campaign, ValueError for unknown features."""
    last = as_of - dt.timedelta(days=model.horizon_days)
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS, [model.sells.code, last])
        found = cursor.fetchall()
    months = sorted({month for _code, month, _first in found})
    labels.ensure_profiles(months)
    specs = features.learn_specs(features.usable(model.features), months[: max(1, round(len(months) * 0.6))])
    first: dict[str, dt.date] = {}
    batches: dict[str, list[tuple[dt.date, Population]]] = {}
    for code, month, day in found:
        first[code] = min(first.get(code, day), day)
        batches.setdefault(code, []).append((month, _assigned(model, code, month, last)))
    pooled = pool([_campaign(code, specs, parts) for code, parts in batches.items()])
    return Past(pooled, specs, first, batches)


def _assigned(model: PredictiveModel, code: str, month: dt.date, last: dt.date) -> Population:
    where, params = targets.conditions(model, month)
    return Population(
        where=where,
        params=params,
        joins="JOIN customers_assignment a ON a.customer_id = c.id AND a.campaign_code = %s AND a.product_code = %s"
        " AND a.is_random AND date_trunc('month', a.assigned_on)::date - 1 = %s AND a.assigned_on <= %s",
        join_params=(code, model.sells.code, month, last),
        extra={
            "label": (labels.CONVERTED, (model.horizon_days,)),
            "treated": ("NOT a.is_control", ()),
            "share": ("a.treated_share", ()),
        },
        order="a.id",
    )


def _read(specs: Sequence[FeatureSpec], parts: Sequence[tuple[dt.date, Population]]) -> list[Batch]:
    return [features.matrix(month, specs, who) for month, who in parts]


def _campaign(
    code: str, specs: Sequence[FeatureSpec], parts: Sequence[tuple[dt.date, Population]]
) -> CampaignRows:
    batches = _read(specs, parts)
    treated = np.concatenate([batch.extra["treated"] for batch in batches]).astype(np.int8)
    designed = np.concatenate([batch.extra["share"] for batch in batches]).astype(np.float64)
    known = len(designed) > 0 and not np.isnan(designed).any()
    return CampaignRows(
        code=code,
        X=np.concatenate([batch.X for batch in batches]),
        y=np.concatenate([batch.extra["label"] for batch in batches]).astype(np.int8),
        treated=treated,
        customers=np.concatenate([batch.ids for batch in batches]),
        # A campaign has one; a mean of equal numbers may differ from them, and from another campaign's, by rounding.
        share=float(designed[0] if known else treated.mean()) if len(treated) else 0.0,
    )


def _controls(pooled: Pooled, rows: NDArray[np.bool_]) -> tuple[int, int]:
    """Control rows among ``rows`` and how many of them converted."""
    control = rows & (pooled.treated == 0)
    return int(control.sum()), int(pooled.y[control].sum())


def _refuse_too_few(pooled: Pooled) -> None:
    controls, conversions = _controls(pooled, np.ones(len(pooled.y), dtype=bool))
    if controls < LEAST_CONTROLS or conversions < LEAST_CONTROL_CONVERSIONS:
        raise ModellingRefusal(
            gettext_noop(
                "Uplift cannot be learned: %(campaigns)s finished campaigns have %(controls)s control customers with"
                " %(found)s conversions; %(needed)s with %(needed_found)s are needed to learn, %(gate)s with"
                " %(gate_found)s to target with it."
            ),
            campaigns=len(pooled.codes),
            controls=controls,
            found=conversions,
            needed=LEAST_CONTROLS,
            needed_found=LEAST_CONTROL_CONVERSIONS,
            gate=uplift_gate.CONTROLS_NEEDED,
            gate_found=uplift_gate.CONTROL_RESPONDERS_NEEDED,
        )


def latest(pooled: Pooled) -> NDArray[np.bool_] | None:
    """The rows (n,) of the fewest latest campaigns that can judge alone, if those before can teach; else None."""
    for start in range(len(pooled.codes) - 1, 0, -1):
        held_back = pooled.campaign >= start
        if _enough(pooled, held_back):
            return held_back if _enough(pooled, ~held_back) else None
    return None


def _enough(pooled: Pooled, rows: NDArray[np.bool_]) -> bool:
    controls, conversions = _controls(pooled, rows)
    return controls >= uplift_gate.CONTROLS_NEEDED and conversions >= uplift_gate.CONTROL_RESPONDERS_NEEDED


def _champion(
    model: PredictiveModel, past: Past, held_back: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64] | None, Sentence]:
    """Scores of the product's response champion for all rows, if it was made before the outcomes that judge; else None.

    A champion that knew the outcomes would look better than it is and keep uplift out.
    """
    judged = past.pooled.campaign if held_back is None else past.pooled.campaign[held_back]
    began = min(past.first[past.pooled.codes[position]] for position in np.unique(judged))
    champions = ModelVersion.objects.filter(
        model__kind=PredictiveModel.Kind.RESPONSE,
        model__product=model.product,
        model__history_campaign="",
        state=ModelVersion.State.CHAMPION,
        artefact__isnull=False,
    )
    for version in champions.order_by("-promoted_at"):
        if dt.date.fromisoformat(version.card.get("as_of", dt.date.max.isoformat())) > began:
            continue
        try:
            fitted = artefact.load(bytes(version.artefact or b""), version.sha256)
        except artefact.ArtefactRefused:
            continue  # scoring with it says why; here a twin stands in
        parts = [batch for code in past.pooled.codes for batch in _read(fitted.specs, past.batches[code])]
        scores = np.concatenate([fitted.raw(batch.X) for batch in parts])
        return scores, Sentence(AGAINST_CHAMPION, {"number": version.number})
    return None, Sentence(AGAINST_TWIN)


def _card(
    model: PredictiveModel,
    day: dt.date,
    past: Past,
    fitted: FittedUplift,
    held_back: NDArray[np.bool_] | None,
    against: Sentence,
) -> dict[str, Any]:
    pooled, decision = past.pooled, fitted.decision
    judged = Sentence(JUDGED_CROSSED, {"n": decision.evidence.n})
    if held_back is not None:
        codes = ", ".join(pooled.codes[position] for position in np.unique(pooled.campaign[held_back]))
        judged = Sentence(JUDGED_LATER, {"n": decision.evidence.n, "codes": codes})
    told = card.sentence(decision.sentence)
    return {
        "source": SOURCE,
        "as_of": day.isoformat(),
        "owner": model.owner.full_name,
        "horizon_days": model.horizon_days,
        "n": len(pooled.y),
        "positives": int(pooled.y.sum()),
        "notes": [card.sentence(text) for text in (judged, against, *pooled.left_out)],
        "limits": [card.sentence(text) for text in _limits(fitted)],
        "objection": None if decision.use in PredictiveModel.UPLIFT_USES else told,
        "chosen": True,
        "uplift": {
            "use": decision.use,
            "why": decision.why,
            "sentence": told,
            "label": card.sentence(decision.label) if decision.label else None,
            "exploration": decision.exploration,
            "tried": fitted.tried,
            "groups": _groups(past.specs, fitted),
            "evidence": asdict(decision.evidence),
            "campaigns": _campaigns(past),
        },
    }


def _limits(fitted: FittedUplift) -> list[Sentence]:
    return [Sentence(SHARES)] if fitted.group is not None else [Sentence(SHARES), Sentence(WITHOUT_TIER)]


def _groups(specs: Sequence[FeatureSpec], fitted: FittedUplift) -> list[dict[str, Any]]:
    """Per tier the rows of both arms, the measured effect with its interval and the one used; [] where none is."""
    if fitted.segments is None or fitted.group is None:
        return []
    names = specs[fitted.group].categories
    return [
        {"name": names[row.segment] if 0 <= row.segment < len(names) else "", **asdict(row)}
        for row in fitted.segments.rows
    ]


def _campaigns(past: Past) -> list[dict[str, Any]]:
    """Per campaign: customers and conversions of both arms, and the difference of their rates with its interval."""
    rows = []
    for position, code in enumerate(past.pooled.codes):
        inside = past.pooled.campaign == position
        sizes, found = [], []
        for arm in (1, 0):
            part = inside & (past.pooled.treated == arm)
            sizes.append(int(part.sum()))
            found.append(int(past.pooled.y[part].sum()))
        low, high = newcombe(found[0], sizes[0], found[1], sizes[1])
        rows.append(
            {
                "code": code,
                "from": past.first[code].isoformat(),
                "treated": sizes[0],
                "treated_conversions": found[0],
                "control": sizes[1],
                "control_conversions": found[1],
                "uplift": found[0] / sizes[0] - found[1] / sizes[1],
                "low": low,
                "high": high,
            }
        )
    return rows
