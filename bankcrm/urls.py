"""The site's routes: the platform's own here, every app's in its own ``urls.py``."""

from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from bankcrm import api, api_root, api_tokens, audit_views, people_urls, policy, run_views, views
from bankcrm.models import Role

ADMINISTRATORS = {Role.ADMINISTRATOR}
handler500 = "bankcrm.broken.server_error"

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
    *people_urls.urlpatterns,
    policy.route("audit/", audit_views.audit_list, name="audit-list", read=ADMINISTRATORS),
    policy.route("api/v1/", api_root.Root.as_view(), name="api-root"),
    policy.route("api/", api_root.reader, name="api-reader"),
    policy.route("api/<slug:code>/", api_root.operation, name="api-operation"),
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

policy.navigation(_("Audit"), "history", "audit-list", "/audit/", order=85)
policy.navigation(_("Work"), "hourglass", "run-list", "/work/", order=90)
