"""What the search box finds: each kind under the operation that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows

MOST = 20


@dataclass(frozen=True)
class Hit:
    """One thing found."""

    name: str
    url: str
    note: str


@dataclass(frozen=True)
class Group:
    """What was found of one kind."""

    label: str
    hits: list[Hit]


def search(actor: Actor, text: str) -> list[Group]:
    """Every kind the actor may list, at most twenty of each; nothing that it may not see."""
    groups = [Group(_(label), list(find(actor, text))) for label, operation, find in KINDS if allows(actor, operation)]
    return [group for group in groups if group.hits]


Finder = Callable[[Actor, str], Iterable[Hit]]
KINDS: list[tuple[str, str, Finder]] = []
__all__ = ["Any", "Group", "Hit", "Q", "reverse", "search"]
