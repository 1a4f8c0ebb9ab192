"""Long work on campaigns: second doors to ``targeting.select`` and ``push.push``. Started with ids, never with rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import clock, runs, units
from bankcrm.models import User
from campaigns import attribution, lifecycle, targeting, universal
from campaigns import push as pushing
from campaigns.conflicts import Conflict
from campaigns.evaluation import EVALUATORS
from campaigns.models import Campaign


@runs.work(
    "campaigns.select",
    gettext_lazy("Select customers"),
    roles=lifecycle.ACTIONS["select"].roles,
    shared=True,
    unit=units.CUSTOMERS,
)
def select(job: runs.Job) -> dict[str, Any]:
    """Arguments: campaign, version. Start with ``key=f"campaign:{id}"``."""
    with _told():
        campaign, user = _campaign(job), _user(job)
        if campaign.version != job.arguments.get("version", campaign.version):
            raise runs.Refused(_("The campaign was changed before the selection began. Select again."))
        selection = targeting.select(campaign, user, job=job)
    return {
        "selection": selection.pk,
        "targets": selection.targets_count,
        "control": selection.control_count,
    }


@runs.work(
    "campaigns.push",
    gettext_lazy("Push leads"),
    roles=lifecycle.ACTIONS["push"].roles,
    shared=True,
    unit=units.CUSTOMERS,  # control is assigned with the others and gets no lead
)
def push(job: runs.Job) -> dict[str, Any]:
    """Arguments: campaign, wave. Start with ``key=f"campaign:{id}:wave:{wave}"``: one push of a wave at a time."""
    with _told():
        done = pushing.push(_campaign(job), _user(job), int(job.arguments.get("wave", 1)), job)
    return dict(done.reconciliation)


@runs.work("campaigns.match", gettext_lazy("Look for new contracts"), roles=EVALUATORS, daily=True)
def match(job: runs.Job) -> dict[str, Any]:
    """No arguments: conversions of every campaign whose window is open or closed lately."""
    found = attribution.match_all(clock.today())
    return {"campaigns": len(found), "conversions": sum(found.values())}


@runs.work(
    "campaigns.draw_universal",
    gettext_lazy("Draw the universal control"),
    roles=universal.MAKERS,
    daily=True,
    shared=True,
)
def draw_universal(job: runs.Job) -> dict[str, Any]:
    """No arguments: members of the universal control in force, everybody on its first day, then whoever joined."""
    return {"members": universal.draw(job.requested_by, job)}


def _campaign(job: runs.Job) -> Campaign:
    found = Campaign.objects.filter(pk=job.arguments["campaign"]).select_related(
        "product", "model", "selection"
    )
    campaign = found.first()
    if campaign is None:
        raise runs.Refused(_("The campaign no longer exists."))
    return campaign


def _user(job: runs.Job) -> User:
    if job.requested_by is None:
        raise runs.Refused(_("A campaign is selected and pushed in somebody's name."))
    return job.requested_by


@contextmanager
def _told() -> Iterator[None]:
    """A conflict or a missing right does not go away by trying again."""
    try:
        yield
    except (Conflict, PermissionDenied) as error:
        raise runs.Refused(str(error)) from error
