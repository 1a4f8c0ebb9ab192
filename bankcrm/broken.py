"""What is answered when a request broke: 503 while the database is away, 500 for a fault of ours."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

RETRY_SECONDS = 5
# Connection lost or refused; ended by an administrator, by a crash; not ready yet (PostgreSQL, Appendix A).
CONNECTION_CLASS = "08"
AWAY_STATES = frozenset({"57P01", "57P02", "57P03"})


def database_is_away(error: BaseException | None) -> bool:
    """Whether the database did not answer at all, as while it restarts; what it answered is another matter."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    # What the server never said has no state: refused, or closed in the middle.
    return state is None or state in AWAY_STATES or state.startswith(CONNECTION_CLASS)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of what no view caught; asks nothing of the database."""
    if not database_is_away(sys.exc_info()[1]):
        return HttpResponse(render_to_string("500.html"), status=500)
    if request.path.startswith("/api/v1/"):
        answer: HttpResponse = JsonResponse(
            {"code": "database_away", "detail": away_sentence(), "kept": _("Nothing was changed.")},
            status=503,
            content_type="application/problem+json",
        )
    else:
        reads = request.method in ("GET", "HEAD") and "HX-Request" not in request.headers
        page = render_to_string("503.html", {"again": RETRY_SECONDS if reads else None})
        answer = HttpResponse(page, status=503)
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def away_sentence() -> str:
    return _("The database is restarting. Try again in a moment.")
