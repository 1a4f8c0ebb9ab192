"""Routes of own fields."""

from django.urls import URLPattern

from bankcrm import policy
from customers import own_field_views as views
from customers.import_urls import KEEPERS

urlpatterns: list[URLPattern] = [
    policy.route("value/own-fields/", views.own_field_list, name="own-field-list"),
    policy.route("value/own-fields/<int:pk>/", views.own_field_edit, name="own-field-edit", write=KEEPERS),
    policy.route(
        "value/own-fields/<int:pk>/retire/",
        views.own_field_retire,
        name="own-field-retire",
        read=policy.NOBODY,
        write=KEEPERS,
    ),
]
