"""Start-up (启动检查): whatever a request could reach names an operation, and every operation is carried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import PathView

from jinmai.foundation.kernel.access.permissions import Operation, operations
from jinmai.foundation.kernel.action import ACTIONS
from jinmai.foundation.kernel.documents.viewers import VIEWERS
from jinmai.foundation.kernel.errors import Broken

#: Operations that neither a page nor an action carries out: the read doors ask for them by name on every read.
AT_THE_DOOR = frozenset({"kernel.read_facts", "analytics.read_rows", "kernel.export_document"})
#: What Ninja serves of itself: the description of the API, no data of anybody's.
NINJA_OWN = ("ninja.openapi.views",)


@dataclass(frozen=True)
class Reachable:
    """One thing that a request can reach: its address, method, and the operation it names, if any."""

    address: str
    method: str
    operation: str | None
    kind: str
    public: bool = False


def reachable(patterns: Iterable[URLPattern | URLResolver] | None = None, prefix: str = "/") -> Iterator[Reachable]:
    """Every page, download and API operation behind the URL resolver."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from reachable(pattern.url_patterns, address)
        else:
            yield from _behind(pattern.callback, address)


def _behind(callback: Any, address: str) -> Iterator[Reachable]:
    routes = getattr(getattr(callback, "__func__", callback), "__self__", None) or _path_view(callback)
    if isinstance(routes, PathView):
        for operation in routes.operations:
            named = getattr(operation.view_func, "operation", None)
            for method in operation.methods:
                yield Reachable(address, method, named, "api")
        return
    if _module_of(callback) in NINJA_OWN:
        return
    yield Reachable(
        address, "PAGE", getattr(callback, "operation", None), "page", getattr(callback, "is_public", False)
    )


def _path_view(callback: Any) -> Any:
    """Ninja hides its ``PathView`` in the closure of the view it hands to Django."""
    for cell in getattr(callback, "__closure__", None) or ():
        if isinstance(cell.cell_contents, PathView):
            return cell.cell_contents
    return None


def _module_of(callback: Any) -> str:
    return getattr(getattr(callback, "func", callback), "__module__", "")


def refuse_unlisted(
    found: Iterable[Reachable] | None = None,
    listed: dict[str, Operation] | None = None,
    verbs: Iterable[str] | None = None,
) -> list[Reachable]:
    """Stop start-up with one sentence unless pages, routes, actions and permission rows name each other.

    Returns everything that can be reached, for the matrix of operations.
    """
    rows = operations() if listed is None else listed
    everything = list(reachable() if found is None else found)
    actions = set(ACTIONS if verbs is None else verbs)
    for one in everything:
        if one.operation is None:
            raise Broken(f"{one.method} {one.address} names no operation: decorate it with @page or @api_operation")
        if one.operation not in rows:
            raise Broken(f"{one.method} {one.address} names {one.operation!r}, which stands in no permissions.yaml")
    for name in sorted(actions - set(rows)):
        raise Broken(f"action {name!r} stands in no permissions.yaml")
    carried = actions | {one.operation for one in everything} | AT_THE_DOOR
    for viewer in VIEWERS.values():  # the gate asks for them by name
        carried |= {viewer.read_operation, viewer.write_operation}
    for name in sorted(set(rows) - carried):
        raise Broken(f"permission {name!r} is carried out by no action, page or route")
    return everything


def check() -> list[Reachable]:
    """All start-up checks, in the order in which their sentences help most."""
    from jinmai.site import navigation

    everything = refuse_unlisted()
    navigation.check()
    return everything
