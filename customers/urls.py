"""Routes of customers."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from customers import (
    acquisition_urls,
    api_urls,
    consents_urls,
    dictionary_views,
    import_urls,
    own_field_urls,
    transfer_urls,
    value_urls,
    views,
)

READERS = policy.EVERYONE - {Role.ADMINISTRATOR}
# Only those who talk to customers need a number in full.
TALKERS = {Role.RM, Role.BRANCH_MANAGER}

urlpatterns: list[URLPattern] = [
    *import_urls.urlpatterns,
    # Before the dated settings: their undo begins with a slug too.
    *own_field_urls.urlpatterns,
    *value_urls.urlpatterns,
    # Before the tabs: a panel's name is a slug too.
    *consents_urls.urlpatterns,
    *acquisition_urls.urlpatterns,
    *transfer_urls.urlpatterns,
    policy.route("customers/", views.customer_list, name="customer-list", read=READERS),
    policy.route("customers/search/", views.customer_search, name="customer-search", read=READERS, asks=True),
    policy.route("value/fields/", dictionary_views.data_dictionary, name="data-dictionary"),
    policy.route("customers/<int:pk>/", views.customer_detail, name="customer-detail", read=READERS),
    policy.route(
        "customers/<int:pk>/reveal/",
        views.customer_reveal,
        name="customer-reveal",
        read=policy.NOBODY,
        write=TALKERS,
    ),
    policy.route(
        "customers/<int:pk>/seen/",
        views.customer_seen,
        name="customer-seen",
        read=policy.NOBODY,
        write=READERS,
        own_account=True,
    ),
    policy.route("customers/<int:pk>/<slug:tab>/", views.customer_detail, name="customer-tab", read=READERS),
    *api_urls.urlpatterns,
]

policy.navigation(_("Customers"), "users-group", "customer-list", "/customers/", order=30)
