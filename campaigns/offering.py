"""Verbs on offers and saved audiences: catalogue entries that campaigns point to."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analytics import audience as conditions
from analytics.models import Audience
from bankcrm import audit, uniqueness
from bankcrm.models import Role, User
from campaigns.conflicts import Refused
from campaigns.lifecycle import PLANNERS
from campaigns.models import Campaign, Offer

AUDIENCE_MAKERS = frozenset({Role.PLANNER, Role.ANALYST})


@transaction.atomic
def save_offer(offer: Offer, user: User) -> Offer:
    """Write a new or a changed offer. Raises PermissionDenied, ValidationError.

    An approval covers the offer as it was: a campaign approved with the old one must be approved again (see push).
    """
    if not user.may_act_as(PLANNERS):
        raise PermissionDenied(_("Your role does not include this."))
    offer.full_clean()
    action = "offer.edited" if offer.pk else "offer.created"
    uniqueness.save(offer)
    audit.record(user, action, offer, code=offer.code)
    return offer


def waiting_campaigns(offer: Offer) -> list[Campaign]:
    """Campaigns that a change of the offer sends back to approval: submitted or approved, and not pushed."""
    states = [Campaign.State.SUBMITTED, Campaign.State.APPROVED]
    return list(Campaign.objects.filter(arms__offer=offer, state__in=states).distinct().order_by("name"))


@transaction.atomic
def save_audience(
    user: User, name: str, condition: dict[str, Any], *, audience: Audience | None = None
) -> Audience:
    """Save a condition under a name. Raises PermissionDenied, Refused for a name that is taken or a bad condition."""
    if not user.may_act_as(AUDIENCE_MAKERS):
        raise PermissionDenied(_("Your role does not include this."))
    name = name.strip()
    if not name or len(name) > 100:
        raise Refused(_("Give the audience a name of at most 100 characters."))
    if not condition:
        raise Refused(_("An audience needs at least one condition."))
    with connection.cursor() as cursor:
        # Two who save the same name at the same moment: the second is told, not shown an error of the database.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.audience_names'))")
    taken = Audience.objects.filter(name=name).exclude(pk__in=[audience.pk] if audience else [])
    if taken.exists():
        raise Refused(_("There is an audience called “%(name)s” already.") % {"name": name})
    faults = conditions.validate(condition)
    if faults:
        raise Refused(" ".join(faults))
    words = conditions.describe(condition)
    if audience is None:
        saved = Audience.objects.create(name=name, condition=condition, description=words, owner=user)
        audit.record(user, "audience.created", saved, name=name)
        return saved
    Audience.objects.filter(pk=audience.pk).update(
        name=name, condition=condition, description=words, version=F("version") + 1, changed_at=Now()
    )
    audience.refresh_from_db()
    # A saved audience that contains itself only shows once it is saved.
    faults = conditions.validate(condition)
    if faults:
        raise Refused(" ".join(faults))
    audit.record(user, "audience.edited", audience, name=name, version=audience.version)
    return audience
