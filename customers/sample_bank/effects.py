"""What is true about a campaign, a model or a selection, for tests and the closed loop to be held against."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

from customers.sample_bank import buying, life, truth, world
from customers.sample_bank.bank import Bank, day_number
from customers.sample_bank.rounds import MARGINS
from customers.sample_bank.world import MARKETED, WINDOW_DAYS


@dataclass(frozen=True)
class TrueEffect:
    """Intention to treat: all assigned count, reached or not. Rates, effects are shares (0.01 = one point)."""

    treated: int
    control: int
    reached: int
    baseline: float  # mean probability of the treated to buy without the campaign
    effect: float  # mean over the treated of P(buy | what was done) − P(buy | control)
    effect_if_reached: float  # the same over the treated, had everybody been reached
    realised_treated: float  # share of the treated who bought
    realised_control: float  # share of the control group who bought
    realised_effect: (
        float  # mean over the treated of bought − would have bought anyway: both outcomes are known
    )
    value: float  # effect × value of a sale, summed over the treated, in the bank's currency


def true_effect(campaign_code: str, arm: str | None = None) -> TrueEffect:
    """The truth about a campaign (a past one, or one given to ``advance``) as it was assigned, or about one arm.

    Raises ``LookupError`` for a campaign nobody was assigned to.
    """
    rows = truth.targets(campaign_code)
    treated = ~rows["is_control"]
    if arm is not None:
        treated &= rows["arm"] == arm
    if not treated.any():
        raise LookupError(f"no target of {campaign_code} is known")
    baseline, contacted, draw = rows["baseline"], rows["contacted"], rows["draw"]
    gain = np.where(rows["reached"], contacted - baseline, 0.0)
    bought = draw < np.where(rows["reached"], contacted, baseline)
    control = rows["is_control"]
    return TrueEffect(
        treated=int(treated.sum()),
        control=int(control.sum()),
        reached=int((rows["reached"] & treated).sum()),
        baseline=float(baseline[treated].mean()),
        effect=float(gain[treated].mean()),
        effect_if_reached=float((contacted - baseline)[treated].mean()),
        realised_treated=float(bought[treated].mean()),
        realised_control=float((draw < baseline)[control].mean()) if control.any() else float("nan"),
        realised_effect=float((bought.astype(float) - (draw < baseline))[treated].mean()),
        value=float((gain * rows["value"])[treated].sum()),
    )


def probabilities(
    bank: Bank, product: str, arm: str = "A", channel: str = "phone", start: datetime.date | None = None
) -> dict[str, np.ndarray]:
    """The truth about one product for every customer as of ``bank.as_of``, for the 60 days that follow.

    Columns, one entry per customer: ``customer_id``, ``eligible`` (bool), ``segment`` (word), ``baseline`` and
    ``contacted`` (probability to buy without and with a contact that reaches), ``value`` (of a sale, margin of a year),
    ``will_buy`` and ``will_buy_if_reached`` (the outcomes the coming round's draw will give from ``start``).
    """
    setting = life.setting_of(bank)
    law, traits, size = setting.law, setting.traits, bank.size
    position, first = MARKETED.index(product), bank.as_of + datetime.timedelta(days=1)
    month, eve = bank.month_number(first), day_number(bank.as_of)
    able = setting.state.eligible(eve)
    baseline = world.over(
        world.hazard(law, traits, able, setting.state.maturing(eve), month)[:, position], WINDOW_DAYS
    )
    who, what = np.arange(size), np.full(size, position)
    skills = truth.skills()
    by_position = np.array([skills[int(user)] for user in setting.staff.managers])
    tau = world.effect(
        law,
        traits,
        who,
        what,
        np.full(size, arm, object),
        np.full(size, channel, object),
        np.where(traits.rm >= 0, by_position[traits.rm], 0.0),
        life.recent_contacts(size, first),
        month,
    )
    contacted = world.contacted(baseline, tau)
    draw = buying.luck(law, who, what, day_number(start or first))
    return {
        "customer_id": who + 1,
        "eligible": able[:, position],
        "segment": np.array(world.SEGMENTS, object)[traits.segment],
        "baseline": baseline,
        "contacted": contacted,
        "value": world.amounts(law, traits, who, what, month) * MARGINS[position],
        "will_buy": draw < baseline,
        "will_buy_if_reached": draw < contacted,
    }
