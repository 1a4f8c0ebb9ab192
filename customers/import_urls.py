"""Routes of imports."""

from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from rest_framework.views import APIView

from bankcrm import policy
from bankcrm.models import Role
from customers import import_map_views as map_views
from customers import import_views as views
from customers.api import imports as api

KEEPERS = {Role.ADMINISTRATOR, Role.ANALYST}
# Below the address of one import: name of the route, view, whether it changes anything.
PARTS: list[tuple[str, type[APIView], bool]] = [
    ("mapping", api.ImportMapping, True),
    ("check", api.ImportCheck, True),
    ("report", api.ImportReport, False),
    ("rejects", api.ImportRejects, False),
    ("confirm", api.ImportConfirm, True),
    ("undo", api.ImportUndo, True),
]

urlpatterns: list[URLPattern] = [
    policy.route("imports/", views.import_list, name="import-list", read=KEEPERS),
    policy.route("imports/upload/", views.import_upload, name="import-upload", read=KEEPERS, write=KEEPERS),
    policy.route("imports/<int:pk>/", views.import_detail, name="import-detail", read=KEEPERS),
    policy.route(
        "imports/<int:pk>/map/", map_views.import_map, name="import-map", read=KEEPERS, write=KEEPERS
    ),
    policy.route(
        "imports/<int:pk>/read/", map_views.import_read, name="import-read", read=policy.NOBODY, write=KEEPERS
    ),
    policy.route(
        "imports/<int:pk>/again/", views.import_again, name="import-again", read=policy.NOBODY, write=KEEPERS
    ),
    policy.route(
        "imports/<int:pk>/check/", views.import_check, name="import-check", read=policy.NOBODY, write=KEEPERS
    ),
    policy.route(
        "imports/<int:pk>/merge/", views.import_merge, name="import-merge", read=policy.NOBODY, write=KEEPERS
    ),
    policy.route(
        "imports/<int:pk>/undo/", views.import_undo, name="import-undo", read=KEEPERS, write=KEEPERS
    ),
    policy.route(
        "profiles/build/", views.profile_build, name="profile-build", read=policy.NOBODY, write=KEEPERS
    ),
    policy.route("imports/<int:pk>/rejects.csv", views.import_rejects, name="import-rejects", read=KEEPERS),
    policy.route(
        "api/v1/imports/", api.ImportList.as_view(), name="api-import-list", read=KEEPERS, write=KEEPERS
    ),
    policy.route(
        "api/v1/imports/<int:pk>/",
        api.ImportDetail.as_view(),
        name="api-import-detail",
        read=KEEPERS,
        write=KEEPERS,
    ),
    policy.route(
        "api/v1/imports/<int:pk>/rejects.csv",
        api.ImportRejectsFile.as_view(),
        name="api-import-rejects-csv",
        read=KEEPERS,
    ),
    *(
        policy.route(
            f"api/v1/imports/<int:pk>/{part}/",
            view.as_view(),
            name=f"api-import-{part}",
            read=KEEPERS,
            write=KEEPERS if changes else policy.NOBODY,
        )
        for part, view, changes in PARTS
    ),
]

policy.navigation(_("Imports"), "database-import", "import-list", "/imports/", order=80)
