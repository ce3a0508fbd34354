"""API routes: the same operations as the pages, with closed schemas, under a session or an institution's key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from inspect import signature
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.operation import Operation
from ninja.security import HttpBearer, SessionAuth
from ninja.utils import check_csrf, contribute_operation_callback
from pydantic import ConfigDict

from jinmai.foundation.kernel.access import api_once, keys
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api_problems import Forged, NotSignedIn, WrongMediaType
from jinmai.foundation.kernel.access.permissions import require
from jinmai.foundation.kernel.access.session import actor_of

Handler = Callable[..., Any]
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class StrictSchema(Schema):
    """A body or answer whose fields are all named: an unknown field is refused with 422.

    ``EXAMPLE`` is a real one, in JSON; the description shows it, and a test holds it against the schema.
    """

    EXAMPLE: ClassVar[dict[str, Any]] = {}
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class KeyAuth(HttpBearer):
    """An institution's key: ``Authorization: Bearer jm_<prefix>_<secret>``; no CSRF token."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return request.actor if getattr(request, "api_key", None) else None


class ActorAuth(SessionAuth):
    """Session of a signed-in account with a live post; unsafe methods need the CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return actor_of(request)


def enter(request: HttpRequest) -> Actor:
    """Who asks: by key where one is shown, else by session, whose unsafe methods need the CSRF token.

    Refuses with JM-API-401, JM-API-403 or JM-API-429.
    """
    if "Authorization" in request.headers:
        request.actor = keys.actor_of_key(request)
        return request.actor
    if not request.user.is_authenticated:
        raise NotSignedIn()
    if request.method not in SAFE and check_csrf(request):
        raise Forged()
    actor = actor_of(request)
    if actor is None:
        raise NotSignedIn()
    return actor


def api_operation(operation: str, *, about: Any = "", creates: bool = False) -> Callable[[Handler], Handler]:
    """Name the operation of a Ninja route, written beneath the route; the role must hold it.

    The role is asked before the body is read. ``about`` says in Chinese what the caller gets and must know. A route
    that makes something says ``creates``: it then requires an ``Idempotency-Key``, which every other write may carry.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            actor = actor_of(request)
            if actor is None:
                raise NotSignedIn()
            require(actor, operation)
            return handler(request, *args, **kwargs)

        guarded.operation = operation
        guarded.about = about
        guarded.creates = creates
        #: Ninja would look the handler's annotations up in this module.
        guarded.__signature__ = signature(handler, eval_str=True)
        contribute_operation_callback(guarded, partial(_stand_before, operation, creates))
        return guarded

    return decorate


def _stand_before(name: str, creates: bool, operation: Operation) -> None:
    """Put the door before Ninja reads the body; clones of the operation get it, too. What answers 201 creates."""
    creates = operation.view_func.creates = creates or 201 in operation.response_models
    takes_body = any(model.__ninja_param_source__ == "body" for model in operation.models)

    def door(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(run)
        def entered(request: HttpRequest, **path: Any) -> HttpResponse:
            bound = run.__self__.api if hasattr(run, "__self__") else operation.api
            try:
                return _enter_and_run(request, name, creates, takes_body, partial(run, request, **path))
            except Exception as error:  # noqa: BLE001 - Ninja's own handlers decide what it becomes
                return bound.on_exception(request, error)

        return entered

    operation.run = door(operation.run)
    operation._run_decorators = [*getattr(operation, "_run_decorators", []), door]


def _enter_and_run(
    request: HttpRequest, name: str, creates: bool, takes_body: bool, run: Callable[[], HttpResponse]
) -> HttpResponse:
    actor = enter(request)
    require(actor, name)
    keys.require_within(request, name)
    if request.method in SAFE:
        return run()
    if takes_body and request.content_type != "application/json":
        raise WrongMediaType()
    key = api_once.key_of(request, required=creates)
    return api_once.answer_once(request, actor, name, key, run) if key else run()
