"""A file of customers as a core system writes it: 30 columns, one row in a hundred wrong, streamed to the disk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

CHUNK = 5_000
BRANCHES, MANAGERS = 20, 200
BAD = 0.01
COLUMNS = (
    "number,kind,name,gender,birth_date,identity_number,phone,email,education,monthly_income,marital_status,children,"
    "industry,occupation,region,city,credit_limit,household,is_employee,opened_on,closed_on,branch,primary_rm,"
    "backup_rm,acquisition_channel,acquisition_partner,acquisition_scene,acquisition_cost,run_id,checksum"
)
SURNAMES = np.array(
    ["Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang", "Zhou", "Wu", "王", "李", "张"]
)
GIVEN = np.array(
    ["Fang", "Wei", "Na", "Min", "Jing", "Li", "Qiang", "Lei", "Jun", "Yang", "秀英", "伟", "敏"]
)
WORDS = {
    "education": np.array(["bachelor", "master", "secondary", "vocational", "本科", ""]),
    "marital": np.array(["single", "married", "divorced", "已婚"]),
    "industry": np.array(["Manufacturing", "Retail", "Health", "Education", "IT services", "Agriculture"]),
    "occupation": np.array(["Engineer", "Teacher", "Clerk", "Manager", "Doctor", "Farmer", "Driver"]),
    "city": np.array(["Shanghai", "Hangzhou", "Nanjing", "Suzhou", "Ningbo", "Hefei"]),
    "channel": np.array(["branch", "mobile", "partner", "referral"]),
}
DAYS = np.array([str(dt.date(1940, 1, 1) + dt.timedelta(days=day)) for day in range(25_000)])
OPENED = np.array([str(dt.date(2005, 1, 1) + dt.timedelta(days=day)) for day in range(7_000)])


def write(path: Path, rows: int, seed: int = 1) -> int:
    """Write the file; returns how many of its rows are bad. At most ``CHUNK`` rows are in memory."""
    draw = np.random.default_rng(seed)
    bad = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(COLUMNS + "\n")
        for first in range(0, rows, CHUNK):
            text, wrong = _chunk(draw, first, min(CHUNK, rows - first))
            out.write(text)
            bad += wrong
    return bad


def _chunk(draw: np.random.Generator, first: int, size: int) -> tuple[str, int]:
    def of(words: np.ndarray) -> list[str]:
        return words[draw.integers(0, len(words), size)].tolist()

    def whole(low: int, high: int) -> list[int]:
        return draw.integers(low, high, size).tolist()

    wrong = (draw.random(size) < BAD).tolist()
    which = whole(0, 4)
    columns = zip(
        range(first, first + size), of(SURNAMES), of(GIVEN), whole(0, 2), of(DAYS), whole(0, 10**9),
        of(WORDS["education"]), whole(200_000, 9_000_000), of(WORDS["marital"]), whole(0, 4), of(WORDS["industry"]),
        of(WORDS["occupation"]), of(WORDS["city"]), whole(0, 50_000_000), of(OPENED), whole(0, BRANCHES),
        whole(0, MANAGERS), of(WORDS["channel"]), whole(0, 90_000), wrong, which, strict=True,
    )  # fmt: skip
    lines = [_line(*row) for row in columns]
    return "".join(lines), sum(wrong)


def _line(
    at: int, surname: str, given: str, sex: int, born: str, phone: int, education: str, income: int, marital: str,
    children: int, industry: str, occupation: str, city: str, limit: int, opened: str, branch: int, manager: int,
    channel: str, cost: int, wrong: bool, which: int,
) -> str:  # fmt: skip
    amount = f"{income / 100:.2f}"
    kids: int | str = children
    place = f"B{branch}"
    if wrong:
        born = "1990-02-30" if which == 0 else born
        amount = "12.3x" if which == 1 else amount
        kids = "many" if which == 2 else kids
        place = "NOWHERE" if which == 3 else place
    return (
        f"C{at:09d},person,{surname} {given},{'FM'[sex]},{born},,13{phone:09d},c{at}@example.com,{education},{amount},"
        f"{marital},{kids},{industry},{occupation},East,{city},{limit / 100:.2f},H{at // 2:08d},0,{opened},,{place},"
        f"rm{manager + 1},,{channel},Partner {cost % 9},Scene {cost % 7},{cost / 100:.2f},{at % 97},"
        f"{at * 7919 % 65536:04x}\n"
    )
