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
from campaigns.conflicts import Refused, changed_meanwhile
from campaigns.definition import plain
from campaigns.lifecycle import PLANNERS
from campaigns.models import Campaign, Offer

AUDIENCE_MAKERS = frozenset({Role.PLANNER, Role.ANALYST})


@transaction.atomic
def save_offer(offer: Offer, user: User, version: int | None = None) -> Offer:
    """Write a new or a changed offer. Raises PermissionDenied, ValidationError, and Conflict when the offer is no
    longer the ``version`` the editor saw (without it, the one ``offer`` was read as). Nothing changed: nothing written.

    An approval covers the offer as it was: a campaign approved with the old one must be approved again (see push).
    """
    if not user.may_act_as(PLANNERS):
        raise PermissionDenied(_("Your role does not include this."))
    if offer._state.adding:
        offer.full_clean()
        uniqueness.save(offer)
        audit.record(user, "offer.created", offer, code=offer.code)
        return offer
    current = Offer.objects.select_for_update(of=("self",)).select_related("product").get(pk=offer.pk)
    if current.version != (offer.version if version is None else version):
        raise changed_meanwhile(current)
    offer.full_clean()
    changed = {name: pair for name, pair in _compared(current, offer).items() if pair[0] != pair[1]}
    if changed:
        offer.version = current.version + 1
        uniqueness.save(offer)
        audit.record(user, "offer.edited", offer, code=offer.code, version=offer.version, changed=changed)
    return offer


def _compared(before: Offer, after: Offer) -> dict[str, list[Any]]:
    """Every column of an offer but its version, as it was and as it is to be."""
    names = [f.attname for f in Offer._meta.concrete_fields if f.name not in ("id", "version")]
    return {name: [plain(getattr(before, name)), plain(getattr(after, name))] for name in names}


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
