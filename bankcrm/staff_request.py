"""The request a view sees once the policy middleware has let it through."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from bankcrm.models import User


class StaffRequest(HttpRequest):
    """For annotations only: behind the policy registry every user is a ``User``, never anonymous."""

    user: User
    htmx: HtmxDetails
