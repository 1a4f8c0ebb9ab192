"""What is typed to add a rule to the contact policy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bankcrm.form_fields import choices_of, offer
from campaigns.models import ContactRule
from customers.models import ContactChannel, Product

# What each kind asks for; the other fields are left out and keep their defaults.
ASKS: dict[str, tuple[str, ...]] = {
    ContactRule.Kind.CAP: ("maximum", "days", "channel", "product"),
    ContactRule.Kind.COOL_OFF: ("days", "same_product_only"),
    ContactRule.Kind.APART: ("product", "other_product", "days"),
    ContactRule.Kind.AFTER: ("product", "other_product"),
}


class ContactRuleForm(forms.ModelForm):
    """The fields of one kind of rule. The verb validates, not the form."""

    class Meta:
        model = ContactRule
        fields = ["maximum", "days", "channel", "same_product_only", "product", "other_product"]
        labels = {
            "maximum": _("Contacts at most"),
            "days": _("Days"),
            "channel": _("Only through"),
            "same_product_only": _("Only for the product that was refused"),
            "product": _("Product"),
            "other_product": _("Other product"),
        }

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for name in [name for name in self.fields if name not in ASKS[kind]]:
            del self.fields[name]
        for name in ("product", "other_product"):
            if name in self.fields:
                offer(self, name, Product.objects.order_by("name"))
        if "channel" in self.fields:
            channel = choices_of(self, "channel")
            channel.choices = [("", _("All channels together")), *ContactChannel.choices]
        if kind == ContactRule.Kind.CAP:
            self.fields["product"].help_text = _("Empty: contacts about all products together.")
        if kind == ContactRule.Kind.APART:
            self.fields["other_product"].help_text = _("After a contact about this one, the first waits.")
        if kind == ContactRule.Kind.AFTER:
            self.fields["other_product"].help_text = _(
                "Who has never held this one is not offered the first."
            )

    def _post_clean(self) -> None:
        """The verb validates the whole rule; the form only reads the fields."""

    def rule(self) -> dict[str, Any]:
        """The fields as ``contact_rules.add`` takes them."""
        return {"kind": self.kind, **self.cleaned_data}
