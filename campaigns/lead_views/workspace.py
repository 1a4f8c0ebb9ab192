"""The lead workspace: queue on the left, the lead in the middle, Customer-360 on the right, the outcome below."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bankcrm import clock, figures
from bankcrm.models import Role, User
from campaigns import arms, calling, definition, followup, queue, targeting
from campaigns.lead_forms import local_value
from campaigns.lead_views import rows
from campaigns.models import FollowUp, Lead, LeadNote
from campaigns.models.leads import to_work
from campaigns.outcomes import MEANINGS, DeclineReason, NextStep, proposed_next
from customers import consents_page, timeline
from customers.models import Customer
from customers.tabs import TABS, entries

RAIL = 40
LAST = 4
# Nobody sees a difference below it.
CENT = 0.011


def sight(user: User) -> QuerySet[Lead]:
    """Leads in sight with everything the workspace shows of one."""
    return Lead.objects.visible_to(user).select_related(
        "customer__primary_rm",
        "campaign__product",
        "arm__offer",
        "target__selection__score_run__version__model",
        "claimed_by",
        "branch",
        "rm",
    )


def context(request: HttpRequest, lead: Lead, user: User) -> dict[str, Any]:
    """Everything of the workspace of one lead."""
    today = clock.today()
    colleague = queue.holder(lead, user)
    works = user.role in queue.WORKING_ROLES and user.may_change
    mine = lead.claimed_by_id == user.pk
    return {
        "lead": lead,
        "today": today,
        "missed_step": rows.step_label(lead.next_step).lower() if queue.is_missed(lead, today) else "",
        "tier": rows.tier_of(lead.customer_id, today),
        "facts": _facts(lead.customer, today),
        "colleague": colleague,
        "mine": mine,
        "may_work": works and lead.state in queue.WORKABLE and colleague is None,
        # A branch manager who only looks must not keep the relationship manager waiting.
        "claims_itself": works and not mine and colleague is None and lead.is_open and _is_own(lead, user),
        "instead": rows.instead_of(lead, user),
        "blocks": calling.blocks(lead, today) if lead.is_open else [],
        "consents": consents_page.pills(lead.customer.consents.all()),
        "recent": calling.recent_contacts(lead.customer, today),
        "recent_days": calling.RECENT_DAYS,
        "reasons": rows.reasons(lead),
        "worth": _worth(lead),
        "score": _score(lead),
        "drawn": _drawn(lead),
        "script": _script(lead),
        **noted(lead, user),
        "may_note": works,
        "others": _others(lead, user),
        **_customer_panel(lead, user),
        **_dock(user, today),
        **rail(lead, user, today),
        "panes": [
            {"name": "ld", "label": _("Lead")},
            {"name": "c360", "label": _("Customer")},
            {"name": "tlp", "label": _("Timeline")},
            {"name": "q", "label": _("Queue")},
        ],
    }


def _facts(customer: Customer, today: dt.date) -> str:
    """ "M, 52 · engineer": what one needs to greet somebody."""
    parts = [customer.get_gender_display()] if customer.gender else []
    if customer.birth_date:
        born = customer.birth_date
        parts.append(str(today.year - born.year - ((today.month, today.day) < (born.month, born.day))))
    greeting = ", ".join(parts)
    return " · ".join(part for part in (greeting, customer.occupation) if part)


def _score(lead: Lead) -> dict[str, Any] | None:
    run = lead.target.selection.score_run
    if run is None or lead.target.probability is None:
        return None
    return {
        "probability": lead.target.probability,
        "is_uplift": run.version.model.kind == "uplift",
        "decile": lead.target.decile,
        "model": run.version.model.name,
        "version": run.version.number,
        "as_of": run.as_of,
    }


def _drawn(lead: Lead) -> str:
    """How a list was ordered that no score chose; "" where one did."""
    kept = lead.target.selection.definition
    if lead.target.selection.score_run_id is not None or "ranking" not in kept:
        return ""
    return targeting.ranking_sentence(kept["ranking"], kept.get("rate_source") or {})


def _worth(lead: Lead) -> str:
    """ "1.67 % × ¥840 − ¥12 a contact": where the expected value comes from; "" where it does not come from a score.

    The offer may have changed since the selection: then the sum would not add up, and nothing is said.
    """
    probability, value = lead.target.probability, lead.value
    if probability is None or value is None or lead.target.selection.score_run_id is None:
        return ""
    offered = definition.arms_of(lead.campaign)
    sale, contact = arms.margin(offered), arms.contact_cost(offered)
    if abs(float(probability) * sale - contact - float(value)) > CENT:
        return ""
    worth = f"{figures.pct(probability, 2)} × {figures.money(sale)}"
    if contact:
        worth += " " + _("− %(cost)s a contact") % {"cost": figures.money(contact)}
    return worth


def _script(lead: Lead) -> list[tuple[str, str]]:
    offer = lead.arm.offer
    if offer is None:
        return []
    lines = [
        (_("Open"), offer.script_open),
        (_("Ask"), offer.script_ask),
        (_("Offer"), offer.script_offer),
        (_("If unsure"), offer.script_if_unsure),
    ]
    return [(label, text) for label, text in lines if text]


def _is_own(lead: Lead, user: User) -> bool:
    """Whether the lead is the user's own work; a relationship manager sees no other."""
    return user.role == Role.RM or lead.rm_id == user.pk


def noted(lead: Lead, user: User) -> dict[str, Any]:
    """What was typed about this customer before, newest first, on whichever lead; and the key of the next note.

    Where nothing was, the last contact from whatever source, for whoever may see the customer.
    """
    before: list[FollowUp | LeadNote] = []
    for kind in (FollowUp, LeadNote):
        typed = kind.objects.filter(lead__customer=lead.customer_id, undone_at__isnull=True)
        before += typed.select_related("by", "lead__campaign").order_by("-id")[:LAST]
    before.sort(key=lambda one: one.at, reverse=True)
    last = None
    if not before and Customer.objects.visible_to(user).filter(pk=lead.customer_id).exists():
        contacts = timeline.timeline(user, lead.customer, clock.today(), 1, groups=[timeline.Group.CONTACTS])
        last = next(iter(contacts), None)
    return {
        "history": before[:LAST],
        "last_contact": {"day": last.day, "text": entries.contact(last)} if last else None,
        "note_key": uuid.uuid4(),
    }


def _others(lead: Lead, user: User) -> list[Lead]:
    return list(
        Lead.objects.visible_to(user)
        .filter(customer=lead.customer_id)
        .open()
        .exclude(pk=lead.pk)
        .select_related("campaign", "arm__offer", "rm")
        .order_by("due_on", "id")[:5]
    )


def _customer_panel(lead: Lead, user: User) -> dict[str, Any]:
    """Customer-360 by URL. A lead may be worked by somebody the customer does not belong to: then there is none."""
    if not Customer.objects.visible_to(user).filter(pk=lead.customer_id).exists():
        return {"tabs360": [], "timeline_url": ""}
    tabs = [
        {"name": name, "label": label, "url": reverse("customer-tab", args=[lead.customer_id, name])}
        for name, (label, _read) in TABS.items()
    ]
    return {"tabs360": tabs, "timeline_url": reverse("customer-tab", args=[lead.customer_id, "history"])}


def _dock(user: User, today: dt.date) -> dict[str, Any]:
    outcomes = []
    for meaning in MEANINGS.values():
        step, at = proposed_next(meaning.outcome, today, user.branch_id)
        outcomes.append(
            {
                "key": meaning.key,
                "code": meaning.outcome.value,
                "label": meaning.label,
                "group": meaning.group,
                "stop": meaning.outcome == Lead.Outcome.DO_NOT_CONTACT,
                "step": str(step),
                "at": local_value(at),
                "closes": meaning.closes,
            }
        )
    return {
        "outcomes": outcomes,
        "steps": NextStep.choices,
        "decline_reasons": DeclineReason.choices,
        "client_key": uuid.uuid4(),
        "undoable": followup.last_undoable(user),
        "snoozed": followup.last_snooze(user),
        "snoozes": _snoozes(),
    }


def _snoozes() -> list[tuple[str, str]]:
    """(label, value) of the usual moments to come back to a lead."""
    now = queue.moment()
    tomorrow = now + dt.timedelta(days=1)
    moments = [
        (_("in an hour"), now + dt.timedelta(hours=1)),
        (_("at 17:00"), now.replace(hour=17, minute=0)),
        (_("tomorrow 10:00"), tomorrow.replace(hour=10, minute=0)),
        (_("in a week"), (now + dt.timedelta(days=7)).replace(hour=10, minute=0)),
    ]
    return [(label, local_value(moment)) for label, moment in moments if moment > now]


def rail(lead: Lead | None, user: User, today: dt.date) -> dict[str, Any]:
    """The queue beside the lead: what is due, then what comes later, and which lead comes next."""
    owner = user if user.role == Role.RM or lead is None or lead.rm is None else lead.rm
    mine = to_work(user) if owner is user else Q(rm=owner)
    waiting, afterwards = queue.waiting(user).filter(mine), queue.later(user).filter(mine)
    due, later = list(waiting[:RAIL]), list(afterwards[:RAIL])
    listed = rows.rows(rows.complete([*due, *later], user), user, today)
    free = [
        row.lead
        for row in listed[: len(due)]
        if row.holder is None and (lead is None or row.lead.pk != lead.pk)
    ]
    place = next(
        (n for n, row in enumerate(listed[: len(due)], start=1) if lead and row.lead.pk == lead.pk), None
    )
    # What the button names is what saving opens: the same question, asked of the same queue.
    works = user.role in queue.WORKING_ROLES
    upcoming = queue.next_lead(user, after=lead) if works else next(iter(free), None)
    counts = queue.counts(owner, today)
    done = FollowUp.objects.filter(by=user, undone_at__isnull=True, at__date=timezone.localdate())
    done_today = done.values("lead").distinct().count()
    return {
        "rail_due": listed[: len(due)],
        "rail_later": listed[len(due) :],
        "rail_due_all": waiting.count(),
        "rail_later_all": afterwards.count(),
        "upcoming": upcoming,
        "place": place,
        "counts": counts,
        "done_today": done_today,
        "to_do": counts.overdue + counts.due_today,
        "day_total": done_today + counts.overdue + counts.due_today,
    }


def saved_sentence(done: FollowUp) -> str:
    """ "Saved 09:40: no answer, call again 17:30"."""
    parts = [str(done.get_outcome_display()).lower()]
    if done.next_at:
        parts.append(f"{rows.step_label(done.next_step).lower()} {figures.stamp(done.next_at)}")
    if ended := len(done.before.get("feedback", {}).get("closed_leads", [])):
        others = ngettext(
            "%(n)s other lead of this customer ended", "%(n)s other leads of this customer ended", ended
        )
        parts.append(others % {"n": ended})
    return ", ".join(parts)
