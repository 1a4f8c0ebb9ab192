"""What a campaign can be expected to bring, with intervals, and whether its control group will be able to show it.

Responses follow from calibrated probabilities. What is *incremental* does not: it needs past campaigns for the product
with a control group, and without them is not forecast.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from campaigns.models import Arm
from campaigns.power import judgeable, minimum_detectable_effect
from campaigns.refusal import MIN_PER_ARM
from campaigns.statement import compose

LEVEL = 0.90
_Z = float(stats.norm.isf((1 - LEVEL) / 2))


@dataclass(frozen=True, slots=True)
class PastEffect:
    """The effect to expect from earlier campaigns: proportions; ``se`` includes how campaigns differ."""

    effect: float
    se: float
    base_rate: float
    campaigns: int


def contact_cost(arms: Sequence[Arm], counts: Mapping[Any, int]) -> float:
    """Money the contacts of these arms cost; ``counts``: arm id → customers."""
    return float(sum(counts.get(arm.pk, 0) * arm.offer.cost_per_contact for arm in arms if arm.offer))


def past_effect(product_code: str, success: str, days: int, on: dt.date) -> PastEffect | None:
    """Effects of past randomised campaigns for the product whose window is over, by intention to treat, combined.

    Weighted by inverse variance with the between-campaign variance of DerSimonian and Laird (1986). None without one.
    """
    statement = compose(
        """
        SELECT count(*) FILTER (WHERE NOT a.is_control), count(r.customer_id) FILTER (WHERE NOT a.is_control),
            count(*) FILTER (WHERE a.is_control), count(r.customer_id) FILTER (WHERE a.is_control)
        FROM customers_assignment a
        LEFT JOIN (
            SELECT campaign_code, customer_id, min(responded_on) AS responded_on FROM customers_response
            WHERE kind = {success} AND how <> 'reported' GROUP BY campaign_code, customer_id
        ) r ON r.campaign_code = a.campaign_code AND r.customer_id = a.customer_id
            AND r.responded_on < a.assigned_on + {days}
        WHERE a.product_code = {product} AND a.is_random AND a.assigned_on <= {until}
        GROUP BY a.campaign_code
        HAVING least(count(*) FILTER (WHERE a.is_control), count(*) FILTER (WHERE NOT a.is_control)) >= {least}
            AND count(r.customer_id) > 0
        """,
        success=success,
        days=days,
        product=product_code,
        until=on - dt.timedelta(days=days),
        least=MIN_PER_ARM,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        counts = cursor.fetchall()
    if not counts:
        return None
    effects = [bt / nt - bc / nc for nt, bt, nc, bc in counts]
    variances = [_variance(bt, nt) + _variance(bc, nc) for nt, bt, nc, bc in counts]
    mean, se = _combined(effects, variances)
    base = sum(row[3] for row in counts) / sum(row[2] for row in counts)
    return PastEffect(mean, se, base, len(counts))


def forecast(
    *,
    product_code: str,
    success: str,
    days: int,
    on: dt.date,
    n_treated: int,
    n_control: int,
    expected_responses: float | None,
    response_variance: float | None,
    margin: float,
    cost: float,
) -> dict[str, Any]:
    """The forecast as JSON, kept with the selection and later compared with the result.

    Keys: contacts, cost, responses, incremental, incremental_value, roi (each {"expected", "low", "high"} or None),
    level, past_campaigns, mde, expected_effect, can_be_judged (None: unknown), sentences. Money in the bank's currency.
    """
    past = past_effect(product_code, success, days, on)
    responses = None
    if expected_responses is not None and response_variance is not None:
        responses = _range(expected_responses, math.sqrt(response_variance), floor=0.0)
    sentences = [] if responses else [_("No response rate is known: responses are not forecast.")]
    incremental = value = roi = None
    if past is None:
        sentences.append(_("No past effect known: incremental sales are not forecast."))
    else:
        incremental = _range(past.effect * n_treated, past.se * n_treated)
        value = {key: amount * margin - cost for key, amount in incremental.items()}
        roi = {key: amount / cost for key, amount in value.items()} if cost else None
    power = _power(past, n_treated, n_control, expected_responses)
    sentences.append(power.pop("sentence"))
    return {
        "contacts": n_treated,
        "cost": cost,
        "level": LEVEL,
        "responses": responses,
        "incremental": incremental,
        "incremental_value": value,
        "roi": roi,
        "past_campaigns": past.campaigns if past else 0,
        "expected_effect": past.effect if past else None,
        **power,
        "sentences": sentences,
    }


def _power(
    past: PastEffect | None, n_treated: int, n_control: int, responses: float | None
) -> dict[str, Any]:
    unknown = {"mde": None, "base_rate": None, "can_be_judged": None}
    if not n_control:
        sentence = _("Without a control group no effect can be claimed, whatever the result.")
        return unknown | {"can_be_judged": False, "sentence": sentence}
    if past and past.effect > 0:
        verdict = judgeable(past.base_rate, n_treated, n_control, min(past.effect, 0.99 - past.base_rate))
        return {
            "mde": verdict.mde,
            "base_rate": past.base_rate,
            "can_be_judged": verdict.judgeable,
            "sentence": verdict.sentence,
        }
    if min(n_treated, n_control) < MIN_PER_ARM:
        sentence = _("Too few customers to be judged: each arm and the control need at least %(n)s.") % {
            "n": MIN_PER_ARM
        }
        return unknown | {"can_be_judged": False, "sentence": sentence}
    base = past.base_rate if past else (responses / n_treated if responses is not None else None)
    if base is None or not 0 <= base < 1:
        return unknown | {
            "sentence": _("No base rate is known, so the smallest visible effect is not either.")
        }
    mde = minimum_detectable_effect(base, n_treated, n_control)
    if mde is None:
        return unknown | {"base_rate": base, "sentence": _("No effect of any size could be shown.")}
    sentence = _("The smallest visible effect is %(mde)s points at a base rate of %(base)s %%.") % {
        "mde": f"{mde * 100:.2f}",
        "base": f"{base * 100:.1f}",
    }
    return {"mde": mde, "base_rate": base, "can_be_judged": None, "sentence": sentence}


def _variance(buyers: int, n: int) -> float:
    # Agresti and Coull's two of each keep the variance of a rate of 0 or 1 from vanishing.
    rate = (buyers + 2) / (n + 4)
    return rate * (1 - rate) / n


def _combined(effects: list[float], variances: list[float]) -> tuple[float, float]:
    """Mean effect and the standard error for the *next* campaign: that of the mean plus how campaigns differ."""
    if len(effects) == 1:
        return effects[0], math.sqrt(variances[0])
    pooled = combine_effects(np.asarray(effects), np.asarray(variances), method_re="dl")
    if pooled.tau2 <= 0:
        return float(pooled.mean_effect_fe), float(pooled.sd_eff_w_fe)
    return float(pooled.mean_effect_re), math.sqrt(float(pooled.sd_eff_w_re) ** 2 + float(pooled.tau2))


def _range(expected: float, se: float, floor: float | None = None) -> dict[str, float]:
    low = expected - _Z * se
    return {
        "expected": expected,
        "low": low if floor is None else max(floor, low),
        "high": expected + _Z * se,
    }
