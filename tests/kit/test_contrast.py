"""Ink keeps its contrast on every tint the kit lays under it (WCAG 2.2: 4.5 for text, 3 for edges and marks)."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "bankcrm" / "static" / "bankcrm" / "tokens.css"
TOKENS = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})\b", CSS.read_text()))


def luminance(colour):
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(d * 2 for d in digits)
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(TOKENS[one]), luminance(TOKENS[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ink", ["ink", "ink2", "ink3"])
@pytest.mark.parametrize("ground", ["card", "bg", "soft", "act-l"])
def test_ink_reads_on_every_ground(ink, ground):
    assert contrast(ink, ground) >= 4.5


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("act", "act-l"),
        ("ok", "ok-l"),
        ("warn", "warn-l"),
        ("bad", "bad-l"),
        ("ink2", "ctl-l"),
        ("card", "act"),
        ("card", "bad"),
    ],
)
def test_a_pill_reads_on_its_own_tint(ink, ground):
    assert contrast(ink, ground) >= 4.5


@pytest.mark.parametrize("mark", ["edge", "act", "ctl", "warn-m", "bad", "ok"])
def test_edges_and_marks_stand_out_from_the_card(mark):
    assert contrast(mark, "card") >= 3
