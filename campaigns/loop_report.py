"""What the loop found, as a table on the screen and as JSON in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from campaigns.loop import Loop


def reconciles(loop: Loop) -> bool:
    """Whether every customer of every round is accounted for, once."""
    return bool(loop.rounds) and all(each["reconciliation"]["adds_up"] for each in loop.rounds)


def write(loop: Loop, path: Path, options: dict[str, Any]) -> None:
    """Write stages, rounds and options as JSON."""
    kept = {name: options[name] for name in ("size", "months", "seed", "rounds")}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"options": kept, "stages": loop.stages, "rounds": loop.rounds, "reconciles": reconciles(loop)}
    path.write_text(json.dumps(content, indent=1, default=str) + "\n")


def table(loop: Loop) -> str:
    """Stages with their seconds, then a line per round with effect, truth and reconciliation."""
    lines = ["", f"{'stage':<32} {'seconds':>8}  counts"]
    for stage in loop.stages:
        counts = ", ".join(f"{key} {value:,}" for key, value in stage.items() if type(value) is int)
        lines.append(f"{stage['stage']:<32} {stage['seconds']:>8.1f}  {counts}")
    lines.append(f"{'in all':<32} {sum(stage['seconds'] for stage in loop.stages):>8.1f}")
    lines += [
        "",
        f"{'round':<6} {'AUC':>16} {'control':>8} {'effect, points':>24} {'planted':>8}  reconciles",
    ]
    lines += [_round_line(each) for each in loop.rounds]
    lines += ["", *(_labels_line(stage) for stage in loop.stages if "labels" in stage)]
    lines += ["", *(each["sentence"] for each in loop.rounds)]
    return "\n".join(lines)


def _labels_line(stage: dict[str, Any]) -> str:
    """What a round's model could learn from: earlier rounds' assignments arrive here without anybody moving a file."""
    assigned, held = stage["labels"]["assignments"], stage["labels"]["holdings"]
    return (
        f"{stage['stage']}: {assigned['n']:,} customers treated by campaigns on {assigned['dates']} days, "
        f"{assigned['positives']:,} of them responded; {held['positives']:,} purchases at {held['dates']} month-ends"
    )


def _round_line(each: dict[str, Any]) -> str:
    auc = each["auc"]
    shown = f"{auc['value']:.3f} ({auc['low']:.3f}–{auc['high']:.3f})" if auc.get("value") else "—"
    effect = "not evaluated"
    if each["effect"] is not None:
        effect = f"{each['effect'] * 100:+.2f} ({each['low'] * 100:+.2f} to {each['high'] * 100:+.2f})"
    planted = f"{each['true_effect'] * 100:+.2f}"
    told = "yes" if each["reconciliation"]["adds_up"] else "NO"
    return f"{each['round']:<6} {shown:>16} {each['control']:>8,} {effect:>24} {planted:>8}  {told}"
