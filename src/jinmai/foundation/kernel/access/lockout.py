"""Too many wrong passwords or codes (登录失败锁定): whose count it is, who is locked, and how a lock ends early."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_username, get_failure_limit
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models import Sum
from django.http import HttpRequest

from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home


def client_address(request: HttpRequest) -> str:
    """The address that a request is counted under: an IPv6 client is its network, for it holds 2⁶⁴ addresses there.

    Behind proxies it is what the nearest of ours saw: ``proxies = 1`` in ``jinmai.toml`` takes the last entry of
    X-Forwarded-For, 2 the last but one. Entries further left are the client's own words and count for nothing.
    """
    direct = str(request.META.get("REMOTE_ADDR") or "")
    proxies = int(current_home().declared.get("proxies", 0))
    passed = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return _counted_as(passed[-proxies] if 0 < proxies <= len(passed) else direct, otherwise=direct)


def _counted_as(text: str, *, otherwise: str) -> str:
    """
    >>> _counted_as("2001:db8:1:2:3:4:5:6", otherwise=""), _counted_as("::ffff:203.0.113.7", otherwise="")
    ('2001:db8:1:2::', '203.0.113.7')
    >>> _counted_as("::1", otherwise=""), _counted_as("unknown", otherwise="10.0.0.1")
    ('::1', '10.0.0.1')
    """
    try:
        address = ip_address(text)
    except ValueError:
        return otherwise
    if not isinstance(address, IPv6Address) or address.is_loopback:
        return text
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False).network_address)


class Attempts(AxesDatabaseHandler):  # type: ignore[misc]
    """axes' count, and where that is of pairs only, the account's from all addresses together (分散猜测)."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Failures as axes counts them; at least the limit once the account has too many from wherever."""
        counted = int(super().get_failures(request, credentials))
        most, username = policy().lock_account_after, get_client_username(request, credentials)
        if most is None or not username:
            return counted
        recent = AccessAttempt.objects.filter(username=username, attempt_time__gte=get_cool_off_threshold(request))
        of_account = recent.aggregate(times=Sum("failures_since_start"))["times"] or 0
        return max(counted, get_failure_limit(request, credentials)) if of_account >= most else counted


def is_locked(request: HttpRequest, username: str) -> bool:
    """Whether this account may not try from this address now."""
    return bool(settings.AXES_ENABLED) and not AxesProxyHandler.is_allowed(request, {"username": username})


def count_failure(request: HttpRequest, username: str) -> None:
    """A wrong second factor counts like a wrong password."""
    user_login_failed.send(sender=__name__, credentials={"username": username}, request=request)


def forgive(username: str) -> int:
    """Forget the failures of one account; an address that guesses at others stays counted for those others."""
    return AccessAttempt.objects.filter(username=username).delete()[0]


def locked_usernames() -> frozenset[str]:
    """Accounts that are locked now, for one address or for all."""
    said = policy()
    since = Clock.true_now() - timedelta(minutes=said.lock_minutes)
    counted = AccessAttempt.objects.filter(attempt_time__gte=since, username__in=User.objects.values("username"))
    by = ("username",) if said.lock_apart else ("username", "ip_address")
    limits = [(by, said.lock_after)]
    if said.lock_account_after is not None:
        limits.append((("username",), said.lock_account_after))
    return frozenset(
        row["username"]
        for names, most in limits
        for row in counted.values(*names).annotate(times=Sum("failures_since_start")).filter(times__gte=most)
    )
