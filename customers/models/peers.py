"""What customers of one kind have in common in a month, so that a page compares without reading the bank."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PeerGroup(models.Model):
    """Averages of one group of customers at a month-end, written with the profiles of that month.

    ``averages``: field code → mean, and ``share_<asset class>`` → mean share of a customer's assets. ``holders``:
    product code → number of customers who hold it.
    """

    class Level(models.TextChoices):
        """From the closest likeness to none."""

        TIER_AND_AGE = "tier_age", _("same tier and age")
        TIER = "tier", _("same tier")
        AGE = "age", _("same age")
        ALL = "all", _("every customer")

    month = models.DateField(_("as of"))
    level = models.CharField(max_length=8, choices=Level)
    # Empty or None where the level does not ask; an unknown age is None too.
    tier = models.CharField(_("tier"), max_length=12, blank=True, db_default="")
    age_from = models.SmallIntegerField(_("age from"), null=True)
    customers = models.IntegerField(_("customers"))
    averages = models.JSONField(_("averages"))
    holders = models.JSONField(_("holders"))

    class Meta:
        verbose_name = _("peer group")
        constraints = [
            models.UniqueConstraint(
                fields=["month", "level", "tier", "age_from"], name="one_peer_group", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.level} {self.tier} {self.age_from}"
