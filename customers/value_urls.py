"""Routes of what value rests on: products, asset classes, costs and tiers."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.views import APIView

from bankcrm import policy
from bankcrm.models import Role
from customers import value_views
from customers.api import products, tier_changes
from customers.api import value as api


def _named(view: type[APIView], what: str, method: str, operation: str) -> Callable[..., Any]:
    """The view for one kind of setting, under a name of its own in the schema."""
    found: type[APIView] = extend_schema_view(
        **{method: extend_schema(operation_id=operation.replace("-", "_"))}
    )(
        type(
            f"{view.__name__}{what.title().replace('-', '')}",
            (view,),
            {"what": what, "__doc__": view.__doc__},
        )
    )
    return found.as_view()


SETTERS = {Role.ADMINISTRATOR}
# What a contact costs is no relationship manager's reading.
COST_READERS = policy.EVERYONE - {Role.RM}
# Rows of customers: not for administrators.
CUSTOMER_READERS = policy.EVERYONE - {Role.ADMINISTRATOR}

urlpatterns: list[URLPattern] = [
    policy.route("value/tiers/", value_views.tier_list, name="tier-list"),
    policy.route(
        "value/tiers/change/", value_views.tier_change, name="tier-change", read=SETTERS, write=SETTERS
    ),
    policy.route(
        "value/tiers/changes/", value_views.tier_change_list, name="tier-change-list", read=CUSTOMER_READERS
    ),
    policy.route(
        "value/tiers/changes.csv", value_views.tier_change_file, name="tier-change-csv", read=CUSTOMER_READERS
    ),
    policy.route("value/products/", value_views.product_list, name="product-list"),
    policy.route(
        "value/products/new/", value_views.product_create, name="product-create", read=SETTERS, write=SETTERS
    ),
    policy.route("value/products/<int:pk>/", value_views.product_edit, name="product-edit", write=SETTERS),
    policy.route("value/margins/", value_views.margin_list, name="margin-list", write=SETTERS),
    policy.route(
        "value/asset-classes/", value_views.asset_class_list, name="asset-class-list", write=SETTERS
    ),
    policy.route("value/costs/", value_views.cost_list, name="cost-list", read=COST_READERS, write=SETTERS),
    policy.route(
        "value/<slug:what>/undo/<str:day>/",
        value_views.undo,
        name="value-undo",
        read=policy.NOBODY,
        write=SETTERS,
    ),
    policy.route("api/v1/tiers/", api.Tiers.as_view(), name="api-tier-list", write=SETTERS),
    policy.route(
        "api/v1/tiers/preview/",
        api.TierPreview.as_view(),
        name="api-tier-preview",
        read=policy.NOBODY,
        write=SETTERS,
    ),
    policy.route(
        "api/v1/tier-changes/",
        tier_changes.TierChangeList.as_view(),
        name="api-tier-change-list",
        read=CUSTOMER_READERS,
    ),
    policy.route("api/v1/asset-weights/", api.Weights.as_view(), name="api-weight-list", write=SETTERS),
    policy.route(
        "api/v1/costs/", api.Costs.as_view(), name="api-cost-list", read=COST_READERS, write=SETTERS
    ),
    policy.route("api/v1/margins/", api.Margins.as_view(), name="api-margin-list", write=SETTERS),
    policy.route("api/v1/products/", products.Products.as_view(), name="api-product-list", write=SETTERS),
    policy.route(
        "api/v1/products/<int:pk>/",
        products.ProductDetail.as_view(),
        name="api-product-detail",
        write=SETTERS,
    ),
    *(
        policy.route(
            f"api/v1/{what}/versions/",
            _named(api.Versions, what, "get", f"{what}_versions"),
            name=f"api-{what}-versions",
            read=COST_READERS if what == "costs" else policy.EVERYONE,
        )
        for what in api.DATED
    ),
    *(
        policy.route(
            f"api/v1/{what}/versions/<str:day>/",
            _named(api.Version, what, "delete", f"{what}_undo"),
            name=f"api-{what}-version",
            read=policy.NOBODY,
            write=SETTERS,
        )
        for what in api.DATED
    ),
]

policy.navigation(_("Value"), "crown", "tier-list", "/value/", order=83)
