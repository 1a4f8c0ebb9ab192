"""Forms of analytics: what a new model predicts, for which product, over which horizon."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.features import usable
from analytics.models import PredictiveModel
from customers.models import Assignment


class PredictiveModelForm(forms.ModelForm):
    """Defines a response model. Features left empty mean every field a model may use."""

    horizon_days = forms.IntegerField(
        label=_("Horizon, days"),
        min_value=7,
        max_value=365,
        initial=60,
        help_text=_("An opening within so many days counts."),
    )
    features = forms.MultipleChoiceField(
        label=_("Features"),
        choices=lambda: [(field.code, field.label) for field in usable()],
        required=False,
        help_text=_("Choose none to use every field a model may use."),
    )
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
        fields = ["name", "code", "product", "horizon_days", "history_campaign", "features"]

    def clean_history_campaign(self) -> str:
        code = self.cleaned_data["history_campaign"].strip()
        if code and not Assignment.objects.filter(campaign_code=code).exclude(facts={}).exists():
            raise forms.ValidationError(_("No imported campaign of that code has columns to learn from."))
        return code
