"""Customs of methods.md section 4 that pages name too; apart from the maths, so that a page does not load numpy.

A population stability index from PSI_WATCH on is watched, from PSI_ACT on acted upon. Customs, not tests. Siddiqi 2006.
"""

PSI_WATCH, PSI_ACT = 0.10, 0.25
# Outcomes over what was expected: off outside these, where chance does not explain it; methods.md section 4.
OBSERVED_OVER_EXPECTED = (0.8, 1.25)
# Moved fields call for training when together they carry at least this share of what the model leans on; a judgement.
WEIGHT_ACT = 0.10
# Points of AUC below the out-of-time figure of training, when chance does not explain them; methods.md section 4.
AUC_DROP = 0.03
# Days after which a champion is to be fitted again whatever its figures say; a judgement: a year of products and rates.
OLD_DAYS = 365
