"""What the ways customers come to the bank are called. Files bring words or codes; a code of ours is named."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

CHANNELS: dict[str, Any] = {
    "app": _("App"),
    "branch": _("Branch"),
    "campaign": _("Campaign"),
    "employer": _("Employer"),
    "online": _("Online"),
    "partner": _("Partner"),
    "phone": _("Phone"),
    "referral": _("Recommendation"),
}


def channel_name(code: str) -> str:
    """A channel in words; one the bank calls by words of its own stands as it came."""
    return str(CHANNELS.get(code, code.replace("_", " ")))
