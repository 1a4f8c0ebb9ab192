"""How the API says no: one shape for every refusal, ``{"code", "detail", "kept"}`` as application/problem+json.

``code`` is for programs, ``detail`` for people, ``kept`` says what became of what was sent. A refusal about fields adds
``errors``; one about somebody else's change adds what stands now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelInvalid
from django.db import IntegrityError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from bankcrm import runs
from bankcrm.broken import RETRY_SECONDS, away_sentence, database_is_away

MEDIA_TYPE = "application/problem+json"
UNIQUE_VIOLATION = "23505"
LOCK_STATES = frozenset({"55P03", "40P01", "40001"})
TIMED_OUT = "57014"
CODES = {
    "not_authenticated": "not_signed_in",
    "authentication_failed": "not_signed_in",
    "permission_denied": "forbidden",
    "parse_error": "malformed",
}


class Problem(exceptions.APIException):
    """A refusal with everything it says; ``more`` is added to the body."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.more = more


def handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. None for what is a bug: Django answers and logs that."""
    # Imported late: REST framework loads the parsers, and with them this module, while it defines its views.
    from rest_framework.views import set_rollback

    problem = _problem(error)
    if problem is None:
        return None
    set_rollback()
    headers = {}
    if after := problem.more.pop("retry_after", None):
        headers["Retry-After"] = str(after)
    body = {"code": problem.detail.code, "detail": str(problem.detail), "kept": _("Nothing was changed.")}
    # REST framework sets it on what it refuses for want of a login.
    if asked := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = asked
    return Response(body | problem.more, status=problem.status_code, headers=headers, content_type=MEDIA_TYPE)


def _problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return _invalid(error.detail)
    if isinstance(error, ModelInvalid):
        return _invalid(error.message_dict if hasattr(error, "error_dict") else error.messages)
    if isinstance(error, exceptions.APIException):
        code = str(getattr(error.detail, "code", error.default_code))
        return Problem(error.status_code, CODES.get(code, code), str(error.detail))
    return _refusal(error) or _database(error)


def _refusal(error: Exception) -> Problem | None:
    if isinstance(error, Http404 | ObjectDoesNotExist):
        return Problem(404, "not_found", _("There is nothing here that you may see."))
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", str(error) or _("Your role does not include this."))
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "too_large", _("The request is larger than the bank takes."))
    if isinstance(error, runs.Conflict):
        return Problem(409, "conflict", str(error))
    if isinstance(error, runs.Refused):
        return Problem(422, "refused", str(error))
    return None


def _database(error: Exception) -> Problem | None:
    """What two requests at the same moment may do to each other; anything else the database says is a bug."""
    if database_is_away(error):
        return Problem(503, "database_away", away_sentence(), retry_after=RETRY_SECONDS)
    state = getattr(error.__cause__, "sqlstate", None)
    if isinstance(error, IntegrityError) and state == UNIQUE_VIOLATION:
        return Problem(409, "conflict", _("Somebody else saved the same at the same moment. Read it again."))
    if isinstance(error, OperationalError) and state in LOCK_STATES:
        return Problem(409, "busy", _("Somebody else is changing this just now. Try again in a moment."))
    if isinstance(error, OperationalError) and state == TIMED_OUT:
        return Problem(503, "too_slow", _("This took too long and was stopped. Narrow it down."))
    return None


def _invalid(detail: Any) -> Problem:
    errors = detail if isinstance(detail, Mapping) else {"": detail}
    return Problem(400, "invalid", _first_sentence(errors), errors=errors)


def _first_sentence(errors: Any, path: str = "") -> str:
    """ "arms.code: This field is required." — the first of the errors, with the way to its field."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            unnamed = name in ("", "non_field_errors", "__all__")
            below = path if unnamed else f"{path}.{name}" if path else str(name)
            if sentence := _first_sentence(inner, below):
                return sentence
        return ""
    if isinstance(errors, list | tuple):
        return next((sentence for inner in errors if (sentence := _first_sentence(inner, path))), "")
    return f"{path}: {errors}" if path else str(errors)
