"""Why a step may not be taken in the state the campaign is in: too early, done already, or over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign

State = Campaign.State

_NOT_SUBMITTED = _("The campaign has not been submitted for approval yet.")
_NOT_PUSHED = _("The campaign has not been pushed yet: there are no leads to recall.")
_NOTHING_TO_CLOSE = _("The campaign has not been pushed yet; to give it up, cancel it.")
_SUBMITTED = _("The campaign is submitted already and waits for approval.")
_APPROVED = _("The campaign is approved already.")
_RUNNING = _("The campaign is approved already and its leads are pushed.")
_PUSHED = _("The leads are pushed already.")

_SENTENCES: Mapping[str, Mapping[str, Any]] = {
    "edit": {
        State.RUNNING: _("The leads are pushed: what was approved can no longer be edited."),
    },
    "select": {
        State.SUBMITTED: _(
            "The campaign waits for approval: withdraw it before customers are selected anew."
        ),
        State.APPROVED: _("The campaign is approved: edit it, which reopens it, to select customers anew."),
        State.RUNNING: _("The leads are pushed: the customers are no longer selected anew."),
    },
    "submit": {State.SUBMITTED: _SUBMITTED, State.APPROVED: _APPROVED, State.RUNNING: _RUNNING},
    "withdraw": {
        State.DRAFT: _NOT_SUBMITTED,
        State.APPROVED: _("The campaign is approved already; editing it reopens it as a draft."),
        State.RUNNING: _("The leads are pushed: the submission can no longer be withdrawn."),
    },
    "approve": {State.DRAFT: _NOT_SUBMITTED, State.APPROVED: _APPROVED, State.RUNNING: _RUNNING},
    "send_back": {State.DRAFT: _NOT_SUBMITTED, State.APPROVED: _APPROVED, State.RUNNING: _RUNNING},
    "push": {
        State.DRAFT: _("The campaign is not approved yet: it is a draft and must be submitted first."),
        State.SUBMITTED: _("The campaign is not approved yet: it waits for a second person to approve it."),
        State.RUNNING: _PUSHED,
    },
    "cancel": {
        State.RUNNING: _("The leads are pushed: recall the untouched ones and close the campaign instead."),
    },
    "recall": {State.DRAFT: _NOT_PUSHED, State.SUBMITTED: _NOT_PUSHED, State.APPROVED: _NOT_PUSHED},
    "close": {
        State.DRAFT: _NOTHING_TO_CLOSE,
        State.SUBMITTED: _NOTHING_TO_CLOSE,
        State.APPROVED: _NOTHING_TO_CLOSE,
    },
}
# However the step: a campaign that is over takes none.
_OVER: Mapping[str, Any] = {
    State.CLOSED: _("The campaign is closed; it is only evaluated now."),
    State.CANCELLED: _("The campaign was cancelled; it stays readable and cannot be revived."),
    State.IMPORTED: _("This is a past campaign from a file; it is only evaluated."),
}


def sentence(action: str, state: str) -> str:
    """What the reader is told instead of ``action`` in ``state``, one of those ``lifecycle.ACTIONS`` does not list."""
    return str(_OVER[state] if state in _OVER else _SENTENCES[action][state])
