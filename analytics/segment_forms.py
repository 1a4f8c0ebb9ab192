"""Forms of segmentations: what to divide by, and what a segment is called."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics import audience, segments
from analytics.features import usable
from analytics.forms import condition_of
from analytics.models import Audience, Segment, Segmentation
from bankcrm import form_fields
from bankcrm.models import User

Kind = Segmentation.Kind
MOST_RULES = 8


class SegmentationForm(forms.ModelForm):
    """Found in the data: the fields customers are divided by, none for the usual ones."""

    features = forms.MultipleChoiceField(
        label=_("Fields"),
        choices=lambda: [(field.code, field.label) for field in usable()],
        required=False,
        initial=segments.DEFAULT_FEATURES,
        help_text=_("Nature, behaviour, credit and economy. Choose none to take the usual ones."),
    )
    population = forms.ModelChoiceField(
        Audience.objects.none(),
        label=_("For whom"),
        required=False,
        empty_label=_("Every customer"),
        help_text=_("A saved audience of conditions on customer fields; the segmentation keeps a copy."),
    )

    class Meta:
        model = Segmentation
        fields = ["name", "code", "population", "monthly", "features"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form_fields.offer(self, "population", Audience.objects.visible_to(user))

    def clean_population(self) -> dict[str, Any]:
        return condition_of(self.cleaned_data["population"])

    def definition(self) -> dict[str, Any]:
        """The columns of the new segmentation, validated."""
        return {"kind": Kind.FOUND, **self.cleaned_data}


class RuleSegmentationForm(forms.ModelForm):
    """Said by rules: saved audiences in order, the first that holds decides; everybody else is the last segment."""

    class Meta:
        model = Segmentation
        fields = ["name", "code", "monthly"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for position in range(1, MOST_RULES + 1):
            self.fields[f"rule_{position}"] = forms.ModelChoiceField(
                Audience.objects.visible_to(user),
                label=_("Rule %(number)s") % {"number": position},
                required=position == 1,
                empty_label=_("no rule"),
                help_text=_("A saved audience; the segment takes its name.") if position == 1 else "",
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        chosen = [(key, data[key]) for key in self.fields if key.startswith("rule_") and data.get(key)]
        names: set[str] = set()
        for key, saved in chosen:
            if saved.name in names:
                self.add_error(key, _("This audience stands further up already."))
            names.add(saved.name)
            for fault in audience.faults_of_fields(saved.condition):
                self.add_error(key, fault)
        data["rules"] = [
            {"name": saved.name[:60], "condition": dict(saved.condition)} for _key, saved in chosen
        ]
        return data

    def definition(self) -> dict[str, Any]:
        """The columns of the new segmentation, validated."""
        kept = ("name", "code", "monthly", "rules")
        return {"kind": Kind.RULES} | {key: self.cleaned_data[key] for key in kept}


FORMS: dict[str, type[SegmentationForm] | type[RuleSegmentationForm]] = {
    Kind.FOUND: SegmentationForm,
    Kind.RULES: RuleSegmentationForm,
}


class SegmentForm(forms.ModelForm):
    class Meta:
        model = Segment
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
