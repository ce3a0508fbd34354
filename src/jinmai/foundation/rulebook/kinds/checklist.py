"""Checklist (清单): items that must all hold, each a condition or something a person vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.rulebook.condition import AllOf, Condition, Leaf, Node
from jinmai.foundation.rulebook.faults import RuleFault, keys_of, list_of, text_of
from jinmai.foundation.rulebook.figures import WHO_CAN_KNOW


@dataclass(frozen=True)
class Item:
    """One item (事项): its condition; ``evidence`` says what an attested item rests on (who, when and on what)."""

    id: str
    text: str
    condition: Condition
    attested: bool = False
    evidence: str = ""


@dataclass(frozen=True)
class Checklist:
    """Items that must all hold; ``condition`` joins them, its clauses named after the items."""

    items: tuple[Item, ...]

    @property
    def condition(self) -> Condition:
        """All items as one condition, for explain and evaluate."""
        parts: list[Node] = []
        for item in self.items:
            parts.append(item.condition.root)
        return Condition(AllOf(tuple(parts)))


def attested_measure(item: str) -> str:
    """The measure name under which an attestation of an item is given: a truth with who, when and on what evidence.

    >>> attested_measure("fixed_place")
    'attested.fixed_place'
    """
    return f"attested.{item}"


def parse_checklist(given: Any, unit: str | None, key: str) -> Checklist:
    """``{items: [{id, text, condition} or {id, text, attested: true, who_can_know, evidence}]}``."""
    parts = keys_of(given, ("items",), key=key)
    items = tuple(
        _item(item, f"{key}.items[{index}]") for index, item in enumerate(list_of(parts["items"], f"{key}.items"))
    )
    seen: set[str] = set()
    for leaf in Checklist(items).condition.leaves():
        if leaf.id in seen:
            raise RuleFault(f"{key}.items", f"条款编号 {leaf.id} 重复")
        seen.add(leaf.id)
    return Checklist(items)


def _item(given: Any, key: str) -> Item:
    parts = keys_of(given, ("id", "text"), ("condition", "attested", "who_can_know", "evidence"), key=key)
    item, text = text_of(parts["id"], f"{key}.id"), text_of(parts["text"], f"{key}.text")
    if ("condition" in parts) == ("attested" in parts):
        raise RuleFault(key, "condition 与 attested 二者须有且只有一个")
    if "attested" in parts:
        return _attested(item, text, parts, key)
    tree = parts["condition"]
    if isinstance(tree, Mapping) and "measure" in tree:
        tree = {"id": item, "text": text, **tree}
    elif isinstance(tree, Mapping):
        tree = _prefixed(tree, item)
    try:
        return Item(item, text, Condition.parse(tree))
    except Refusal as refusal:
        raise RuleFault(f"{key}.condition", refusal.reason) from None


def _prefixed(tree: Mapping[str, Any], item: str) -> dict[str, Any]:
    """A group's clauses without ids get the item's id, so that they stay apart from other items' clauses."""
    count = 0

    def visit(node: Any) -> Any:
        nonlocal count
        if isinstance(node, Mapping) and "measure" in node:
            count += 1
            return {"id": f"{item}.{count}", **node}
        if isinstance(node, Mapping):
            return {name: visit(part) for name, part in node.items()}
        return [visit(part) for part in node] if isinstance(node, list) else node

    return {str(name): visit(part) for name, part in tree.items()}


def _attested(item: str, text: str, parts: Mapping[str, Any], key: str) -> Item:
    if parts["attested"] is not True:
        raise RuleFault(f"{key}.attested", "只能写 true")
    who = parts.get("who_can_know", "platform")
    if who not in WHO_CAN_KNOW:
        raise RuleFault(f"{key}.who_can_know", f"应为 {'、'.join(WHO_CAN_KNOW)} 之一")
    evidence = text_of(parts.get("evidence"), f"{key}.evidence")
    leaf = Leaf(item, attested_measure(item), "==", True, "bool", text, who)
    return Item(item, text, Condition(leaf), True, evidence)
