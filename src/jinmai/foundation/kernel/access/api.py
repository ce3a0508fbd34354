"""API routes: the same operations as the pages, with closed schemas."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from django.http import HttpRequest
from ninja import Schema
from ninja.errors import HttpError
from ninja.security import SessionAuth
from pydantic import ConfigDict

from jinmai.foundation.kernel.access.permissions import require
from jinmai.foundation.kernel.access.session import actor_of

Handler = Callable[..., Any]


class StrictSchema(Schema):
    """A body or answer whose fields are all named: an unknown field is refused with 422."""

    model_config = ConfigDict(extra="forbid")


class ActorAuth(SessionAuth):
    """Session of a signed-in account with a live post; unsafe methods need the CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return actor_of(request)


def api_operation(operation: str) -> Callable[[Handler], Handler]:
    """Name the operation of a Ninja route, written beneath the route; the role must hold it."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            actor = actor_of(request)
            if actor is None:
                raise HttpError(401, "请先登录")
            require(actor, operation)
            return handler(request, *args, **kwargs)

        guarded.operation = operation
        #: Ninja would look the handler's annotations up in this module.
        guarded.__signature__ = signature(handler, eval_str=True)
        return guarded

    return decorate
