"""The site's routes: the platform's own here, every app's in its own ``urls.py``."""

from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from bankcrm import policy, views

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
    policy.route("language/", set_language, name="set-language", write=policy.EVERYONE, own_account=True),
    policy.route("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("", include("customers.urls")),
    path("", include("analytics.urls")),
    path("", include("campaigns.urls")),
]
