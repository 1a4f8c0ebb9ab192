"""The numerical core: numpy, scipy, scikit-learn and statsmodels only; no Django, no database.

Import the module you need (`from analytics.modelling import metrics`); this package imports none of them, so a web
process that only names a model never pays for scikit-learn.
"""
