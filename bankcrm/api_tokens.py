"""One's own API token, as a page and in the API itself."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bankcrm import tokens
from bankcrm.policy import SignedIn


@never_cache
def token_page(request: SignedIn) -> HttpResponse:
    """Whether one has a token; the key itself appears once, in the answer to making it."""
    key = ""
    if request.method == "POST":
        if "revoke" in request.POST:
            if tokens.revoke(request.user):
                messages.success(request, _("The token is revoked; programs that use it are out at once."))
            return redirect("token-page")
        key = tokens.create(request.user)
    return render(request, "bankcrm/token.html", {"token": tokens.current(request.user), "key": key})


class TokenState(serializers.Serializer):
    exists = serializers.BooleanField()
    created_at = serializers.DateTimeField(allow_null=True)


class NewToken(serializers.Serializer):
    key = serializers.CharField(help_text="for the header: Authorization: Token <key>")


class OwnToken(APIView):
    """One's own token. A repeated POST would show a secret again, so it makes a new one instead of replaying."""

    @extend_schema(operation_id="token_retrieve", responses=TokenState)
    def get(self, request: Request) -> Response:
        """Whether one has a token, and since when; never the key."""
        return Response(self._state(request))

    @extend_schema(operation_id="token_create", request=None, responses={201: NewToken})
    def post(self, request: Request) -> Response:
        """Make a token in place of the one there was. The key is in this answer only and is never stored twice."""
        response = Response({"key": tokens.create(request.user)}, status=201)
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(operation_id="token_revoke", responses={200: TokenState})
    def delete(self, request: Request) -> Response:
        """Revoke the token at once. Again: the same answer."""
        tokens.revoke(request.user)
        return Response(self._state(request))

    def _state(self, request: Request) -> dict[str, Any]:
        token = tokens.current(request.user)
        return {"exists": token is not None, "created_at": token.created if token else None}
