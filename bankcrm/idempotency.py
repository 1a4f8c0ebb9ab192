"""The Idempotency-Key of unsafe requests: the work and the key are one transaction; a repetition gets its answer.

Of any number of equal requests at the same moment one does the work; the unique key makes the others wait for its end
and take its answer. A request that was refused changed nothing and leaves no key: it may be sent again.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from bankcrm.models import IdempotencyKey
from bankcrm.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
# Longer than a weekend without a connection.
KEPT_DAYS = 7
Method = Callable[..., Response]


def once(method: Method) -> Method:
    """Decorator for ``post``, ``patch``, ``delete`` of an API view: honours the header when it is there."""

    @functools.wraps(method)
    def answered(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = header(request)
        if not key:
            return method(view, request, *args, **kwargs)
        return _answer(request, key, lambda: method(view, request, *args, **kwargs))

    answered.honours_key = True  # type: ignore[attr-defined]  # read by the schema and by its test
    return answered


def header(request: Request) -> str:
    """The key of the request, or "". Raises Problem for one that is too long or not printable ASCII."""
    key = str(request.headers.get(HEADER, "")).strip()
    if len(key) > 200 or not key.isascii() or (key and not key.isprintable()):
        raise Problem(400, "invalid", _("An idempotency key has at most 200 printable ASCII characters."))
    return key


def request_hash(request: Request) -> str:
    """sha256 over method, address and body, however the body's JSON is written; of a file its content counts."""
    data = request.data
    if isinstance(data, QueryDict):
        data = {name: [_told(value) for value in values] for name, values in data.lists()}
    body = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def _told(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for piece in value.chunks():
        digest.update(piece)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def key_reused() -> Problem:
    """The answer to a key that stands for another request."""
    return Problem(409, "key_reused", _("This idempotency key was used for another request. Make a new one."))


def _answer(request: Request, key: str, work: Callable[[], Response]) -> Response:
    digest = request_hash(request)
    with transaction.atomic():
        made = _claim(request, key, digest)
        if made is None:
            return _replay(IdempotencyKey.objects.get(user=request.user, key=key), digest)
        response = work()
        made.status = response.status_code
        made.location = response.headers.get("Location", "")
        made.body = json.loads(JSONRenderer().render(response.data) or b"null")
        made.save(update_fields=["status", "location", "body"])
    _forget_old(request)
    return response


def _claim(request: Request, key: str, digest: str) -> IdempotencyKey | None:
    """The key as ours, or None when it was used before. Waits while another request works under it."""
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(user=request.user, key=key, request_hash=digest)
    except IntegrityError as error:
        if "a_key_once_per_user" not in str(error):
            raise
        return None


def _replay(known: IdempotencyKey, digest: str) -> Response:
    if known.request_hash != digest:
        raise key_reused()
    headers = {REPLAYED: "true"} | ({"Location": known.location} if known.location else {})
    return Response(known.body, status=known.status, headers=headers)


def _forget_old(request: Request) -> None:
    """Each user's own requests sweep what that user left: no clockwork, and never a lock to wait for."""
    with transaction.atomic():
        old = IdempotencyKey.objects.filter(
            user=request.user, created_at__lt=Now() - dt.timedelta(days=KEPT_DAYS)
        )
        IdempotencyKey.objects.filter(
            pk__in=old.select_for_update(skip_locked=True).values("pk")[:100]
        ).delete()
