"""Verbs on the rules of the contact policy: what binds from now on, who said so, and each rule in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import audit
from bankcrm.models import AuditEvent, Role, User
from campaigns import contact_policy
from campaigns.conflicts import Refused
from campaigns.contact_policy import BLOCKS
from campaigns.models import ContactRule
from campaigns.statement import compose, fetched
from customers.models import ContactChannel

MAKERS = frozenset({Role.ADMINISTRATOR, Role.MANAGER})
Kind = ContactRule.Kind


@transaction.atomic
def add(user: User, **fields: Any) -> ContactRule:
    """A new rule, in force at once: at selection, at push and at the moment of contact.

    Raises PermissionDenied, and ValidationError for fields that make no rule or a rule that is in force already.
    """
    _check(user)
    rule = ContactRule(**fields)
    _validate(rule)
    same = ContactRule.objects.filter(is_active=True, **{name: getattr(rule, name) for name in _COMPARED})
    if same.exists():
        raise ValidationError(_("This rule is in force already."))
    rule.save()
    audit.record(user, "contact_rule.added", rule, to_state="in_force", said=sentence(rule))
    return rule


@transaction.atomic
def set_active(rule: ContactRule, user: User, *, active: bool) -> None:
    """Let a rule bind no more, or again. Raises PermissionDenied, and Refused when it is so already."""
    _check(user)
    moved = ContactRule.objects.filter(pk=rule.pk, is_active=not active).update(is_active=active)
    if not moved:
        raise Refused(_("It is so already."))
    said = {"said": sentence(rule)}
    if active:
        audit.record(user, "contact_rule.resumed", rule, from_state="retired", to_state="in_force", **said)
    else:
        audit.record(user, "contact_rule.retired", rule, from_state="in_force", to_state="retired", **said)


_COMPARED = ("kind", "channel", "maximum", "days", "same_product_only", "product", "other_product")


def _validate(rule: ContactRule) -> None:
    wrong: dict[str, Any] = {}
    if rule.kind in (Kind.APART, Kind.AFTER):
        for name in ("product", "other_product"):
            if getattr(rule, name) is None:
                wrong[name] = _("Name both products.")
        if not wrong and rule.product == rule.other_product:
            wrong["other_product"] = _("Name two different products.")
    if rule.kind == Kind.CAP and rule.maximum < 1:
        wrong["maximum"] = _(
            "At least one: to forbid every contact, retire the channel in the campaign instead."
        )
    if rule.kind != Kind.AFTER and rule.days < 1:
        wrong["days"] = _("How many days does it bind?")
    if wrong:
        raise ValidationError(wrong)
    rule.full_clean()


def sentence(rule: ContactRule) -> str:
    """The rule as people read it."""
    about = _(" about %(product)s") % {"product": rule.product} if rule.product else ""
    channel = f" ({rule.get_channel_display()})" if rule.channel else ""
    words: dict[str, Any] = {
        "n": rule.maximum,
        "days": rule.days,
        "about": about,
        "product": rule.product,
        "other": rule.other_product,
    }
    if rule.kind == Kind.CAP:
        text = ngettext(
            "At most %(n)s contact%(about)s in %(days)s days",
            "At most %(n)s contacts%(about)s in %(days)s days",
            rule.maximum,
        )
    elif rule.kind == Kind.APART:
        text = _("%(product)s not within %(days)s days of a contact about %(other)s")
    elif rule.kind == Kind.AFTER:
        text = _("%(product)s only to who holds or has held %(other)s")
    elif rule.same_product_only:
        text = _("%(days)s days of rest after a refusal of the same product")
    else:
        text = _("%(days)s days of rest after any refusal")
    return text % words + channel


def in_words(product_code: str) -> list[str]:
    """The rules that bind a campaign for the product, one sentence each."""
    return [sentence(rule) for rule in contact_policy.active_rules(product_code)]


def history(most: int = 20) -> list[AuditEvent]:
    """Who added, retired or resumed which rule, the newest first."""
    events = AuditEvent.objects.filter(object_type=ContactRule._meta.label_lower).select_related("actor")
    return list(events.order_by("-id")[:most])


def blocked_today(on: dt.date) -> dict[str, int]:
    """Code of a block → customers it keeps from a telephone contact about any product today: what the rules cost.

    Rules of single products are left out. One statement over the bank.
    """
    rules = [rule for rule in contact_policy.active_rules() if rule.product is None]
    found = contact_policy.policy([ContactChannel.PHONE.value], "", on, rules)
    statement = compose(
        "WITH {tables} SELECT code, count(*) FROM (SELECT {code} AS code FROM customers_customer c {joins}"
        " WHERE c.closed_on IS NULL AND NOT c.is_employee) judged GROUP BY code",
        tables=found.tables,
        code=contact_policy.blocked_code(found.conditions),
        joins=found.joins,
    )
    counted = dict(fetched(statement))
    return {code: counted[code] for code in ("", *BLOCKS) if code in counted}


def _check(user: User) -> None:
    if not user.may_act_as(MAKERS):
        raise PermissionDenied(_("Your role does not include this."))
