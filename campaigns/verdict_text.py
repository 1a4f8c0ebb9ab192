"""The verdict of a readout in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm.figures import day, interval, number, places, points
from campaigns.effect import Estimate
from campaigns.verdict import ArmFigures, ArmReadout, Readout, Verdict


def percent(level: float) -> str:
    return f"{level * 100:g} %"


# Kind of response → what a rate counts, and one more of it.
COUNTED: dict[str, tuple[str | Promise, str | Promise]] = {
    "conversion": (gettext_lazy("conversions"), gettext_lazy("sales")),
    "visit": (gettext_lazy("visits"), gettext_lazy("visits")),
    "interest": (gettext_lazy("interested"), gettext_lazy("interested customers")),
}


def verdict_sentence(readout: Readout, success: str = "conversion") -> str:
    """The first sentence of the evaluation page, in the active language; ``success`` is the kind of response counted.

    Several treated arms: the leading arm first, then each of the others with its own verdict.
    """
    leading = readout.leading
    if leading is None or leading.figures is None:
        reasons = " ".join(refusal.sentence for refusal in readout.refusals)
        return _("Not evaluated: %(reasons)s") % {"reasons": reasons}
    clauses = [_clause(leading, leading.figures, readout, success)]
    clauses += [_other(arm) for arm in readout.arms if arm.arm.code != leading.arm.code]
    return "; ".join(clauses)


def _clause(arm: ArmReadout, figures: ArmFigures, readout: Readout, success: str) -> str:
    lead = _lead(arm.verdict, len(readout.arms) > 1) % {
        **shown(figures),
        "level": percent(readout.level),
        "arm": arm.arm.label or arm.arm.code,
        "what": COUNTED.get(success, COUNTED["conversion"])[0],
    }
    if arm.verdict == Verdict.INTERIM:
        due = readout.refusals[0].by_when
        return lead if due is None else lead + "; " + _("readout after %(day)s") % {"day": day(due)}
    if arm.verdict == Verdict.INCONCLUSIVE:
        return f"{lead}; {_mde(figures)}"
    return "; ".join([lead, *_consequences(figures, success)])


def _lead(verdict: Verdict, several: bool) -> str:
    if several:
        return {
            Verdict.PROVED_POSITIVE: _(
                "Proved: %(arm)s %(effect)s points %(what)s, %(level)s interval %(range)s"
            ),
            Verdict.PROVED_NEGATIVE: _(
                "Proved harmful: %(arm)s %(effect)s points %(what)s, %(level)s interval %(range)s"
            ),
            Verdict.INCONCLUSIVE: _(
                "Not proved: %(arm)s %(effect)s points %(what)s, %(level)s interval %(range)s"
            ),
            Verdict.INTERIM: _(
                "Interim, not a result: %(arm)s %(effect)s points %(what)s, %(level)s interval %(range)s"
            ),
        }[verdict]
    return {
        Verdict.PROVED_POSITIVE: _("Proved: %(effect)s points %(what)s, %(level)s interval %(range)s"),
        Verdict.PROVED_NEGATIVE: _(
            "Proved harmful: %(effect)s points %(what)s, %(level)s interval %(range)s"
        ),
        Verdict.INCONCLUSIVE: _("Not proved: %(effect)s points %(what)s, %(level)s interval %(range)s"),
        Verdict.INTERIM: _("Interim, not a result: %(effect)s points %(what)s, %(level)s interval %(range)s"),
    }[verdict]


def _mde(figures: ArmFigures) -> str:
    if figures.mde is None:
        return _("these arms could not have shown an effect of any size")
    decimals = places(figures.interval.low, figures.interval.high)
    return _("these arms could show %(mde)s points or more") % {"mde": number(figures.mde * 100, decimals)}


def _consequences(figures: ArmFigures, success: str) -> list[str]:
    """Extra or lost sales or visits, and the return, after a proved effect."""
    extra = figures.extra.value
    gained = _("%(n)s extra %(unit)s") if extra >= 0 else _("%(n)s %(unit)s lost")
    unit = COUNTED.get(success, COUNTED["conversion"])[1]
    clauses = [gained % {"unit": unit, "n": number(abs(extra))}]
    if isinstance(figures.roi, Estimate):
        text = (
            _("ROI %(roi)s (%(range)s)") if figures.roi.proved else _("ROI %(roi)s (%(range)s), not proved")
        )
        values = {
            "roi": number(figures.roi.value, 1),
            "range": interval(figures.roi.interval.low, figures.roi.interval.high, "decimal1"),
        }
        clauses.append(text % values)
    return clauses


def _other(arm: ArmReadout) -> str:
    name = arm.arm.label or arm.arm.code
    if arm.figures is None:
        reason = arm.refusal.sentence if arm.refusal else ""
        return _("%(arm)s not evaluated: %(reason)s") % {"arm": name, "reason": reason}
    text = {
        Verdict.PROVED_POSITIVE: _("%(arm)s proved (%(effect)s, %(range)s)"),
        Verdict.PROVED_NEGATIVE: _("%(arm)s proved harmful (%(effect)s, %(range)s)"),
        Verdict.INCONCLUSIVE: _("%(arm)s not proved (%(effect)s, %(range)s)"),
        Verdict.INTERIM: _("%(arm)s interim (%(effect)s, %(range)s)"),
    }[arm.verdict]
    return text % {"arm": name, **shown(arm.figures)}


def shown(figures: ArmFigures) -> dict[str, str]:
    """The effect and its interval in points, with as many decimals as the interval allows."""
    low, high = figures.interval.low, figures.interval.high
    decimals = places(low, high)
    return {
        "effect": points(figures.effect.value, decimals),
        "range": interval(low, high, f"points{decimals}"),
    }
