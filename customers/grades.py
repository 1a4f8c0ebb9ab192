"""The words a profile sorts customers into. The rules that choose them stand in
``customers.profile_columns`` and ``customers.life_stage``."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LifeStage(models.TextChoices):
    STUDENT = "student", _("Student")
    YOUNG = "young", _("Young, single")
    YOUNG_COUPLE = "young_couple", _("Young couple")
    BUILDING = "building", _("Building a household")
    FAMILY_SMALL = "family_small", _("Family with small children")
    FAMILY_OLDER = "family_older", _("Family with older children")
    SETTLED = "settled", _("Settled without children")
    EMPTY_NEST = "empty_nest", _("Empty nest")
    PRE_RETIREMENT = "pre_retirement", _("Before retirement")
    RETIRED = "retired", _("Retired")


class Activity(models.TextChoices):
    ACTIVE = "active", _("Active")
    OCCASIONAL = "occasional", _("Occasional")
    QUIET = "quiet", _("Quiet")
    DORMANT = "dormant", _("Dormant")


class RiskPreference(models.TextChoices):
    CAUTIOUS = "cautious", _("Cautious")
    BALANCED = "balanced", _("Balanced")
    ADVENTUROUS = "adventurous", _("Adventurous")


class FinancialPreference(models.TextChoices):
    LIQUIDITY = "liquidity", _("Money at hand")
    SAVING = "saving", _("Saving")
    INVESTING = "investing", _("Investing")
    PROTECTION = "protection", _("Protection")
    BORROWING = "borrowing", _("Borrowing")


class LoyaltyGrade(models.TextChoices):
    A = "A", _("A, very loyal")
    B = "B", _("B, loyal")
    C = "C", _("C, loosening")
    D = "D", _("D, at risk")
