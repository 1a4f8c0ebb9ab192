"""Why one score, answer or segment of one customer is what it is, kept so that a second ask waits for nobody."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models.scores import ScoreRun
from analytics.models.segments import SegmentRun
from bankcrm.models import User
from customers.models import Customer


class ExplanationQuerySet(models.QuerySet["Explanation"]):
    def visible_to(self, user: User) -> ExplanationQuerySet:
        """Of the customers this user sees."""
        return self.filter(customer__in=Customer.objects.visible_to(user))


class Explanation(models.Model):
    """Values and contributions as of the run; sentences are made of them in the reader's language.

    It goes with the rows it explains: ``published.drop`` deletes both.
    """

    score_run = models.ForeignKey(
        ScoreRun, null=True, on_delete=models.CASCADE, db_index=False, related_name="explanations"
    )
    segment_run = models.ForeignKey(
        SegmentRun, null=True, on_delete=models.CASCADE, db_index=False, related_name="explanations"
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    told = models.JSONField(_("what was found"))
    made_at = models.DateTimeField(_("made"), db_default=Now())

    objects = ExplanationQuerySet.as_manager()

    class Meta:
        verbose_name = _("explanation")
        verbose_name_plural = _("explanations")
        constraints = [
            models.UniqueConstraint(fields=["score_run", "customer"], name="score_explained_once"),
            models.UniqueConstraint(fields=["segment_run", "customer"], name="segment_explained_once"),
            models.CheckConstraint(
                condition=Q(score_run__isnull=True) ^ Q(segment_run__isnull=True),
                name="explains_a_score_or_a_segment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.score_run or self.segment_run} · {self.customer_id}"
