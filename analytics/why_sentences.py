"""What was found of one score, answer or segment as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import audience, preferences, reasons
from analytics.models import Explanation, PredictiveModel, ScoreRun, SegmentationVersion, SegmentRun
from bankcrm import figures
from customers import fields as catalogue

RAISES, LOWERS = "raises", "lowers"


@dataclass(frozen=True, slots=True)
class Line:
    """One reason: ``effect`` "raises", "lowers" or "" where there is nothing to raise, ``share`` 0 to 1 of all that has
    this effect, ``contribution`` log-odds; both None where the method has none."""

    text: str
    effect: str = ""
    share: float | None = None
    contribution: float | None = None
    field: str = ""

    @property
    def icon(self) -> str:
        return {RAISES: "arrow-up", LOWERS: "arrow-down"}.get(self.effect, "point")


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation in words: ``lead`` says what the lines are about, ``note`` how to read them. ``parts`` are label
    and log-odds that, with ``base``, add up to ``total``; empty where nothing adds up. ``is_margin``: the total is that
    of one answer over another, else of the score."""

    lead: str
    lines: tuple[Line, ...] = ()
    note: str = ""
    parts: tuple[tuple[str, float], ...] = ()
    base: float | None = None
    total: float | None = None
    is_margin: bool = False


def of(kept: Explanation, run: ScoreRun | SegmentRun) -> Told:
    """What an explanation of ``run`` says; the run comes with its version and what that is a version of."""
    told = kept.told
    if isinstance(run, ScoreRun):
        return (
            _preference(told, run.version.model)
            if told["kind"] == "preference"
            else _OF_SCORES[told["kind"]](told)
        )
    if told["kind"] == "rules":
        return _rules(told, run.version)
    return _segment(told) if told["kind"] == "segment" else _baseline(told)


def _score(told: Mapping[str, Any]) -> Told:
    note = _(
        "Shares are of all that raises, or lowers, this score. They explain the score, not the customer."
    )
    return Told("", _lines(told), note, *_sums(told))


def _lines(told: Mapping[str, Any]) -> tuple[Line, ...]:
    return tuple(
        Line(text, effect, reason["share"], reason["contribution"], reason["field"])
        for effect in (RAISES, LOWERS)
        for reason in told[effect]
        if (text := reasons.sentence(reason))
    )


def _sums(told: Mapping[str, Any]) -> tuple[tuple[tuple[str, float], ...], float, float]:
    return tuple((_label(code), value) for code, value in told["parts"]), told["base"], told["total"]


def _label(code: str) -> str:
    known = catalogue.find(code)
    return str(known.label) if known else code


def _rule(told: Mapping[str, Any]) -> Told:
    given = [int(reason["points"]) for reason in told["points"]]
    lines = [
        Line(
            ngettext("%(said)s: %(n)s of 5 points", "%(said)s: %(n)s of 5 points", n)
            % {"said": reasons.sentence(reason), "n": n},
            share=n / 5,
            field=reason["field"],
        )
        for reason, n in zip(told["points"], given, strict=True)
    ]
    note = _(
        "Fifths of all customers asked: 5 points for the most recent, most frequent and most valuable fifth."
    )
    if told["turned"]:
        note += " " + _(
            "Those who leave are sought at the other end: few points mean a high chance of leaving."
        )
    lead = _("A rule, not a model: recency, frequency and value give %(n)s of 15 points.") % {"n": sum(given)}
    return Told(lead, tuple(lines), note)


def _none(told: Mapping[str, Any]) -> Told:
    if told["uplift"]:
        return Told(
            _("A gain by contact is the difference of two chances; no sum of single reasons makes it up.")
        )
    return Told(_("The columns of an imported campaign are no fields of customers, so no reasons are told."))


def _preference(told: Mapping[str, Any], model: PredictiveModel) -> Told:
    about = preferences.subject(model)
    answer, rival = about.label(told["answer"]), about.label(told["rival"])
    if not told["ordered"]:
        lead = _("What speaks for %(answer)s rather than %(rival)s, the next likeliest") % {
            "answer": answer,
            "rival": rival,
        }
    elif told["least"]:
        lead = _("What speaks for %(answer)s rather than more") % {"answer": answer}
    else:
        lead = _("What speaks for %(answer)s or more rather than less") % {"answer": answer}
    lines = _lines(told)
    seen = _seen(model, told, answer)
    note = _(
        "Shares are of all that speaks for, or against, this answer. They explain the model, not the customer."
    )
    return Told(lead, ((Line(seen), *lines) if seen else lines), note, *_sums(told), is_margin=True)


def _seen(model: PredictiveModel, told: Mapping[str, Any], answer: str) -> str:
    """ "Funds: 3 of the last 4 purchases in 12 months"; "" where nothing is counted."""
    if not told["counted"]:
        return ""
    n, among = told["counted"].get(told["answer"], 0), sum(told["counted"].values())
    if not n:
        return _("%(answer)s: not once in 12 months") % {"answer": answer}
    if model.target == PredictiveModel.Target.PRODUCT:
        text = ngettext(
            "%(answer)s: %(n)s of the last %(among)s purchase in 12 months",
            "%(answer)s: %(n)s of the last %(among)s purchases in 12 months",
            among,
        )
    else:
        text = ngettext(
            "%(answer)s: %(n)s of %(among)s booking in 12 months",
            "%(answer)s: %(n)s of %(among)s bookings in 12 months",
            among,
        )
    return text % {"answer": answer, "n": figures.number(n), "among": figures.number(among)}


def _segment(told: Mapping[str, Any]) -> Told:
    lines = tuple(
        Line(text, share=reason["share"], field=reason["field"])
        for reason in told["reasons"]
        if (text := _trait(reason))
    )
    return Told(
        _("What holds the customer here rather than in the next nearest segment"),
        lines,
        _(
            "Shares are of all that brings the customer nearer to the middle of this segment than to the next one."
        ),
    )


def _trait(reason: Mapping[str, Any]) -> str:
    known = catalogue.find(reason["field"])
    if known is None:
        return ""
    said, here, everybody = reasons.sentence(reason), reason["here"], reason["all"]
    if "mean" in here:
        values = {"said": said, "here": known.display(here["mean"]), "all": known.display(everybody["mean"])}
        return _("%(said)s; usual here is %(here)s, among all %(all)s") % values
    if "share" in here:
        values = {
            "said": said,
            "here": figures.pct(here["share"], 0),
            "all": figures.pct(everybody["share"], 0),
        }
        if "of" in here:
            values["of"] = known.display(here["of"])
            return _("%(said)s; %(of)s are %(here)s here, %(all)s among all") % values
        return _("%(said)s; so are %(here)s here, %(all)s among all") % values
    return said


def _rules(told: Mapping[str, Any], version: SegmentationVersion) -> Told:
    rules = version.card["rules"]
    number = told["segment"]
    if number > len(rules):
        return Told(_("No rule of this segmentation holds."))
    rule = rules[number - 1]
    words = audience.describe(rule["condition"])
    first = _("Rule %(number)s is the first that holds: %(words)s")
    return Told(first % {"number": number, "words": words})


def _baseline(told: Mapping[str, Any]) -> Told:
    lines = tuple(
        Line(text, field=reason["field"]) for reason in told["reasons"] if (text := reasons.sentence(reason))
    )
    return Told(_("No stable segments were found: activity within the tier stands in for them."), lines)


_OF_SCORES = {"score": _score, "rule": _rule, "none": _none}
