"""The site's routes: the platform's own here, every app's in its own ``urls.py``."""

from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from bankcrm import api, api_tokens, audit_views, people_views, policy, run_views, views
from bankcrm.models import Role

ADMINISTRATORS = {Role.ADMINISTRATOR}
LEAVE_SETTERS = {Role.ADMINISTRATOR, Role.BRANCH_MANAGER}


urlpatterns = [
    policy.route("", views.home, name="home"),
    policy.route("livez", views.alive, name="alive", public=True),
    policy.route("readyz", views.ready, name="ready", public=True),
    policy.route(
        "login/",
        auth_views.LoginView.as_view(redirect_authenticated_user=True),
        name="login",
        public=True,
    ),
    policy.route(
        "logout/", auth_views.LogoutView.as_view(), name="logout", write=policy.EVERYONE, own_account=True
    ),
    policy.route(
        "password/",
        auth_views.PasswordChangeView.as_view(success_url="/"),
        name="password-change",
        write=policy.EVERYONE,
        own_account=True,
    ),
    policy.route("token/", api_tokens.token_page, name="token-page", write=policy.EVERYONE, own_account=True),
    policy.route("language/", set_language, name="set-language", write=policy.EVERYONE, own_account=True),
    policy.route("work/", run_views.run_list, name="run-list"),
    policy.route("work/<int:pk>/", run_views.run_detail, name="run-detail"),
    policy.route("work/<int:pk>/row/", run_views.run_row, name="run-row"),
    policy.route("work/<int:pk>/state/", run_views.run_state, name="run-state"),
    policy.route(
        "work/<int:pk>/cancel/",
        run_views.run_cancel,
        name="run-cancel",
        read=policy.NOBODY,
        write=policy.EVERYONE,
    ),
    policy.route(
        "work/<int:pk>/retry/",
        run_views.run_retry,
        name="run-retry",
        read=policy.NOBODY,
        write=policy.EVERYONE,
    ),
    policy.route("people/users/", people_views.user_list, name="user-list", read=ADMINISTRATORS),
    policy.route(
        "people/users/new/",
        people_views.user_create,
        name="user-create",
        read=ADMINISTRATORS,
        write=ADMINISTRATORS,
    ),
    policy.route(
        "people/users/<int:pk>/",
        people_views.user_edit,
        name="user-edit",
        read=ADMINISTRATORS,
        write=ADMINISTRATORS,
    ),
    policy.route("people/branches/", people_views.branch_list, name="branch-list", read=ADMINISTRATORS),
    policy.route(
        "people/branches/new/",
        people_views.branch_create,
        name="branch-create",
        read=ADMINISTRATORS,
        write=ADMINISTRATORS,
    ),
    policy.route(
        "people/branches/<int:pk>/",
        people_views.branch_edit,
        name="branch-edit",
        read=ADMINISTRATORS,
        write=ADMINISTRATORS,
    ),
    policy.route("people/leave/", people_views.leave_list, name="leave-list", read=LEAVE_SETTERS),
    policy.route(
        "people/leave/new/",
        people_views.leave_create,
        name="leave-create",
        read=LEAVE_SETTERS,
        write=LEAVE_SETTERS,
    ),
    policy.route(
        "people/leave/<int:pk>/",
        people_views.leave_edit,
        name="leave-edit",
        read=LEAVE_SETTERS,
        write=LEAVE_SETTERS,
    ),
    policy.route(
        "people/leave/<int:pk>/delete/",
        people_views.leave_delete,
        name="leave-delete",
        read=policy.NOBODY,
        write=LEAVE_SETTERS,
    ),
    policy.route(
        "people/holidays/",
        people_views.holiday_list,
        name="holiday-list",
        read=ADMINISTRATORS,
        write=ADMINISTRATORS,
    ),
    policy.route(
        "people/holidays/<str:day>/delete/",
        people_views.holiday_delete,
        name="holiday-delete",
        read=policy.NOBODY,
        write=ADMINISTRATORS,
    ),
    policy.route("audit/", audit_views.audit_list, name="audit-list", read=ADMINISTRATORS),
    policy.route("api/v1/runs/", api.RunList.as_view(), name="api-run-list"),
    policy.route("api/v1/runs/<int:pk>/", api.RunDetail.as_view(), name="api-run-detail"),
    policy.route(
        "api/v1/runs/<int:pk>/cancel/",
        api.RunCancel.as_view(),
        name="api-run-cancel",
        read=policy.NOBODY,
        write=policy.EVERYONE,
    ),
    policy.route(
        "api/v1/token/",
        api_tokens.OwnToken.as_view(),
        name="api-token",
        write=policy.EVERYONE,
        own_account=True,
    ),
    policy.route("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("", include("customers.urls")),
    path("", include("analytics.urls")),
    path("", include("campaigns.urls")),
    # Last: whatever no app has taken.
    policy.route("api/v1/<path:rest>", api.Nothing.as_view(), name="api-nothing", write=policy.EVERYONE),
]

policy.navigation(_("People"), "users", "user-list", "/people/", order=80)
policy.navigation(_("Leave"), "beach", "leave-list", "/people/leave/", order=82)
policy.navigation(_("Audit"), "history", "audit-list", "/audit/", order=85)
policy.navigation(_("Work"), "hourglass", "run-list", "/work/", order=90)
