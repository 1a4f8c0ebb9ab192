"""Routes of what value rests on: products, asset classes, costs and tiers."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from customers import value_views

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
]

policy.navigation(_("Value"), "crown", "tier-list", "/value/", order=83)
