"""Predictive models and their versions: what was trained, on what, how good it is, which one is in use."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from bankcrm.models import Run, User
from customers.models import Product
from customers.models.products import AssetClass


class PredictiveModelQuerySet(models.QuerySet["PredictiveModel"]):
    def visible_to(self, user: User) -> PredictiveModelQuerySet:
        """Models describe no single customer: whoever may open the page sees all of them."""
        return self

    def for_targeting(self) -> PredictiveModelQuerySet:
        """Models that may rank the customers of a campaign: chances of buying, and uplift that proved itself.

        Both the champion and the version behind the scores in use must have passed the gate, with their uplift or with
        its fallback.
        """
        return self.filter(
            Q(kind__in=[PredictiveModel.Kind.RESPONSE, PredictiveModel.Kind.RAISING])
            | Q(
                kind=PredictiveModel.Kind.UPLIFT,
                champion__card__uplift__use__in=PredictiveModel.UPLIFT_USES,
                current_score_run__version__card__uplift__use__in=PredictiveModel.UPLIFT_USES,
            )
        )


class BalanceGroup(models.TextChoices):
    """What a churn model watches: one asset class, or the loans a customer owes (cards apart)."""

    DEMAND_DEPOSIT = AssetClass.DEMAND_DEPOSIT.value, AssetClass.DEMAND_DEPOSIT.label
    TIME_DEPOSIT = AssetClass.TIME_DEPOSIT.value, AssetClass.TIME_DEPOSIT.label
    WEALTH_MANAGEMENT = AssetClass.WEALTH_MANAGEMENT.value, AssetClass.WEALTH_MANAGEMENT.label
    FUND = AssetClass.FUND.value, AssetClass.FUND.label
    TREASURY_BOND = AssetClass.TREASURY_BOND.value, AssetClass.TREASURY_BOND.label
    INSURANCE = AssetClass.INSURANCE.value, AssetClass.INSURANCE.label
    PRECIOUS_METAL = AssetClass.PRECIOUS_METAL.value, AssetClass.PRECIOUS_METAL.label
    TRUST = AssetClass.TRUST.value, AssetClass.TRUST.label
    SECURITIES_CUSTODY = AssetClass.SECURITIES_CUSTODY.value, AssetClass.SECURITIES_CUSTODY.label
    LOANS = "loan_balance", _("Personal loans")


class PredictiveModel(models.Model):
    """The definition: what is predicted, for whom, over which horizon, from which features."""

    class Kind(models.TextChoices):
        RESPONSE = "response", _("Response")
        CHURN = "churn", _("Churn")
        UPLIFT = "uplift", _("Uplift")
        OWN = "own", _("Own field")
        PREFERENCE = "preference", _("Preference")
        RAISING = "raising", _("Raising")
        PROSPECT = "prospect", _("Prospects")

    class Target(models.TextChoices):
        OPENS = "opens", _("Opens the product")
        FALLS = "falls", _("Balance falls under a share of what it was")
        CLOSES = "closes", _("Closes everything held of the kind")
        PREPAYS = "prepays", _("Repays a loan before it is due")
        RISES = "rises", _("Moves up to a higher tier")
        OWN = "own", _("Says yes in a field of the bank's own")
        # Of a preference model one of several answers; ``analytics.preferences`` says which and by what rule.
        PRODUCT = "product", _("Product line bought next")
        CHANNEL = "channel", _("Channel used most")
        RISK = "risk", _("Risk preference")
        FINANCE = "finance", _("Financial preference")

    class Feeds(models.TextChoices):
        """Profile fields that the scores of one model fill."""

        CHURN_WEALTH = "churn_wealth", _("Churn, wealth management")
        CHURN_LOAN = "churn_loan", _("Churn, personal loans")
        LIKELY_PRODUCT = "likely_product", _("Likely next product line")
        LIKELY_CHANNEL = "likely_channel", _("Likely channel")
        LIKELY_RISK = "likely_risk", _("Likely risk preference")
        LIKELY_FINANCE = "likely_finance", _("Likely financial preference")

    # What the gate of an uplift model may decide that lets it rank customers: the first is uplift itself.
    UPLIFT_USES = ("uplift", "response_by_segment")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.RESPONSE)
    target = models.CharField(_("predicts"), max_length=10, choices=Target, default=Target.OPENS)
    # Of a response or uplift model what is opened; of a churn model empty.
    product = models.ForeignKey(
        Product,
        verbose_name=_("product"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    # Of a churn model what is left: balances or contracts of this kind.
    balance = models.CharField(_("of what"), max_length=20, choices=BalanceGroup, blank=True)
    share = models.FloatField(_("share left"), null=True, blank=True)
    least = models.DecimalField(_("least balance"), max_digits=14, decimal_places=2, default=0)
    # Of a preference model: customers of whom less was seen in 12 months get no answer.
    least_seen = models.PositiveSmallIntegerField(_("least behaviour"), default=5)
    # Of a model of an own field its code; of a choice the word that counts as yes.
    own_field = models.CharField(_("own field"), max_length=44, blank=True)
    own_value = models.CharField(_("counts as yes"), max_length=200, blank=True)
    # Conditions on catalogue fields as of the month-end: who is asked about, and who of them is not.
    population = models.JSONField(_("for whom"), default=dict, blank=True)
    exclusions = models.JSONField(_("except"), default=dict, blank=True)
    feeds = models.CharField(_("fills the field"), max_length=20, choices=Feeds, blank=True)
    monthly = models.BooleanField(_("score every month"), default=False)
    horizon_days = models.PositiveSmallIntegerField(_("horizon, days"), default=60)
    # Empty: every catalogue field that a model may use.
    features = models.JSONField(_("features"), default=list, blank=True)
    # Learns from assignments of this campaign's facts instead of profiles, when set (an imported history).
    history_campaign = models.CharField(_("imported campaign"), max_length=40, blank=True)
    # Of a model of prospects the list it scores; its features are those the list has.
    prospect_list = models.CharField(_("list of prospects"), max_length=40, blank=True, db_default="")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    champion = models.ForeignKey(
        "ModelVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("champion"),
    )
    # The pointer readers follow; roll-back is moving it.
    current_score_run = models.ForeignKey(
        "ScoreRun",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("scores in use"),
    )

    objects = PredictiveModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("predictive model")
        verbose_name_plural = _("predictive models")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["feeds"], condition=~Q(feeds=""), name="one_model_fills_a_field"),
            models.CheckConstraint(
                name="model_target_is_complete",
                condition=Q(
                    kind__in=["response", "uplift", "prospect"], target="opens", product__isnull=False
                )
                | Q(kind="raising", target="rises", product__isnull=True)
                | (Q(kind="own", target="own", product__isnull=True) & ~Q(own_field=""))
                | Q(
                    kind="preference",
                    target__in=["product", "channel", "risk", "finance"],
                    product__isnull=True,
                )
                | (
                    Q(kind="churn", product__isnull=True)
                    & ~Q(balance="")
                    & (
                        Q(target="falls", share__isnull=False, share__gt=0, share__lt=1)
                        | Q(target__in=["closes", "prepays"])
                    )
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def sells(self) -> Product:
        """The product whose buying is predicted. Raises ValueError for a model of leaving."""
        if self.product is None:
            raise ValueError(f"{self.code} predicts no buying")
        return self.product


class ModelVersion(models.Model):
    class State(models.TextChoices):
        TRAINED = "trained", _("Challenger")
        CHAMPION = "champion", _("Champion")
        RETIRED = "retired", _("Retired")

    class Algorithm(models.TextChoices):
        TREES = "hist_gradient_boosting", _("Histogram gradient boosting")
        LOGISTIC = "logistic", _("Logistic regression")
        ORDERED_TREES = "ordinal_hist_gradient_boosting", _("Ordered answers, histogram gradient boosting")
        ORDERED_LOGISTIC = "ordinal_logistic", _("Ordered answers, logistic regression")
        UPLIFT_S = "uplift_s", _("S-learner (one model told who was contacted)")
        UPLIFT_T = "uplift_t", _("T-learner (one model per arm)")
        UPLIFT_X = "uplift_x", _("X-learner (effects learned across arms)")
        BY_TIER = "response_by_tier", _("Chance to respond × effect in the tier")
        RULE = "rule", _("Rule score (too few positives for a model)")

    model = models.ForeignKey(PredictiveModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    algorithm = models.CharField(_("algorithm"), max_length=30, choices=Algorithm)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.TRAINED)
    features = models.JSONField(_("features"), default=list)
    artefact = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # Data dates, n, positives, split, metrics with intervals, tables of gains, lift and calibration, limits.
    card = models.JSONField(_("model card"), default=dict)
    trained_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    trained_at = models.DateTimeField(_("trained"), db_default=Now())
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    promoted_at = models.DateTimeField(_("promoted"), null=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("model version")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="model_version_number_once"),
            models.UniqueConstraint(
                fields=["model"], condition=Q(state="champion"), name="one_champion_per_model"
            ),
            models.CheckConstraint(
                condition=Q(promoted_by__isnull=True) | ~Q(promoted_by=F("trained_by")),
                name="model_promoted_by_a_second_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"
