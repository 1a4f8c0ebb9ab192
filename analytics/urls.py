"""Routes of analytics."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from analytics import api_urls, prospect_views, segment_views, views, why_views
from analytics.api_urls import CUSTOMER_READERS, PROSPECT_READERS, READERS
from analytics.predictive import PROMOTERS, WRITERS
from analytics.prospects import EXPORTERS, REMOVERS
from analytics.watch import DECIDERS
from bankcrm import policy

urlpatterns: list[URLPattern] = [
    *api_urls.urlpatterns,
    policy.route("models/", views.model_list, name="model-list", read=READERS),
    policy.route("models/new/", views.model_create, name="model-create", read=WRITERS, write=WRITERS),
    policy.route("models/<int:pk>/", views.model_detail, name="model-detail", read=READERS),
    # Of one customer, for whoever may see the customer.
    policy.route(
        "models/of/<int:pk>/preferences/",
        views.customer_preferences,
        name="customer-preferences",
        read=CUSTOMER_READERS,
    ),
    policy.route(
        "models/of/<int:pk>/churn/", views.customer_churn, name="customer-churn", read=CUSTOMER_READERS
    ),
    policy.route(
        "models/of/<int:pk>/scores/",
        why_views.customer_scores,
        name="customer-scores",
        read=CUSTOMER_READERS,
    ),
    policy.route(
        "models/of/<int:pk>/scores/<int:run>/why/",
        why_views.score_why,
        name="score-why",
        read=CUSTOMER_READERS,
        write=CUSTOMER_READERS,
    ),
    policy.route(
        "models/of/<int:pk>/segments/<int:run>/why/",
        why_views.segment_why,
        name="segment-why",
        read=CUSTOMER_READERS,
        write=CUSTOMER_READERS,
    ),
    policy.route("models/<int:pk>/work/", views.model_work, name="model-work", read=READERS),
    policy.route(
        "models/<int:pk>/verification/", views.model_verification, name="model-verification", read=READERS
    ),
    policy.route("models/<int:pk>/proof/", views.model_proof, name="model-proof", read=READERS),
    policy.route(
        "models/<int:pk>/count/", views.model_count, name="model-count", read=policy.NOBODY, write=WRITERS
    ),
    policy.route(
        "models/<int:pk>/alerts/<int:alert>/aside/",
        views.alert_set_aside,
        name="alert-set-aside",
        read=policy.NOBODY,
        write=DECIDERS,
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
    policy.route("segments/", segment_views.segmentation_list, name="segmentation-list", read=READERS),
    policy.route(
        "segments/new/",
        segment_views.segmentation_create,
        name="segmentation-create",
        read=WRITERS,
        write=WRITERS,
    ),
    policy.route(
        "segments/<int:pk>/", segment_views.segmentation_detail, name="segmentation-detail", read=READERS
    ),
    policy.route(
        "segments/<int:pk>/work/", segment_views.segmentation_work, name="segmentation-work", read=READERS
    ),
    policy.route(
        "segments/<int:pk>/find/",
        segment_views.segmentation_find,
        name="segmentation-find",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        "segments/<int:pk>/assign/",
        segment_views.segmentation_assign,
        name="segmentation-assign",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        "segments/<int:pk>/versions/<int:number>/use/",
        segment_views.segmentation_use,
        name="segmentation-use",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        "segments/<int:pk>/<int:number>/",
        segment_views.segment_name,
        name="segment-name",
        read=WRITERS,
        write=WRITERS,
    ),
    policy.route("prospects/", prospect_views.prospect_lists, name="prospect-lists", read=PROSPECT_READERS),
    policy.route(
        "prospects/<slug:code>/",
        prospect_views.prospect_detail,
        name="prospect-detail",
        read=PROSPECT_READERS,
    ),
    policy.route(
        "prospects/<slug:code>/ranking/",
        prospect_views.prospect_ranking,
        name="prospect-ranking",
        read=policy.NOBODY,
        write=EXPORTERS,
    ),
    policy.route(
        "prospects/<slug:code>/remove/",
        prospect_views.prospect_remove,
        name="prospect-remove",
        read=policy.NOBODY,
        write=REMOVERS,
    ),
]

policy.navigation(_("Models"), "brain", "model-list", "/models/", order=30)
policy.navigation(_("Segments"), "chart-dots", "segmentation-list", "/segments/", order=31)
policy.navigation(_("Prospects"), "user-question", "prospect-lists", "/prospects/", order=32)
