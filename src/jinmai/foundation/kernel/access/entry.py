"""Signing in, a step at a time (登录步骤): until the last step is done nobody is signed in.

What the first factor showed is kept in a fresh session for ten minutes; every page sees an anonymous visitor. Then
come, as far as the account needs them: the second factor, enrolling one, a new password. ``finish`` signs in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.lockout import forgive
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.passwords import why_change
from jinmai.foundation.kernel.access.second_factor import factor_asked_of, has_factor
from jinmai.foundation.kernel.clock import Clock

KEY = "entry"
FACTOR = "second_factor"
MINUTES = 10
TRIES = 5


@dataclass
class Entry:
    """Where somebody stands on the way in; ``via`` names the login, ``factor`` the second factor that was shown."""

    user_id: int
    via: str
    began_at: int
    next: str = "/"
    factor: str = ""
    tries: int = 0

    @property
    def user(self) -> User | None:
        """The account, unless it was disabled meanwhile."""
        return User.objects.filter(pk=self.user_id, is_active=True).first()


def _now() -> int:
    return int(Clock.true_now().timestamp())


def begin(request: HttpRequest, user: User, *, via: str, next_url: str, factor: str = "") -> Entry:
    """The first factor was right: whatever the session held is thrown away, its id with it."""
    request.session.flush()
    entry = Entry(user_id=user.pk, via=via, began_at=_now(), next=next_url, factor=factor)
    keep(request, entry)
    return entry


def keep(request: HttpRequest, entry: Entry) -> None:
    """Write the entry into the session."""
    request.session[KEY] = asdict(entry)


def entry_of(request: HttpRequest) -> Entry | None:
    """The entry under way; one that took longer than ten minutes, or failed five times, is over."""
    kept: Any = request.session.get(KEY)
    if not kept:
        return None
    entry = Entry(**kept)
    if not 0 <= _now() - entry.began_at <= MINUTES * 60 or entry.tries >= TRIES or entry.user is None:
        request.session.flush()
        return None
    return entry


def next_step(entry: Entry) -> str:
    """``factor``, ``enrol``, ``password``, or empty: all is done."""
    user = entry.user
    assert user is not None
    if not entry.factor and has_factor(user):
        return "factor"
    if not entry.factor and factor_asked_of(user):
        return "enrol"
    if entry.via == "password" and why_change(user):
        return "password"
    return ""


def finish(request: HttpRequest, entry: Entry) -> User:
    """Sign in: the session gets a new id and remembers which second factor was shown."""
    user = entry.user
    assert user is not None
    request.session.pop(KEY, None)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    request.session[FACTOR] = entry.factor
    forgive(user.username)
    return user


def actor_for(user: User) -> Actor:
    """Under whom a step before the end is witnessed: the account's first post, else the platform."""
    post = user.live_memberships(Clock.today()).first()
    return Actor.of(post) if post else Actor.platform()
