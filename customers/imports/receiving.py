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
from customers.imports import mapping, own_fields, proposing, raw_bytes, sampling, sniffing, staging
from customers.imports.kinds import KINDS, own
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
    from_source: str = "",
) -> ImportFile:
    """Keep the file and say what it is; nothing is read into the bank's tables yet.

    ``source``: a path or an open binary file. ``mapped`` (file column → meaning) goes over the proposal; ``options``
    may hold encoding, delimiter, header, sheet, date_format, formats, century, constants, values, campaign.
    ``from_source`` names the source whose memory reads it. A file that is here already, of the same kind and sha256,
    is returned as it is. Raises Refused for what is no file, PermissionDenied for the wrong role.
    """
    declared = KINDS[kind]
    if user is not None and not user.may_act_as(declared.roles):
        raise PermissionDenied(_("Your role does not include this kind of file."))
    options = dict(options or {})
    stored, sha256, size = _store(source)
    try:
        known = ImportFile.objects.present().filter(kind=kind, sha256=sha256).first()
        if known:
            return _taken_up(known, user)
        sniffed = sniffing.sniff(stored, _of_source(kind, from_source) | options)
        proposal, found = _proposal(stored, kind, sniffed, from_source)
        if stored != path_of_sha(sha256):
            stored.replace(path_of_sha(sha256))
        sniffing.keep_sample(path_of_sha(sha256), sniffed)
    finally:
        if stored != path_of_sha(sha256):
            stored.unlink(missing_ok=True)
    given = dict(mapped or {})
    means = own_fields.without_retired(_unique(proposal.mapping | given, given, proposal.mapping))
    read_as = proposal.options | options | sniffed.options()
    if told := own_fields.definitions(means, read_as.get("own", {})):
        read_as["own"] = told
    return _write(
        ImportFile(
            kind=kind,
            sha256=sha256,
            name=(name or _name(source))[:200],
            size=size,
            source=found or from_source.strip()[:40],
            encoding=sniffed.encoding,
            delimiter=sniffed.delimiter,
            columns=sniffed.columns,
            mapping=means,
            options=read_as,
            uploaded_by=user,
        ),
        user,
    )


def _taken_up(file: ImportFile, user: User | None) -> ImportFile:
    """Who brings a file that waits and that the command line brought in nobody's name answers for it from now on."""
    waiting = ImportFile.objects.filter(pk=file.pk, uploaded_by=None, inserted__isnull=True)
    if user is not None and waiting.exclude(state=ImportFile.State.MERGED).update(uploaded_by=user):
        file.refresh_from_db()
    return file


def again(file: ImportFile, user: User | None) -> ImportFile:
    """A new import of the same bytes, read and understood as the one that was undone; the way back stays on record.

    Where the file came again meanwhile, that import is the answer. Raises Refused for one that was not undone.
    """
    if file.state != ImportFile.State.UNDONE:
        raise Refused(_("Only an import that was undone is taken up again."))
    kept = {*mapping.HOW_READ, "campaign"}
    return _write(
        ImportFile(
            kind=file.kind,
            sha256=file.sha256,
            name=file.name,
            size=file.size,
            source=file.source,
            load=file.load,
            effective_on=file.effective_on,
            encoding=file.encoding,
            delimiter=file.delimiter,
            columns=file.columns,
            mapping=own_fields.without_retired(file.mapping),
            options={
                key: value
                for key, value in file.options.items()
                if key in kept or key not in proposing.OF_ONE_FILE
            },
            uploaded_by=user,
        ),
        user,
    )


def _of_source(kind: str, name: str) -> dict[str, Any]:
    """How the files of the source are encoded, which is believed where it holds."""
    known = proposing.source_of(kind, name, []) if name else None
    if known is None:
        return {}
    named = {"encoding": "encoding", "delimiter": "likely_delimiter"}
    return {named[key]: known.options[key] for key in named if known.options.get(key)}


def _proposal(
    path: Path, kind: str, sniffed: sniffing.Sniffed, from_source: str
) -> tuple[proposing.Proposal, str]:
    """What the columns mean: as the source remembers, as a file with the same columns did, or by names and values."""
    rows = sniffed.sample or sniffing.sample(
        path, sniffed.encoding, sniffed.delimiter, sniffed.options(), len(sniffed.columns)
    )
    columns = sampling.columns(sniffed.columns, rows)
    kept = own_fields.proposable(kind)
    fresh = proposing.propose(own.extended(KINDS[kind], kept, {}), columns, sniffed.twins)
    if source := proposing.source_of(kind, from_source, sniffed.columns):
        return proposing.of_source(source, sniffed.columns, fresh), source.name
    if before := proposing.remembered(kind, sniffed.columns):
        return proposing.Proposal(*before), ""
    return proposing.Proposal(fresh), ""


def reread(file: ImportFile, options: Mapping[str, Any]) -> ImportFile:
    """Read the file another way: encoding, delimiter, header (a line; 0: none), sheet; its columns are proposed anew.

    Raises Refused, and leaves the file as it was, when it cannot be read so or when rows of it are in.
    """
    wanted = {
        key: value for key, value in options.items() if key in mapping.HOW_READ and value not in ("", None)
    }
    sniffed = sniffing.sniff(path_of(file), wanted)
    sniffing.keep_sample(path_of(file), sniffed)
    proposal, _source = _proposal(path_of(file), file.kind, sniffed, file.source)
    same = sniffed.columns == file.columns
    told = own_fields.definitions(proposal.mapping, proposal.options.get("own", {}))
    campaign = {key: file.options[key] for key in ("campaign",) if key in file.options}
    changed = ImportFile.objects.filter(pk=file.pk, inserted__isnull=True).exclude(
        state__in=[ImportFile.State.MERGED, ImportFile.State.UNDONE]
    )
    if not changed.update(
        encoding=sniffed.encoding,
        delimiter=sniffed.delimiter,
        columns=sniffed.columns,
        mapping=file.mapping if same else proposal.mapping,
        options=(file.options if same else proposal.options | campaign | {"own": told}) | sniffed.options(),
        state=ImportFile.State.UPLOADED,
        error="",
    ):
        raise Refused(_("The file is merged; how it is read can no longer change."))
    staging.drop(file)
    file.refresh_from_db()
    return file


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
