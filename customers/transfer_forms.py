"""The form of a portfolio transfer: from whom, to whom, which customers, and what happens to open leads."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import clock
from bankcrm.form_fields import choices_of, offer
from bankcrm.models import Branch, BranchLink, Role, User
from bankcrm.people_forms import day_field
from customers import tiering
from customers.models import Customer, PortfolioTransfer
from customers.transfer_plan import Choice

MOST_NUMBERS = 5000
# As many of somebody's own typos as one sentence can name.
NAMED = 5
NOT_YOURS = gettext_lazy("Somebody ticked here does not work in your branches, or takes no customers.")


def branches_of(user: User) -> Any:
    """Open branches within which the user may move portfolios."""
    found = Branch.objects.filter(closed_on__isnull=True).order_by("name")
    return found if user.role == Role.ADMINISTRATOR else found.filter(pk__in=user.branch_ids())


class WhereForm(forms.Form):
    """Of which branch the people are listed."""

    where = forms.ModelChoiceField(
        Branch.objects.none(),
        label=gettext_lazy("People of"),
        required=False,
        empty_label=gettext_lazy("your own branch"),
    )

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        offer(self, "where", branches_of(user))

    def branch(self, user: User) -> Branch:
        """The branch asked for, else the user's own."""
        asked = self.cleaned_data.get("where") if self.is_valid() else None
        return asked or user.branch


class TransferForm(forms.Form):
    """Whose customers go to whom. ``where`` is the branch whose people the page lists, for sharing among all others."""

    sources = forms.ModelMultipleChoiceField(
        User.objects.none(), required=False, error_messages={"invalid_choice": NOT_YOURS}
    )
    receivers = forms.ModelMultipleChoiceField(
        User.objects.none(), required=False, error_messages={"invalid_choice": NOT_YOURS}
    )
    spread = forms.BooleanField(
        label=gettext_lazy("Share among all others listed, by load"),
        required=False,
        help_text=gettext_lazy("Whoever is on leave on the day is left out."),
    )
    nobody = forms.BooleanField(
        label=gettext_lazy("Also customers there without a relationship manager"), required=False
    )
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), required=False)
    branch = forms.ModelChoiceField(
        Branch.objects.none(),
        label=gettext_lazy("Customers of"),
        required=False,
        empty_label=gettext_lazy("every branch"),
    )
    numbers = forms.CharField(
        label=gettext_lazy("Only these customer numbers"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line, or with commas between; at most 5,000."),
    )
    open_leads = forms.ChoiceField(
        label=gettext_lazy("Open leads"),
        choices=PortfolioTransfer.OpenLeads,
        initial=PortfolioTransfer.OpenLeads.MOVE,
        widget=forms.RadioSelect,
    )
    changes_branch = forms.BooleanField(
        label=gettext_lazy("Customers change to the branch of their new relationship manager"), required=False
    )

    def __init__(self, data: Any, user: User, where: Branch) -> None:
        super().__init__(data)
        self.user, self.where = user, where
        seen = User.objects.visible_to(user)
        # Whoever still has customers may give them away, whatever the role became.
        offer(self, "sources", seen)
        offer(self, "receivers", seen.relationship_managers())
        offer(self, "branch", branches_of(user))
        tiers = tiering.names_at(dt.date.max).items()
        choices_of(self, "tier").choices = [("", _("every tier")), *tiers]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        numbers = list(dict.fromkeys(re.split(r"[\s,;，；、]+", cleaned.get("numbers", "").strip())))
        numbers = [number for number in numbers if number]
        if len(numbers) > MOST_NUMBERS:
            raise forms.ValidationError(_("At most 5,000 numbers at a time."))
        cleaned["found"] = self._find(numbers, cleaned) if numbers else None
        if not cleaned.get("sources") and not cleaned.get("nobody") and not numbers:
            raise forms.ValidationError(_("Tick whose customers are to move, or name customers."))
        if not cleaned.get("receivers") and not cleaned.get("spread"):
            raise forms.ValidationError(_("Tick who takes the customers, or share them among all others."))
        return cleaned

    def _find(self, numbers: list[str], cleaned: dict[str, Any]) -> list[tuple[int, int | None]]:
        """(customer, relationship manager) of every number; an error names those in none of these portfolios."""
        below = BranchLink.objects.filter(ancestor=self.where.pk).values("descendant")
        mine = Q(primary_rm__in=cleaned.get("sources") or User.objects.visible_to(self.user))
        mine |= Q(primary_rm__isnull=True, home_branch__in=below)
        found = Customer.objects.active().filter(mine, number__in=numbers)
        rows = {number: (pk, rm) for number, pk, rm in found.values_list("number", "pk", "primary_rm")}
        unknown = [number for number in numbers if number not in rows]
        if unknown:
            self.add_error(
                "numbers",
                _("%(n)s of these are in none of the portfolios: %(names)s")
                % {"n": len(unknown), "names": ", ".join(unknown[:NAMED])},
            )
        return list(rows.values())

    def choice(self) -> Choice:
        """What was asked for."""
        asked = self.cleaned_data
        found, sources = asked["found"], [person.pk for person in asked["sources"]]
        nobody = asked["nobody"]
        if found is not None:
            sources = sources or sorted({rm for _pk, rm in found if rm})
            nobody = nobody or any(rm is None for _pk, rm in found)
        return Choice(
            sources=tuple(sources),
            nobody_in=self.where.pk if nobody else None,
            receivers=() if asked["spread"] else tuple(person.pk for person in asked["receivers"]),
            spread_over=self.where.pk if asked["spread"] else None,
            tier=asked["tier"],
            branch=asked["branch"].pk if asked["branch"] else None,
            customers=None if found is None else tuple(sorted(pk for pk, _rm in found)),
            open_leads=asked["open_leads"],
            changes_branch=asked["changes_branch"],
        )

    @staticmethod
    def data_of(choice: Choice) -> dict[str, Any]:
        """What the form would have to be sent to ask for ``choice`` again."""
        numbers = Customer.objects.filter(pk__in=choice.customers or ()).values_list("number", flat=True)
        return {
            "sources": list(choice.sources),
            "receivers": list(choice.receivers),
            "spread": choice.spread_over is not None,
            "nobody": choice.nobody_in is not None,
            "tier": choice.tier,
            "branch": choice.branch,
            "numbers": "\n".join(numbers) if choice.customers is not None else "",
            "open_leads": choice.open_leads,
            "changes_branch": choice.changes_branch,
        }


class BackupForm(forms.Form):
    """Who stands in for one customer's relationship manager where no leave names anybody."""

    backup = forms.ModelChoiceField(
        User.objects.none(), label=gettext_lazy("Backup"), required=False, empty_label=gettext_lazy("nobody")
    )

    def __init__(self, data: Any, user: User, customer: Customer) -> None:
        super().__init__(data, initial={"backup": customer.backup_rm_id})
        managers = User.objects.visible_to(user).relationship_managers()
        offer(self, "backup", managers.exclude(pk=customer.primary_rm_id or 0).order_by("full_name"))


class OrderForm(forms.Form):
    """Why and when a transfer that was shown is done."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Stands in the history of every customer."),
    )
    on = day_field(gettext_lazy("Effective on"))
    token = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, token: str = "") -> None:
        super().__init__(data, initial={"token": token, "on": clock.today()})
        self.fields["on"].help_text = _("On a later day, whatever fits the choice then is moved.")
