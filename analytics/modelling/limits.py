"""Customs of methods.md section 4 that pages name too; apart from the maths, so that a page does not load numpy.

A population stability index from PSI_WATCH on is watched, from PSI_ACT on acted upon. Customs, not tests. Siddiqi 2006.
"""

PSI_WATCH, PSI_ACT = 0.10, 0.25
