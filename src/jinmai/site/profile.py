"""Django's settings that follow from the home's profile (安全策略落到设置): in this one place, and nowhere else."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from jinmai.foundation.kernel.access.policy import Policy

LOCKED = "jinmai.site.views.errors.locked"


def behind_tls(policy: Policy) -> bool:
    """Whether a proxy in front ends TLS. ``JINMAI_PLAIN_HTTP=1`` is for a closed network that has none; the level-3
    profile doesn't know it."""
    if policy.tls == "unless_closed_network":
        return os.environ.get("JINMAI_PLAIN_HTTP") != "1"
    return policy.tls == "always"


def settings_of(policy: Policy) -> dict[str, Any]:
    """Lock-out, cookies, transport and password length as Django and axes name them."""
    tls = behind_tls(policy)
    return {
        "AXES_FAILURE_LIMIT": policy.lock_after,
        "AXES_COOLOFF_TIME": timedelta(minutes=policy.lock_minutes),
        # Together: a branch behind one address isn't locked by a colleague. Apart: either one locks.
        "AXES_LOCKOUT_PARAMETERS": ["username", "ip_address"] if policy.lock_apart else [["username", "ip_address"]],
        "SESSION_COOKIE_AGE": policy.session_hours * 3600,
        "SESSION_COOKIE_SECURE": tls,
        "CSRF_COOKIE_SECURE": tls,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if tls else None,
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600 if tls else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": tls and policy.tls == "always",
        "SECURE_SSL_REDIRECT": tls and policy.tls == "always",
        "SECURE_REDIRECT_EXEMPT": [r"^healthz/$"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
            {
                "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
                "OPTIONS": {"min_length": policy.password_min_length},
            },
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
        ],
    }
