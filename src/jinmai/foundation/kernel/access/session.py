"""The actor behind a request: the account that signed in, under the post it chose."""

from __future__ import annotations

from django.http import HttpRequest

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound

SESSION_KEY = "membership_id"


def actor_of(request: HttpRequest) -> Actor | None:
    """The actor of a signed-in request, or ``None``: nobody signed in, or no post is in force today."""
    known = getattr(request, "actor", None)
    if known is not None:
        return known
    if not request.user.is_authenticated:
        return None
    live = request.user.live_memberships(Clock.today())
    chosen = live.filter(pk=request.session.get(SESSION_KEY)).first() or live.first()
    if chosen is None:
        return None
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
