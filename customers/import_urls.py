"""Routes of imports."""

from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from customers import import_map_views as map_views
from customers import import_views as views

KEEPERS = {Role.ADMINISTRATOR, Role.ANALYST}

urlpatterns = [
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
]

policy.navigation(_("Imports"), "database-import", "import-list", "/imports/", order=80)
