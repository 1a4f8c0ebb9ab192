"""What Customer-360 shows of scores and segments, and of one of them why: a button, work under way, or the reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import segment_page, targets, unscored, why_sentences
from analytics.models import (
    Explanation,
    PredictiveModel,
    Score,
    ScoreRun,
    Segment,
    Segmentation,
    SegmentMember,
    SegmentRun,
)
from analytics.why_sentences import Told
from bankcrm import figures
from bankcrm.models import Run, User
from customers.models import Customer

Kind = PredictiveModel.Kind
WORK = "analytics.explain"
SCORES, SEGMENTS = "scores", "segments"
# Their answers and people are not scores of customers.
APART = (Kind.PREFERENCE, Kind.PROSPECT)


@dataclass(frozen=True, slots=True)
class Scored:
    """One published score of a customer; ``why_not`` says why there is none, then the figures are None."""

    model: PredictiveModel
    run: ScoreRun
    predicts: str
    probability: float | None = None
    decile: int | None = None
    why_not: str = ""

    @property
    def is_uplift(self) -> bool:
        return self.model.kind == Kind.UPLIFT

    @property
    def is_rule(self) -> bool:
        return self.run.version.algorithm == self.run.version.Algorithm.RULE


@dataclass(frozen=True, slots=True)
class InSegment:
    """A customer's place in one segmentation; ``why_not`` says why there is none."""

    segmentation: Segmentation
    run: SegmentRun
    number: int | None = None
    title: str = ""
    why_not: str = ""


def scores(customer: Customer) -> list[Scored]:
    """Every score in use, by the model's name; of a customer whom a model did not ask about, why."""
    models = list(
        PredictiveModel.objects.filter(current_score_run__state=ScoreRun.State.PUBLISHED, history_campaign="")
        .exclude(kind__in=APART)
        .select_related("product", "current_score_run__version")
        .defer("current_score_run__version__artefact", "current_score_run__version__card")
    )
    used = {model.current_score_run_id: model for model in models}
    found = {
        row.score_run_id: row for row in Score.objects.filter(score_run__in=list(used), customer=customer)
    }
    rows = []
    for model in models:
        run = model.current_score_run
        if run is None:
            continue
        run.version.model = model
        row, predicts = found.get(run.pk), targets.sentence(model)
        if row is None:
            rows.append(Scored(model, run, predicts, why_not=unscored.absence(run, customer)))
        else:
            rows.append(Scored(model, run, predicts, row.probability, row.decile))
    return rows


def segments(customer: Customer) -> list[InSegment]:
    """The customer's segment in every segmentation in use, by name."""
    made = list(segment_page.segmentations().filter(current_run__state=SegmentRun.State.PUBLISHED))
    used = [each.current_run_id for each in made]
    found = {
        row.segment_run_id: row.segment
        for row in SegmentMember.objects.filter(segment_run__in=used, customer=customer)
    }
    named: dict[int, dict[int, Segment]] = {}
    for segment in Segment.objects.filter(segmentation__in=made):
        named.setdefault(segment.segmentation_id, {})[segment.number] = segment
    rows = []
    for each in made:
        run = each.current_run
        if run is None:
            continue
        number = found.get(run.pk)
        if number is None:
            rows.append(InSegment(each, run, why_not=unscored.absence(run, customer)))
        else:
            title = segment_page.title(number, named.get(each.pk, {}), run.version)
            rows.append(InSegment(each, run, number, title))
    return rows


@dataclass(frozen=True, slots=True)
class Why:
    """One "Why this score?": ``told`` where it was asked before, ``work`` while it is made, ``lack`` why there can be
    none or what stopped the last try."""

    customer: Customer
    run: ScoreRun | SegmentRun
    told: Told | None = None
    work: Run | None = None
    lack: str = ""
    may_ask: bool = False

    @property
    def url(self) -> str:
        name = "score-why" if isinstance(self.run, ScoreRun) else "segment-why"
        return reverse(name, args=[self.customer.pk, self.run.pk])

    @property
    def headers(self) -> list[str]:
        return [_("Field"), _("Log-odds")]

    @property
    def state(self) -> str:
        """ "told", "working", "refused" or "not_asked"."""
        if self.told:
            return "told"
        if self.work:
            return "working"
        return "refused" if self.lack else "not_asked"

    @property
    def effects(self) -> list[dict[str, Any]]:
        """The lines by effect, as ``kit/_reasons.html`` takes them."""
        titles = {"": "", "raises": _("Raises the score"), "lowers": _("Lowers the score")}
        if self.told and self.told.is_margin:
            titles |= {"raises": _("Speaks for it"), "lowers": _("Speaks against it")}
        lines = self.told.lines if self.told else ()
        return [
            {
                "title": title,
                "reasons": [
                    {"text": line.text, "share": line.share, "icon": line.icon}
                    for line in lines
                    if line.effect == effect
                ],
            }
            for effect, title in titles.items()
            if any(line.effect == effect for line in lines)
        ]

    @property
    def sums(self) -> Sequence[tuple[str, str]]:
        """How it adds up: where everybody starts, what each field adds, the log-odds and the chance they are."""
        if self.told is None or self.told.base is None or self.told.total is None:
            return []
        together = _("Together")
        if not self.told.is_margin:
            chance = figures.pct(1 / (1 + math.exp(-self.told.total)))
            together = _("Together, a chance of %(chance)s") % {"chance": chance}
        return [
            (_("Start: the average customer learned from"), figures.signed(self.told.base, 3)),
            *((label, figures.signed(value, 3)) for label, value in self.told.parts),
            (together, figures.signed(self.told.total, 3)),
        ]


def find(kind: str, pk: int) -> ScoreRun | SegmentRun | None:
    """The published run that is asked about, with what telling needs; challengers' scores choose nobody."""
    if kind == SCORES:
        scored = ScoreRun.objects.filter(pk=pk, state=ScoreRun.State.PUBLISHED, challenger=False)
        return scored.select_related("version__model__product").defer("version__artefact").first()
    placed = SegmentRun.objects.filter(pk=pk, state=SegmentRun.State.PUBLISHED)
    return placed.select_related("version__segmentation").defer("version__artefact").first()


def work_on(run: ScoreRun | SegmentRun, customer: Customer) -> dict[str, Any]:
    """What ``runs.start`` is told: by its key one at a time for a customer and a run; only ids."""
    if isinstance(run, ScoreRun):
        return {
            "subject": run.version.model.name,
            "key": f"score:{run.pk}:{customer.pk}",
            "score_run": run.pk,
            "customer": customer.pk,
        }
    return {
        "subject": run.version.segmentation.name,
        "key": f"segment:{run.pk}:{customer.pk}",
        "segment_run": run.pk,
        "customer": customer.pk,
    }


def why(run: ScoreRun | SegmentRun, customer: Customer, user: User, *, may_ask: bool) -> Why:
    """What is known of why the customer has this score or segment."""
    if isinstance(run, ScoreRun):
        kept = Explanation.objects.filter(customer=customer, score_run=run).first()
    else:
        kept = Explanation.objects.filter(customer=customer, segment_run=run).first()
    if kept is not None:
        return Why(customer, run, told=why_sentences.of(kept, run))
    if lack := unscored.why(run, customer):
        return Why(customer, run, lack=lack)
    asked = Run.objects.filter(kind=WORK, key=work_on(run, customer)["key"])
    work = asked.unfinished().first()
    if work is not None:
        return Why(customer, run, work=work)
    last = asked.filter(requested_by=user).order_by("-pk").first()
    stopped = last.error if last is not None and last.state in (Run.State.FAILED, Run.State.DEAD) else ""
    return Why(customer, run, lack=stopped, may_ask=may_ask)
