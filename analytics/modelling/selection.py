"""Learning from whom campaigns chose, so that the choice does not bend the ranking of everybody.

Who was on a list by rank was certain to be; who was drawn to explore had a known small chance, and stands for the many
like them whom nobody drew. Weighting by the inverse of the chance (Horvitz and Thompson 1952) makes the rows speak for
all who could have been contacted; the cap keeps a few of them from owning the model (Cole and Hernán 2008).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .sentences import Sentence, gettext_noop

# No row stands for more than so many customers. By simulation with a known truth 5 wins most: beyond it trees follow
# the luck of a few drawn rows, and the logit gains nothing more (tests/modelling/test_selection.py).
MOST = 5.0
WEIGHTED = gettext_noop(
    "Customers count by the inverse of their chance to be on the list: the %(drawn)s drawn at random for those whom"
    " nobody drew, for up to %(most).0f each, so that the choice of earlier campaigns does not bend the order."
)


def weights(chance: ArrayLike, most: float = MOST) -> NDArray[np.float64] | None:
    """How many customers each row (n,) stands for, 1 to `most`, from its chance of selection; unknown chances (NaN)
    count once. None where every row counts alike. Raises ValueError for chances outside 0 to 1."""
    known = np.asarray(chance, dtype=np.float64)
    if known.ndim != 1 or (known <= 0).any() or (known > 1).any():
        raise ValueError("chances of selection must be above 0 and at most 1, one a row")
    found = np.minimum(1 / np.where(np.isnan(known), 1.0, known), most)
    return None if not len(found) or (found == found[0]).all() else found


def sentence(weight: NDArray[Any]) -> Sentence:
    """What a model card says of weighted rows (n,)."""
    return Sentence(WEIGHTED, {"drawn": int((weight > 1).sum()), "most": float(weight.max())})
