"""The life of a campaign: one table says who may do what in which state; every step is one guarded statement.

``ACTIONS`` feeds the code, the buttons (``actions_for``) and the tests. A step that finds the row changed since it was
read raises Conflict and changes nothing; one that is against a rule raises Refused; one that is not for this role
raises PermissionDenied.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bankcrm import audit, clock, figures, uniqueness
from bankcrm.models import Role, Run, User
from campaigns import blockers as blocking
from campaigns import definition, wrong_state
from campaigns.arms import replace_arms
from campaigns.conflicts import Conflict, Refused
from campaigns.models import Campaign, Change, Lead, Selection

State = Campaign.State
PLANNERS = frozenset({Role.PLANNER})
APPROVERS = frozenset({Role.APPROVER})


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that may be done to a campaign: from which states, to which, by whom."""

    code: str
    label: Any
    sources: frozenset[str]
    target: str
    roles: frozenset[Role]
    # The page asks for a comment before it sends.
    wants_comment: bool = False


def _action(
    code: str,
    label: Any,
    sources: Iterable[str],
    target: str,
    roles: Iterable[Role],
    *,
    comment: bool = False,
) -> Action:
    return Action(code, label, frozenset(sources), target, frozenset(roles), comment)


_OPEN = (State.DRAFT, State.SUBMITTED, State.APPROVED)
ACTIONS: dict[str, Action] = {
    action.code: action
    for action in (
        _action("edit", gettext_lazy("Edit"), _OPEN, State.DRAFT, PLANNERS),
        _action("select", gettext_lazy("Select customers"), [State.DRAFT], State.DRAFT, PLANNERS),
        _action("submit", gettext_lazy("Submit for approval"), [State.DRAFT], State.SUBMITTED, PLANNERS),
        _action("withdraw", gettext_lazy("Withdraw"), [State.SUBMITTED], State.DRAFT, PLANNERS),
        _action(
            "approve", gettext_lazy("Approve"), [State.SUBMITTED], State.APPROVED, APPROVERS, comment=True
        ),
        _action(
            "send_back", gettext_lazy("Send back"), [State.SUBMITTED], State.DRAFT, APPROVERS, comment=True
        ),
        _action("push", gettext_lazy("Push leads"), [State.APPROVED], State.RUNNING, PLANNERS),
        _action("cancel", gettext_lazy("Cancel campaign"), _OPEN, State.CANCELLED, PLANNERS, comment=True),
        _action("recall", gettext_lazy("Recall untouched leads"), [State.RUNNING], State.RUNNING, PLANNERS),
        _action("close", gettext_lazy("Close"), [State.RUNNING], State.CLOSED, PLANNERS | {Role.MANAGER}),
    )
}


def actions_for(campaign: Campaign, user: User) -> list[Action]:
    """What this user may do to the campaign now, in the order of the buttons; an approver never sees their own work."""
    if not user.may_change:
        return []
    allowed = [a for a in ACTIONS.values() if campaign.state in a.sources and user.role in a.roles]
    if any(a.code == "approve" for a in allowed) and user.pk in makers(campaign):
        allowed = [a for a in allowed if a.code != "approve"]
    if {a.code for a in allowed} & ENDS_LEADS and is_being_pushed(campaign):
        allowed = [a for a in allowed if a.code not in ENDS_LEADS]
    return allowed


# What ends leads waits for a push that still makes some.
ENDS_LEADS = frozenset({"recall", "close"})


def push_key(campaign_id: int) -> str:
    """The key of the run that pushes a campaign's only wave: there is one at a time."""
    return f"campaign:{campaign_id}:wave:1"


def is_being_pushed(campaign: Campaign) -> bool:
    """Whether a push waits for a worker or is at work now; one that broke off for good is not."""
    return Run.objects.unfinished().filter(kind="campaigns.push", key=push_key(campaign.pk)).exists()


def makers(campaign: Campaign) -> set[int]:
    """Ids of everybody who made what is to be approved: creator, owner, last editor, submitter."""
    creator = (
        Change.objects.filter(campaign=campaign, from_state="")
        .order_by("id")
        .values_list("by", flat=True)[:1]
    )
    ids = {campaign.owner_id, campaign.last_edited_by_id, campaign.submitted_by_id, *creator}
    return {pk for pk in ids if pk is not None}


def check_allowed(action: str, campaign: Campaign, user: User) -> Action:
    """The action, if the user's role includes it and the campaign's state admits it."""
    rule = ACTIONS[action]
    if not user.may_act_as(rule.roles):
        raise PermissionDenied(_("Your role does not include this."))
    if campaign.state not in rule.sources:
        raise Conflict(wrong_state.sentence(action, campaign.state), campaign)
    if action in ENDS_LEADS and is_being_pushed(campaign):
        raise Refused(_("Leads are still being pushed. Wait until the push has ended."))
    return rule


@transaction.atomic
def create(
    user: User,
    *,
    code: str,
    arms: Sequence[Mapping[str, Any]] = (),
    salt: str = "",
    **fields: Any,
) -> Campaign:
    """A new draft, owned by its creator unless ``owner`` is given. Fields as in ``definition.EDITABLE``.

    ``arms``: mappings of code, name, offer, channel, share. Raises PermissionDenied, ValidationError, TypeError for a
    field that is not editable. A code that somebody else takes at the same instant is a ValidationError too.
    """
    if not user.may_act_as(ACTIONS["edit"].roles):
        raise PermissionDenied(_("Your role does not include this."))
    _known(fields)
    campaign = Campaign(
        code=code, salt=salt or secrets.token_hex(16), last_edited_by=user, **({"owner": user} | fields)
    )
    _clean(campaign)
    uniqueness.save(campaign)
    replace_arms(campaign, arms)
    _remember(campaign, user, "", State.DRAFT, "campaign.created")
    return campaign


@transaction.atomic
def edit(
    campaign: Campaign,
    user: User,
    version: int,
    *,
    arms: Sequence[Mapping[str, Any]] | None = None,
    comment: str = "",
    **changes: Any,
) -> Campaign:
    """Write changed fields if the campaign still has the ``version`` the editor saw; the version goes up by one.

    Editing what was submitted or approved reopens it as a draft and takes back the approval. ``arms`` replaces all
    arms. Nothing changed: nothing written. Raises Conflict with the campaign as it stands and the editor's values.
    """
    _known(changes)
    current = Campaign.objects.select_for_update().get(pk=campaign.pk)
    check_allowed("edit", current, user)
    if current.version != version:
        raise _stale(current, changes if arms is None else changes | {"arms": list(arms)})
    before = definition.describe(current)
    for name, value in changes.items():
        setattr(current, name, value)
    _clean(current)
    if arms is not None:
        replace_arms(current, arms)
    after = definition.describe(current)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if not changed:
        return current
    from_state = current.state
    updated = Campaign.objects.filter(pk=current.pk, version=version, state=from_state).update(
        **{name: getattr(current, name) for name in changes},
        state=State.DRAFT,
        version=F("version") + 1,
        last_edited_by=user,
        submitted_by=None,
        submitted_at=None,
        approved_by=None,
        approved_at=None,
        approved_hash="",
    )
    if not updated:
        raise _stale(current, changes)
    if current.selection_id and not definition.SELECTING & changed.keys():
        Selection.objects.filter(pk=current.selection_id).update(campaign_version=version + 1)
    current.refresh_from_db()
    _remember(current, user, from_state, State.DRAFT, "campaign.edited", comment=comment, fields=changed)
    return current


def submit(campaign: Campaign, user: User, version: int | None = None) -> Campaign:
    """Draft → waiting for approval, once nothing blocks it any more. Raises Refused with the first blocker."""
    check_allowed("submit", campaign, user)
    _refuse_blocked(campaign)
    return move(campaign, user, "submit", version=version, submitted_by=user, submitted_at=Now())


def withdraw(campaign: Campaign, user: User, version: int | None = None) -> Campaign:
    """The maker takes a submission back; it is a draft again."""
    return move(campaign, user, "withdraw", version=version, submitted_by=None, submitted_at=None)


def approve(campaign: Campaign, user: User, comment: str = "", version: int | None = None) -> Campaign:
    """Waiting → approved by a second person, who signs definition, population and counts.

    Refused to creator, owner, last editor and submitter, here with a sentence and in the database by a CHECK.
    """
    check_allowed("approve", campaign, user)
    if user.pk in makers(campaign):
        raise Refused(_("You made this campaign yourself, so somebody else must approve it."))
    _refuse_blocked(campaign)
    selection = campaign.selection
    if selection is None:
        raise Refused(_("No customers have been selected yet."))
    with transaction.atomic():
        approved = move(
            campaign,
            user,
            "approve",
            comment,
            version=version,
            approved_by=user,
            approved_at=Now(),
            approved_hash=definition.signature(campaign, selection),
        )
        Selection.objects.filter(pk=selection.pk).update(is_final=True)
    return approved


def send_back(campaign: Campaign, user: User, comment: str, version: int | None = None) -> Campaign:
    """Waiting → draft, with what the approver wants changed. Raises Refused without a comment."""
    check_allowed("send_back", campaign, user)
    if not comment.strip():
        raise Refused(_("Say what should be changed before you send it back."))
    return move(campaign, user, "send_back", comment, version=version, submitted_by=None, submitted_at=None)


def cancel(campaign: Campaign, user: User, comment: str = "", version: int | None = None) -> Campaign:
    """Give up a campaign that has not been pushed. It stays readable and cannot be revived."""
    return move(campaign, user, "cancel", comment, version=version)


def why_not_close(campaign: Campaign, still_open: int) -> str:
    """Why a campaign with so many open leads cannot be closed yet; "" once its last day has passed or none is open."""
    if not still_open or clock.today() > campaign.ends_on:
        return ""
    return ngettext(
        "%(n)s lead is still open. Recall the untouched ones, or wait until the end on %(day)s.",
        "%(n)s leads are still open. Recall the untouched ones, or wait until the end on %(day)s.",
        still_open,
    ) % {"n": f"{still_open:,}", "day": figures.day(campaign.ends_on)}


@transaction.atomic
def close(campaign: Campaign, user: User, comment: str = "", version: int | None = None) -> Campaign:
    """End a running campaign. Raises Refused while leads are open, until its last day has passed: then they end too."""
    check_allowed("close", campaign, user)
    left = campaign.leads.open()
    if waits := why_not_close(campaign, left.count()):
        raise Refused(waits)
    closed = move(campaign, user, "close", comment, version=version)
    expired = left.update(
        state=Lead.State.CLOSED, closed_at=Now(), claimed_by=None, claimed_at=None, version=F("version") + 1
    )
    if expired:
        audit.record(user, "campaign.leads_expired", closed, leads=expired)
    return closed


@transaction.atomic
def move(
    campaign: Campaign,
    user: User,
    action: str,
    comment: str = "",
    *,
    version: int | None = None,
    **columns: Any,
) -> Campaign:
    """One guarded step of the table, with its Change and audit row. Raises PermissionDenied or Conflict.

    ``version``: what the user's page showed; without it, what ``campaign`` was read as.
    """
    rule = check_allowed(action, campaign, user)
    seen = campaign.version if version is None else version
    # The selection too: after withdraw, select, submit the state and version are the same and the customers are not.
    population = (
        {"selection": campaign.selection_id} if campaign.selection_id else {"selection__isnull": True}
    )
    moved = Campaign.objects.filter(pk=campaign.pk, state=campaign.state, version=seen, **population)
    if not moved.update(state=rule.target, **columns):
        raise _stale(Campaign.objects.get(pk=campaign.pk), {"action": action})
    after = Campaign.objects.get(pk=campaign.pk)
    _remember(after, user, campaign.state, rule.target, f"campaign.{_DONE[action]}", comment=comment)
    return after


_DONE = {
    "submit": "submitted",
    "withdraw": "withdrawn",
    "approve": "approved",
    "send_back": "sent_back",
    "push": "pushed",
    "cancel": "cancelled",
    "close": "closed",
}


def _known(fields: Mapping[str, Any]) -> None:
    unknown = fields.keys() - set(definition.EDITABLE)
    if unknown:
        raise TypeError(f"not a field a planner may set: {sorted(unknown)}")


def _clean(campaign: Campaign) -> None:
    """Validate what a planner sets; an audience without a condition is a blocker later, not an error now."""
    checked = {"code", *definition.EDITABLE} - ({"condition"} if not campaign.condition else set())
    campaign.full_clean(exclude=[f.name for f in Campaign._meta.fields if f.name not in checked])


def _refuse_blocked(campaign: Campaign) -> None:
    hard = [b for b in blocking.blockers(campaign) if b.severity == blocking.BLOCKER]
    if hard:
        raise Refused(hard[0].sentence)


def _stale(current: Campaign, yours: Mapping[str, Any]) -> Conflict:
    last = current.changes.select_related("by").first()
    if last is None:
        return Conflict(_("The campaign was changed meanwhile. Nothing was saved."), current, dict(yours))
    return Conflict(
        _(
            "%(name)s changed the campaign at %(time)s; it is now version %(version)s, “%(state)s”. Nothing was saved."
        )
        % {
            "name": last.by.full_name,
            "time": figures.stamp(last.at),
            "version": current.version,
            "state": current.get_state_display(),
        },
        current,
        dict(yours),
    )


def _remember(
    campaign: Campaign,
    user: User,
    from_state: str,
    to_state: str,
    action: str,
    *,
    comment: str = "",
    fields: dict[str, Any] | None = None,
) -> None:
    Change.objects.create(
        campaign=campaign,
        version=campaign.version,
        by=user,
        from_state=from_state,
        to_state=to_state,
        comment=comment,
        fields=fields or {},
    )
    audit.record(
        user,
        action,
        campaign,
        from_state=from_state,
        to_state=to_state,
        reason=comment,
        version=campaign.version,
        changed=sorted(fields or {}),
    )
