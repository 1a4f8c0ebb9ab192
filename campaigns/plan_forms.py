"""What planners type for offers, plans and the targets of plans."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from analytics.models import Audience
from bankcrm.day_field import DayField
from bankcrm.form_fields import rows_of
from bankcrm.models import Branch, User
from campaigns.models import MarketingPlan, Offer, PlanTarget
from campaigns.versioned_forms import VersionedForm
from customers.models import Product


class OfferForm(VersionedForm):
    audience = forms.ModelChoiceField(
        Audience.objects.none(),
        label=_("Only for"),
        required=False,
        empty_label=_("Everybody"),
        help_text=_("A saved audience; others are not eligible."),
    )

    class Meta:
        model = Offer
        fields = [
            "name", "code", "product", "terms", "valid_from", "valid_to", "margin_per_sale", "cost_per_contact",
            "cost_per_sale", "excludes_holders", "script_open", "script_ask", "script_offer", "script_if_unsure",
        ]  # fmt: skip
        field_classes = {"valid_from": DayField, "valid_to": DayField}
        widgets = {
            name: forms.Textarea(attrs={"rows": 2})
            for name in ("script_open", "script_ask", "script_offer", "script_if_unsure")
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows_of(self, "audience").queryset = Audience.objects.visible_to(user)
        self.own_condition = False
        rows = (self.instance.eligibility or {}).get("all", [])
        if len(rows) == 1 and str(rows[0].get("field", "")).startswith("audience:"):
            self.initial["audience"] = rows[0]["field"].partition(":")[2]
        elif self.instance.eligibility:
            # Conditions written elsewhere stay as they are unless an audience replaces them.
            self.own_condition = True
            rows_of(self, "audience").empty_label = _("The offer's own conditions, as they are")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            self.add_error("valid_to", _("The offer ends before it begins."))
        return data

    def eligibility(self) -> dict[str, Any]:
        """The condition for who may receive the offer."""
        chosen = self.cleaned_data["audience"]
        if chosen:
            return {"all": [{"field": f"audience:{chosen.pk}", "op": "is"}]}
        return self.instance.eligibility if self.own_condition else {}


class PlanForm(VersionedForm):
    class Meta:
        model = MarketingPlan
        fields = ["name", "starts_on", "ends_on", "budget", "objective"]
        field_classes = {"starts_on": DayField, "ends_on": DayField}
        widgets = {"objective": forms.Textarea(attrs={"rows": 2})}


class TargetFileForm(forms.Form):
    """A sheet of targets, and what becomes of those it does not name."""

    file = forms.FileField(
        label=_("Sheet"),
        help_text=_(
            "CSV or .xlsx with the columns branch, product, month, sales and, if you like, volume; rows in any order."
        ),
    )
    keep_others = forms.TypedChoiceField(
        label=_("Targets the sheet does not name"),
        choices=[("", _("are removed: the sheet is the whole plan")), ("1", _("stay as they are"))],
        coerce=bool,
        required=False,
        widget=forms.RadioSelect,
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class TargetForm(forms.Form):
    branch = forms.ModelChoiceField(Branch.objects.none(), label=_("Branch"), required=False)
    product = forms.ModelChoiceField(Product.objects.none(), label=_("Product"), required=False)
    month = forms.DateField(
        label=_("Month"),
        required=False,
        input_formats=["%Y-%m"],
        widget=forms.DateInput(attrs={"type": "month", "placeholder": _("YYYY-MM")}, format="%Y-%m"),
        error_messages={"invalid": _("Write the month as YYYY-MM, such as 2026-11.")},
    )
    sales = forms.IntegerField(label=_("Sales"), min_value=0, required=False)
    volume = forms.DecimalField(label=_("Volume"), min_value=0, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = [name for name in ("branch", "product", "month") if data.get(name)]
        if given and len(given) < 3 and not self.errors:
            raise ValidationError(
                _("A target needs branch, product and month; clear all three to remove it.")
            )
        return data


TargetFormSet = forms.formset_factory(TargetForm, extra=4, max_num=400, absolute_max=400)


def target_forms(plan: MarketingPlan, data: Any = None) -> forms.BaseFormSet:
    """The plan's targets with empty lines below. Branches and products are looked up once for all lines."""
    targets = PlanTarget.objects.filter(plan=plan).order_by("month", "branch__name", "product__name")
    initial = [
        {
            "branch": t.branch_id,
            "product": t.product_id,
            "month": t.month,
            "sales": t.sales,
            "volume": t.volume,
        }
        for t in targets
    ]
    formset = TargetFormSet(data, initial=initial, prefix="targets")
    choices = {
        "branch": [("", "—"), *((b.pk, b.name) for b in Branch.objects.order_by("name"))],
        "product": [("", "—"), *((p.pk, p.name) for p in Product.objects.order_by("name"))],
    }
    for form in formset.forms:
        rows_of(form, "branch").queryset = Branch.objects.all()
        rows_of(form, "product").queryset = Product.objects.all()
        for name, options in choices.items():
            rows_of(form, name).choices = options
    return formset


def targets_of(formset: forms.BaseFormSet) -> list[dict[str, Any]]:
    """The filled lines as ``planning.set_targets`` takes them."""
    return [
        {
            **form.cleaned_data,
            "sales": form.cleaned_data["sales"] or 0,
            "volume": form.cleaned_data["volume"] or 0,
        }
        for form in formset.forms
        if form.cleaned_data.get("branch")
        and form.cleaned_data.get("product")
        and form.cleaned_data.get("month")
    ]
