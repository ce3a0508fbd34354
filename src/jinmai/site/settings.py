"""Django's settings, from the home that was opened."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF, UNSAFE_INLINE

from jinmai.foundation.kernel.access.policy import policy_of
from jinmai.foundation.kernel.home import current_home
from jinmai.site.profile import settings_of

HOME = current_home()
#: What the profile asks for: lock-out, cookies, TLS, password length, age of a session.
globals().update(settings_of(policy_of(HOME.profile)))
SECRET_KEY = HOME.key("django").hex()
DEBUG = False
ALLOWED_HOSTS = (
    ["*"] if HOME.profile == "test" else os.environ.get("JINMAI_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
)

#: From the kernel up: start-up and the city's overlay follow this order.
ROOMS = (
    "jinmai.foundation.kernel",
    "jinmai.foundation.ui",
    "jinmai.foundation.analytics",
    "jinmai.foundation.rulebook",
    "jinmai.foundation.intake",
    "jinmai.desks.parties",
    "jinmai.desks.credit",
    "jinmai.desks.financing",
    "jinmai.cockpit",
    "jinmai.site",
)


INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    *ROOMS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "jinmai.site.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "jinmai.foundation.kernel.access.session.SessionMiddleware",
    "jinmai.foundation.kernel.access.middleware.RefusalMiddleware",
]
ROOT_URLCONF = "jinmai.site.urls"
WSGI_APPLICATION = "jinmai.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jinmai.site.frame.frame",
            ]
        },
    }
]


def _database() -> dict[str, object]:
    if not HOME.database:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME.path / "jinmai.sqlite3",
            "CONN_MAX_AGE": 60,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
            },
        }
    address = urlsplit(HOME.database)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path.lstrip("/"),
        "USER": unquote(address.username or ""),
        "PASSWORD": unquote(address.password or ""),
        "HOST": address.hostname or "",
        "PORT": str(address.port or ""),
        "CONN_MAX_AGE": 60,
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "kernel.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]  # Chinese only: each in its own language
#: The English of the city's own words: kinds, reasons, zones, clauses.
LOCALE_PATHS = [HOME.city.folder / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "jinmai.site.assets.VersionedStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 30 * 24 * 3600
AXES_HANDLER = "jinmai.foundation.kernel.access.lockout.Attempts"
AXES_LOCKOUT_CALLABLE = "jinmai.site.views.errors.locked"
# Whoever signs in clears the count of his own account only (see access/lockout.py): with axes' own reset, one good
# account would clear an address that is guessing at others.
AXES_RESET_ON_SUCCESS = False
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "jinmai.foundation.kernel.access.lockout.client_address"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "code", "again", "current"]
AXES_DISABLE_ACCESS_LOG = True  # the audit witnesses each sign-in
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
SESSION_COOKIE_NAME = "jinmai_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_NAME = "jinmai_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "jinmai.site.views.errors.expired"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
MESSAGE_TAGS = {25: "good", 20: "info", 30: "warn", 40: "bad"}
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": [NONE],
    }
}
