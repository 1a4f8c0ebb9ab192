"""One settings file for every environment: values come from typed environment variables and fail loudly."""

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from bankcrm import embedded

BASE_DIR = Path(__file__).resolve().parent.parent


def env_bool(name: str, default: bool) -> bool:
    """The environment variable as true or false; raises ImproperlyConfigured for any other word."""
    text = os.environ.get(name)
    if text is None:
        return default
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off", ""):
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}")


def env_int(name: str, default: int) -> int:
    """The environment variable as a whole number; raises ImproperlyConfigured otherwise."""
    text = os.environ.get(name)
    try:
        return default if text is None else int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}") from error


def env_list(name: str, default: str) -> list[str]:
    """The environment variable as a comma-separated list without blanks."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def database_from_url(url: str) -> dict[str, object]:
    """Django's connection settings for ``postgresql://user:password@host:port/name?host=/socket``."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(
            "DATABASE_URL must start with postgresql://; bankcrm runs on PostgreSQL only"
        )
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or unquote(parts.hostname or ""),
        "PORT": query.get("port") or (str(parts.port) if parts.port else ""),
    }


def local_secret(path: Path) -> str:
    """The secret of an embedded installation, made once and kept readable for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_urlsafe(50))
    return secret


TESTING = "pytest" in sys.modules
# Embedded means: a laptop or a demo on this machine's own loopback, not a bank's network.
EMBEDDED = "DATABASE_URL" not in os.environ
DEBUG = env_bool("BANKCRM_DEBUG", False)
SECRET_KEY = os.environ.get("BANKCRM_SECRET_KEY", "")
if not SECRET_KEY:
    if not EMBEDDED:
        raise ImproperlyConfigured("BANKCRM_SECRET_KEY must be set when DATABASE_URL is")
    SECRET_KEY = local_secret(embedded.var_dir() / "secret")
ALLOWED_HOSTS = env_list("BANKCRM_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver" if EMBEDDED else "")
CSRF_TRUSTED_ORIGINS = env_list("BANKCRM_TRUSTED_ORIGINS", "")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "django_htmx",
    "csp",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "bankcrm",
    "customers",
    "analytics",
    "campaigns",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bankcrm.htmx.HtmxSessionMiddleware",
    "bankcrm.policy.PolicyMiddleware",
    "customers.fields.own.OwnFieldsReadOnce",
]
ROOT_URLCONF = "bankcrm.urls"
WSGI_APPLICATION = "bankcrm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bankcrm.context.chrome",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "bankcrm.templatetags.kit",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {
    "default": {
        **database_from_url(embedded.database_url()),
        "CONN_MAX_AGE": env_int("BANKCRM_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {
            "options": " ".join(
                f"-c {name}={value}"
                for name, value in {
                    "statement_timeout": env_int("BANKCRM_STATEMENT_TIMEOUT_MS", 15_000),
                    "lock_timeout": 3_000,
                    # How alike a name must be to what was typed: one wrong character of three still is.
                    "pg_trgm.word_similarity_threshold": 0.45,
                    "idle_in_transaction_session_timeout": env_int("BANKCRM_IDLE_TIMEOUT_MS", 30_000),
                }.items()
            )
        },
        "TEST": {"NAME": os.environ.get("BANKCRM_TEST_DATABASE", "test_bankcrm")},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "bankcrm.User"
AUTHENTICATION_BACKENDS = ["bankcrm.sign_in.StaffBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if TESTING:
    # A slow hash protects real passwords; in tests it only costs minutes.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# Plain http is right on the loopback of the embedded demo and nowhere else.
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("BANKCRM_HTTPS", not EMBEDDED)
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BANKCRM_BEHIND_PROXY", False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
# A language without a catalogue would turn the months and leave every sentence in English.
LANGUAGES = [
    (code, name)
    for code, locale, name in (("en", "", _("English")), ("zh-hans", "zh_Hans", _("Simplified Chinese")))
    if not locale or (BASE_DIR / "locale" / locale / "LC_MESSAGES" / "django.mo").exists()
]
USE_I18N = USE_TZ = True
TIME_ZONE = os.environ.get("BANKCRM_TIME_ZONE", "Asia/Shanghai")
CURRENCY_SIGN = os.environ.get("BANKCRM_CURRENCY_SIGN", "¥")

STATIC_URL = "static/"
STATIC_ROOT = embedded.var_dir() / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
        # Uploads are private; a reverse proxy must be able to read the style sheets.
        "OPTIONS": {"file_permissions_mode": 0o644},
    },
}
# Without this a test would need collectstatic first.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = TESTING or DEBUG
MEDIA_ROOT = embedded.var_dir() / "files"
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
IMPORT_MAX_BYTES = env_int("BANKCRM_IMPORT_MAX_BYTES", 2 * 1024**3)

# Tests of one process must not wake the workers of another; fault tests start processes outside pytest.
CELERY_BROKER_URL = "memory://" if TESTING else embedded.broker_url()
# Two databases on one broker (a loop beside a demo) must not take each other's messages.
CELERY_TASK_DEFAULT_QUEUE = f"bankcrm.{DATABASES['default']['NAME']}"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # a poisonous task would loop; the reaper re-dispatches instead
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env_int("BANKCRM_SOFT_SHUTDOWN_SECONDS", 30)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(embedded.var_dir() / "beat-schedule")
# A worker killed right after renewing is noticed after both: well inside two minutes.
RUN_LEASE_SECONDS = env_int("BANKCRM_RUN_LEASE_SECONDS", 60)
RUN_REAPER_SECONDS = env_int("BANKCRM_RUN_REAPER_SECONDS", 20)
RUN_BACK_OFF_SECONDS = env_int("BANKCRM_RUN_BACK_OFF_SECONDS", 10)
# Messages of the clock expire, so that a long outage of the workers does not leave a heap of them.
CELERY_BEAT_SCHEDULE = {
    "reap": {
        "task": "bankcrm.reap",
        "schedule": RUN_REAPER_SECONDS,
        "options": {"expires": 2 * RUN_REAPER_SECONDS},
    },
    "canary": {"task": "bankcrm.canary", "schedule": 60, "options": {"expires": 60}},
    # Asks often and does once a day, so that a clock that slept past midnight misses nothing.
    "daily": {"task": "bankcrm.daily", "schedule": 900, "options": {"expires": 900}},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "bankcrm.policy.PolicyPermission",
        "bankcrm.known_parameters.KnownParameters",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["bankcrm.parsing.BoundedJSONParser"],
    "EXCEPTION_HANDLER": "bankcrm.problems.handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "bankcrm.paging.KeysetPagination",
    "PAGE_SIZE": 50,
    # One representation each: ``format`` would be a parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "bankcrm",
    "VERSION": "1",
    "DESCRIPTION": "Closed-loop marketing of a bank: customers, campaigns, leads and their outcomes, background runs.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["bankcrm.policy.PolicyPermission"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "bankcrm.openapi.describe_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RunState": "bankcrm.models.Run.State",
        "CampaignState": "campaigns.models.Campaign.State",
        "LeadState": "campaigns.models.Lead.State",
        "ContactRuleKind": "campaigns.models.ContactRule.Kind",
        "LeadOutcome": "campaigns.models.Lead.Outcome",
        "DeclineReason": "campaigns.outcomes.DeclineReason",
        "NextStep": "campaigns.outcomes.NextStep",
        "ContactChannel": "customers.models.ContactChannel",
        "ConsentChannel": "customers.models.ConsentChannel",
        "TransactionChannel": "customers.models.transactions.Channel",
        "TransactionKind": "customers.models.transactions.TransactionKind",
        "ResponseKind": "customers.models.Response.Kind",
        "CustomerKind": "customers.models.Customer.Kind",
        "CostBasis": "customers.models.CostRate.Basis",
        "TierChangeReason": "customers.models.TierChange.Reason",
        "QuietReason": "customers.models.QuietPeriod.Reason",
        "Verdict": "campaigns.verdict.Verdict",
        "ImportKind": "customers.models.ImportFile.Kind",
        "ImportState": "customers.models.ImportFile.State",
        "ImportLoad": "customers.models.ImportFile.Load",
        "ModelKind": "analytics.models.PredictiveModel.Kind",
        "SegmentationKind": "analytics.models.Segmentation.Kind",
        "VerificationAlarm": "analytics.models.Verification.Alarm",
        "AlertLevel": "analytics.models.ModelAlert.Level",
        "AlertRule": "analytics.models.ModelAlert.Rule",
        "AlertEnd": "analytics.models.ModelAlert.End",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("BANKCRM_LOG_LEVEL", "INFO")},
}
