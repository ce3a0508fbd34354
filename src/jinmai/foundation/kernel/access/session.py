"""The actor behind a request, and how long a session lasts (会话)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound

SESSION_KEY = "membership_id"
SIGNED_IN_AT, SEEN_AT, PROVED_AT, ENDED = "signed_in_at", "seen_at", "proved_at", "session_ended"
#: How exactly a session knows when it was last used: seldom enough that reading pages writes nearly nothing.
SEEN_EVERY_SECONDS = 60
#: A clock that stepped further back than this could give a session a second life: it ends.
STEP_BACK_SECONDS = 300
PROOF_MINUTES = 10


def actor_of(request: HttpRequest) -> Actor | None:
    """The actor of a signed-in request, or ``None``: nobody signed in, or no post is in force today."""
    known = getattr(request, "actor", None)
    if known is not None:
        return known
    if not request.user.is_authenticated:
        return None
    live = list(request.user.live_memberships(Clock.today()))
    wanted = request.session.get(SESSION_KEY)
    chosen = next((post for post in live if post.pk == wanted), live[0] if live else None)
    if chosen is None:
        return None
    request.posts = live
    request.actor = Actor.of(chosen)
    request.membership = chosen
    return request.actor


def choose_membership(request: HttpRequest, membership_id: int) -> Membership:
    """Switch to another of the account's live posts; refuses with JM-KER-404 and renews the session's id."""
    chosen = request.user.live_memberships(Clock.today()).filter(pk=membership_id).first()
    if chosen is None:
        raise NotFound()
    request.session.cycle_key()
    request.session[SESSION_KEY] = chosen.pk
    request.actor = None
    return chosen


def _seconds_now() -> int:
    return int(Clock.true_now().timestamp())


@receiver(user_logged_in)
def _begin(sender: Any, request: HttpRequest, user: User, **_named: Any) -> None:
    """A session begins: it knows since when, and that the person has just proved who it is."""
    now = _seconds_now()
    request.session.update({SIGNED_IN_AT: now, SEEN_AT: now, PROVED_AT: now})
    User.objects.filter(pk=user.pk).update(last_seen_at=Clock.true_now())


def prove(request: HttpRequest) -> None:
    """The person has just proved again who it is (再次确认身份): the session gets a new id."""
    request.session.cycle_key()
    request.session[PROVED_AT] = _seconds_now()


def proved_lately(request: HttpRequest) -> bool:
    """Whether that was within the last ten minutes; a moment in the future, after the clock stepped back, is none."""
    return 0 <= _seconds_now() - request.session.get(PROVED_AT, 0) <= PROOF_MINUTES * 60


def is_over(kept: Any, now: int) -> bool:
    """Whether a session ended: idle for too long, too old, or from a time that has not come yet."""
    asked = policy()
    seen, began = kept.get(SEEN_AT, now), kept.get(SIGNED_IN_AT, now)
    idle = timedelta(minutes=asked.idle_minutes).total_seconds()
    oldest = timedelta(hours=asked.session_hours).total_seconds()
    return now - seen > idle or now - began > oldest or max(seen, began) - now > STEP_BACK_SECONDS


class SessionMiddleware:
    """Ends sessions that are over, and notes now and then that one is in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "_auth_user_id" in request.session:
            now = _seconds_now()
            if is_over(request.session, now):
                logout(request)
                request.session[ENDED] = True  # the login page says why one has to sign in again
            elif now - request.session.get(SEEN_AT, 0) >= SEEN_EVERY_SECONDS:
                request.session[SEEN_AT] = now
                User.objects.filter(pk=request.session["_auth_user_id"]).update(last_seen_at=Clock.true_now())
        return self.get_response(request)
