"""Routes of customers."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from customers import api, import_urls, views

READERS = policy.EVERYONE - {Role.ADMINISTRATOR}
# Only those who talk to customers need a number in full.
TALKERS = {Role.RM, Role.BRANCH_MANAGER}

urlpatterns: list[URLPattern] = [
    *import_urls.urlpatterns,
    policy.route("customers/", views.customer_list, name="customer-list", read=READERS),
    policy.route("customers/search/", views.customer_search, name="customer-search", read=READERS),
    policy.route("customers/fields/", views.data_dictionary, name="data-dictionary"),
    policy.route("customers/<int:pk>/", views.customer_detail, name="customer-detail", read=READERS),
    policy.route(
        "customers/<int:pk>/reveal/",
        views.customer_reveal,
        name="customer-reveal",
        read=policy.NOBODY,
        write=TALKERS,
    ),
    policy.route("customers/<int:pk>/<slug:tab>/", views.customer_detail, name="customer-tab", read=READERS),
    policy.route("api/v1/customers/", api.CustomerList.as_view(), name="api-customer-list", read=READERS),
    policy.route(
        "api/v1/customers/<int:pk>/", api.CustomerDetail.as_view(), name="api-customer-detail", read=READERS
    ),
]

policy.navigation(_("Customers"), "users-group", "customer-list", "/customers/", order=30)
