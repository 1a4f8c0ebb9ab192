"""Campaigns of one offer put together: a single campaign's control group is too small to learn an effect from.

Every campaign brings its own treated share. Pooled plainly, a campaign that responds well and treats many would pass
for an effect of treatment; `Pooled.weight` undoes that (see `uplift_metrics`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chisquare

from .matrix import check_labels
from .sentences import ModellingRefusal, Sentence, gettext_noop
from .uplift import arm_weights

# A sample ratio this unlikely means the assignment is not what it claims (methods.md section 2).
SAMPLE_RATIO_ALARM = 0.001


@dataclass(frozen=True, slots=True)
class CampaignRows:
    """One past campaign: features X (n, features), outcome y and assignment `treated` (n,) 0/1, `customers` (n,) ids,
    and `share`, the designed chance of being treated (0 to 1, both excluded)."""

    code: str
    X: NDArray[np.float32]
    y: NDArray[Any]
    treated: NDArray[Any]
    customers: NDArray[Any]
    share: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """Rows of all usable campaigns, in the order given; `campaign` (n,) is the position in `codes`. `left_out` says
    which campaigns were not used, and why."""

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    treated: NDArray[np.int8]
    customers: NDArray[Any]
    propensity: NDArray[np.float64]
    campaign: NDArray[np.intp]
    codes: tuple[str, ...]
    left_out: tuple[Sentence, ...]

    @property
    def weight(self) -> NDArray[np.float64] | None:
        """Weights (n,) that make the campaigns comparable; None when all treat the same share."""
        if np.ptp(self.propensity) == 0:
            return None
        return arm_weights(self.treated, self.propensity)


class NothingToPool(ModellingRefusal):
    """No campaign can be used."""


def pool(campaigns: Sequence[CampaignRows]) -> Pooled:
    """All campaigns that have both arms in the designed shares. NothingToPool if none has, ValueError for shapes."""
    used, left_out = [], []
    for campaign in campaigns:
        objection = _objection(campaign)
        if objection is None:
            used.append(campaign)
        else:
            left_out.append(objection)
    if not used:
        if left_out:
            raise NothingToPool(left_out[0].template, **left_out[0].values)
        raise NothingToPool(gettext_noop("No past campaign of this offer has a finished window yet."))
    sizes = [len(campaign.y) for campaign in used]
    return Pooled(
        X=np.concatenate([campaign.X for campaign in used]).astype(np.float32, copy=False),
        y=np.concatenate([check_labels(campaign.y) for campaign in used]),
        treated=np.concatenate([check_labels(campaign.treated) for campaign in used]),
        customers=np.concatenate([np.asarray(campaign.customers) for campaign in used]),
        propensity=np.repeat([campaign.share for campaign in used], sizes).astype(np.float64),
        campaign=np.repeat(np.arange(len(used)), sizes),
        codes=tuple(campaign.code for campaign in used),
        left_out=tuple(left_out),
    )


def _objection(campaign: CampaignRows) -> Sentence | None:
    n = len(campaign.y)
    treated = check_labels(campaign.treated, n)
    if len(campaign.X) != n or len(campaign.customers) != n:
        raise ValueError(f"{campaign.code}: columns of different lengths")
    if not 0 < campaign.share < 1:
        return Sentence(
            gettext_noop("Campaign %(code)s held out no control group by design."), {"code": campaign.code}
        )
    found = int(treated.sum())
    if found in {0, n}:
        return Sentence(gettext_noop("Campaign %(code)s has rows of one arm only."), {"code": campaign.code})
    p = float(chisquare([found, n - found], [n * campaign.share, n * (1 - campaign.share)]).pvalue)
    if p < SAMPLE_RATIO_ALARM:
        return Sentence(
            gettext_noop(
                "Campaign %(code)s treated %(found).1f %% where %(designed).1f %% were designed "
                "(p = %(p).2g): its assignment is not to be trusted."
            ),
            {"code": campaign.code, "found": 100 * found / n, "designed": 100 * campaign.share, "p": p},
        )
    return None
