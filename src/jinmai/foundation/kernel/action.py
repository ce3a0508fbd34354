"""``@action``: every write of every room goes through here — permitted, atomic, idempotent, audited."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.utils import translation

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Broken, Refusal, Words

Verb = Callable[..., Any]
#: Every declared action by its operation's full name; start-up compares it with the permissions.
ACTIONS: dict[str, Verb] = {}
MAX_KEY_LENGTH = 255


@dataclass
class Deed:
    """What one outermost action did, kept until just before its commit: the audit's chain is locked last."""

    entries: list[dict[str, Any]] = field(default_factory=list)


_deed: ContextVar[Deed | None] = ContextVar("jinmai_deed", default=None)


def object_ref(thing: Any) -> str:
    """How tasks, audit entries and events name a row: ``financing.order:UUID``; empty for no row."""
    if isinstance(thing, models.Model):
        return f"{thing._meta.label_lower}:{thing.pk}"
    return ""


def find_object(ref: str) -> models.Model | None:
    """The row that a reference names, or ``None``."""
    label, _, key = ref.partition(":")
    return apps.get_model(label)._base_manager.filter(pk=key).first() if key else None


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return object_ref(value)
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, models.QuerySet)):
        parts = [_plain(part) for part in value]
        return sorted(parts, key=str) if isinstance(value, (set, frozenset)) else parts
    return value if isinstance(value, (int, str, bool, type(None))) else str(value)


def arguments_digest(arguments: Iterable[Any], named: dict[str, Any]) -> str:
    """Keyed digest of an action's arguments: entries never hold values, and nobody can guess them from a digest."""
    from jinmai.foundation.kernel.home import current_home

    content = json.dumps([_plain(list(arguments)), _plain(named)], ensure_ascii=False, sort_keys=True)
    return hmac.new(current_home().key("digest"), content.encode(), hashlib.sha256).hexdigest()


def action(operation: str, *, completes: Iterable[str] = (), creates: bool = False) -> Callable[[Verb], Verb]:
    """Declare a verb: ``function(actor, …) -> row``.

    The actor's role must hold ``operation`` (JM-ACC-001). The body runs in one transaction with its audit entry and
    closes the open tasks of the returned row whose verb is this operation or stands in ``completes``. A refusal rolls
    everything back and is audited in a transaction of its own. With ``creates``, ``idempotency_key`` makes a repeat
    return the first row (JM-IDM-001 when the arguments differ).
    """
    app_label = operation.partition(".")[0]
    closes = {operation} | {name if "." in name else f"{app_label}.{name}" for name in completes}

    def decorate(function: Verb) -> Verb:
        if operation in ACTIONS and ACTIONS[operation].__module__ != function.__module__:
            raise Broken(f"operation {operation!r} is carried out by two actions")

        @wraps(function)
        def act(actor: Actor, *arguments: Any, idempotency_key: str | None = None, **named: Any) -> Any:
            digest = arguments_digest(arguments, named)

            def plainly() -> Any:
                return function(actor, *arguments, **named)

            def body() -> Any:
                if creates and idempotency_key:
                    return _once(actor, operation, idempotency_key, digest, plainly)
                return plainly()

            return _perform(actor, operation, closes, digest, body)

        act.operation = operation
        act.creates = creates
        ACTIONS[operation] = act
        return act

    return decorate


def witness(actor: Actor, **entry: Any) -> None:
    """Put a deed or a lawful read into the audit: at the end of the action under way, or at once outside of one.

    Entries of several organisations are written in the order of their chains, so that two actions never wait for
    each other's heads.
    """
    from jinmai.foundation.kernel.audit.chain import record

    deed = _deed.get()
    if deed is None:
        record(actor, **entry)
    else:
        deed.entries.append({"actor": actor, **entry})


def _perform(actor: Actor, operation: str, closes: set[str], digest: str, body: Callable[[], Any]) -> Any:
    from jinmai.foundation.kernel.access.permissions import require
    from jinmai.foundation.kernel.audit.chain import record
    from jinmai.foundation.kernel.work.tasks import close_tasks

    outermost = _deed.get() is None
    deed = _deed.get() or Deed()
    before = len(deed.entries)
    token = _deed.set(deed)
    try:
        # What an action writes for others to read is Chinese, whatever language its doer reads.
        with translation.override(settings.LANGUAGE_CODE), transaction.atomic():
            require(actor, operation)
            made = body()
            ref = object_ref(made)
            if ref:
                close_tasks(actor, ref, closes)
            witness(actor, operation=operation, object_ref=ref, outcome="ok", digest=digest)
            if outermost:
                for entry in sorted(deed.entries, key=lambda entry: entry["actor"].organisation_code):
                    record(**entry)
        return made
    except Refusal as refusal:
        del deed.entries[before:]  # what was rolled back was not done
        if outermost:
            with transaction.atomic():
                record(
                    actor, operation=operation, object_ref="", outcome="refused", digest=digest, code=refusal.code
                )
        raise
    finally:
        _deed.reset(token)


def _once(actor: Actor, operation: str, key: str, digest: str, body: Callable[[], Any]) -> Any:
    from jinmai.foundation.kernel.access.api_once import kept_by_api
    from jinmai.foundation.kernel.access.models import IdempotencyKey

    if kept_by_api.get():
        return body()
    if len(key) > MAX_KEY_LENGTH:
        raise Refusal("JM-IDM-002", "幂等键过长", Words("请不超过 %(most)s 个字符", most=MAX_KEY_LENGTH))
    kept, first = IdempotencyKey.objects.get_or_create(
        organisation_id=actor.organisation_id,
        key=key,
        defaults={"operation": operation, "body_digest": digest, "object_ref": ""},
    )
    if not first:
        if (kept.operation, kept.body_digest) != (operation, digest):
            raise Refusal("JM-IDM-001", "同一幂等键提交了不同内容", "请刷新页面后重新提交")
        return find_object(kept.object_ref)
    made = body()
    kept.object_ref = object_ref(made)
    kept.save(update_fields=["object_ref"])
    return made
