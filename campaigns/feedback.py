"""Feedback that bites: an answer about the customer acts at once on consent, data and the customer's other leads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from bankcrm import audit, clock
from bankcrm.models import User
from campaigns import withdrawal
from campaigns.models import FollowUp, Lead
from customers import consents
from customers.models import Consent, ConsentChannel, ConsentPurpose, Customer

Outcome = Lead.Outcome
# "Do not contact": every channel, every purpose.
EVERYTHING: dict[str, Any] = {"channel": ConsentChannel.ALL, "purpose": ConsentPurpose.ALL}
# Whose answer ends every other open lead of the customer, not only the one that was called.
ENDS_OTHERS = frozenset({Outcome.DO_NOT_CONTACT, Outcome.WRONG_NUMBER, Outcome.MOVED_AWAY})

# What is written beside the leads stands on the customer: whoever records it locks the customer first.
WRITES_CUSTOMER = frozenset({Outcome.DO_NOT_CONTACT, Outcome.WRONG_NUMBER})


@dataclass(frozen=True)
class Effects:
    """What the answers of one member of staff did beyond their own leads."""

    already_holds: int = 0
    leads_removed: int = 0
    wrong_numbers: int = 0
    objections: int = 0
    leads_stopped: int = 0


def effects(user: User, since: dt.date) -> Effects:
    """The effects of the user's answers since a day, those that were undone left out."""
    rows = FollowUp.objects.filter(
        by=user, at__date__gte=since, undone_at__isnull=True, before__has_key="feedback"
    ).values_list("outcome", "before__feedback")
    figures = dict.fromkeys(Effects.__dataclass_fields__, 0)
    for outcome, done in rows:
        closed = len(done.get("closed_leads", []))
        figures["already_holds"] += outcome == Outcome.ALREADY_HOLDS
        figures["wrong_numbers"] += bool(done.get("wrong_phone"))
        figures["objections"] += "objection" in done
        figures["leads_stopped" if outcome == Outcome.DO_NOT_CONTACT else "leads_removed"] += closed
    return Effects(**figures)


def apply(lead: Lead, follow_up: FollowUp, user: User) -> dict[str, object]:
    """Do what the outcome says beyond this lead; returns what was done, for the screen and for undo.

    Call inside the transaction that records the outcome. Keys: ``objection``, ``wrong_phone`` (1 when set by this),
    ``closed_leads`` (ids of the customer's other open leads that ended).
    """
    done: dict[str, object] = {}
    if follow_up.outcome == Outcome.DO_NOT_CONTACT:
        done["objection"] = _object(lead, user)
    if follow_up.outcome == Outcome.WRONG_NUMBER:
        done["wrong_phone"] = Customer.objects.filter(pk=lead.customer_id, phone_is_wrong=False).update(
            phone_is_wrong=True
        )
    if follow_up.outcome in ENDS_OTHERS:
        done["closed_leads"] = _close_others(lead, follow_up, user)
    if follow_up.outcome == Outcome.ALREADY_HOLDS:
        done["closed_leads"] = _close_others(lead, follow_up, user, same_product=True)
    if done:
        follow_up.before |= {"feedback": done}
        FollowUp.objects.filter(pk=follow_up.pk).update(before=follow_up.before)
    return done


def revert(lead: Lead, follow_up: FollowUp, user: User) -> None:
    """Take back what ``apply`` did, and only that: an objection the customer had before stays."""
    done = follow_up.before.get("feedback", {})
    if done.get("objection") is not None:
        _restore_consent(lead, done["objection"], user)
        audit.record(user, "customer.objection_undone", Customer(pk=lead.customer_id), lead=lead.pk)
    if done.get("wrong_phone"):
        Customer.objects.filter(pk=lead.customer_id).update(phone_is_wrong=False)
    for closed in done.get("closed_leads", []):
        reopened = Lead.objects.filter(
            pk=closed["id"], state=Lead.State.CLOSED, version=closed["version"]
        ).update(
            state=closed["state"],
            last_outcome=closed["last_outcome"],
            closed_at=None,
            version=F("version") + 1,
        )
        if reopened:
            audit.record(
                user, "lead.reopened", Lead(pk=closed["id"]), to_state=closed["state"], reason="undo"
            )
    # What the customer said through another door meanwhile holds for the leads that came back, this one included.
    withdrawal.stop([lead.customer_id], user, f"follow_up:{follow_up.pk}:undone")


def _object(lead: Lead, user: User) -> dict[str, object]:
    """Write the objection; returns what stood there before."""
    consents.acting(user)
    before = Consent.objects.filter(customer_id=lead.customer_id, **EVERYTHING).first()
    Consent.objects.update_or_create(
        customer_id=lead.customer_id,
        **EVERYTHING,
        defaults={"is_objection": True, "since": clock.today(), "source": f"lead:{lead.pk}", "evidence": ""},
    )
    audit.record(user, "customer.objected", Customer(pk=lead.customer_id), lead=lead.pk)
    if before is None:
        return {"existed": False}
    return {
        "existed": True,
        "is_objection": before.is_objection,
        "since": before.since.isoformat(),
        "source": before.source,
        "evidence": before.evidence,
    }


def _restore_consent(lead: Lead, before: dict[str, Any], user: User) -> None:
    """Put back what stood there, unless somebody else has written the customer's word since."""
    consents.acting(user)
    consent = Consent.objects.filter(customer_id=lead.customer_id, **EVERYTHING, source=f"lead:{lead.pk}")
    if before["existed"]:
        consent.update(**{name: before[name] for name in ("is_objection", "since", "source", "evidence")})
    else:
        consent.delete()


def _close_others(
    lead: Lead, follow_up: FollowUp, user: User, *, same_product: bool = False
) -> list[dict[str, object]]:
    """End the customer's other open leads, whoever owns them; each gets an audit row."""
    others = Lead.objects.filter(customer_id=lead.customer_id, state__in=Lead.OPEN).exclude(pk=lead.pk)
    if same_product:
        others = others.filter(campaign__product_id=lead.campaign.product_id)
    closed = []
    for other in others.select_for_update().order_by("pk"):
        before = {
            "id": other.pk,
            "state": other.state,
            "last_outcome": other.last_outcome,
            "version": other.version + 1,
        }
        Lead.objects.filter(pk=other.pk).update(
            state=Lead.State.CLOSED,
            last_outcome=follow_up.outcome,
            closed_at=Now(),
            claimed_by=None,
            claimed_at=None,
            version=F("version") + 1,
        )
        audit.record(
            user,
            "lead.closed_by_feedback",
            other,
            from_state=other.state,
            to_state=Lead.State.CLOSED,
            follow_up=follow_up.pk,
        )
        closed.append(before)
    return closed
