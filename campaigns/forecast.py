"""What a campaign can be expected to bring, with intervals, and whether its control group will be able to show it.

Conversions follow from calibrated probabilities. What of them is *incremental* does not: it needs past campaigns for
the product with a control group, and without them is not forecast. The two are figures of one account, conversions =
those that come anyway + incremental: what past campaigns showed is brought to the customers of the probabilities.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from scipy import stats

from analytics.modelling.pooling import pooled
from campaigns.models import Arm
from campaigns.power import judgeable, minimum_detectable_effect
from campaigns.refusal import MIN_PER_ARM
from campaigns.statement import compose, fetched

LEVEL = 0.90
_Z = float(stats.norm.isf((1 - LEVEL) / 2))


@dataclass(frozen=True, slots=True)
class PastEffect:
    """The effect to expect from earlier campaigns: proportions; ``se`` includes how campaigns differ.

    ``base_rate``: conversions of their control groups, with its standard error ``base_se``.
    """

    effect: float
    se: float
    base_rate: float
    base_se: float
    campaigns: int

    @property
    def share(self) -> tuple[float, float]:
        """Share of the contacted customers' conversions that is incremental, and its standard error.

        1 − base ÷ treated rate, at most 1 and for an effect above 0 only; the error by the delta method with the two
        rates independent.
        """
        treated = self.base_rate + self.effect
        treated_variance = max(self.se**2 - self.base_se**2, 0.0)
        variance = self.base_se**2 / treated**2 + self.base_rate**2 * treated_variance / treated**4
        return self.effect / treated, math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class Account:
    """Conversions and the incremental among them as (expected, standard error), None where unknown.

    ``basis``: where the conversions come from. "contacted": probabilities learned from contacted customers; "anyway":
    from what customers do without us, and the effect is added; "past": past campaigns alone; "": nothing is known.
    """

    basis: str
    responses: tuple[float, float] | None
    incremental: tuple[float, float] | None
    share: float | None = None


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
    counts = fetched(statement)
    if not counts:
        return None
    effects = [bt / nt - bc / nc for nt, bt, nc, bc in counts]
    variances = [_variance(bt, nt) + _variance(bc, nc) for nt, bt, nc, bc in counts]
    mean, se = _combined(effects, variances)
    n_control, buyers_control = sum(row[2] for row in counts), sum(row[3] for row in counts)
    base_se = math.sqrt(_variance(buyers_control, n_control))
    return PastEffect(mean, se, buyers_control / n_control, base_se, len(counts))


def account(
    past: PastEffect | None, n: int, expected: float | None, variance: float | None, *, contacted: bool
) -> Account:
    """Conversions among ``n`` contacted customers and the incremental among them, on one basis.

    ``expected``, ``variance``: sum of the customers' probabilities. Those learned from contacted customers
    (``contacted``) contain the effect: past campaigns say which share it is, the same whoever is selected, so that an
    effect grows with the chance as it does on the logit scale. Other probabilities are of what comes anyway, and the
    effect is added per customer; so is a harmful one, of which no share of few conversions would make sense.
    """
    effect = (past.effect * n, past.se * n) if past else None
    if expected is None or variance is None:
        if past is None or effect is None:
            return Account("", None, None)
        treated = max(past.base_rate + past.effect, 0.0) * n
        # The error of the treated rate is what the effect's holds beside the control's.
        return Account("past", (treated, math.sqrt(max(past.se**2 - past.base_se**2, 0.0)) * n), effect)
    if not contacted:
        if effect is None:
            return Account("anyway", (expected, math.sqrt(variance)), None)
        total = (max(expected + effect[0], 0.0), math.sqrt(variance + effect[1] ** 2))
        return Account("anyway", total, effect)
    responses = (expected, math.sqrt(variance))
    if past is None or past.effect <= 0:
        return Account("contacted", responses, effect)
    share, share_se = past.share
    se = math.sqrt(share**2 * variance + expected**2 * share_se**2)
    return Account("contacted", responses, (share * expected, se), share)


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
    contacted: bool = True,
) -> dict[str, Any]:
    """The forecast as JSON, kept with the selection and later compared with the result.

    ``contacted``: the probabilities were learned from contacted customers, else from what customers do anyway;
    ``margin`` 0: the offer says no value.
    Keys: contacts, cost, basis (see ``Account``), responses, incremental, incremental_value, roi (each {"expected",
    "low", "high"} or None), incremental_share, level, past_campaigns, mde, base_rate, expected_effect, can_be_judged
    (None: unknown), sentences. Money in the bank's currency.
    """
    past = past_effect(product_code, success, days, on)
    found = account(past, n_treated, expected_responses, response_variance, contacted=contacted)
    responses = _range(*found.responses, floor=0.0) if found.responses else None
    sentences = [] if responses else [_("No response rate is known: responses are not forecast.")]
    incremental = value = roi = None
    if found.incremental is None:
        sentences.append(_("No past effect known: incremental sales are not forecast."))
    else:
        incremental = _range(*found.incremental)
        if responses:
            incremental["high"] = min(incremental["high"], responses["high"])
        if margin:
            value = {key: amount * margin - cost for key, amount in incremental.items()}
            roi = {key: amount / cost for key, amount in value.items()} if cost else None
        else:
            sentences.append(_("The offer has no margin per sale, so no value is forecast."))
    power = _power(found, past, n_treated, n_control)
    sentences.append(power.pop("sentence"))
    return {
        "contacts": n_treated,
        "cost": cost,
        "level": LEVEL,
        "basis": found.basis,
        "responses": responses,
        "incremental": incremental,
        "incremental_share": found.share,
        "incremental_value": value,
        "roi": roi,
        "past_campaigns": past.campaigns if past else 0,
        **power,
        "sentences": sentences,
    }


def _power(found: Account, past: PastEffect | None, n_treated: int, n_control: int) -> dict[str, Any]:
    base, effect = _rates(found, past, n_treated)
    unknown = {"mde": None, "base_rate": None, "expected_effect": effect, "can_be_judged": None}
    if not n_control:
        sentence = _("Without a control group no effect can be claimed, whatever the result.")
        return unknown | {"can_be_judged": False, "sentence": sentence}
    if base is not None and effect is not None and effect > 0:
        verdict = judgeable(base, n_treated, n_control, min(effect, 0.99 - base))
        return unknown | {
            "mde": verdict.mde,
            "base_rate": base,
            "can_be_judged": verdict.judgeable,
            "sentence": verdict.sentence,
        }
    if min(n_treated, n_control) < MIN_PER_ARM:
        sentence = _("Too few customers to be judged: each arm and the control need at least %(n)s.") % {
            "n": MIN_PER_ARM
        }
        return unknown | {"can_be_judged": False, "sentence": sentence}
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
    return unknown | {"mde": mde, "base_rate": base, "sentence": sentence}


def _rates(found: Account, past: PastEffect | None, n_treated: int) -> tuple[float | None, float | None]:
    """Per customer: what comes anyway, and the effect; the account's, or past campaigns' before anybody is selected."""
    if not n_treated:
        return (past.base_rate, past.effect) if past else (None, None)
    if found.responses is None:
        return None, None
    extra = found.incremental[0] if found.incremental else None
    return (found.responses[0] - (extra or 0.0)) / n_treated, None if extra is None else extra / n_treated


def _variance(buyers: int, n: int) -> float:
    # Agresti and Coull's two of each keep the variance of a rate of 0 or 1 from vanishing.
    rate = (buyers + 2) / (n + 4)
    return rate * (1 - rate) / n


def _combined(effects: list[float], variances: list[float]) -> tuple[float, float]:
    """Mean effect and the standard error for the *next* campaign: that of the mean plus how campaigns differ."""
    mean, variance, tau2 = pooled(effects, variances)
    return mean, math.sqrt(variance + tau2)


def _range(expected: float, se: float, floor: float | None = None) -> dict[str, float]:
    low = expected - _Z * se
    return {
        "expected": expected,
        "low": low if floor is None else max(floor, low),
        "high": expected + _Z * se,
    }
