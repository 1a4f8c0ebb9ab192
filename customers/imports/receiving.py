"""Taking a file in: it is kept under its sha256, and the same file is taken once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from bankcrm import audit
from bankcrm.models import User
from bankcrm.runs import Refused
from customers.imports import mapping, raw_bytes, sniffing
from customers.imports.kinds import KINDS
from customers.models import ImportFile

Source = Path | str | File | IO[bytes]


def receive(
    source: Source,
    kind: str,
    user: User | None,
    name: str = "",
    *,
    mapped: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> ImportFile:
    """Keep the file and say what it is; nothing is read into the bank's tables yet.

    ``source``: a path or an open binary file. ``mapped`` (file column → target) goes over the proposal; ``options`` may
    hold encoding, delimiter, date_format, century, constants, values, campaign. A file that is here already, of the
    same kind and sha256, is returned as it is. Raises Refused for what is no file, PermissionDenied for the wrong role.
    """
    declared = KINDS[kind]
    if user is not None and not user.may_act_as(declared.roles):
        raise PermissionDenied(_("Your role does not include this kind of file."))
    options = dict(options or {})
    stored, sha256, size = _store(source)
    try:
        known = ImportFile.objects.present().filter(kind=kind, sha256=sha256).first()
        if known:
            return known
        sniffed = sniffing.sniff(stored, options)
        if stored != path_of_sha(sha256):
            stored.replace(path_of_sha(sha256))
    finally:
        if stored != path_of_sha(sha256):
            stored.unlink(missing_ok=True)
    proposal = mapping.propose(declared, sniffed.columns, sniffed.preview)
    if before := mapping.remembered(kind, sniffed.columns):
        proposal, options = before[0], before[1] | options
    options |= sniffed.options()
    return _write(
        ImportFile(
            kind=kind,
            sha256=sha256,
            name=(name or _name(source))[:200],
            size=size,
            encoding=sniffed.encoding,
            delimiter=sniffed.delimiter,
            columns=sniffed.columns,
            mapping=_unique(proposal | dict(mapped or {}), mapped or {}, proposal),
            options=options,
            uploaded_by=user,
        ),
        user,
    )


def _unique(wanted: dict[str, str], given: Mapping[str, str], proposal: Mapping[str, str]) -> dict[str, str]:
    """What was given by hand takes a target away from the column proposed for it."""
    taken = set(given.values()) - {mapping.FACTS, mapping.LEFT_OUT}
    rest = mapping.FACTS if mapping.FACTS in proposal.values() else mapping.LEFT_OUT
    return {
        column: rest if column not in given and target in taken else target
        for column, target in wanted.items()
    }


@transaction.atomic
def _write(file: ImportFile, user: User | None) -> ImportFile:
    # Two uploads of one file at the same moment: the constraint lets one in, and both get that one.
    found, is_new = ImportFile.objects.present().get_or_create(
        kind=file.kind,
        sha256=file.sha256,
        defaults={
            field.attname: getattr(file, field.attname)
            for field in ImportFile._meta.concrete_fields
            if field.attname not in ("id", "kind", "sha256", "uploaded_at")
        },
    )
    if is_new:
        audit.record(user, "import.received", found, to_state=found.state, kind=found.kind, size=found.size)
    return found


def path_of(file: ImportFile) -> Path:
    """Where the file as it came is kept."""
    return path_of_sha(file.sha256)


def path_of_sha(sha256: str) -> Path:
    return _folder() / sha256


def _folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "imports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _name(source: Source) -> str:
    return Path(str(source if isinstance(source, (str, Path)) else getattr(source, "name", "") or "")).name


def _store(source: Source) -> tuple[Path, str, int]:
    """Copy into the folder of imports; returns (path, sha256, bytes). A file kept already is not kept twice."""
    digest, size = hashlib.sha256(), 0
    handle, text = tempfile.mkstemp(dir=_folder(), prefix=".coming-")
    path = Path(text)
    try:
        with os.fdopen(handle, "wb") as target:
            for piece in _pieces(source):
                digest.update(piece)
                size += len(piece)
                target.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, digest.hexdigest(), size


def _pieces(source: Source) -> Iterable[bytes]:
    if isinstance(source, (str, Path)):
        try:
            with Path(source).open("rb") as opened:
                while piece := opened.read(raw_bytes.CHUNK):
                    yield piece
        except OSError as error:
            raise Refused(_("The file is missing or cannot be read.")) from error
    elif isinstance(source, File):
        yield from source.chunks()
    else:
        while piece := source.read(raw_bytes.CHUNK):
            yield piece
