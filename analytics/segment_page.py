"""What the segmentation pages show: sizes, typical traits, the evidence for the number of segments, and movement."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.utils.translation import gettext as _

from analytics import card, segments
from analytics.models import Segment, Segmentation, SegmentationVersion, SegmentMember, SegmentRun
from bankcrm.figures import money, number, pct, signed
from customers import fields as catalogue
from customers.fields import Type

Method, State = SegmentationVersion.Method, SegmentationVersion.State
TYPICAL = 0.5
TRAITS_ON_MAP = 14
# Under this share of customers who kept their segment in a month, the segments describe the month, not the customers.
RETAINED_FROM = 0.8
# More rows and columns than these make a table of movement nobody reads; the smallest go together.
MOVES_SHOWN = 8
OTHERS = -1


def segmentations() -> QuerySet[Segmentation]:
    """Segmentations with what their pages read; ``waiting``: number of the newest version if it is not in use yet."""
    newest = SegmentationVersion.objects.filter(segmentation=OuterRef("pk")).order_by("-number")
    waits = Subquery(newest.annotate(n=Case(When(state=State.TRIED, then="number"))).values("n")[:1])
    return (
        Segmentation.objects.select_related("owner", "in_use", "current_run__version")
        .defer("in_use__artefact", "current_run__version__artefact")
        .annotate(waiting=waits)
    )


def summary(made: Segmentation) -> dict[str, Any]:
    """One row of the list."""
    run = made.current_run
    moved = run is not None and run.psi is not None and run.psi >= segments.REFIT_FROM_PSI
    return {
        "made": made,
        "version": made.in_use,
        "k": _k(made.in_use) if made.in_use else None,
        "waiting": getattr(made, "waiting", None),
        "run": run,
        "moved": moved,
    }


def _k(version: SegmentationVersion) -> int | None:
    if version.method == Method.RULES:
        return len(version.card["rules"]) + 1
    return version.card.get("k")


def names(made: Segmentation) -> dict[int, Segment]:
    """Segments by lasting number."""
    return {segment.number: segment for segment in made.segments.select_related("named_by")}


def members(run: SegmentRun | None) -> dict[int, int]:
    """Customers per segment of a run."""
    if run is None:
        return {}
    counted = SegmentMember.objects.filter(segment_run=run).values("segment").annotate(n=Count("customer_id"))
    return dict(counted.order_by("segment").values_list("segment", "n"))


def movement(run: SegmentRun | None, earlier: SegmentRun | None = None) -> dict[str, Any] | None:
    """Who moved between ``earlier`` (the month before) and a run: counts by pair of segments, 0 for without one."""
    earlier = earlier or (segments.earlier_run(run) if run else None)
    if run is None or earlier is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(b.segment, 0), coalesce(a.segment, 0), count(*)"
            " FROM (SELECT * FROM analytics_segmentmember WHERE segment_run_id = %s) b"
            " FULL JOIN (SELECT * FROM analytics_segmentmember WHERE segment_run_id = %s) a USING (customer_id)"
            " GROUP BY 1, 2",
            [earlier.pk, run.pk],
        )
        cells = {(before, after): n for before, after, n in cursor.fetchall()}
    both = sum(n for (before, after), n in cells.items() if before and after)
    stayed = sum(n for (before, after), n in cells.items() if before and before == after)
    return {"earlier": earlier, "cells": cells, "both": both, "stayed": stayed / both if both else None}


def sizes(
    made: Segmentation, run: SegmentRun | None, moved: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """One row per segment that has customers or traits: name, customers, share, what is typical.

    And the change since the month before, when ``moved`` (``movement`` of the run) is given.
    """
    known, now = names(made), members(run)
    before: dict[int, int] = {}
    if moved:
        for (old, _new), n in moved["cells"].items():
            before[old] = before.get(old, 0) + n
    version = run.version if run else made.in_use
    typical = _typical(version)
    total = sum(now.values())
    rows = []
    for key in sorted(set(now) | set(typical)):
        n = now.get(key, 0)
        rows.append(
            {
                "segment": known.get(key),
                "number": key,
                "title": title(key, known, version),
                "n": n,
                "share": n / total if total else None,
                "change": signed(n - before.get(key, 0), 0) if moved else "",
                "typical": typical.get(key, []),
            }
        )
    return rows


def title(key: int, known: dict[int, Segment], version: SegmentationVersion | None) -> str:
    """A segment's name: a person's, else what the method says it is."""
    segment = known.get(key)
    if segment is not None and segment.name:
        return segment.name
    if version is not None and version.method == Method.BASELINE:
        return _baseline_title(key, version)
    if version is not None and version.method == Method.RULES and key > len(version.card["rules"]):
        return _("Everybody else")
    return _("Segment %(number)s") % {"number": key}


def _baseline_title(key: int, version: SegmentationVersion) -> str:
    activity = activities()
    tiers = version.card.get("tiers") or [""]
    word, tier = divmod(key - 1, len(tiers))
    return f"{activity[word]} · {tiers[tier]}" if tiers[tier] else activity[word]


def activities() -> tuple[str, ...]:
    """The order of analytics.modelling.baselines.ACTIVITY, which pages do not import."""
    return _("Active"), _("Slowing down"), _("Quiet"), _("Never active")


def _typical(version: SegmentationVersion | None) -> dict[int, list[str]]:
    """Lasting number → up to three typical traits in words."""
    if version is None or "traits" not in version.card:
        return {}
    told = {}
    for identity, traits in zip(version.card["identity"], version.card["traits"], strict=True):
        told[identity] = [_trait(trait, version) for trait in traits[:3] if abs(trait["z"]) >= TYPICAL]
    return told


def _trait(trait: dict[str, Any], version: SegmentationVersion) -> str:
    label, value, everybody = _worded(trait, version)
    more = _("more") if trait["z"] > 0 else _("less")
    return _("%(field)s %(value)s (all: %(everybody)s), %(more)s than usual") % {
        "field": label,
        "value": value,
        "everybody": everybody,
        "more": more,
    }


def _worded(trait: dict[str, Any], version: SegmentationVersion) -> tuple[str, str, str]:
    field = catalogue.CATALOGUE.get(trait["feature"])
    label = str(field.label) if field else trait["feature"]
    if trait["category"] is not None:
        value = version.card.get("categories", {}).get(trait["feature"], [])[trait["category"]]
        return (
            f"{label}: {field.display(value) if field else value}",
            pct(trait["mean"], 0),
            pct(trait["population"], 0),
        )
    if field is not None and field.type == Type.FLAG:
        return label, pct(trait["mean"], 0), pct(trait["population"], 0)
    if field is not None and field.type == Type.MONEY:
        return label, money(trait["mean"]), money(trait["population"])
    return label, number(trait["mean"], _places(trait)), number(trait["population"], _places(trait))


def _places(trait: dict[str, Any]) -> int:
    return 0 if max(abs(trait["mean"] or 0), abs(trait["population"] or 0)) >= 10 else 1


def heat(version: SegmentationVersion | None, known: dict[int, Segment]) -> dict[str, Any] | None:
    """Trait by segment against everybody: rows of cells with a tone from −3 to 3, strongest differences first."""
    if version is None or "traits" not in version.card:
        return None
    columns = list(zip(version.card["identity"], version.card["traits"], strict=True))
    strongest: dict[str, float] = {}
    for _identity, traits in columns:
        for trait in traits:
            strongest[trait["feature"]] = max(strongest.get(trait["feature"], 0), abs(trait["z"]))
    chosen = sorted(strongest, key=lambda code: -strongest[code])[:TRAITS_ON_MAP]
    rows = []
    for code in chosen:
        cells = []
        for _identity, traits in columns:
            trait = next((known_trait for known_trait in traits if known_trait["feature"] == code), None)
            cells.append(_cell(trait, version))
        everybody = next(
            trait for _identity, traits in columns for trait in traits if trait["feature"] == code
        )
        label, _value, mean = _worded(everybody, version)
        rows.append({"label": label, "everybody": mean, "cells": cells})
    return {"columns": [title(identity, known, version) for identity, _t in columns], "rows": rows}


def _cell(trait: dict[str, Any] | None, version: SegmentationVersion) -> dict[str, Any]:
    if trait is None:
        return {"tone": 0, "text": "—", "said": ""}
    z = trait["z"]
    _label, value, everybody = _worded(trait, version)
    said = _("%(z)s standard deviations; all customers %(everybody)s") % {
        "z": signed(z, 1),
        "everybody": everybody,
    }
    if ratio := _ratio(trait):
        said = f"{said}; {ratio}"
    return {"tone": tone(z), "text": value, "said": said}


def tone(z: float) -> int:
    """−3 to 3: how far from everybody's, in steps of half a standard deviation."""
    strength = 3 if abs(z) >= 1.5 else 2 if abs(z) >= 1 else 1 if abs(z) >= TYPICAL else 0
    return strength if z > 0 else -strength


def _ratio(trait: dict[str, Any]) -> str:
    """How many times everybody's mean a segment's is, in words; "" where a ratio says nothing."""
    mean, everybody = trait["mean"] or 0, trait["population"] or 0
    if mean <= 0 or everybody <= 0:
        return ""
    if mean >= everybody:
        return _("%(times)s times the average") % {"times": number(mean / everybody, 1)}
    return _("%(share)s of the average") % {"share": pct(mean / everybody, 0)}


def evidence(version: SegmentationVersion) -> list[dict[str, Any]]:
    """The numbers of segments tried, and why each was or was not allowed."""
    chosen = version.card.get("k")
    return [
        {**candidate, "chosen": candidate["k"] == chosen} for candidate in version.card.get("candidates", [])
    ]


def notes(version: SegmentationVersion) -> list[dict[str, str]]:
    """What must be said about a version, as the checks of ``kit/_blockers.html``."""
    found = []
    if refusal := version.card.get("refusal"):
        text = _("In its place: activity (recency of transactions) by tier.")
        found.append({"level": "warn", "text": card.told(refusal), "detail": text})
    if matching := version.card.get("matching"):
        level = "warn" if matching["alarm"] else "ok"
        found.append(
            {
                "level": level,
                "text": card.told(matching["sentence"]),
                "detail": _("against the segments in use when these were found"),
            }
        )
    if "agreement_with_baseline" in version.card:
        text = _("Agreement with activity by tier: %(ari)s") % {
            "ari": number(version.card["agreement_with_baseline"], 2)
        }
        found.append(
            {
                "level": "ok",
                "text": text,
                "detail": _("adjusted Rand index; 1 would mean the clusters say nothing new"),
            }
        )
    return found


def watch(made: Segmentation, moved: dict[str, Any] | None = None) -> list[dict[str, str]]:
    """Whether the segments in use still fit the customers, and keep them when ``moved`` (``movement``) is given."""
    return [*_drifted(made), *_retained(moved)]


def _retained(moved: dict[str, Any] | None) -> list[dict[str, str]]:
    if moved is None or moved["stayed"] is None:
        return []
    named = {"share": pct(moved["stayed"], 0), "n": number(moved["both"])}
    text = _("%(share)s of %(n)s customers kept their segment since the month before.") % named
    if moved["stayed"] >= RETAINED_FROM:
        return [{"level": "ok", "text": text, "detail": ""}]
    detail = _("under %(least)s a segment lasts too short for a campaign: look for segments again") % {
        "least": pct(RETAINED_FROM, 0)
    }
    return [{"level": "warn", "text": text, "detail": detail}]


def _drifted(made: Segmentation) -> list[dict[str, str]]:
    run = made.current_run
    if run is None or run.psi is None:
        return []
    field = catalogue.CATALOGUE.get(run.moved_field)
    named = {"field": field.label if field else run.moved_field, "psi": number(run.psi, 2)}
    if run.psi >= segments.REFIT_FROM_PSI:
        text = _("%(field)s moved (PSI %(psi)s): look for segments again.") % named
        return [
            {
                "level": "warn",
                "text": text,
                "detail": _("from 0.25 on the centroids describe other customers"),
            }
        ]
    text = (
        _(
            "The customers still look like those the segments were found in: %(field)s moved most, PSI %(psi)s."
        )
        % named
    )
    return [{"level": "ok", "text": text, "detail": ""}]


def moves(
    made: Segmentation, found: dict[str, Any] | None, run: SegmentRun | None = None
) -> dict[str, Any] | None:
    """The table of movement: rows from, columns to, each a share of its row; ``found`` by ``movement``.

    Of more than ``MOVES_SHOWN`` segments the smallest are one row and column; who stayed is counted before that.
    """
    run = run or made.current_run
    if found is None or run is None:
        return None
    known = names(made)
    cells, shown, grouped = _grouped(found["cells"])
    version = run.version
    named = {key: title(key, known, version) for key in shown}
    if grouped:
        named[OTHERS] = _("%(n)s smaller segments") % {"n": number(grouped)}
    keys = list(named)
    rows = []
    for before in [*keys, 0]:
        total = sum(n for (old, _new), n in cells.items() if old == before)
        if total:
            rows.append(
                {
                    "label": named[before] if before else _("New customers"),
                    "total": total,
                    "cells": [
                        {
                            "n": cells.get((before, after), 0),
                            "share": cells.get((before, after), 0) / total,
                            "stays": before == after and before != OTHERS,
                        }
                        for after in [*keys, 0]
                    ],
                }
            )
    return {
        "columns": [*named.values(), _("Left")],
        "rows": rows,
        "stayed": found["stayed"],
        "both": found["both"],
        "earlier": found["earlier"],
    }


def _grouped(cells: dict[tuple[int, int], int]) -> tuple[dict[tuple[int, int], int], list[int], int]:
    """Cells with the smallest segments together as ``OTHERS``, the segments that keep a row, how many do not."""
    sizes_of: dict[int, int] = {}
    for pair, n in cells.items():
        for key in pair:
            if key:
                sizes_of[key] = sizes_of.get(key, 0) + n
    if len(sizes_of) <= MOVES_SHOWN:
        return cells, sorted(sizes_of), 0
    largest = sorted(sizes_of, key=lambda key: (-sizes_of[key], key))[: MOVES_SHOWN - 1]
    kept = {0, *largest}
    together: dict[tuple[int, int], int] = {}
    for (before, after), n in cells.items():
        pair = (before if before in kept else OTHERS, after if after in kept else OTHERS)
        together[pair] = together.get(pair, 0) + n
    return together, sorted(largest), len(sizes_of) - len(largest)
