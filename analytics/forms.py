"""Forms of analytics: what a new model predicts, for whom, over which horizon."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics import audience, prospects
from analytics.distribution import reference_names
from analytics.features import usable
from analytics.models import Audience, PredictiveModel
from analytics.models.predictive import BalanceGroup
from bankcrm.form_fields import offer
from bankcrm.models import User
from customers import fields as catalogue
from customers.fields import Reference, Type
from customers.models import Assignment

Kind, Target = PredictiveModel.Kind, PredictiveModel.Target
OUTCOME_SEPARATOR = "="


def own_outcomes() -> list[tuple[str, str]]:
    """What a model of an own field can predict: a flag's yes, and each word of a choice of two."""
    found = []
    for known in catalogue.own.catalogue().values():
        if known.is_retired or not known.filter:
            continue
        if known.type == Type.FLAG:
            found.append((known.code, _("%(field)s: yes") % {"field": known.label}))
        elif known.type == Type.CHOICE and len(known.choices) == 2:
            found += [
                (f"{known.code}{OUTCOME_SEPARATOR}{word}", f"{known.label}: {word}")
                for word, _label in known.choices
            ]
    return found


def condition_of(saved: Audience | None) -> dict[str, Any]:
    """A copy of the audience's condition, which can be asked about any month; raises ValidationError."""
    if saved is None:
        return {}
    if faults := audience.faults_of_fields(saved.condition):
        raise forms.ValidationError(faults)
    return dict(saved.condition)


def filled_already(feeds: str) -> str:
    """Why a model cannot fill that field of the profile; "" when it can, or fills none."""
    taken = PredictiveModel.objects.filter(feeds=feeds).first() if feeds else None
    if taken is None:
        return ""
    return _("“%(name)s” fills this field already. Take it off there first.") % {"name": taken.name}


class ModelForm(forms.ModelForm):
    """What every kind of model says about itself. Features left empty mean every field a model may use."""

    kind: PredictiveModel.Kind
    horizon_days = forms.IntegerField(
        label=_("Horizon, days"),
        min_value=7,
        max_value=365,
        initial=60,
        help_text=_("What happens within so many days counts."),
    )
    features = forms.MultipleChoiceField(
        label=_("Features"),
        choices=lambda: [(field.code, field.label) for field in usable()],
        required=False,
        help_text=_("Choose none to use every field a model may use."),
    )
    population = forms.ModelChoiceField(
        Audience.objects.none(),
        label=_("For whom"),
        required=False,
        empty_label=_("Everybody who could still do it"),
        help_text=_("A saved audience of conditions on customer fields; the model keeps a copy."),
    )
    exclusions = forms.ModelChoiceField(
        Audience.objects.none(), label=_("Except"), required=False, empty_label=_("Nobody")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = self.kind
        audiences = Audience.objects.visible_to(user)
        for name in ("population", "exclusions"):
            offer(self, name, audiences)
        if "product" in self.fields:
            self.fields["product"].required = True

    def clean_population(self) -> dict[str, Any]:
        return condition_of(self.cleaned_data["population"])

    def clean_exclusions(self) -> dict[str, Any]:
        return condition_of(self.cleaned_data["exclusions"])

    def definition(self) -> dict[str, Any]:
        """The columns of the new model, validated."""
        return {"kind": self.kind, **self.cleaned_data}


class ResponseModelForm(ModelForm):
    """Who opens a product."""

    kind = Kind.RESPONSE
    history_campaign = forms.CharField(
        label=_("Imported campaign"),
        required=False,
        max_length=40,
        help_text=_(
            "Code of an imported past campaign whose own columns the model learns from, instead of profiles."
        ),
    )

    class Meta:
        model = PredictiveModel
        fields = [
            "name",
            "code",
            "product",
            "horizon_days",
            "population",
            "exclusions",
            "history_campaign",
            "monthly",
            "features",
        ]

    def clean_history_campaign(self) -> str:
        code = self.cleaned_data["history_campaign"].strip()
        if code and not Assignment.objects.filter(campaign_code=code).exclude(facts={}).exists():
            raise forms.ValidationError(_("No imported campaign of that code has columns to learn from."))
        return code


class ChurnModelForm(ModelForm):
    """Who gives up what is held: the definition is stored with the model."""

    kind = Kind.CHURN
    target = forms.ChoiceField(
        label=_("Counts as leaving"),
        choices=[(target.value, target.label) for target in (Target.FALLS, Target.CLOSES, Target.PREPAYS)],
    )
    balance = forms.ChoiceField(label=_("Of what"), choices=BalanceGroup.choices)
    share = forms.FloatField(
        label=_("Share left"),
        required=False,
        min_value=0.01,
        max_value=0.99,
        initial=0.5,
        help_text=_(
            "0.5: the month's average balance at the end of the horizon is under half of what it was."
        ),
    )
    least = forms.DecimalField(
        label=_("Least balance"),
        min_value=Decimal(0),
        initial=Decimal(1000),
        help_text=_("Only customers who have so much at the month-end are asked about."),
    )

    class Meta:
        model = PredictiveModel
        fields = [
            "name",
            "code",
            "target",
            "balance",
            "share",
            "least",
            "horizon_days",
            "population",
            "exclusions",
            "feeds",
            "monthly",
            "features",
        ]
        help_texts = {
            "feeds": _("The scores become this field of the profile and count for the loyalty grade.")
        }

    def clean_feeds(self) -> str:
        feeds: str = self.cleaned_data["feeds"]
        if why := filled_already(feeds):
            raise forms.ValidationError(why)
        return feeds

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("target") == Target.FALLS and not data.get("share") and "share" not in self.errors:
            self.add_error("share", _("Say which share of the balance counts as leaving."))
        if data.get("target") == Target.PREPAYS and data.get("balance") not in (None, BalanceGroup.LOANS):
            self.add_error("balance", _("Only loans are repaid early."))
        if data.get("target") != Target.FALLS:
            data["share"] = None
        self.instance.target = data.get("target", Target.FALLS)
        return data


class UpliftModelForm(ModelForm):
    """Who opens a product because of being contacted."""

    kind = Kind.UPLIFT

    class Meta:
        model = PredictiveModel
        fields = [
            "name",
            "code",
            "product",
            "horizon_days",
            "population",
            "exclusions",
            "monthly",
            "features",
        ]
        help_texts = {
            "product": _(
                "Past campaigns of this product that kept a random control group are what the model learns from."
            )
        }


class OwnFieldModelForm(ModelForm):
    """Of whom a yes/no field of the bank's own says yes; a field of two words is asked for one of them."""

    kind = Kind.OWN
    outcome = forms.ChoiceField(
        label=_("Predicts"),
        choices=own_outcomes,
        help_text=_(
            "A field of two values from the bank's files. The model never learns from the field itself."
        ),
    )

    class Meta:
        model = PredictiveModel
        fields = ["name", "code", "horizon_days", "population", "exclusions", "monthly", "features"]

    field_order = ["name", "code", "outcome"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["horizon_days"].help_text = _(
            "The last value said within so many days counts. Without meaning where all values are of one day."
        )
        self.instance.target = Target.OWN

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        field, _separator, value = data.pop("outcome", "").partition(OUTCOME_SEPARATOR)
        self.instance.own_field = field
        data |= {"target": Target.OWN, "own_field": field, "own_value": value}
        if field and data.get("features") == [field]:
            self.add_error("features", _("A model cannot learn from the very field it predicts."))
        return data


class RaisingModelForm(ModelForm):
    """Which customers of the lower tiers move up: whom to raise."""

    kind = Kind.RAISING
    tiers = forms.MultipleChoiceField(
        label=_("Of the tiers"),
        choices=lambda: list(reference_names(Reference.TIER).items()),
        help_text=_(
            "The low-value customers the model asks about. Whoever is in the highest tier cannot rise."
        ),
    )

    class Meta:
        model = PredictiveModel
        fields = ["name", "code", "horizon_days", "population", "exclusions", "monthly", "features"]

    field_order = ["name", "code", "tiers"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["horizon_days"].initial = 90
        self.fields["horizon_days"].help_text = _(
            "The tier at the month-end that the horizon, in whole months, comes to."
        )
        self.instance.target = Target.RISES

    def definition(self) -> dict[str, Any]:
        """Of the chosen tiers, within the audience where there is one."""
        found = super().definition()
        tiers = {"field": "tier", "op": "one_of", "value": found.pop("tiers")}
        found["population"] = {"all": [tiers, *filter(None, [found["population"]])]}
        return found | {"target": Target.RISES}


class ProspectModelForm(ModelForm):
    """Who of an external list would open a product, learned from customers by the fields the list has."""

    kind = Kind.PROSPECT
    prospect_list = forms.ChoiceField(
        label=_("List"),
        choices=lambda: [(code, code) for code in prospects.codes()],
        help_text=_(
            "An imported list of prospects. The model learns from the fields this list has, no others."
        ),
    )

    class Meta:
        model = PredictiveModel
        fields = ["name", "code", "product", "horizon_days", "population", "exclusions", "features"]

    field_order = ["name", "code", "prospect_list", "product"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["features"].choices = [  # type: ignore[attr-defined]  # a multiple choice
            (field.code, field.label) for field in usable(prospects.FIELDS.values())
        ]
        self.fields["features"].help_text = _("Choose none to use every field the list has.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        found = prospects.standing(data.get("prospect_list", ""))
        if found is None:
            return data
        names = {each.field.code: str(each.field.label) for each in found.fields}
        if lacking := [names[code] for code in data.get("features", []) if code not in found.usable]:
            self.add_error("features", _("The list does not say: %(names)s.") % {"names": ", ".join(lacking)})
        elif not found.usable:
            self.add_error("prospect_list", _("The list says nothing a model could learn from."))
        else:
            data["features"] = data.get("features") or found.usable
        return data


class PreferenceModelForm(ModelForm):
    """What customers are likeliest to choose; who was seen to do too little gets no answer."""

    kind = Kind.PREFERENCE
    target = forms.ChoiceField(
        label=_("Preference for"),
        choices=[
            (target.value, target.label)
            for target in (Target.PRODUCT, Target.CHANNEL, Target.RISK, Target.FINANCE)
        ],
    )
    least_seen = forms.IntegerField(
        label=_("Least behaviour"),
        min_value=1,
        max_value=100,
        initial=5,
        help_text=_(
            "Customers with fewer bookings, purchases and contacts in 12 months get no answer: not enough behaviour."
        ),
    )
    fills = forms.BooleanField(
        label=_("Fill the customer's field"),
        required=False,
        initial=True,
        help_text=_("The answers become a field of the profile, for pages, audiences and exports."),
    )

    class Meta:
        model = PredictiveModel
        fields = [
            "name",
            "code",
            "target",
            "least_seen",
            "horizon_days",
            "population",
            "exclusions",
            "monthly",
            "features",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["horizon_days"].initial = 90

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        likely = f"likely_{data.get('target')}" if data.pop("fills", False) else ""
        if why := filled_already(likely):
            self.add_error("fills", why)
        self.instance.target = data.get("target", Target.PRODUCT)
        return data | {"feeds": likely}


FORMS: dict[str, type[ModelForm]] = {
    Kind.RESPONSE: ResponseModelForm,
    Kind.CHURN: ChurnModelForm,
    Kind.UPLIFT: UpliftModelForm,
    Kind.OWN: OwnFieldModelForm,
    Kind.RAISING: RaisingModelForm,
    Kind.PROSPECT: ProspectModelForm,
    Kind.PREFERENCE: PreferenceModelForm,
}
