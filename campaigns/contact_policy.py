"""Contact policy across campaigns: caps over rolling windows, rest after a refusal, objections, the universal control.

The same pieces of SQL are in force at selection (over everybody), at push (over one chunk) and on the call page (for
one customer): ``policy`` makes them for a scope, ``why_blocked`` turns them into sentences.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bankcrm import figures
from campaigns import universal_sql
from campaigns.models import ContactRule, Lead
from campaigns.statement import EMPTY, Piece, compose, join
from customers.models import (
    Consent,
    ConsentChannel,
    ConsentPurpose,
    ContactChannel,
    Customer,
    Product,
    QuietPeriod,
    Response,
)

# What an objection to a consent channel forbids. A visit or a letter is forbidden only by "do not contact".
CONSENT_OF: dict[str, str] = {
    ContactChannel.PHONE: ConsentChannel.PHONE,
    ContactChannel.SMS: ConsentChannel.SMS,
    ContactChannel.EMAIL: ConsentChannel.EMAIL,
    ContactChannel.APP: ConsentChannel.APP,
}
# An objection to one of these forbids a campaign; one to personalised offers only where a score chose the customers.
OFFERS = (ConsentPurpose.ALL, ConsentPurpose.MARKETING)
_BY_PHONE = frozenset({ContactChannel.PHONE, ContactChannel.SMS})

# code → (waterfall step, what a person reads), in the order of the checks: the first that bites is the reason.
BLOCKS: dict[str, tuple[str, str | Promise]] = {
    "closed": ("eligible", gettext_lazy("Has left the bank")),
    "employee": ("eligible", gettext_lazy("Works for the bank")),
    "do_not_contact": ("consent", gettext_lazy("Asked not to be contacted")),
    "objection": ("consent", gettext_lazy("Objects to offers or to a channel they come by")),
    "profiling": ("consent", gettext_lazy("Objects to personalised offers")),
    "wrong_phone": ("consent", gettext_lazy("No phone number that works")),
    "quiet": ("contact_policy", gettext_lazy("In a quiet period")),
    "capped": ("contact_policy", gettext_lazy("Contacted as often as the rules allow")),
    "cool_off": ("contact_policy", gettext_lazy("Refused lately")),
    "universal": ("universal", gettext_lazy("In the universal control")),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Pieces for one statement: CTEs, joins on ``c.id``, and the condition of every block in order."""

    tables: Piece
    joins: Piece
    conditions: dict[str, Piece]


def ensure_default_rules() -> None:
    """Write the rules a bank starts with, where there are none: 2 contacts in 30 days, 14 days of rest after any
    refusal, 90 days after a refusal of the same product. Called by set-up; an administrator changes them later."""
    if ContactRule.objects.exists():
        return
    ContactRule.objects.bulk_create(
        [
            ContactRule(kind=ContactRule.Kind.CAP, maximum=2, days=30),
            ContactRule(kind=ContactRule.Kind.COOL_OFF, days=14),
            ContactRule(kind=ContactRule.Kind.COOL_OFF, days=90, same_product_only=True),
        ]
    )


def active_rules() -> list[ContactRule]:
    return list(ContactRule.objects.filter(is_active=True).order_by("id"))


def rules_as_stored(rules: Sequence[ContactRule]) -> list[dict[str, object]]:
    """The rules in force, for the definition of a selection."""
    return [
        {
            "kind": rule.kind,
            "channel": rule.channel,
            "maximum": rule.maximum,
            "days": rule.days,
            "same_product_only": rule.same_product_only,
        }
        for rule in rules
    ]


def policy(
    channels: Sequence[str],
    product_code: str,
    on: dt.date,
    rules: Sequence[ContactRule],
    *,
    scope: Piece = EMPTY,
    profiled: bool = False,
) -> Policy:
    """The blocks as SQL for a statement over ``customers_customer c``.

    A customer must be contactable through *every* channel of the campaign: if only the arm drawn counted, arms and
    control would no longer be alike. ``scope`` limits the histories read, e.g. ``Piece("AND customer_id = ANY(…)")``;
    empty, they are read whole. Contacts count when they reached the customer or nobody knows. ``profiled``: a score
    chooses the customers, which an objection to personalised offers forbids.

    Over everybody the tables are joined, on estimates the planner can trust. Within a scope it cannot know how many
    customers there are, and would rather go through a table once per customer than hash it: there they are looked up.
    """
    caps = [r for r in rules if r.kind == ContactRule.Kind.CAP and (not r.channel or r.channel in channels)]
    rests = [r for r in rules if r.kind == ContactRule.Kind.COOL_OFF]
    found = {
        "objecting": _objecting(channels, scope, profiled=profiled),
        "quiet": _quiet(on, scope),
        "universal": universal_sql.members_in_force(on, scope),
    }
    if caps:
        found["capped"] = _capped(caps, on, scope)
    if rests:
        found["resting"] = _resting(rests, product_code, on, scope)
    joined = scope == EMPTY
    conditions = {
        "closed": compose("c.closed_on <= {on}", on=on),
        "employee": Piece("c.is_employee"),
        "do_not_contact": _objects("to_everything", joined=joined),
        "objection": _objects("to_offers", joined=joined),
        "quiet": member("quiet", joined=joined),
    }
    if profiled:
        conditions["profiling"] = member("objecting", joined=joined)
    if _BY_PHONE & set(channels):
        conditions["wrong_phone"] = Piece("(c.phone_is_wrong OR c.phone = '')")
    if caps:
        conditions["capped"] = member("capped", joined=joined)
    if rests:
        conditions["cool_off"] = member("resting", joined=joined)
    conditions["universal"] = member("universal", joined=joined)
    joins = [Piece(f"LEFT JOIN {table} ON {table}.customer_id = c.id") for table in found if joined]
    return Policy(join(",\n", found.values()), join("\n", joins), conditions)


def member(table: str, *, joined: bool) -> Piece:
    """Whether customer ``c`` is in a table of the statement, by its join or by a look-up."""
    if joined:
        return Piece(f"{table}.customer_id IS NOT NULL")
    return compose("c.id IN (SELECT customer_id FROM {table})", table=Piece(table))


def _objects(column: str, *, joined: bool) -> Piece:
    if joined:
        return Piece(f"objecting.{column}")
    return compose("c.id IN (SELECT customer_id FROM objecting WHERE {column})", column=Piece(column))


def _objecting(channels: Sequence[str], scope: Piece, *, profiled: bool) -> Piece:
    return compose(
        "objecting AS (SELECT customer_id, bool_or(channel = 'all' AND purpose <> 'profiling') AS to_everything,"
        " bool_or(purpose <> 'profiling') AS to_offers FROM customers_consent"
        " WHERE is_objection AND channel = ANY({channels}) AND purpose = ANY({purposes}) {scope}"
        " GROUP BY customer_id)",
        channels=[ConsentChannel.ALL.value, *sorted({CONSENT_OF[c] for c in channels if c in CONSENT_OF})],
        purposes=_purposes(profiled=profiled),
        scope=scope,
    )


def _purposes(*, profiled: bool) -> list[str]:
    return [purpose.value for purpose in OFFERS] + ([ConsentPurpose.PROFILING.value] if profiled else [])


def _quiet(on: dt.date, scope: Piece) -> Piece:
    return compose(
        "quiet AS (SELECT DISTINCT customer_id FROM customers_quietperiod"
        " WHERE lifted_at IS NULL AND first_day <= {on} AND last_day >= {on} {scope})",
        on=on,
        scope=scope,
    )


def _capped(caps: Sequence[ContactRule], on: dt.date, scope: Piece) -> Piece:
    """Customers at a cap: contacts of the rolling window plus leads that are open and still mean a contact."""
    reached = join(
        " OR ",
        (
            compose(
                "count(*) FILTER (WHERE contacted_on > {since} {channel}) >= {maximum}",
                since=on - dt.timedelta(days=rule.days),
                channel=compose("AND channel = {code}", code=rule.channel) if rule.channel else EMPTY,
                maximum=rule.maximum,
            )
            for rule in caps
        ),
    )
    return compose(
        """capped AS (
    SELECT customer_id FROM (
        SELECT customer_id, contacted_on, channel FROM customers_contact
        WHERE contacted_on > {since} AND contacted_on <= {on} AND was_reached IS NOT FALSE {scope}
        UNION ALL
        SELECT customer_id, {on}::date, a.channel FROM campaigns_lead l JOIN campaigns_arm a ON a.id = l.arm_id
        WHERE l.state = ANY({open}) {scope}
    ) touches
    GROUP BY customer_id HAVING {reached})""",
        since=on - dt.timedelta(days=max(rule.days for rule in caps)),
        on=on,
        open=[str(state) for state in Lead.OPEN],
        scope=scope,
        reached=reached,
    )


def _resting(rests: Sequence[ContactRule], product_code: str, on: dt.date, scope: Piece) -> Piece:
    refused = join(
        " OR ",
        (
            compose(
                "(responded_on > {since} {product})",
                since=on - dt.timedelta(days=rule.days),
                product=compose("AND product_code = {code}", code=product_code)
                if rule.same_product_only
                else EMPTY,
            )
            for rule in rests
        ),
    )
    return compose(
        "resting AS (SELECT DISTINCT customer_id FROM customers_response"
        " WHERE kind = 'refusal' AND responded_on <= {on} AND ({refused}) {scope})",
        on=on,
        refused=refused,
        scope=scope,
    )


def blocked_code(conditions: dict[str, Piece]) -> Piece:
    """The first block that bites, by its code; the empty word when none does."""
    whens = (
        compose("WHEN {condition} THEN {code}", condition=condition, code=code)
        for code, condition in conditions.items()
    )
    return compose("CASE {whens} ELSE '' END", whens=join(" ", whens))


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
    if channel in _BY_PHONE and (customer.phone_is_wrong or not customer.phone):
        sentences.append(_("There is no phone number that works."))
    for rule in active_rules():
        if rule.kind == ContactRule.Kind.CAP and rule.channel in ("", channel):
            sentences += _over_cap(customer, rule, on, campaign_code)
        elif rule.kind == ContactRule.Kind.COOL_OFF:
            sentences += _still_resting(customer, rule, product, on)
    return sentences


def refusals(customer: Customer, channel: str, on: dt.date, *, profiled: bool = False) -> list[str]:
    """What the customer said against a contact through the channel on that day: objections and quiet periods."""
    return [*_objections(customer, channel, profiled=profiled), *_quiet_periods(customer, on)]


def _objections(customer: Customer, channel: str, *, profiled: bool) -> list[str]:
    sentences = []
    codes = [ConsentChannel.ALL, CONSENT_OF.get(channel, ConsentChannel.ALL)]
    said = Consent.objects.filter(
        customer=customer, is_objection=True, channel__in=codes, purpose__in=_purposes(profiled=profiled)
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
        " AND ({channel} = '' OR channel = {channel})",
        customer=customer.pk,
        since=on - dt.timedelta(days=rule.days),
        on=on,
        campaign=campaign_code,
        channel=rule.channel,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        contacts = cursor.fetchone()[0]
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
