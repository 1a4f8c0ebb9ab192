"""Routes of the API of customers."""

from django.urls import URLPattern
from rest_framework.views import APIView

from bankcrm import policy
from bankcrm.models import Role
from customers.api import customers, lists, portrait, reference

READERS = policy.EVERYONE - {Role.ADMINISTRATOR}
# Only those who talk to customers need a number in full.
TALKERS = {Role.RM, Role.BRANCH_MANAGER}
# Below one customer's address.
PARTS: dict[str, type[APIView]] = {
    "profiles": lists.Profiles,
    "holdings": lists.Holdings,
    "balances": lists.Balances,
    "transactions": lists.Transactions,
    "contacts": lists.Contacts,
    "responses": lists.Responses,
    "consumer-finance": lists.ConsumerFinance,
    "tier-changes": lists.TierChanges,
    "timeline": portrait.Timeline,
    "portrait": portrait.Portrait,
    "peers": portrait.CustomerPeers,
    "worth-knowing": portrait.WorthKnowing,
}

urlpatterns: list[URLPattern] = [
    policy.route(
        "api/v1/customers/", customers.CustomerList.as_view(), name="api-customer-list", read=READERS
    ),
    policy.route(
        "api/v1/customers/search/",
        customers.CustomerSearch.as_view(),
        name="api-customer-search",
        read=READERS,
        asks=True,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/",
        customers.CustomerDetail.as_view(),
        name="api-customer-detail",
        read=READERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/reveal/",
        customers.CustomerReveal.as_view(),
        name="api-customer-reveal",
        read=policy.NOBODY,
        write=TALKERS,
    ),
    *(
        policy.route(
            f"api/v1/customers/<int:pk>/{part}/",
            view.as_view(),
            name=f"api-customer-{part}",
            read=READERS,
        )
        for part, view in PARTS.items()
    ),
    policy.route("api/v1/customer-fields/", reference.FieldCatalogue.as_view(), name="api-field-list"),
]
