"""Forms of the value pages: products, asset classes, costs and tiers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from bankcrm import clock, figures
from bankcrm.day_field import DayField
from bankcrm.form_fields import choices_of, offer
from bankcrm.models import Branch, BranchLink, Role, User
from customers import dated, tier_rules, value_settings
from customers.models import AssetClass, CostRate, Product, TierChange
from customers.tier_rules import Tier

GROUPING = str.maketrans("", "", ",，' \u00a0¥￥")


class AmountField(forms.DecimalField):
    """A sum of money; thousands may be grouped, as they are shown."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 16)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(
            **{"widget": forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"})} | kwargs
        )

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.translate(GROUPING) if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            places = 0 if value == value.to_integral_value() else None
            return f"{value:,.{places}f}" if places == 0 else f"{value:,f}"
        return value


class DayForm(forms.Form):
    """From which day a change holds, and why."""

    valid_from = DayField(
        label=_("Holds from"), help_text=_("The first month that ends on or after this day uses it.")
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        required=False,
        help_text=_("Kept in the audit trail."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        built = dated.newest_built()
        earliest = built + dt.timedelta(days=1) if built else clock.today()
        kwargs["initial"] = {"valid_from": max(earliest, clock.today()), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class ClassesForm(DayForm):
    """The nine classes: whether each counts, and how much."""

    def __init__(self, *args: Any, states: Sequence[value_settings.ClassState], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for state in states:
            code, label = state.asset_class.value, state.asset_class.label
            self.fields[f"on_{code}"] = forms.BooleanField(
                label=label, required=False, initial=state.is_counted
            )
            self.fields[f"weight_{code}"] = forms.DecimalField(
                label=label,
                initial=f"{state.weight.normalize():f}",
                min_value=Decimal(0),
                max_digits=5,
                decimal_places=4,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"}),
            )

    def planned(self) -> dict[str, tuple[Decimal, bool]]:
        """Class → weight, counted."""
        return {
            code: (self.cleaned_data[f"weight_{code}"], self.cleaned_data[f"on_{code}"])
            for code in AssetClass.values
        }


class CostsForm(DayForm):
    """What one transaction and one contact cost through each channel."""

    def __init__(self, *args: Any, rates: dict[tuple[str, str], CostRate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for (basis, channel), label in value_settings.COSTS.items():
            known = rates.get((basis, channel))
            self.fields[f"{basis}_{channel}"] = forms.DecimalField(
                label=label,
                initial=f"{known.cost.normalize():f}" if known else "0",
                min_value=Decimal(0),
                max_digits=10,
                decimal_places=4,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"}),
            )

    def planned(self) -> dict[tuple[str, str], Decimal]:
        return {
            (basis, channel): self.cleaned_data[f"{basis}_{channel}"]
            for basis, channel in value_settings.COSTS
        }


class MarginsForm(DayForm):
    """What every product earns in a year, as a share of its balance."""

    def __init__(self, *args: Any, states: Sequence[value_settings.MarginState], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for state in states:
            self.fields[f"margin_{state.product.code}"] = forms.DecimalField(
                label=state.product.name,
                initial=f"{state.margin:.4f}",
                min_value=Decimal(-1),
                max_value=Decimal(1),
                max_digits=6,
                decimal_places=4,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "amount"}),
            )

    def planned(self) -> dict[str, Decimal]:
        """Product code → margin."""
        prefix = "margin_"
        return {
            name.removeprefix(prefix): value
            for name, value in self.cleaned_data.items()
            if name.startswith(prefix)
        }


class ProductForm(forms.ModelForm):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Product
        fields = ["name", "code", "line", "asset_class", "annual_margin", "is_loan", "is_active"]
        help_texts = {
            "code": _("As in the files of the bank."),
            "asset_class": _("Left empty for what is no asset of the customer: loans, cards, payments."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.version if self.instance.pk else None
        if self.instance.pk:
            # Files and campaigns know a product by its code.
            self.fields["code"].disabled = True
            # Finished months counted with it: it is changed from a day on, beside the other margins.
            del self.fields["annual_margin"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("is_loan") and cleaned.get("asset_class"):
            self.add_error("asset_class", _("A loan is no asset of the customer."))
        margin = cleaned.get("annual_margin")
        if margin is not None and abs(margin) > 1:
            self.add_error("annual_margin", _("Write the share of the balance: 0.0125 for 1.25 %."))
        return cleaned


class TierRowForm(forms.Form):
    """One tier; the empty last row adds one."""

    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        validators=[RegexValidator(r"^[a-z0-9_-]+$", _("Use small letters, digits, - and _."))],
    )
    name = forms.CharField(label=_("Name"), max_length=40)
    aum = AmountField(label=_("Assets from"))
    loan = AmountField(label=_("or personal loan from"), required=False)
    give_up = forms.BooleanField(label=_("Give up"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.initial:
            self.fields["code"].disabled = True

    def tier(self) -> Tier:
        data = self.cleaned_data
        return Tier(data["code"], data["name"], data["aum"], data["loan"])


class BaseTierSet(forms.BaseFormSet):
    def clean(self) -> None:
        if not any(self.errors):
            faults = tier_rules.faults(self.tiers())
            if faults:
                raise ValidationError([ValidationError(fault) for fault in faults])

    def tiers(self) -> list[Tier]:
        """The tiers as planned, highest first; a new one stands where its threshold puts it."""
        known = [form.tier() for form in self.initial_forms if not form.cleaned_data["give_up"]]
        for form in self.extra_forms:
            if form.cleaned_data.get("code"):
                new = form.tier()
                place = sum(tier.aum > new.aum for tier in known)
                known.insert(place, new)
        return known


TierSet = forms.formset_factory(TierRowForm, formset=BaseTierSet, extra=1, max_num=20)


def tier_set(before: Sequence[Tier], data: Any = None) -> Any:
    initial = [{"code": tier.code, "name": tier.name, "aum": tier.aum, "loan": tier.loan} for tier in before]
    return TierSet(data, initial=initial, prefix="tier")


class ChangeFilters(forms.Form):
    """Which tier changes: of a month, up or down, in a branch and what is below it."""

    month = forms.ChoiceField(label=_("Month"), required=False)
    way = forms.ChoiceField(
        label=_("Direction"),
        required=False,
        choices=[("", _("up and down")), ("up", _("up")), ("down", _("down"))],
    )
    reason = forms.ChoiceField(
        label=_("Reason"), required=False, choices=[("", _("any")), *TierChange.Reason.choices]
    )
    branch = forms.ModelChoiceField(
        label=_("Branch"),
        required=False,
        queryset=Branch.objects.none(),
        to_field_name="code",
        empty_label=_("any"),
    )

    def __init__(self, user: User, months: Sequence[dt.date], data: Any) -> None:
        super().__init__(data)
        choices_of(self, "month").choices = [(day.isoformat(), figures.day(day)) for day in months]
        branches = Branch.objects.order_by("name")
        if not user.is_auditor:
            branches = branches.filter(pk__in=user.branch_ids())
        offer(self, "branch", branches)
        if user.role == Role.RM and not user.is_auditor:
            del self.fields["branch"]
        self.newest = months[0] if months else None

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters that were understood; the newest month where none was."""
        self.is_valid()
        found = {name: value for name, value in self.cleaned_data.items() if value}
        month = found.get("month")
        return found | {"month": dt.date.fromisoformat(month) if month else self.newest}

    @property
    def branch_ids(self) -> list[int] | None:
        branch = self.chosen.get("branch")
        if branch is None:
            return None
        return list(BranchLink.objects.filter(ancestor=branch).values_list("descendant_id", flat=True))
