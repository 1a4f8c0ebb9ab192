"""The branch tree from a file: any depth, rows in any order, all of it or nothing.

A CSV with the columns code, name, kind and parent (the code of the branch above), in UTF-8 or GB18030. Branches the
file does not name stay as they are; what it says is compared with them, so that the tree as a whole stays a tree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from bankcrm import branches, table_file
from bankcrm.models import AuditEvent, Branch, User
from bankcrm.table_file import MOST_ERRORS, WrongFile

COLUMNS = {
    "code": ("code", "branch code", "机构号", "机构编号", "编号", "代码"),
    "name": ("name", "branch name", "名称", "机构名称"),
    "kind": ("kind", "type", "level", "类型", "级别", "机构类型"),
    "parent": ("parent", "parent code", "belongs to", "上级", "上级机构", "上级机构号"),
}
KINDS = {
    **{kind.value: kind for kind in Branch.Kind},
    **{kind.value.replace("_", " "): kind for kind in Branch.Kind},
    "总行": Branch.Kind.HEAD_OFFICE,
    "分行": Branch.Kind.REGION,
    "大区": Branch.Kind.REGION,
    "支行": Branch.Kind.BRANCH,
    "网点": Branch.Kind.OUTLET,
}


@dataclass(frozen=True)
class Row:
    """One line of the file as it was read."""

    line: int
    code: str
    name: str
    kind: str
    parent: str


@dataclass(frozen=True)
class Brought:
    """What a file did to the tree."""

    new: int
    changed: int
    moved: int
    same: int


def read(content: bytes) -> list[Row]:
    """The rows of a file. Raises WrongFile for what is no such table."""
    return [
        Row(found.line, **found.cells) for found in table_file.lines(table_file.csv_rows(content), COLUMNS)
    ]


def bring(rows: list[Row], actor: User) -> Brought:
    """Write the rows into the tree in one transaction. Raises WrongFile, and writes nothing, when one is wrong."""
    with transaction.atomic():
        branches.lock_tree()
        known = {branch.code: branch for branch in Branch.objects.select_related("parent")}
        problems = list(_problems(rows, known))
        if problems:
            raise WrongFile(problems[:MOST_ERRORS])
        return _write(rows, known, actor)


def _problems(rows: list[Row], known: Mapping[str, Branch]) -> Iterable[str]:
    """What is wrong with single rows; where none is, what is wrong with the tree they would make."""
    told = [
        _("Line %(line)s: %(what)s") % {"line": row.line, "what": what} for row, what in _wrong(rows, known)
    ]
    if told:
        return told
    parents = {code: branch.parent.code if branch.parent else "" for code, branch in known.items()}
    ranks = {code: branches.rank(branch.kind) for code, branch in known.items()}
    for row in rows:
        parents[row.code], ranks[row.code] = row.parent, branches.rank(KINDS[row.kind.lower()])
    lines = {row.code: row.line for row in rows}
    for code in _in_circles(parents):
        if code in lines:
            told.append(
                _("Line %(line)s: %(code)s would lie below itself.") % {"line": lines[code], "code": code}
            )
    for code, parent in parents.items():
        if parent and ranks[parent] > ranks[code] and (code in lines or parent in lines):
            told.append(
                _("Line %(line)s: %(code)s cannot belong to %(parent)s, which is of a lower kind.")
                % {"line": lines.get(code) or lines[parent], "code": code, "parent": parent}
            )
    return told


def _wrong(rows: list[Row], known: Mapping[str, Branch]) -> Iterable[tuple[Row, str]]:
    times = Counter(row.code for row in rows)
    for row in rows:
        kind = KINDS.get(row.kind.lower())
        if not row.code or len(row.code) > 20:
            yield row, _("a code of 1 to 20 characters is needed.")
        elif times[row.code] > 1:
            yield row, _("the code %(code)s stands in the file more than once.") % {"code": row.code}
        elif not row.name or len(row.name) > 100:
            yield row, _("a name of 1 to 100 characters is needed.")
        elif kind is None:
            yield row, _("“%(kind)s” is no kind of branch.") % {"kind": row.kind[:40]}
        elif (kind == Branch.Kind.HEAD_OFFICE) == bool(row.parent):
            yield row, _("the head office belongs to nothing, and everything else to something.")
        elif row.parent and row.parent not in times and row.parent not in known:
            yield row, _("no branch has the code %(code)s.") % {"code": row.parent[:20]}
        elif row.parent in known and known[row.parent].closed_on:
            yield row, _("%(code)s is closed.") % {"code": row.parent}


def _in_circles(parents: Mapping[str, str]) -> set[str]:
    """Codes from which the way up never ends."""
    ends: set[str] = set()
    circles: set[str] = set()
    for code in parents:
        way: list[str] = []
        walked: set[str] = set()
        step = code
        while step and step not in ends and step not in walked and step not in circles:
            way.append(step)
            walked.add(step)
            step = parents[step]
        (circles if step in walked or step in circles else ends).update(way)
    return circles


def _write(rows: list[Row], known: Mapping[str, Branch], actor: User) -> Brought:
    fresh = [row.code for row in rows if row.code not in known]
    ids = {code: branch.pk for code, branch in known.items()} | dict(
        zip(fresh, _new_ids(len(fresh)), strict=True)
    )
    events, moved, writes = [], 0, []
    for row in rows:
        before, kind = known.get(row.code), KINDS[row.kind.lower()]
        after = {"name": row.name, "kind": kind.value, "parent_id": ids.get(row.parent)}
        values = {
            name: [getattr(before, name), new]
            for name, new in after.items()
            if before and getattr(before, name) != new
        }
        if before and not values:
            continue
        moved += "parent_id" in values
        writes.append((ids[row.code], row.code, row.name, kind.value, ids.get(row.parent)))
        events.append(_event(actor, ids[row.code], before, values))
    with connection.cursor() as cursor:
        # Parents may come after their children: the key to the parent is checked when the transaction ends.
        cursor.execute(
            """
            INSERT INTO bankcrm_branch (id, code, name, kind, parent_id)
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[])
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind,
                parent_id = excluded.parent_id, version = bankcrm_branch.version + 1
            """,
            [list(column) for column in zip(*writes, strict=True)] if writes else [[], [], [], [], []],
        )
    AuditEvent.objects.bulk_create(events, batch_size=1000)
    if fresh or moved:
        branches.rebuild_links()
    changed = len(writes) - len(fresh)
    return Brought(len(fresh), changed, moved, len(rows) - len(writes))


def _new_ids(n: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('bankcrm_branch', 'id')) FROM generate_series(1, %s)", [n]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _event(actor: User, pk: int, before: Branch | None, values: dict[str, list[object]]) -> AuditEvent:
    return AuditEvent(
        actor=actor,
        action="branch.changed" if before else "branch.created",
        object_type="bankcrm.branch",
        object_id=str(pk),
        reason=_("from a file"),
        details={"changed": list(values), "values": values},
    )
