"""Verbs on segmentations: define one, put a version to use, name a segment."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from analytics.models import Segment, Segmentation, SegmentationVersion, SegmentRun
from bankcrm import audit, runs
from bankcrm.models import Role, User

State, Method = SegmentationVersion.State, SegmentationVersion.Method
WRITERS = frozenset({Role.ANALYST})
# What customers are divided by where nobody says otherwise: nature, economy, behaviour (S2.3). Few and independent: on
# a bank whose segments are known, every further balance or channel count blurred them (bench/model_bank.py).
DEFAULT_FEATURES = ("age", "monthly_income", "aum", "transactions_12m")
REFIT_FROM_PSI = 0.25


class Refused(runs.Refused):
    """What was asked is against a rule; the sentence says which, and nothing was changed."""


def _require(user: User) -> None:
    if not user.may_act_as(WRITERS):
        raise PermissionDenied(_("Your role does not include this."))


@transaction.atomic
def define(user: User, **values: Any) -> Segmentation:
    """A new segmentation owned by ``user``. One by rules has its only version at once; the other is looked for."""
    _require(user)
    made = Segmentation.objects.create(owner=user, **values)
    audit.record(user, "segmentation.defined", made, code=made.code)
    if made.kind == Segmentation.Kind.RULES:
        version = SegmentationVersion.objects.create(
            segmentation=made,
            number=1,
            method=Method.RULES,
            state=State.IN_USE,
            as_of=dt.date(1970, 1, 1),
            card={"rules": made.rules},
            made_by=user,
        )
        names = [rule["name"] for rule in made.rules]
        Segment.objects.bulk_create(
            Segment(segmentation=made, number=number, name=name, named_by=user)
            for number, name in enumerate(names, start=1)
        )
        Segmentation.objects.filter(pk=made.pk).update(in_use=version)
        made.in_use = version
    return made


@transaction.atomic
def use(version: SegmentationVersion, user: User) -> SegmentationVersion:
    """Put a version to use; the one before retires. Members change with the next assignment.

    Raises PermissionDenied for another role, Refused when it is in use already.
    """
    _require(user)
    made = Segmentation.objects.select_for_update(no_key=True).get(pk=version.segmentation_id)
    if made.in_use_id == version.pk:
        raise Refused(_("This version is in use already."))
    SegmentationVersion.objects.filter(segmentation=made, state=State.IN_USE).update(state=State.RETIRED)
    SegmentationVersion.objects.filter(pk=version.pk).update(state=State.IN_USE)
    Segmentation.objects.filter(pk=made.pk).update(in_use=version)
    audit.record(user, "segmentation.used", made, to_state=State.IN_USE, number=version.number)
    version.refresh_from_db()
    return version


@transaction.atomic
def rename(segment: Segment, user: User, name: str, description: str) -> Segment:
    """Give a segment the name it keeps through every later fit. Raises PermissionDenied, Refused for a taken one."""
    _require(user)
    taken = Segment.objects.filter(segmentation=segment.segmentation_id, name=name).exclude(pk=segment.pk)
    if name and taken.exists():
        raise Refused(_("Another segment has this name."))
    before = segment.name
    segment.name, segment.description, segment.named_by = name, description, user
    segment.save(update_fields=["name", "description", "named_by"])
    audit.record(user, "segment.named", segment, before=before, name=name)
    return segment


def work_on(made: Segmentation) -> dict[str, Any]:
    """What ``runs.start`` is told of work on a segmentation: by its key one at a time."""
    return {"subject": made.name, "key": work_key(made), "segmentation": made.pk}


def work_key(made: Segmentation) -> str:
    return f"segmentation:{made.pk}"


def earlier_run(run: SegmentRun) -> SegmentRun | None:
    """The newest published run of an earlier month, of any version: what movement is counted from."""
    return (
        SegmentRun.objects.filter(
            version__segmentation=run.version.segmentation_id,
            state=SegmentRun.State.PUBLISHED,
            as_of__lt=run.as_of,
        )
        .order_by("-as_of", "-pk")
        .first()
    )
