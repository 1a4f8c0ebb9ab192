"""Contact policy across campaigns: caps over rolling windows, rest after a refusal, objections, the universal control.

The same pieces of SQL are in force at selection (over everybody), at push (over one chunk) and on the call page (for
one customer): ``policy`` makes them for a scope, ``contact_check`` asks the same of one customer, in sentences.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from campaigns import universal_sql
from campaigns.models import ContactRule, Lead
from campaigns.statement import EMPTY, Piece, compose, join
from customers.models import (
    ConsentChannel,
    ConsentPurpose,
    ContactChannel,
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
BY_PHONE = frozenset({ContactChannel.PHONE, ContactChannel.SMS})

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
    "apart": ("contact_policy", gettext_lazy("Contacted lately about what is kept apart from this")),
    "after": ("contact_policy", gettext_lazy("Has not had what the rules put first")),
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


def active_rules(product_code: str | None = None) -> list[ContactRule]:
    """The rules in force; with ``product_code`` those that bind a campaign for that product."""
    rules = (
        ContactRule.objects.filter(is_active=True).select_related("product", "other_product").order_by("id")
    )
    return [rule for rule in rules if product_code is None or _binds(rule, product_code)]


def _binds(rule: ContactRule, product_code: str) -> bool:
    return rule.product is None or rule.product.code == product_code


def rules_as_stored(rules: Sequence[ContactRule]) -> list[dict[str, object]]:
    """The rules in force, for the definition of a selection."""
    return [
        {
            "kind": rule.kind,
            "channel": rule.channel,
            "maximum": rule.maximum,
            "days": rule.days,
            "same_product_only": rule.same_product_only,
            "product": rule.product.code if rule.product else "",
            "other_product": rule.other_product.code if rule.other_product else "",
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
    joined = scope == EMPTY
    found = {
        "objecting": _objecting(channels, scope, profiled=profiled),
        "quiet": _quiet(on, scope),
        "universal": universal_sql.members_in_force(on, scope),
    } | _ruled(channels, product_code, on, rules, scope)
    conditions = {
        "closed": compose("c.closed_on <= {on}", on=on),
        "employee": Piece("c.is_employee"),
        "do_not_contact": _objects("to_everything", joined=joined),
        "objection": _objects("to_offers", joined=joined),
    }
    if profiled:
        conditions["profiling"] = member("objecting", joined=joined)
    if BY_PHONE & set(channels):
        conditions["wrong_phone"] = Piece("(c.phone_is_wrong OR c.phone = '')")
    for code in ("quiet", "capped", "cool_off", "apart", "universal"):
        if code in found:
            conditions[code] = member(code, joined=joined)
    if "prepared" in found:
        conditions["after"] = compose("NOT ({had})", had=member("prepared", joined=joined))
    joins = [Piece(f"LEFT JOIN {table} ON {table}.customer_id = c.id") for table in found if joined]
    ordered = {code: conditions[code] for code in BLOCKS if code in conditions}
    return Policy(join(",\n", found.values()), join("\n", joins), ordered)


def _ruled(
    channels: Sequence[str], product_code: str, on: dt.date, rules: Sequence[ContactRule], scope: Piece
) -> dict[str, Piece]:
    """The tables of the bank's own rules that bind a campaign for the product through the channels."""
    of_kind: dict[str, list[ContactRule]] = {kind.value: [] for kind in ContactRule.Kind}
    for rule in rules:
        if _binds(rule, product_code) and (not rule.channel or rule.channel in channels):
            of_kind[rule.kind].append(rule)
    made = {
        ContactRule.Kind.CAP: ("capped", lambda found: _capped(found, on, scope)),
        ContactRule.Kind.COOL_OFF: ("cool_off", lambda found: _resting(found, product_code, on, scope)),
        ContactRule.Kind.APART: ("apart", lambda found: _apart(found, on, scope)),
        ContactRule.Kind.AFTER: ("prepared", lambda found: _prepared(found, on, scope)),
    }
    return {table: make(of_kind[kind]) for kind, (table, make) in made.items() if of_kind[kind]}


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
        purposes=purposes(profiled=profiled),
        scope=scope,
    )


def purposes(*, profiled: bool) -> list[str]:
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
                "count(*) FILTER (WHERE contacted_on > {since} {channel} {product}) >= {maximum}",
                since=on - dt.timedelta(days=rule.days),
                channel=compose("AND channel = {code}", code=rule.channel) if rule.channel else EMPTY,
                product=compose("AND product_code = {code}", code=rule.product.code)
                if rule.product
                else EMPTY,
                maximum=rule.maximum,
            )
            for rule in caps
        ),
    )
    products = any(rule.product for rule in caps)
    return compose(
        "capped AS (SELECT customer_id FROM ({touches}) touches GROUP BY customer_id HAVING {reached})",
        touches=_touches(caps, on, scope, products=products),
        reached=reached,
    )


def _touches(rules: Sequence[ContactRule], on: dt.date, scope: Piece, *, products: bool) -> Piece:
    """Rows (customer_id, contacted_on, channel, product_code) of the rules' longest window: contacts that reached the
    customer or may have, and open leads as of today. Without ``products`` a lead does not say its product."""
    return compose(
        """
        SELECT customer_id, contacted_on, channel, product_code FROM customers_contact
        WHERE contacted_on > {since} AND contacted_on <= {on} AND was_reached IS NOT FALSE {scope}
        UNION ALL
        SELECT customer_id, {on}::date, a.channel, {product} FROM campaigns_lead l
        JOIN campaigns_arm a ON a.id = l.arm_id
        WHERE l.state = ANY({open}) {scope}
    """,
        since=on - dt.timedelta(days=max(rule.days for rule in rules)),
        on=on,
        open=[str(state) for state in Lead.OPEN],
        scope=scope,
        product=_LEAD_PRODUCT if products else Piece("NULL::text"),
    )


_LEAD_PRODUCT = Piece(
    "(SELECT o.code FROM campaigns_campaign k JOIN customers_product o ON o.id = k.product_id"
    " WHERE k.id = l.campaign_id)"
)


def _apart(rules: Sequence[ContactRule], on: dt.date, scope: Piece) -> Piece:
    """Who was contacted about a product that this one is kept apart from, or has an open lead about it."""
    return compose(
        "apart AS (SELECT DISTINCT customer_id FROM ({touches}) touches WHERE {about})",
        touches=_touches(rules, on, scope, products=True),
        about=join(
            " OR ",
            (
                compose(
                    "(product_code = {code} AND contacted_on > {since})",
                    code=rule.other_product.code,
                    since=on - dt.timedelta(days=rule.days),
                )
                for rule in rules
                if rule.other_product
            ),
        ),
    )


def _prepared(rules: Sequence[ContactRule], on: dt.date, scope: Piece) -> Piece:
    """Who holds, or has held, every product that the rules put before this one."""
    first = sorted({rule.other_product_id for rule in rules if rule.other_product_id})
    return compose(
        "prepared AS (SELECT customer_id FROM customers_holding WHERE product_id = ANY({first})"
        " AND opened_on <= {on} {scope} GROUP BY customer_id HAVING count(DISTINCT product_id) = {n})",
        first=first,
        on=on,
        scope=scope,
        n=len(first),
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
        "cool_off AS (SELECT DISTINCT customer_id FROM customers_response"
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
