"""Routes of consents: the panel on Customer-360, the register, and the API."""

from django.urls import URLPattern

from bankcrm import policy
from bankcrm.models import Role
from customers import consents_views
from customers.api import consents as api
from customers.consents import LISTENERS

READERS = policy.EVERYONE - {Role.ADMINISTRATOR}

urlpatterns: list[URLPattern] = [
    policy.route("customers/consents/", consents_views.register, name="consent-register", read=READERS),
    policy.route(
        "customers/<int:pk>/consents/",
        consents_views.panel,
        name="customer-consents",
        read=READERS,
        write=LISTENERS,
    ),
    policy.route(
        "customers/<int:pk>/quiet-periods/",
        consents_views.rest,
        name="customer-quiet",
        read=policy.NOBODY,
        write=LISTENERS,
    ),
    policy.route(
        "customers/consents/<int:event>/undo/",
        consents_views.undo,
        name="customer-consent-undo",
        read=policy.NOBODY,
        write=LISTENERS,
    ),
    policy.route(
        "customers/quiet-periods/<int:period>/lift/",
        consents_views.lift,
        name="customer-quiet-lift",
        read=policy.NOBODY,
        write=LISTENERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/consents/",
        api.Consents.as_view(),
        name="api-customer-consents",
        read=READERS,
        write=LISTENERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/quiet-periods/",
        api.QuietPeriods.as_view(),
        name="api-customer-quiet",
        read=READERS,
        write=LISTENERS,
    ),
    policy.route(
        "api/v1/consents/<int:pk>/undo/",
        api.UndoWord.as_view(),
        name="api-consent-undo",
        read=policy.NOBODY,
        write=LISTENERS,
    ),
    policy.route(
        "api/v1/quiet-periods/<int:pk>/lift/",
        api.Lift.as_view(),
        name="api-quiet-lift",
        read=policy.NOBODY,
        write=LISTENERS,
    ),
]
