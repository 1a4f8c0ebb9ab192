"""The history of contacts and responses."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from customers.fields.declaration import Area, Basis, Field, Origin, Type


def history(code: str, label: Any, meaning: Any, kind: Type = Type.NUMBER, **rest: Any) -> Field:
    return Field(
        code=code,
        label=label,
        meaning=meaning,
        area=Area.HISTORY,
        type=kind,
        source=f"p.{code}",
        basis=Basis.CONTACTS,
        origin=Origin.FACTS,
        model_use=True,
        **rest,
    )


FIELDS = [
    history(
        "contacts_30d",
        _("Contacts, 30 days"),
        _("Contacts in the 30 days to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy("Contacted once in 30 days", "Contacted %(value)s times in 30 days", "n"),
            "low": ngettext_lazy(
                "Contacted only once in 30 days", "Contacted only %(value)s times in 30 days", "n"
            ),
        },
    ),
    history(
        "contacts_90d",
        _("Contacts, 90 days"),
        _("Contacts in the 90 days to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy("Contacted once in 90 days", "Contacted %(value)s times in 90 days", "n"),
            "low": ngettext_lazy(
                "Contacted only once in 90 days", "Contacted only %(value)s times in 90 days", "n"
            ),
        },
    ),
    history(
        "contacts_180d",
        _("Contacts, 180 days"),
        _("Contacts in the 180 days to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy("Contacted once in 180 days", "Contacted %(value)s times in 180 days", "n"),
            "low": ngettext_lazy(
                "Contacted only once in 180 days", "Contacted only %(value)s times in 180 days", "n"
            ),
        },
    ),
    history(
        "contacts_12m",
        _("Contacts, 12 months"),
        _("Contacts in the 12 months to the as-of date."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy(
                "Contacted once in 12 months", "Contacted %(value)s times in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Contacted only once in 12 months", "Contacted only %(value)s times in 12 months", "n"
            ),
        },
    ),
    history(
        "reached_12m",
        _("Reached, 12 months"),
        _("Contacts in 12 months in which the customer was reached."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy(
                "Was reached once in 12 months", "Was reached %(value)s times in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Was reached only once in 12 months", "Was reached only %(value)s times in 12 months", "n"
            ),
        },
    ),
    history(
        "last_contact_on",
        _("Last contact"),
        _("Day of the latest contact within 12 months."),
        Type.DATE,
        reasons={
            "high": _("Last contacted on %(value)s"),
            "low": _("Not contacted since %(value)s"),
            "unknown": _("Not contacted in 12 months"),
        },
    ),
    history(
        "last_refusal_on",
        _("Last refusal"),
        _("Day on which the customer last refused an offer."),
        Type.DATE,
        reasons={
            "high": _("Refused an offer on %(value)s"),
            "low": _("Last refused as long ago as %(value)s"),
            "unknown": _("Has never refused an offer"),
        },
    ),
    history(
        "conversions_12m",
        _("Conversions, 12 months"),
        _("Campaigns in the 12 months to the as-of date whose objective the customer reached."),
        unit=_("times"),
        reasons={
            "high": ngettext_lazy(
                "Took up %(value)s offer in 12 months", "Took up %(value)s offers in 12 months", "n"
            ),
            "low": ngettext_lazy(
                "Took up %(value)s offer in 12 months", "Took up %(value)s offers in 12 months", "n"
            ),
        },
    ),
    history(
        "last_conversion_on",
        _("Last conversion"),
        _("Day of the latest conversion."),
        Type.DATE,
        reasons={
            "high": _("Took up an offer on %(value)s"),
            "low": _("Last took up an offer on %(value)s"),
            "unknown": _("Has never taken up an offer"),
        },
    ),
]
