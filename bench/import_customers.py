"""Import of customers with validation and merge, beside COPY of the same file: bare, typed, and under all rules.

The goal, 0.4 of the rows that COPY writes in a second, is measured against COPY of the good rows into a table with the
customers' own indexes, checks and foreign keys: what the import writes, neither read, judged nor resumable. The other
two are kept beside it: COPY into text columns, and into columns typed as the customers', without any index; see
docs/decisions/0005-import-beside-copy.md. The last line is the peak memory of this process against the 300 MB it may
take. The bank holds staff and branches only; everything is emptied before each try.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test.utils import override_settings

from bankcrm.models import Branch, Role, User
from bench import import_file
from bench.measure import Line, line
from customers import imports
from customers.models import ImportFile

SHARE = 0.4
MEMORY_MB = 300
PIECE = 1 << 20


@dataclass(frozen=True)
class ImportBank:
    """A bank without customers; ``ana`` brings the file."""

    n: int
    ana: User


def fill(n: int) -> ImportBank:
    """Branches and staff that the file names."""
    if not User.objects.exists():
        head = Branch.objects.create(code="HO", name="Head office", kind=Branch.Kind.HEAD_OFFICE)
        places = [
            Branch.objects.create(code=f"B{at}", name=f"Branch {at}", kind=Branch.Kind.BRANCH, parent=head)
            for at in range(import_file.BRANCHES)
        ]
        staff = [("ana", Role.ANALYST, head)]
        staff += [(f"rm{at + 1}", Role.RM, places[at % len(places)]) for at in range(import_file.MANAGERS)]
        User.objects.bulk_create(
            User(username=name, employee_number=name, full_name=name, role=role, branch=branch)
            for name, role, branch in staff
        )
    return ImportBank(n, User.objects.get(username="ana"))


def measure(bank: ImportBank) -> list[Line]:
    """See the module."""
    with tempfile.TemporaryDirectory(dir=settings.MEDIA_ROOT.parent) as folder:
        path = Path(folder) / "customers.csv"
        bad = import_file.write(path, bank.n)
        print(f"  {bank.n:,} rows, {path.stat().st_size / 1e6:,.0f} MB, {bad:,} bad", flush=True)
        with override_settings(MEDIA_ROOT=Path(folder)):
            seconds, peak = _imported(bank, path, bad)
        ruled = _copy_under_rules(Path(folder) / "typed.csv")
        _empty()
        bare = _copy_bare(path)
        typed = _copy_typed(path)
    name = "import of customers × 30 columns"
    return [
        line(f"{name}, beside COPY under its rules", bank.n, seconds, ruled, 1 / SHARE),
        line(f"{name}, beside COPY as text (no goal)", bank.n, seconds, bare, float("inf")),
        line(f"{name}, beside COPY as typed (no goal)", bank.n, seconds, typed, float("inf")),
        line(f"{name}, peak MB of the process", bank.n, peak, MEMORY_MB, 1.0),
    ]


def _imported(bank: ImportBank, path: Path, bad: int) -> tuple[float, int]:
    """Seconds of receive, check and merge together, and the peak memory after them."""
    _empty()
    moments = [time.perf_counter()]
    file = imports.receive(path, "customers", bank.ana, "bench.csv")
    moments.append(time.perf_counter())
    imports.check(file)
    moments.append(time.perf_counter())
    imports.merge(ImportFile.objects.get(pk=file.pk))
    moments.append(time.perf_counter())
    file.refresh_from_db()
    if (file.inserted, file.rejected) != (bank.n - bad, bad):
        raise SystemExit(f"wrong counts: {file.inserted} in, {file.rejected} out of {bank.n}, {bad} bad")
    steps = [after - before for before, after in itertools.pairwise(moments)]
    print("  receive {:.2f} s, check {:.2f} s, merge {:.2f} s".format(*steps), flush=True)
    return moments[-1] - moments[0], line("", 1, 1, 1, 1).peak_mb


def _copy_bare(path: Path) -> float:
    """Seconds of COPY of the file into a table of text columns without anything else."""
    return _copy_into(dict.fromkeys(import_file.COLUMNS.split(","), "text"), path, "")


def _copy_typed(path: Path) -> float:
    """Seconds of COPY of the file into columns of the customers' types, without a rule; bad rows are skipped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'customers_customer'::regclass AND attnum > 0 AND NOT attisdropped"
        )
        types = dict(cursor.fetchall())
    columns = {name: types.get(name, "text") for name in import_file.COLUMNS.split(",")}
    return _copy_into(columns, path, ", ON_ERROR ignore")


def _copy_into(columns: dict[str, str], path: Path, option: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_bare")
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        cursor.execute(f"CREATE TABLE bench_bare ({declared})")
    seconds = _copied(f"COPY bench_bare FROM STDIN (FORMAT csv, HEADER{option})", path)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_bare")
    return seconds


def _copy_under_rules(path: Path) -> float:
    """Seconds of COPY of the good rows into a table with every index, check and foreign key of the customers."""
    with connection.cursor() as cursor:
        statement = "COPY customers_customer TO STDOUT (FORMAT csv)"
        with path.open("wb") as out, connection.connection.cursor() as raw, raw.copy(statement) as copy:
            for piece in copy:
                out.write(piece)
        cursor.execute("DROP TABLE IF EXISTS bench_ruled")
        cursor.execute("CREATE TABLE bench_ruled (LIKE customers_customer INCLUDING ALL)")
        for column, table in (
            ("home_branch_id", "bankcrm_branch"),
            ("primary_rm_id", "bankcrm_user"),
            ("backup_rm_id", "bankcrm_user"),
        ):
            cursor.execute(
                f"ALTER TABLE bench_ruled ADD FOREIGN KEY ({column}) REFERENCES {table} (id)"
                " DEFERRABLE INITIALLY DEFERRED"
            )
    seconds = _copied("COPY bench_ruled FROM STDIN (FORMAT csv)", path)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_ruled")
    return seconds


def _copied(statement: str, path: Path) -> float:
    started = time.perf_counter()
    with path.open("rb") as source, connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        while piece := source.read(PIECE):
            copy.write(piece)
    return time.perf_counter() - started


def _empty() -> None:
    """No customers and no imports, as before the first file."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE customers_customer, customers_importfile CASCADE")
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname ~ '^import_(raw|checked|before)_' AND relkind = 'r'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE IF EXISTS "{name}" CASCADE')
