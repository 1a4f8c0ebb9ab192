"""Effects of several campaigns, branches or segments taken together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.meta_analysis import combine_effects


def pooled(
    estimates: Sequence[float] | NDArray[np.float64], variances: Sequence[float] | NDArray[np.float64]
) -> tuple[float, float, float]:
    """(mean, its variance, tau²) of DerSimonian and Laird's random effects; tau² 0 where only chance differs."""
    if len(estimates) == 1:
        return float(estimates[0]), float(variances[0]), 0.0
    # statsmodels does not cut the moment estimate off at zero, and takes roots of the negative weights it leads to; the
    # fixed-effect mean is the limit there, and nothing of the random-effects part is read.
    with np.errstate(invalid="ignore"):
        found = combine_effects(np.asarray(estimates), np.asarray(variances), method_re="dl")
    if found.tau2 <= 0:
        return float(found.mean_effect_fe), float(found.sd_eff_w_fe) ** 2, 0.0
    return float(found.mean_effect_re), float(found.sd_eff_w_re) ** 2, float(found.tau2)
