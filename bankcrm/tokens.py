"""One's own API token: made by oneself, shown once, gone at once."""

from __future__ import annotations

from django.db import transaction
from rest_framework.authtoken.models import Token

from bankcrm import audit
from bankcrm.models import User


@transaction.atomic
def create(user: User) -> str:
    """A new token, in place of the one there was; it can do what its user can."""
    Token.objects.filter(user=user).delete()
    token = Token.objects.create(user=user)
    audit.record(user, "token.created", user)
    return str(token.key)


@transaction.atomic
def revoke(user: User) -> bool:
    """Make the token worthless at once; False when there was none."""
    gone, _rows = Token.objects.filter(user=user).delete()
    if gone:
        audit.record(user, "token.revoked", user)
    return bool(gone)


def current(user: User) -> Token | None:
    """The token's row, for the day it was made; its key is not shown again."""
    return Token.objects.filter(user=user).first()
