"""Everything that answers a request, found by asking the code rather than by a list kept by hand.

Three sources are read and laid on top of each other: Ninja's routers, Django's URL resolver, and what can be
downloaded (``?export=`` of any page). Whatever the resolver can reach is in here; what it cannot reach, nobody can.
"""

from __future__ import annotations

import json
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
    #: What its own description gives as an example of a body: well-formed, so that the handler is reached.
    body: str = "{}"

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


def _path_view(callback: Any) -> Any:
    """Ninja's ``PathView`` behind a view, or None: it stands in the closure of the view it hands to Django."""
    path_view = getattr(callback, "__self__", None)
    for cell in getattr(callback, "__closure__", None) or ():
        if hasattr(cell.cell_contents, "operations"):
            path_view = cell.cell_contents
    return path_view if hasattr(path_view, "operations") else None


def body_of(operation: Any) -> Any:
    """The schema of a Ninja operation's body."""
    for model in operation.models:
        if model.__ninja_param_source__ == "body":
            (field,) = model.model_fields.values()
            return field.annotation
    return None


def _example(operation: Any) -> str:
    body = body_of(operation)
    return json.dumps(body.EXAMPLE if body else {}, ensure_ascii=False)


def api_operations() -> list[Any]:
    """Every operation of every Ninja router, as Ninja holds it."""
    views = [_path_view(entry.callback) for _, _, entry in _patterns(get_resolver(), "", "")]
    return [operation for view in views if view is not None for operation in view.operations]


def api_handlers() -> list[tuple[str, Any]]:
    """Each API handler with the operation it names."""
    return [(named_operation(one.view_func) or "", one.view_func) for one in api_operations()]


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
        view = _path_view(entry.callback)
        public = bool(getattr(entry.callback, "is_public", False))
        kwargs = _kwargs(route)
        if view is not None:
            found += [
                Door(route, name, named_operation(one.view_func), tuple(one.methods), kwargs, True, public, _example(one))
                for one in view.operations
            ]
        else:
            found.append(Door(route, name, named_operation(entry.callback), ("GET", "POST"), kwargs, False, public))
    once = {(door.route, door.methods, door.operation): door for door in found}
    return sorted(once.values(), key=lambda door: (door.route, door.methods))
