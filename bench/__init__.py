"""Measured paths, each beside its own physical limit in the same run: ``make bench N=1000000``."""
