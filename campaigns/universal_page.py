"""What the page of the universal control shows: the one in force, what it shows so far, and those before."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bankcrm import clock, figures
from campaigns import universal
from campaigns.models import UniversalControl
from campaigns.verdict import Verdict
from campaigns.verdict_text import verdict_sentence

TONES = {
    Verdict.PROVED_POSITIVE: ("ok", gettext_lazy("Proved")),
    Verdict.PROVED_NEGATIVE: ("bad", gettext_lazy("Proved harmful")),
    Verdict.INCONCLUSIVE: ("", gettext_lazy("Not proved")),
    Verdict.INTERIM: ("", gettext_lazy("Interim")),
    Verdict.REFUSED: ("warn", gettext_lazy("Not evaluated")),
}


def state(control: UniversalControl) -> dict[str, str]:
    """Where a control stands today: word, tone and icon of its pill."""
    today = clock.today()
    if control.starts_on > today:
        return {"word": _("Planned"), "tone": "line", "icon": "clock"}
    if control.ends_on >= today:
        return {"word": _("In force"), "tone": "act", "icon": "point"}
    return {"word": _("Over"), "tone": "", "icon": "check"}


def measured(control: UniversalControl) -> dict[str, Any] | None:
    """Verdict, both groups, contamination and balance; None while nobody has been drawn."""
    found = universal.programme(control)
    if found is None:
        return None
    verdict, sentence = found.readout.verdict, verdict_sentence(found.readout)
    if verdict == Verdict.REFUSED and control.ends_on >= clock.today():
        verdict = Verdict.INTERIM
        sentence = _("Too early to say anything; it is read after %(day)s.") % {
            "day": figures.day(control.ends_on)
        }
    tone, word = TONES[verdict]
    return {
        "tone": tone,
        "word": word,
        "sentence": sentence,
        "effect": found.readout.overall,
        "until": found.until,
        "contamination": found.contamination,
        "groups": [
            _group(_("Rest of the bank"), found.rest),
            _group(_("Universal control"), found.members),
        ],
        "kpis": _kpis(found),
        "balance": _balance(control),
    }


def _group(label: str, group: universal.Group) -> dict[str, Any]:
    return {
        "label": label,
        "customers": group.customers,
        "buyers": group.buyers,
        "rate": group.buyers / group.customers if group.customers else None,
        "contacted": group.contacted,
        "contacts": group.contacts,
    }


def _kpis(found: universal.Programme) -> list[dict[str, Any]]:
    members, effect = found.members, found.readout.overall
    shown = [
        {
            "label": _("Members"),
            "value": figures.number(members.customers),
            "note": _("of %(n)s customers when it began")
            % {"n": figures.number(members.customers + found.rest.customers)},
        },
        {
            "label": _("Contacted all the same"),
            "value": figures.number(members.contacted),
            "note": _(
                "%(share)s of the members had a campaign's contact; it makes the difference look smaller"
            )
            % {"share": figures.pct(found.contamination)},
            "tone": "warn" if found.contamination > 0.02 else "",
        },
    ]
    if effect is not None:
        shown.append(
            {
                "label": _("Bought something, difference"),
                "value": figures.points(
                    effect.value, figures.places(effect.interval.low, effect.interval.high)
                ),
                "note": _("points, 95 %% interval %(range)s; treated bank less members")
                % {"range": figures.interval(effect.interval.low, effect.interval.high, "points")},
            }
        )
    return shown


def _balance(control: UniversalControl) -> list[dict[str, Any]]:
    rows = universal.balance(control)
    return [
        {"tier": tier, "customers": n, "members": drawn, "share": drawn / n if n else None}
        for tier, n, drawn in rows
    ]
