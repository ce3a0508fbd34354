"""Navigation (导航): role → the desks it works at, in the bureau's own words, from ``navigation.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows, operation_named, roles
from jinmai.foundation.kernel.errors import Broken

DECLARED = Path(__file__).parent / "navigation.yaml"
ITEM_FIELDS = {"label", "icon", "url", "operation"}


@dataclass(frozen=True)
class Item:
    """One entry: its words, icon, URL name and the operation that opens it."""

    label: str
    icon: str
    url: str
    operation: str

    @property
    def address(self) -> str:
        """Where it leads; its query, if any, stands after a ``?`` in the URL name."""
        name, mark, query = self.url.partition("?")
        return reverse(name) + mark + query


@cache
def declared() -> dict[str, list[Item]]:
    """Every role's items in order."""
    content = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    return {role: [_item(content["items"], name, role) for name in names] for role, names in content["roles"].items()}


def _item(items: dict[str, Any], name: str, role: str) -> Item:
    row = items.get(name)
    if row is None or set(row) != ITEM_FIELDS:
        raise Broken(f"navigation of role {role!r}: item {name!r} is not declared with {sorted(ITEM_FIELDS)}")
    return Item(**row)


def items_for(actor: Actor, path: str) -> list[dict[str, Any]]:
    """The items of the actor's role that it may open; the one whose address begins ``path`` longest is current."""
    shown = [item for item in declared().get(actor.role, ()) if allows(actor, item.operation)]
    rows: list[dict[str, Any]] = [{"label": _(item.label), "icon": item.icon, "url": item.address} for item in shown]
    fitting = [row for row in rows if _leads_to(row["url"], path)]
    current = max(fitting, key=lambda row: len(row["url"]), default=None)
    for row in rows:
        row["current"] = row is current
    return rows


def _leads_to(address: str, path: str) -> bool:
    place = address.partition("?")[0]
    return path == place if place == "/" else path.startswith(place)


def check() -> None:
    """Every role has a navigation; every item names a URL that exists and an operation its role holds."""
    strangers = set(declared()) - set(roles())
    if strangers:
        raise Broken(f"navigation.yaml names roles that nobody declared: {sorted(strangers)}")
    for role, items in declared().items():
        for item in items:
            try:
                item.address  # noqa: B018 - asked for its refusal
            except NoReverseMatch:
                raise Broken(f"navigation of role {role!r}: no page is named {item.url!r}") from None
            if role not in operation_named(item.operation).roles:
                raise Broken(f"navigation of role {role!r}: {item.label} needs {item.operation!r}, which it lacks")
