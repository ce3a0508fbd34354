"""Pages: each names the operation it carries out; one that names none stops start-up."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from jinmai.foundation.kernel.access.permissions import require
from jinmai.foundation.kernel.access.session import actor_of
from jinmai.foundation.kernel.errors import NotAllowed

View = Callable[..., HttpResponse]


def page(operation: str) -> Callable[[View], View]:
    """A page for signed-in actors whose role holds ``operation``; sets ``request.actor``."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            actor = actor_of(request)
            if actor is None:
                raise NotAllowed("JM-ACC-002", "您的账号目前没有有效岗位", "请联系本单位的管理员")
            require(actor, operation)
            return view(request, *args, **kwargs)

        guarded.operation = operation
        guarded.is_public = False
        return guarded

    return decorate


def public_page(operation: str) -> Callable[[View], View]:
    """A page anybody may open; still named, so that it stands in the matrix of operations."""

    def decorate(view: View) -> View:
        view.operation = operation
        view.is_public = True
        return view

    return decorate
