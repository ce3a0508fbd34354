"""The tripwire for unscoped reads: a page or route that starts a query on a noun with several rightful viewers asks
``visible_to(actor)`` in the same expression. The matrix of tests/security finds what it lets through at run time."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "jinmai"
ROOMS = ("views", "api", "search")
#: Queries that need no ``visible_to``, and why. One that no longer stands is taken off the list.
EXPLAINED = {
    "desks/credit/views/sheets.py: Consent.objects.live.values": "narrows rows that are visible_to already",
    "desks/parties/views/registers.py: Institution.objects.order_by.values_list.distinct": "kinds of a public register",
    "desks/parties/views/registers.py: Institution.objects.filter.select_related": "the tree around one that was visible_to",
}


def nouns_with_viewers() -> set[str]:
    """Names of the models whose manager has ``visible_to``."""
    from django.apps import apps

    return {
        model.__name__
        for model in apps.get_models()
        if model.__module__.startswith("jinmai.") and hasattr(model._default_manager, "visible_to")
    }


def page_modules() -> list[Path]:
    """Every module of pages, routes and search of the rooms."""
    found = [path for room in ROOMS for path in (*SOURCE.rglob(f"{room}.py"), *SOURCE.rglob(f"{room}/*.py"))]
    return sorted(path for path in found if "tests" not in path.parts)


def chain_of(node: ast.AST) -> tuple[str, list[str]]:
    """The name a dotted call chain starts from and the attributes along it: Order.objects.filter(…).first()."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        else:
            node = node.func
    return (node.id if isinstance(node, ast.Name) else ""), names[::-1]


def unscoped(source: str, nouns: set[str]) -> list[str]:
    """Chains that query one of the nouns without ``visible_to``."""
    tree = ast.parse(source)
    inner = {child for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Call)
             for child in (node.value if isinstance(node, ast.Attribute) else node.func,)}  # fmt: skip
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Call) and node not in inner:
            start, names = chain_of(node)
            if start in nouns and names[:1] == ["objects"] and "visible_to" not in names:
                found.append(f"{start}.{'.'.join(names)}")
    return found


def test_pages_and_routes_ask_visible_to():
    nouns = nouns_with_viewers()
    assert {"Order", "Need", "Consent"} <= nouns
    found = {
        f"{path.relative_to(SOURCE)}: {chain}"
        for path in page_modules()
        for chain in unscoped(path.read_text(encoding="utf-8"), nouns)
    }
    assert found == set(EXPLAINED)


def test_a_query_without_it_is_noticed():
    nouns = {"Order"}
    assert unscoped("rows = Order.objects.filter(pk=1).first()", nouns) == ["Order.objects.filter.first"]
    assert unscoped("rows = Order.objects.visible_to(actor).filter(pk=1).first()", nouns) == []
    assert unscoped("rows = Thing.objects.all()", nouns) == []
