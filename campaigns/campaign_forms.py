"""What planners type on a campaign: a new one, its cards, its arms; and the filters of the list."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.utils.functional import cached_property
from django.utils.html import strip_tags
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from analytics.models import PredictiveModel
from bankcrm import clock
from bankcrm.day_field import DayField
from bankcrm.form_fields import rows_of
from bankcrm.models import Role, User
from campaigns.models import Arm, Campaign, MarketingPlan, Offer
from campaigns.models.campaign import CampaignQuerySet
from customers import profile
from customers.models import ContactChannel, Product, Response

SUCCESSES = (Response.Kind.CONVERSION, Response.Kind.INTEREST, Response.Kind.VISIT)


def add_errors(form: forms.BaseForm, invalid: ValidationError) -> None:
    """What a verb found wrong: beside its field when the form has it, above the form when not."""
    named = invalid.error_dict if hasattr(invalid, "error_dict") else {"__all__": [invalid]}
    for name, errors in named.items():
        form.add_error(name if name in form.fields else None, errors)


class ProductField(forms.ModelChoiceField):
    """Products by name; those that share one also by their code."""

    @cached_property
    def _repeated(self) -> frozenset[str]:
        counted = Product.objects.values("name").annotate(n=Count("pk")).filter(n__gt=1)
        return frozenset(counted.values_list("name", flat=True))

    def label_from_instance(self, obj: Product) -> str:
        return f"{obj.name} ({obj.code})" if obj.name in self._repeated else obj.name


class PercentField(forms.DecimalField):
    """Typed as per cent, kept as a fraction with the places the column has: 10 is 0.100."""

    def prepare_value(self, value: Any) -> Any:
        # What was typed comes back as typed; what is stored is shown as per cent.
        if isinstance(value, Decimal):
            return format((value * 100).normalize(), "f")
        return value

    def clean(self, value: Any) -> Any:
        percent = super().clean(value)
        return None if percent is None else (percent / 100).quantize(Decimal("0.001"))


class CardForm(forms.ModelForm):
    """A card's fields and the version its reader saw. The lifecycle saves, not the form."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["version"].initial = self.instance.version
        self.choose()

    def choose(self) -> None:
        """Which rows a card's selects offer."""

    def changes(self) -> dict[str, Any]:
        """The card's fields as ``lifecycle.edit`` takes them."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}

    def _post_clean(self) -> None:
        """The lifecycle validates the whole campaign; the form must not write into the instance it shows."""


BUDGET_HELP = _("What all contacts may cost together; a campaign that costs more is not submitted.")


class BriefForm(CardForm):
    class Meta:
        model = Campaign
        fields = ["name", "product", "objective", "plan", "starts_on", "ends_on", "owner", "budget"]
        help_texts = {"budget": BUDGET_HELP}
        field_classes = {"product": ProductField, "starts_on": DayField, "ends_on": DayField}
        widgets = {"objective": forms.Textarea(attrs={"rows": 2})}

    def choose(self) -> None:
        owners = User.objects.visible_to(self.user).filter(role=Role.PLANNER, is_active=True)
        rows_of(self, "owner").queryset = (owners | User.objects.filter(pk=self.instance.owner_id)).distinct()
        current = Product.objects.filter(pk=self.instance.product_id)
        rows_of(self, "product").queryset = Product.objects.filter(is_active=True) | current
        rows_of(self, "plan").queryset = MarketingPlan.objects.visible_to(self.user)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", _("The campaign ends before it starts."))
        return data


class ExclusionForm(CardForm):
    exploration_share = PercentField(
        label=_("Exploration, % of the contacts"),
        min_value=Decimal(0),
        max_value=Decimal(50),
        decimal_places=1,
        help_text=_(
            "Drawn at random among all who could be contacted, not by score, so that models learn of those they would"
            " pass over: 5 to 10 % is customary, 20 % where uplift is to be learned. Without a model the order is drawn"
            " anyway."
        ),
    )

    class Meta:
        model = Campaign
        fields = ["model", "minimum_value", "capacity", "exploration_share"]
        help_texts = {
            "model": _(
                "Ranks customers by calibrated probability × margin − cost; without one the order is drawn."
            ),
            "minimum_value": _("Customers whose expected value is lower are left out."),
            "capacity": _("The best so many are contacted; the control group comes on top. Empty: no limit."),
        }

    def choose(self) -> None:
        models = PredictiveModel.objects.visible_to(self.user).for_targeting()
        rows_of(self, "model").queryset = models.filter(current_score_run__isnull=False) | models.filter(
            pk=self.instance.model_id
        )
        rows_of(self, "model").empty_label = _("No model")
        product = self.instance.product_id
        unproven = PredictiveModel.objects.visible_to(self.user).filter(
            kind=PredictiveModel.Kind.UPLIFT, product=product
        )
        names = [model.name for model in unproven.exclude(pk__in=models.values("pk"))]
        if names:
            self.fields["model"].help_text = _(
                "%(usual)s Not offered, because its uplift is not proven: %(names)s. The response model stands in;"
                " keep 20 %% of the contacts for exploration so that uplift can be learned."
            ) % {"usual": self.fields["model"].help_text, "names": ", ".join(names)}


class ControlForm(CardForm):
    control_share = PercentField(
        label=_("Control, % of the targets"), min_value=Decimal(0), max_value=Decimal(50), decimal_places=1
    )
    success = forms.ChoiceField(
        label=_("Judged by"), choices=[(kind.value, kind.label) for kind in SUCCESSES]
    )

    class Meta:
        model = Campaign
        fields = ["control_share", "success", "attribution_days"]


class ScheduleForm(CardForm):
    class Meta:
        model = Campaign
        fields = ["lead_due_days", "profile_month"]
        help_texts = {
            "profile_month": _(
                "The month-end whose data decides who meets the conditions. Empty: the newest."
            )
        }

    def choose(self) -> None:
        choices = [(month.isoformat(), f"{month:%Y-%m}") for month in profile.months()[:36]]
        self.fields["profile_month"] = forms.TypedChoiceField(
            label=_("Data of"),
            required=False,
            choices=[("", _("the newest month")), *choices],
            coerce=lambda text: DayField().clean(text),
            empty_value=None,
            help_text=self.fields["profile_month"].help_text,
        )
        if self.instance.profile_month:
            self.initial["profile_month"] = self.instance.profile_month.isoformat()


class ArmForm(forms.Form):
    """One arm; left without an offer and a name it is no arm."""

    code = forms.SlugField(label=_("Arm"), max_length=40, required=False)
    name = forms.CharField(label=_("Name"), max_length=100, required=False)
    offer = forms.ModelChoiceField(Offer.objects.none(), label=_("Offer"), required=False)
    channel = forms.ChoiceField(
        label=_("Channel"), choices=ContactChannel.choices, initial=ContactChannel.PHONE
    )
    share = PercentField(
        label=_("Share, %"), min_value=Decimal(0), max_value=Decimal(100), decimal_places=1, required=False
    )
    remove = forms.BooleanField(label=_("Remove"), required=False)

    def __init__(self, *args: Any, offers: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows_of(self, "offer").queryset = offers
        rows_of(self, "offer").empty_label = _("Choose an offer")

    @property
    def is_used(self) -> bool:
        data = self.cleaned_data
        return not data.get("remove") and bool(data.get("offer") or data.get("name") or data.get("code"))


class BaseArms(forms.BaseFormSet):
    """All arms of a campaign at once, because their shares must add up."""

    def clean(self) -> None:
        if any(self.errors):
            return
        codes = [form.cleaned_data["code"] for form in self.forms if form.is_used]
        if len(codes) != len(set(codes)):
            raise ValidationError(_("Two arms have the same code."))
        for form in self.forms:
            if form.is_used and not form.cleaned_data["code"]:
                form.add_error("code", _("Give the arm a code, such as a."))
            if form.is_used and form.cleaned_data["share"] is None:
                form.add_error("share", _("Say how many per cent of the contacted it gets."))

    def arms(self) -> list[dict[str, Any]]:
        """The arms as ``lifecycle.edit`` takes them."""
        return [
            {name: form.cleaned_data[name] for name in ("code", "name", "offer", "channel", "share")}
            for form in self.forms
            if form.is_used
        ]


# The factory's type says no more than "a formset".
ArmFormSet = cast(
    type[BaseArms], forms.formset_factory(ArmForm, formset=BaseArms, extra=1, max_num=12, absolute_max=12)
)


def arm_forms(campaign: Campaign, data: Any = None) -> BaseArms:
    """The arms' forms with one empty one below; its code and share are proposed."""
    arms = list(Arm.objects.filter(campaign=campaign).order_by("code"))
    initial = [
        {
            "code": arm.code,
            "name": arm.name,
            "offer": arm.offer_id,
            "channel": arm.channel,
            "share": arm.share,
        }
        for arm in arms
    ]
    offers = Offer.objects.filter(product=campaign.product_id).order_by("name")
    if arms:
        offers = (offers | Offer.objects.filter(arms__in=arms)).distinct()
    formset = ArmFormSet(data, initial=initial, prefix="arms", form_kwargs={"offers": offers})
    if not arms and data is None:
        formset.forms[0].initial = {"code": "a", "share": Decimal(1), "channel": ContactChannel.PHONE}
    return formset


class CampaignForm(forms.ModelForm):
    """A new campaign: the few fields without which there is none, and a past one to start from."""

    copy_of = forms.ModelChoiceField(
        Campaign.objects.none(),
        label=_("Start from"),
        required=False,
        empty_label=_("An empty campaign"),
        help_text=_("Takes its audience, arms, control, limits and windows."),
    )

    class Meta:
        model = Campaign
        fields = ["name", "code", "product", "plan", "starts_on", "ends_on", "budget", "objective"]
        field_classes = {"product": ProductField, "starts_on": DayField, "ends_on": DayField}
        widgets = {"objective": forms.Textarea(attrs={"rows": 2})}
        help_texts = {
            "code": _("Stays for ever and names the campaign in the history. Empty: made from the name."),
            "budget": BUDGET_HELP,
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].required = False
        # The column's 0 would be taken for an answer, and block when everything else is done.
        self.initial["budget"] = self.fields["budget"].initial = None
        rows_of(self, "product").queryset = Product.objects.filter(is_active=True)
        rows_of(self, "plan").queryset = MarketingPlan.objects.visible_to(user)
        rows_of(self, "copy_of").queryset = Campaign.objects.visible_to(user)
        self.order_fields(
            ["name", "product", "starts_on", "ends_on", "plan", "budget", "copy_of", "code", "objective"]
        )

    def clean_code(self) -> str:
        return self.cleaned_data["code"] or free_code(self.cleaned_data.get("name", ""))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", _("The campaign ends before it starts."))
        return data

    def validate_constraints(self) -> None:
        """The order of the dates is said beside their fields."""


def free_code(name: str) -> str:
    """A code made from the name that no campaign has: "autumn-funds", then "autumn-funds-2".

    A name without Latin letters or digits, as a Chinese one, leaves the day: "campaign-2026-11-25".
    """
    base = slugify(strip_tags(name))[:34].strip("-_") or f"campaign-{clock.today().isoformat()}"
    taken = set(Campaign.objects.filter(code__startswith=base).values_list("code", flat=True))
    if base not in taken:
        return base
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)


class CampaignFilter(forms.Form):
    """The campaign list's filters, kept in the URL."""

    q = forms.CharField(label=_("Name or code"), required=False, max_length=100)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All")), *Campaign.State.choices]
    )
    product = forms.ModelChoiceField(
        Product.objects.all(), label=_("Product"), required=False, empty_label=_("All"), to_field_name="code"
    )
    owner = forms.ModelChoiceField(
        User.objects.none(), label=_("Owner"), required=False, empty_label=_("All")
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        rows_of(self, "owner").queryset = User.objects.filter(
            pk__in=Campaign.objects.values("owner")
        ).order_by("full_name")
        self.fields["q"].widget.attrs["type"] = "search"

    def filter(self, campaigns: CampaignQuerySet) -> CampaignQuerySet:
        """What makes no sense filters nothing."""
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        if "q" in chosen:
            words = chosen.pop("q")
            campaigns = campaigns.filter(name__icontains=words) | campaigns.filter(code__icontains=words)
        return campaigns.filter(**chosen)
