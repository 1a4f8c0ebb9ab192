"""The history tab: everything that happened, by kind, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bankcrm import parsing
from customers import timeline
from customers.tabs import entries
from customers.tabs.seen import Seen
from customers.timeline import Group


def history(seen: Seen, asked: Mapping[str, str]) -> dict[str, Any]:
    """``about`` chooses a group, ``until`` a last day, ``after`` the entry the page follows; nonsense is no filter."""
    about = asked.get("about", "")
    groups = [Group(about)] if about in Group.values else None
    until = parsing.day(asked.get("until", "")) or seen.today
    after = timeline.place_of(asked.get("after", ""))
    found = timeline.timeline(seen.user, seen.customer, until, timeline.MOST + 1, groups=groups, after=after)
    kept = found[: timeline.MOST]
    chosen = {"about": about} if groups else {}
    if until != seen.today:
        chosen["until"] = until.isoformat()
    return {
        "entries": [entries.row(entry, seen) for entry in kept],
        "older": urlencode(chosen | {"after": kept[-1].place}) if len(found) > len(kept) else "",
        "newest": urlencode(chosen) if after else None,
        "until": until,
        "choices": [
            {"label": group.label, "query": urlencode({"about": group.value}), "chosen": group.value == about}
            for group in Group
        ],
        "filtered": groups is not None,
    }
