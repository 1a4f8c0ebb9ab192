"""The contact policy for one customer at the moment of contact: the blocks of ``contact_policy`` as sentences."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import figures
from campaigns.contact_policy import BY_PHONE, CONSENT_OF, active_rules, purposes
from campaigns.models import ContactRule
from campaigns.statement import compose, fetched
from customers.models import (
    Consent,
    ConsentChannel,
    ConsentPurpose,
    Contact,
    Customer,
    Holding,
    Product,
    QuietPeriod,
    Response,
)


def why_blocked(
    customer: Customer,
    channel: str,
    product: Product,
    on: dt.date,
    *,
    campaign_code: str = "",
    profiled: bool = False,
) -> list[str]:
    """Why this customer must not be contacted through the channel about the product on that day: sentences, or none.

    The check of the call page. The open lead that leads to the call does not count against itself, nor, with
    ``campaign_code``, do earlier contacts of that campaign: a later call the customer asked for is no new contact.
    """
    sentences: list[str] = []
    if customer.closed_on and customer.closed_on <= on:
        sentences.append(
            _("The customer left the bank on %(day)s.") % {"day": figures.day(customer.closed_on)}
        )
    if customer.is_employee:
        sentences.append(_("The customer works for the bank."))
    sentences += refusals(customer, channel, on, profiled=profiled)
    if channel in BY_PHONE and (customer.phone_is_wrong or not customer.phone):
        sentences.append(_("There is no phone number that works."))
    for rule in active_rules(product.code):
        if rule.kind == ContactRule.Kind.CAP and rule.channel in ("", channel):
            sentences += _over_cap(customer, rule, on, campaign_code)
        elif rule.kind == ContactRule.Kind.COOL_OFF:
            sentences += _still_resting(customer, rule, product, on)
        elif rule.kind == ContactRule.Kind.APART:
            sentences += _too_soon_after(customer, rule, on)
        elif rule.kind == ContactRule.Kind.AFTER:
            sentences += _not_yet(customer, rule, on)
    return sentences


def refusals(customer: Customer, channel: str, on: dt.date, *, profiled: bool = False) -> list[str]:
    """What the customer said against a contact through the channel on that day: objections and quiet periods."""
    return [*_objections(customer, channel, profiled=profiled), *_quiet_periods(customer, on)]


def _objections(customer: Customer, channel: str, *, profiled: bool) -> list[str]:
    sentences = []
    codes = [ConsentChannel.ALL, CONSENT_OF.get(channel, ConsentChannel.ALL)]
    said = Consent.objects.filter(
        customer=customer, is_objection=True, channel__in=codes, purpose__in=purposes(profiled=profiled)
    )
    for consent in said.order_by("channel", "purpose"):
        if consent.purpose == ConsentPurpose.PROFILING:
            sentence = _("The customer has objected to personalised offers since %(day)s.")
        elif consent.channel == ConsentChannel.ALL:
            sentence = _("The customer asked on %(day)s not to be contacted.")
        else:
            sentence = _("The customer has objected to %(channel)s since %(day)s.")
        sentences.append(
            sentence % {"day": figures.day(consent.since), "channel": consent.get_channel_display()}
        )
    return sentences


def _quiet_periods(customer: Customer, on: dt.date) -> list[str]:
    found = QuietPeriod.objects.holding_on(on).filter(customer=customer)
    return [
        _("Leave the customer alone until %(day)s: %(reason)s.")
        % {"day": figures.day(period.last_day), "reason": str(period.get_reason_display()).lower()}
        for period in found.order_by("-last_day")[:1]
    ]


def _over_cap(customer: Customer, rule: ContactRule, on: dt.date, campaign_code: str) -> list[str]:
    statement = compose(
        "SELECT count(*) FROM customers_contact WHERE customer_id = {customer} AND contacted_on > {since}"
        " AND contacted_on <= {on} AND was_reached IS NOT FALSE AND (campaign_code = '' OR campaign_code <> {campaign})"
        " AND ({channel} = '' OR channel = {channel}) AND ({product} = '' OR product_code = {product})",
        customer=customer.pk,
        since=on - dt.timedelta(days=rule.days),
        on=on,
        campaign=campaign_code,
        channel=rule.channel,
        product=rule.product.code if rule.product else "",
    )
    contacts = fetched(statement)[0][0]
    if contacts < rule.maximum:
        return []
    return [
        ngettext(
            "%(n)s contact in %(days)s days; the rules allow %(maximum)s.",
            "%(n)s contacts in %(days)s days; the rules allow %(maximum)s.",
            contacts,
        )
        % {"n": contacts, "days": rule.days, "maximum": rule.maximum}
    ]


def _still_resting(customer: Customer, rule: ContactRule, product: Product, on: dt.date) -> list[str]:
    refusals = Response.objects.filter(
        customer=customer,
        kind=Response.Kind.REFUSAL,
        responded_on__gt=on - dt.timedelta(days=rule.days),
        responded_on__lte=on,
    )
    if rule.same_product_only:
        refusals = refusals.filter(product_code=product.code)
    last = refusals.order_by("-responded_on").first()
    if last is None:
        return []
    return [
        _("Refused on %(day)s; leave the customer alone until %(until)s.")
        % {
            "day": figures.day(last.responded_on),
            "until": figures.day(last.responded_on + dt.timedelta(days=rule.days)),
        }
    ]


def _too_soon_after(customer: Customer, rule: ContactRule, on: dt.date) -> list[str]:
    other = rule.other_product
    if other is None:
        return []
    last = (
        Contact.objects.filter(
            customer=customer,
            product_code=other.code,
            contacted_on__gt=on - dt.timedelta(days=rule.days),
            contacted_on__lte=on,
        )
        .exclude(was_reached=False)
        .order_by("-contacted_on")
        .first()
    )
    if last is None:
        return []
    return [
        _("Contacted about %(product)s on %(day)s; the rules keep the two %(days)s days apart.")
        % {"product": other.name, "day": figures.day(last.contacted_on), "days": rule.days}
    ]


def _not_yet(customer: Customer, rule: ContactRule, on: dt.date) -> list[str]:
    other = rule.other_product
    if other is None or Holding.objects.filter(customer=customer, product=other, opened_on__lte=on).exists():
        return []
    return [_("The rules offer this only to who has had %(product)s.") % {"product": other.name}]
