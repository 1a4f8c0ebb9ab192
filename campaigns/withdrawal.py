"""A customer's objection or wish for rest bites on open leads at once: closed, or put off until the rest is over.

Which leads is decided by consents and quiet periods as they are when the statement runs, so that every door may ask at
any time: the page, an answer on a lead, an import, the API, the end of a push. Registered with
``customers.consents.on_silence`` and run in the transaction of the word itself.
"""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone

from bankcrm import clock
from bankcrm.models import User
from campaigns.contact_policy import OFFERS
from campaigns.models import Lead
from campaigns.outcomes import NextStep
from campaigns.statement import Piece, affected, compose
from customers.models import ConsentPurpose

CLOSED, POSTPONED = "lead.closed_by_consent", "lead.postponed_by_rest"
# Appointments after a quiet period are at the hour the bank opens for calls.
FIRST_HOUR = "10:00"

# A meeting or a letter is forbidden by an objection to every channel only: no consent has their names.
_OBJECTION = """EXISTS (
    SELECT FROM customers_consent o
    WHERE o.customer_id = l.customer_id AND o.is_objection AND o.channel IN ('all', arm.channel)
        AND (o.purpose = ANY({offers}) OR (o.purpose = {profiling} AND chosen.score_run_id IS NOT NULL))
)"""


def stop(customer_ids: Collection[int], user: User | None, reference: str) -> int:
    """End the customers' open leads that an objection forbids and postpone those due in a quiet period; returns both.

    Every lead touched gets an audit row that carries ``reference``. Call inside a transaction.
    """
    scope = compose("l.customer_id = ANY({ids})", ids=list(customer_ids))
    return affected(_closing(scope, user, reference)) + affected(_postponing(scope, user, reference))


def stop_campaign(campaign_id: int, user: User | None) -> int:
    """The same for all leads of a campaign: whoever objected while they were made."""
    return affected(
        _closing(compose("l.campaign_id = {id}", id=campaign_id), user, f"campaign:{campaign_id}")
    )


def resume(customer_ids: Collection[int], user: User | None, reference: str) -> int:
    """Put back what ``stop`` did under ``reference``, unless somebody changed the lead since; returns how many."""
    return affected(
        compose(
            """WITH back AS (
    UPDATE campaigns_lead l SET state = e.from_state, last_outcome = e.details ->> 'last_outcome',
        due_on = (e.details ->> 'due_on')::date, next_at = (e.details ->> 'next_at')::timestamptz,
        next_step = e.details ->> 'next_step', closed_at = NULL, version = l.version + 1
    FROM bankcrm_auditevent e
    WHERE l.customer_id = ANY({ids}) AND e.object_type = 'campaigns.lead' AND e.object_id = l.id::text
        AND e.action = ANY({actions}) AND e.details ->> 'reference' = {reference}
        AND l.version = (e.details ->> 'version')::int
    RETURNING l.id, e.to_state, l.state
)
INSERT INTO bankcrm_auditevent (actor_id, action, object_type, object_id, from_state, to_state, reason, details)
SELECT {user}::bigint, 'lead.reopened', 'campaigns.lead', id::text, to_state, state, 'undo',
    jsonb_build_object('reference', {reference}::text)
FROM back ORDER BY id""",
            ids=list(customer_ids),
            actions=[CLOSED, POSTPONED],
            reference=reference,
            user=user.pk if user else None,
        )
    )


def _closing(scope: Piece, user: User | None, reference: str) -> Piece:
    return compose(
        """WITH was AS MATERIALIZED (
    SELECT l.id, l.state, l.last_outcome, l.due_on, l.next_at, l.next_step
    FROM campaigns_lead l JOIN campaigns_arm arm ON arm.id = l.arm_id
    JOIN campaigns_target t ON t.id = l.target_id JOIN campaigns_selection chosen ON chosen.id = t.selection_id
    WHERE {scope} AND l.state = ANY({open}) AND {objection}
    ORDER BY l.id FOR UPDATE OF l
), ended AS (
    UPDATE campaigns_lead l SET state = {closed}, last_outcome = {outcome}, closed_at = now(), next_step = '',
        next_at = NULL, claimed_by_id = NULL, claimed_at = NULL, version = l.version + 1
    FROM was WHERE l.id = was.id RETURNING was.*, l.version
)
{audited}""",
        scope=scope,
        open=[str(state) for state in Lead.OPEN],
        objection=compose(
            _OBJECTION,
            offers=[purpose.value for purpose in OFFERS],
            profiling=ConsentPurpose.PROFILING.value,
        ),
        closed=Lead.State.CLOSED.value,
        outcome=Lead.Outcome.DO_NOT_CONTACT.value,
        audited=_audited(CLOSED, compose("{closed}", closed=Lead.State.CLOSED.value), user, reference),
    )


def _postponing(scope: Piece, user: User | None, reference: str) -> Piece:
    """The lead comes back the day after the rest, as a next step that lies in the future."""
    return compose(
        """WITH rest AS MATERIALIZED (
    SELECT l.id, l.state, l.last_outcome, l.due_on, l.next_at, l.next_step, max(q.last_day) + 1 AS comes_back
    FROM campaigns_lead l JOIN customers_quietperiod q ON q.customer_id = l.customer_id
    WHERE {scope} AND l.state = ANY({open}) AND q.lifted_at IS NULL
        AND greatest(least(l.due_on, (l.next_at AT TIME ZONE {zone})::date), {today}::date)
            BETWEEN q.first_day AND q.last_day
    GROUP BY l.id
), was AS MATERIALIZED (
    SELECT rest.* FROM rest JOIN campaigns_lead l ON l.id = rest.id ORDER BY l.id FOR UPDATE OF l
), put_off AS (
    UPDATE campaigns_lead l SET due_on = greatest(l.due_on, was.comes_back),
        next_at = greatest(l.next_at, (was.comes_back + {hour}::time) AT TIME ZONE {zone}),
        next_step = CASE WHEN l.next_step = '' THEN {call} ELSE l.next_step END,
        claimed_by_id = NULL, claimed_at = NULL, version = l.version + 1
    FROM was WHERE l.id = was.id RETURNING was.*, l.version
)
{audited}""",
        scope=scope,
        open=[str(state) for state in Lead.OPEN],
        today=clock.today(),
        zone=timezone.get_current_timezone_name(),
        hour=FIRST_HOUR,
        call=NextStep.CALL.value,
        audited=_audited(POSTPONED, Piece("state"), user, reference, table="put_off"),
    )


def _audited(
    action: str, to_state: Piece, user: User | None, reference: str, *, table: str = "ended"
) -> Piece:
    """One audit row per lead, with what ``resume`` puts back."""
    return compose(
        """INSERT INTO bankcrm_auditevent
    (actor_id, action, object_type, object_id, from_state, to_state, reason, details)
SELECT {user}::bigint, {action}, 'campaigns.lead', id::text, state, {to_state}, '', jsonb_build_object(
    'reference', {reference}::text, 'version', version, 'last_outcome', last_outcome, 'due_on', due_on,
    'next_at', next_at, 'next_step', next_step)
FROM {table} ORDER BY id""",
        user=user.pk if user else None,
        action=action,
        to_state=to_state,
        reference=reference,
        table=Piece(table),
    )
