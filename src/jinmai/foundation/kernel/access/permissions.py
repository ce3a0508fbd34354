"""Operations and who holds them, from each room's ``permissions.yaml``: the ceiling, which the city may only lower."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Broken, NotAllowed, Words, shown

KINDS = frozenset({"read", "write"})
SCOPES = frozenset({"public", "own", "addressed_to_me", "region", "city", "platform"})
LEVELS = frozenset({"C1", "C2", "C3"})
FIELDS = frozenset({"kind", "roles", "scope", "level", "purpose"})
EVERY_ROLE = "*"


@dataclass(frozen=True)
class Operation:
    """One row of a ``permissions.yaml``: who may do or read what, how sensitive it is, and to what purpose."""

    name: str
    kind: str
    roles: frozenset[str]
    scope: str
    level: str
    purpose: str


@cache
def roles() -> dict[str, dict[str, str]]:
    """Every role id with its label and kind."""
    return yaml.safe_load((Path(__file__).parent / "roles.yaml").read_text(encoding="utf-8"))


def role_label(role: str) -> str:
    """The role's name on the screen."""
    return shown(roles()[role]["label"])


def parse_row(app_label: str, verb: str, row: Mapping[str, Any]) -> Operation:
    """One operation of a ``permissions.yaml``; a wrong row stops start-up with one sentence."""
    name = f"{app_label}.{verb}"
    unknown = set(row) - FIELDS
    missing = FIELDS - set(row)
    if unknown or missing:
        raise Broken(f"permission {name}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    if row["kind"] not in KINDS or row["scope"] not in SCOPES or row["level"] not in LEVELS:
        raise Broken(f"permission {name}: kind, scope or level is none of {KINDS}, {SCOPES}, {LEVELS}")
    named = row["roles"]
    held = frozenset(roles()) if named == EVERY_ROLE else frozenset(named)
    strangers = held - set(roles())
    if strangers:
        raise Broken(f"permission {name} names roles that nobody declared: {sorted(strangers)}")
    return Operation(name, row["kind"], held, row["scope"], row["level"], row["purpose"])


@cache
def operations() -> dict[str, Operation]:
    """Every declared operation by its full name."""
    from django.apps import apps

    found: dict[str, Operation] = {}
    for config in apps.get_app_configs():
        path = Path(config.path) / "permissions.yaml"
        if config.name.startswith("jinmai.") and path.exists():
            for verb, row in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
                operation = parse_row(config.label, verb, row)
                found[operation.name] = operation
    return found


def operation_named(name: str) -> Operation:
    """The declared operation; one that nobody declared is broken code, not a refusal."""
    try:
        return operations()[name]
    except KeyError:
        raise Broken(f"operation {name!r} stands in no permissions.yaml") from None


def allows(actor: Actor, name: str) -> bool:
    """Whether the actor's role holds the operation and the city has not taken it away."""
    operation = operation_named(name)
    return actor.role in operation.roles and name not in actor.restricted or actor.is_platform


def require(actor: Actor, name: str) -> Operation:
    """The operation, or the refusal JM-ACC-001."""
    if not allows(actor, name):
        refused = Words("“%(role)s”没有这项权限", role=roles()[actor.role]["label"])
        raise NotAllowed("JM-ACC-001", refused, "如工作需要，请向安全管理员申请")
    return operation_named(name)
