"""Everything that answers a request, found by asking the code rather than by a list kept by hand.

Three sources are read and laid on top of each other: Ninja's routers, Django's URL resolver, and what can be
downloaded (``?export=`` of any page). Whatever the resolver can reach is in here; what it cannot reach, nobody can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

#: Served by the framework without looking at any row.
FRAMEWORK = re.compile(r"^(static/|__debug__/)")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Door:
    """One route with one operation: where it is, how it is named, which methods it takes, which kwargs it needs."""

    route: str
    name: str
    operation: str | None
    methods: tuple[str, ...]
    kwargs: tuple[str, ...]
    is_api: bool
    public: bool

    def path(self, values: dict[str, Any]) -> str:
        """The route with its kwargs filled in."""
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found.group(1)]), self.route)

    def __str__(self) -> str:
        return f"{self.operation} /{self.route} [{self.name}]"


def _kwargs(route: str) -> tuple[str, ...]:
    return tuple(re.findall(r"<(?:\w+:)?(\w+)>", route))


def _patterns(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[tuple[str, str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).lstrip("^").rstrip("$")
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _patterns(entry, route, inner)
        else:
            yield route, f"{namespace}{entry.name or ''}", entry


def ninja_operations(callback: Any) -> list[tuple[tuple[str, ...], str | None]]:
    """Methods and operation name of each Ninja operation behind one URL; empty where it is no Ninja view."""
    path_view = getattr(callback, "__self__", None)
    for cell in getattr(callback, "__closure__", None) or ():
        if hasattr(cell.cell_contents, "operations"):
            path_view = cell.cell_contents
    if not hasattr(path_view, "operations"):
        return []
    return [(tuple(each.methods), named_operation(each.view_func)) for each in path_view.operations]


def named_operation(view: Any) -> str | None:
    """The operation a view or a Ninja function names, through its decorators."""
    while view is not None:
        name = getattr(view, "operation", None)
        if isinstance(name, str):
            return name
        view = getattr(view, "__wrapped__", None)
    return None


def doors() -> list[Door]:
    """Every door of the site, in the order of its routes."""
    found: list[Door] = []
    for route, name, entry in _patterns(get_resolver(), "", ""):
        if FRAMEWORK.match(route):
            continue
        operations = ninja_operations(entry.callback)
        public = bool(getattr(entry.callback, "is_public", False))
        kwargs = _kwargs(route)
        if operations:
            found += [Door(route, name, named, methods, kwargs, True, public) for methods, named in operations]
        else:
            found.append(Door(route, name, named_operation(entry.callback), ("GET", "POST"), kwargs, False, public))
    return sorted(found, key=lambda door: (door.route, door.methods))


__all__ = ["Door", "doors", "named_operation", "ninja_operations"]
