"""The campaign: one approved effort with an objective, dates, arms, offers and an owner."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from analytics.models import PredictiveModel
from bankcrm.models import User
from campaigns.models.planning import MarketingPlan
from customers.models import ContactChannel, Product


class OfferQuerySet(models.QuerySet["Offer"]):
    def visible_to(self, user: User) -> OfferQuerySet:
        """Offers are catalogue entries: whoever may open the page sees all of them."""
        return self


class Offer(models.Model):
    """What is proposed: product, terms, validity, what a sale is worth and costs, and what the RM says."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    product = models.ForeignKey(
        Product, verbose_name=_("product"), on_delete=models.PROTECT, related_name="offers"
    )
    terms = models.CharField(_("terms"), max_length=200, blank=True)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    # Expected margin of one sale over its life, before contact cost.
    margin_per_sale = models.DecimalField(
        _("margin of a sale"), max_digits=12, decimal_places=2, validators=[MinValueValidator(0)]
    )
    cost_per_contact = models.DecimalField(
        _("cost of a contact"), max_digits=10, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    cost_per_sale = models.DecimalField(
        _("cost of a sale"), max_digits=10, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    # Who may receive it, as an audience condition; empty: everybody who does not hold the product already.
    eligibility = models.JSONField(_("eligibility"), default=dict, blank=True)
    excludes_holders = models.BooleanField(_("leave out who holds the product"), default=True)
    script_open = models.TextField(_("opening"), blank=True)
    script_ask = models.TextField(_("question"), blank=True)
    script_offer = models.TextField(_("offer"), blank=True)
    script_if_unsure = models.TextField(_("if unsure"), blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, db_default=1)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: User) -> CampaignQuerySet:
        """A campaign's design is bank-wide reading; its customers are cut by ``visible_to`` of leads and targets."""
        return self


class Campaign(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        RUNNING = "running", _("Running")
        CLOSED = "closed", _("Closed")
        CANCELLED = "cancelled", _("Cancelled")
        IMPORTED = "imported", _("Imported past campaign")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    plan = models.ForeignKey(
        MarketingPlan,
        verbose_name=_("plan"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="campaigns",
    )
    objective = models.TextField(_("objective"), blank=True)
    product = models.ForeignKey(
        Product, verbose_name=_("product"), on_delete=models.PROTECT, related_name="+"
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="campaigns")
    starts_on = models.DateField(_("starts"))
    ends_on = models.DateField(_("ends"))
    budget = models.DecimalField(
        _("budget"), max_digits=14, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    attribution_days = models.PositiveSmallIntegerField(
        _("attribution window, days"), default=60, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    lead_due_days = models.PositiveSmallIntegerField(
        _("leads due after, working days"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(250)],
    )

    # Who: a condition over the field catalogue, read on the profile of this month.
    condition = models.JSONField(_("audience"), default=dict)
    profile_month = models.DateField(_("data of"), null=True, blank=True)
    # How they are ranked: calibrated score × margin − cost.
    model = models.ForeignKey(
        PredictiveModel,
        verbose_name=_("score"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    minimum_value = models.DecimalField(_("worth a contact from"), max_digits=10, decimal_places=2, default=0)
    capacity = models.PositiveIntegerField(
        _("contacts at most"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    control_share = models.DecimalField(
        _("control share"),
        max_digits=4,
        decimal_places=3,
        default="0.100",
        validators=[MinValueValidator(0), MaxValueValidator(0.5)],
    )
    # Of the contacts the share drawn among all who could be contacted, not by score.
    exploration_share = models.DecimalField(
        _("exploration share"),
        max_digits=4,
        decimal_places=3,
        default=0,
        db_default=0,
        validators=[MinValueValidator(0), MaxValueValidator(0.5)],
    )
    # Salt of the control draw; fixed at creation so that no redraw can be shopped for.
    salt = models.CharField(max_length=40)
    # The kind of response that decides; an imported campaign may be judged by visits.
    success = models.CharField(_("success"), max_length=10, default="conversion", db_default="conversion")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    version = models.PositiveIntegerField(_("version"), default=1)
    last_edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(_("approved"), null=True)
    # sha256 of definition + population + counts, as approved.
    approved_hash = models.CharField(max_length=64, blank=True)
    selection = models.ForeignKey(
        "Selection",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("selection"),
    )
    assigned_on = models.DateField(_("assigned"), null=True)  # attribution windows count from here
    created_at = models.DateTimeField(_("created"), db_default=Now())

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="campaign_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (~Q(approved_by=F("submitted_by")) & ~Q(approved_by=F("last_edited_by"))),
                name="campaign_approved_by_a_second_person",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Arm(models.Model):
    """A named slice of the treated customers that gets one offer through one channel."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="arms")
    code = models.CharField(_("arm"), max_length=40)
    name = models.CharField(_("name"), max_length=100, blank=True)
    offer = models.ForeignKey(Offer, null=True, blank=True, on_delete=models.PROTECT, related_name="arms")
    channel = models.CharField(
        _("channel"), max_length=8, choices=ContactChannel, default=ContactChannel.PHONE
    )
    share = models.DecimalField(
        _("share of the treated"),
        max_digits=4,
        decimal_places=3,
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )

    class Meta:
        verbose_name = _("arm")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "code"], name="arm_code_once_per_campaign")
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.code}"

    @property
    def treatment_code(self) -> str:
        return f"{self.campaign.code}.{self.code}"
