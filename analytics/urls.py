"""Routes of analytics."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from analytics import views
from analytics.predictive import PROMOTERS, WRITERS
from bankcrm import policy
from bankcrm.models import Role

READERS = {Role.ANALYST, Role.PLANNER, Role.APPROVER, Role.MANAGER}

urlpatterns: list[URLPattern] = [
    policy.route("models/", views.model_list, name="model-list", read=READERS),
    policy.route("models/new/", views.model_create, name="model-create", read=WRITERS, write=WRITERS),
    policy.route("models/<int:pk>/", views.model_detail, name="model-detail", read=READERS),
    policy.route("models/<int:pk>/work/", views.model_work, name="model-work", read=READERS),
    policy.route(
        "models/<int:pk>/verification/", views.model_verification, name="model-verification", read=READERS
    ),
    policy.route(
        "models/<int:pk>/train/", views.model_train, name="model-train", read=policy.NOBODY, write=WRITERS
    ),
    policy.route(
        "models/<int:pk>/score/", views.model_score, name="model-score", read=policy.NOBODY, write=WRITERS
    ),
    policy.route(
        "models/<int:pk>/versions/<int:number>/promote/",
        views.model_promote,
        name="model-promote",
        read=policy.NOBODY,
        write=PROMOTERS,
    ),
    policy.route(
        "models/<int:pk>/roll-back/",
        views.model_roll_back,
        name="model-roll-back",
        read=policy.NOBODY,
        write=PROMOTERS,
    ),
]

policy.navigation(_("Models"), "brain", "model-list", "/models/", order=30)
