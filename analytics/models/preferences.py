"""What a preference model answered: one of several classes for each customer, or none for want of behaviour."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.models.scores import ScoreRun
from customers.models import Customer


class PreferenceAnswer(models.Model):
    """One customer's answer in one score run. List-partitioned by run, attached whole like ``Score``.

    The classes ``chances`` are of, in their order, stand on the card of the run's version.
    """

    pk = models.CompositePrimaryKey("score_run_id", "customer_id")
    score_run = models.ForeignKey(
        ScoreRun, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="answers"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    # Empty: not enough behaviour to tell. The chances are kept all the same, the customer gets no answer from them.
    answer = models.CharField(_("likeliest"), max_length=16, blank=True, db_default="")
    chance = models.FloatField(_("chance"), null=True)
    second = models.CharField(_("runner-up"), max_length=16, blank=True, db_default="")
    second_chance = models.FloatField(_("chance of the runner-up"), null=True)
    chances = ArrayField(models.FloatField(), verbose_name=_("chances of all answers"))

    class Meta:
        verbose_name = _("preference")
