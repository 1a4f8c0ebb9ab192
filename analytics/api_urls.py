"""Routes of the API of analytics."""

from django.urls import URLPattern

from analytics.api import models, preferences, prospects, segments, verifications, why
from analytics.predictive import PROMOTERS, WRITERS
from analytics.watch import DECIDERS
from bankcrm import policy
from bankcrm.models import Role

CUSTOMER_READERS = policy.EVERYONE - {Role.ADMINISTRATOR}
PROSPECT_READERS = {Role.ANALYST, Role.PLANNER, Role.MANAGER}
READERS = {Role.ANALYST, Role.PLANNER, Role.APPROVER, Role.MANAGER}
MODEL, SEGMENTATION = "api/v1/models/<slug:code>/", "api/v1/segmentations/<slug:code>/"

urlpatterns: list[URLPattern] = [
    policy.route(
        "api/v1/models/", models.Models.as_view(), name="api-model-list", read=READERS, write=WRITERS
    ),
    policy.route(
        "api/v1/customers/<int:pk>/preferences/",
        preferences.CustomerPreferences.as_view(),
        name="api-customer-preferences",
        read=CUSTOMER_READERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/scores/",
        why.CustomerScores.as_view(),
        name="api-customer-scores",
        read=CUSTOMER_READERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/scores/<int:run>/reasons/",
        why.ScoreReasons.as_view(),
        name="api-score-reasons",
        read=CUSTOMER_READERS,
        write=CUSTOMER_READERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/segments/",
        why.CustomerSegments.as_view(),
        name="api-customer-segments",
        read=CUSTOMER_READERS,
    ),
    policy.route(
        "api/v1/customers/<int:pk>/segments/<int:run>/reasons/",
        why.SegmentReasons.as_view(),
        name="api-segment-reasons",
        read=CUSTOMER_READERS,
        write=CUSTOMER_READERS,
    ),
    policy.route(MODEL, models.ModelDetail.as_view(), name="api-model-detail", read=READERS),
    policy.route(f"{MODEL}versions/", models.Versions.as_view(), name="api-model-versions", read=READERS),
    policy.route(
        f"{MODEL}versions/<int:number>/promote/",
        models.Promote.as_view(),
        name="api-model-promote",
        read=policy.NOBODY,
        write=PROMOTERS,
    ),
    policy.route(
        f"{MODEL}roll-back/",
        models.RollBack.as_view(),
        name="api-model-roll-back",
        read=policy.NOBODY,
        write=PROMOTERS,
    ),
    policy.route(
        f"{MODEL}train/", models.Train.as_view(), name="api-model-train", read=policy.NOBODY, write=WRITERS
    ),
    policy.route(
        f"{MODEL}score/", models.Score.as_view(), name="api-model-score", read=policy.NOBODY, write=WRITERS
    ),
    policy.route(
        f"{MODEL}score-runs/", models.ScoreRuns.as_view(), name="api-model-score-runs", read=READERS
    ),
    policy.route(
        f"{MODEL}score-runs/<int:pk>/verification/",
        verifications.ScoreRunVerification.as_view(),
        name="api-model-verification",
        read=READERS,
    ),
    policy.route(
        f"{MODEL}count/", models.Count.as_view(), name="api-model-count", read=policy.NOBODY, write=WRITERS
    ),
    policy.route(f"{MODEL}alerts/", verifications.Alerts.as_view(), name="api-model-alerts", read=READERS),
    policy.route(
        f"{MODEL}alerts/<int:pk>/aside/",
        verifications.AlertSetAside.as_view(),
        name="api-model-alert-aside",
        read=policy.NOBODY,
        write=DECIDERS,
    ),
    policy.route(
        "api/v1/segmentations/",
        segments.Segmentations.as_view(),
        name="api-segmentation-list",
        read=READERS,
    ),
    policy.route(
        SEGMENTATION, segments.SegmentationDetail.as_view(), name="api-segmentation-detail", read=READERS
    ),
    policy.route(
        f"{SEGMENTATION}sizes/", segments.Sizes.as_view(), name="api-segmentation-sizes", read=READERS
    ),
    policy.route(
        f"{SEGMENTATION}months/", segments.Months.as_view(), name="api-segmentation-months", read=READERS
    ),
    policy.route(
        f"{SEGMENTATION}movement/",
        segments.Movement.as_view(),
        name="api-segmentation-movement",
        read=READERS,
    ),
    policy.route(
        f"{SEGMENTATION}versions/",
        segments.SegmentationVersions.as_view(),
        name="api-segmentation-versions",
        read=READERS,
    ),
    policy.route(
        f"{SEGMENTATION}versions/<int:number>/use/",
        segments.Use.as_view(),
        name="api-segmentation-use",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        f"{SEGMENTATION}find/",
        segments.Find.as_view(),
        name="api-segmentation-find",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        f"{SEGMENTATION}assign/",
        segments.Assign.as_view(),
        name="api-segmentation-assign",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        f"{SEGMENTATION}segments/<int:number>/",
        segments.Name.as_view(),
        name="api-segment-name",
        read=policy.NOBODY,
        write=WRITERS,
    ),
    policy.route(
        "api/v1/prospect-lists/",
        prospects.ProspectLists.as_view(),
        name="api-prospect-list-list",
        read=PROSPECT_READERS,
    ),
    policy.route(
        "api/v1/prospect-lists/<slug:code>/",
        prospects.ProspectListDetail.as_view(),
        name="api-prospect-list-detail",
        read=PROSPECT_READERS,
    ),
    policy.route(
        "api/v1/prospect-lists/<slug:code>/ranking/",
        prospects.ProspectRanking.as_view(),
        name="api-prospect-list-ranking",
        read=PROSPECT_READERS,
    ),
]
