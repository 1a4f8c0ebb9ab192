"""Segmentations: how customers are divided, the fits tried, the names people gave, and who stood where each month."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Run, User
from customers.models import Customer


class SegmentationQuerySet(models.QuerySet["Segmentation"]):
    def visible_to(self, user: User) -> SegmentationQuerySet:
        """Segmentations describe no single customer: whoever may open the page sees all of them."""
        return self


class Segmentation(models.Model):
    """The definition: of whom, by which fields, found in the data or said by rules."""

    class Kind(models.TextChoices):
        FOUND = "found", _("Found in the data")
        RULES = "rules", _("Said by rules")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.FOUND)
    features = models.JSONField(_("fields"), default=list, blank=True)
    # Of a segmentation by rules: [{"name", "condition"}], the first that holds decides.
    rules = models.JSONField(_("rules"), default=list, blank=True)
    population = models.JSONField(_("for whom"), default=dict, blank=True)
    monthly = models.BooleanField(_("assign every month"), default=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    in_use = models.ForeignKey(
        "SegmentationVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The pointer readers follow.
    current_run = models.ForeignKey(
        "SegmentRun", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = SegmentationQuerySet.as_manager()

    class Meta:
        verbose_name = _("segmentation")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SegmentationVersion(models.Model):
    """One fit with its evidence. ``identity`` in the card gives every cluster its lasting number."""

    class Method(models.TextChoices):
        CLUSTERS = "clusters", _("Clusters")
        BASELINE = "baseline", _("Activity by tier (no stable clusters)")
        RULES = "rules", _("Rules")

    class State(models.TextChoices):
        TRIED = "tried", _("Tried")
        IN_USE = "in_use", _("In use")
        RETIRED = "retired", _("Retired")

    segmentation = models.ForeignKey(Segmentation, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    method = models.CharField(_("method"), max_length=10, choices=Method)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.TRIED)
    as_of = models.DateField(_("data of"))
    artefact = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    card = models.JSONField(default=dict)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made"), db_default=Now())
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("version of a segmentation")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["segmentation", "number"], name="segmentation_version_number_once"
            ),
            models.UniqueConstraint(
                fields=["segmentation"], condition=Q(state="in_use"), name="one_segmentation_version_in_use"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.segmentation} v{self.number}"


class Segment(models.Model):
    """A segment that keeps its number from fit to fit. Its name is a person's and changes with nobody else."""

    segmentation = models.ForeignKey(Segmentation, on_delete=models.CASCADE, related_name="segments")
    number = models.PositiveSmallIntegerField(_("number"))
    name = models.CharField(_("name"), max_length=60, blank=True)
    description = models.TextField(_("description"), blank=True)
    named_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("segment")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["segmentation", "number"], name="segment_number_once"),
            models.UniqueConstraint(
                fields=["segmentation", "name"], condition=~Q(name=""), name="segment_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name or _("Segment %(number)s") % {"number": self.number}


class SegmentRun(models.Model):
    """Everybody's segment as of a month-end, published whole or not at all."""

    class State(models.TextChoices):
        BUILDING = "building", _("Being computed")
        PUBLISHED = "published", _("Published")
        DROPPED = "dropped", _("Dropped")

    version = models.ForeignKey(SegmentationVersion, on_delete=models.PROTECT, related_name="runs")
    as_of = models.DateField(_("as of"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.BUILDING)
    rows = models.PositiveBigIntegerField(_("customers"), default=0)
    # Segment number → customers, kept so that a year of months is read without a year of members.
    sizes = models.JSONField(_("customers by segment"), default=dict)
    # The field that moved most against the fit: from 0.25 on the segments want to be found again.
    psi = models.FloatField(_("PSI against the fit"), null=True)
    moved_field = models.CharField(max_length=60, blank=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("computed"), db_default=Now())
    published_at = models.DateTimeField(_("published"), null=True)

    class Meta:
        verbose_name = _("segment run")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version} {self.as_of}"


class SegmentMember(models.Model):
    """One customer's segment in one run. List-partitioned by run."""

    pk = models.CompositePrimaryKey("segment_run_id", "customer_id")
    segment_run = models.ForeignKey(
        SegmentRun, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="members"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    segment = models.PositiveSmallIntegerField(_("segment"))

    class Meta:
        verbose_name = _("segment member")
