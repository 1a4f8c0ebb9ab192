"""Contact and response history: it belongs to the customer, is written by campaigns and imports, and read by analytics.

Rows carry campaign, cell and treatment codes as text, so that they outlive the campaign.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.attributes import Customer


class ContactChannel(models.TextChoices):
    PHONE = "phone", _("Phone")
    MEETING = "meeting", _("Meeting")
    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")
    APP = "app", _("App")
    LETTER = "letter", _("Letter")


class Assignment(models.Model):
    """A customer was put into one cell of one campaign, whether contacted later or not: the unit of evaluation."""

    campaign_code = models.CharField(_("campaign"), max_length=40)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="assignments")
    cell_code = models.CharField(_("cell"), max_length=40)
    is_control = models.BooleanField(_("control"), default=False, db_default=False)
    # False where the list was chosen by hand or by score without a draw: no effect may be claimed from it.
    is_random = models.BooleanField(_("drawn at random"), default=True, db_default=True)
    # The designed chance of being contacted rather than kept as control; empty where nobody designed one.
    treated_share = models.FloatField(_("treated share as designed"), null=True)
    # Drawn among all who could be contacted, whatever their score: what models learn from without bias.
    is_exploration = models.BooleanField(_("exploration"), default=False, db_default=False)
    # The chance of being on the list at all: 1 by rank, the draw's own for whom only the draw put there.
    selection_chance = models.FloatField(_("chance of being selected"), null=True)
    product_code = models.CharField(_("product"), max_length=40, blank=True, db_default="")
    assigned_on = models.DateField(_("assigned"))
    score = models.FloatField(_("score"), null=True)
    decile = models.PositiveSmallIntegerField(_("decile"), null=True)
    # Facts known at assignment that no customer field holds (an imported campaign's own columns); never anything later.
    facts = models.JSONField(
        _("facts at assignment"), default=dict, db_default=models.Value({}, models.JSONField())
    )
    source = models.CharField(_("source"), max_length=80, blank=True, db_default="")

    class Meta:
        verbose_name = _("assignment")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign_code", "customer"], name="one_cell_per_campaign_and_customer"
            )
        ]
        indexes = [models.Index(fields=["product_code", "assigned_on"], name="assignment_by_product")]

    def __str__(self) -> str:
        return f"{self.campaign_code} {self.customer_id}"


class Contact(models.Model):
    """One delivered touch of a customer by a treatment. Partitioned by month of ``contacted_on``."""

    pk = models.CompositePrimaryKey("contacted_on", "reference")
    contacted_on = models.DateField(_("contacted on"))
    # Natural key of the source: "lead:<id>:<follow-up>" or "<file>:<line>".
    reference = models.CharField(_("reference"), max_length=80)
    customer = models.ForeignKey(
        Customer, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    campaign_code = models.CharField(_("campaign"), max_length=40, blank=True, db_default="")
    cell_code = models.CharField(_("cell"), max_length=40, blank=True, db_default="")
    treatment_code = models.CharField(_("treatment"), max_length=80, blank=True, db_default="")
    product_code = models.CharField(_("product"), max_length=40, blank=True, db_default="")
    channel = models.CharField(_("channel"), max_length=8, choices=ContactChannel)
    outcome = models.CharField(_("outcome"), max_length=20, blank=True, db_default="")
    was_reached = models.BooleanField(_("reached"), null=True)
    # Known only after the contact: no model may use it.
    talk_seconds = models.PositiveIntegerField(_("length of the call"), null=True)
    staff_number = models.CharField(_("employee number"), max_length=20, blank=True, db_default="")

    class Meta:
        verbose_name = _("contact")
        indexes = [
            # Contact policy counts a customer's contacts in a window; covers it without reading the row.
            models.Index(fields=["customer", "contacted_on"], name="contact_by_customer"),
            models.Index(fields=["campaign_code", "customer"], name="contact_by_campaign"),
        ]


class Response(models.Model):
    """An act that counts for a campaign's offer: reported by staff, matched from a new holding, or imported."""

    class Kind(models.TextChoices):
        VISIT = "visit", _("Visit")
        INTEREST = "interest", _("Interest")
        CONVERSION = "conversion", _("Conversion")
        REFUSAL = "refusal", _("Refusal")

    class How(models.TextChoices):
        REPORTED = "reported", _("Reported by staff")
        MATCHED = "matched", _("Matched from a new holding")
        IMPORTED = "imported", _("Imported")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="responses")
    campaign_code = models.CharField(_("campaign"), max_length=40)
    cell_code = models.CharField(_("cell"), max_length=40, blank=True, db_default="")
    product_code = models.CharField(_("product"), max_length=40, blank=True, db_default="")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    how = models.CharField(_("known from"), max_length=8, choices=How)
    responded_on = models.DateField(_("responded on"))
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2, default=0, db_default=0)
    reference = models.CharField(_("reference"), max_length=80, blank=True, db_default="")

    class Meta:
        verbose_name = _("response")
        constraints = [
            # The same act found twice, by a re-run or a re-import, is one response.
            models.UniqueConstraint(
                fields=["campaign_code", "customer", "kind", "how"],
                name="one_response_of_a_kind_per_campaign",
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_code} {self.kind} {self.customer_id}"
