"""Conditions (条件): one JSON tree that a person can be told about and a table can be filtered by.

A leaf asks one measure against one threshold or one rule; ``all``, ``any`` and ``not`` join them. Law, a bank's product
and a checklist use the same tree.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jinmai.foundation.kernel import errors
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.rulebook.figures import WHO_CAN_KNOW
from jinmai.foundation.rulebook.operators import ON_PAPER
from jinmai.foundation.rulebook.units import dimension, from_base, is_numeric, show, to_base

MAX_DEPTH, MAX_CLAUSES = 12, 400
LEAF_KEYS = {"id", "measure", "op", "value", "unit", "text", "who_can_know"}
OPS = tuple(op for op in ON_PAPER if op != "outside")
ORDERED = (">=", "<=", ">", "<", "between")
LISTS = ("in", "not_in")
NAME = re.compile(r"[a-z][a-z0-9_.]*")


@dataclass(frozen=True)
class RuleRef:
    """A threshold that stands in a rule, not in the condition: looked up on the day of the question."""

    rule: str


Scalar = int | str | bool
Threshold = Scalar | tuple[Scalar, ...] | RuleRef


@dataclass(frozen=True)
class Leaf:
    """One clause (条款): a measure, a comparison and a threshold in base units."""

    id: str
    measure: str
    op: str
    threshold: Threshold
    unit: str
    text: str = ""
    who_can_know: str | None = None


@dataclass(frozen=True)
class AllOf:
    """Every part must hold (全部满足)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class AnyOf:
    """One part is enough (满足其一)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class NotOf:
    """The part must not hold (不得)."""

    part: Node


Node = Leaf | AllOf | AnyOf | NotOf


@dataclass(frozen=True)
class Condition:
    """A parsed condition (条件)."""

    root: Node

    @classmethod
    def parse(cls, tree: object) -> Condition:
        """The condition a JSON tree says; refuses what it doesn't fully understand, naming the place (JM-RUL-003).

        Thresholds of numeric units are decimal strings or whole numbers; unknown keys, floats, empty groups and
        repeated clause ids are refused.

        >>> Condition.parse({"measure": "sales_12m", "op": ">=", "value": "150", "unit": "万元"}).measures()
        ('sales_12m',)
        """
        parser = _Parser()
        root = parser.node(tree, "", 0)
        return cls(root)

    def leaves(self) -> tuple[Leaf, ...]:
        """The clauses, in reading order."""
        return tuple(_leaves(self.root))

    def measures(self) -> tuple[str, ...]:
        """The measures asked for, each once, in reading order."""
        return tuple(dict.fromkeys(leaf.measure for leaf in self.leaves()))

    def rules(self) -> tuple[str, ...]:
        """The rules that thresholds stand in, each once, in reading order."""
        found = (leaf.threshold.rule for leaf in self.leaves() if isinstance(leaf.threshold, RuleRef))
        return tuple(dict.fromkeys(found))

    def to_json(self) -> dict[str, Any]:
        """The tree again, every number in its one way of writing it."""
        return _tree(self.root)

    @property
    def canonical(self) -> str:
        """The one text of this condition: the same tree always gives the same bytes."""
        return json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text: what a decision stores."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def in_words(self) -> str:
        """What an officer reads where no text was written: 近12个月开票额 不低于 150.00 万元 且 ….

        >>> Condition.parse({"measure": "buyers_12m", "op": ">=", "value": 8, "unit": "户"}).in_words()
        'buyers_12m 不低于 8 户'
        """
        return _words(self.root)


def refuse(where: str, what: str) -> Refusal:
    """The refusal of a malformed condition, naming the place."""
    return Refusal("JM-RUL-003", Words("条件写法有误（%(where)s）：%(what)s", where=where or "顶层", what=what), "请按条件格式改正")


class _Parser:
    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.count = 0

    def node(self, tree: object, where: str, depth: int) -> Node:
        if not isinstance(tree, Mapping):
            raise refuse(where, f"应为一个对象，现为 {type(tree).__name__}")
        if depth > MAX_DEPTH:
            raise refuse(where, f"嵌套超过 {MAX_DEPTH} 层")
        groups = [key for key in ("all", "any", "not") if key in tree]
        if not groups:
            return self.leaf(tree, where)
        if len(tree) > 1:
            others = "、".join(sorted(str(key) for key in tree if key != groups[0]))
            raise refuse(where, f"“{groups[0]}”不能与 {others} 并列")
        if groups[0] == "not":
            return NotOf(self.node(tree["not"], f"{where}not.", depth + 1))
        return self.group(groups[0], tree[groups[0]], where, depth)

    def group(self, name: str, parts: object, where: str, depth: int) -> Node:
        if not isinstance(parts, list) or not parts:
            raise refuse(f"{where}{name}", "应为至少一项的列表")
        nodes = tuple(self.node(part, f"{where}{name}[{index}].", depth + 1) for index, part in enumerate(parts))
        return AllOf(nodes) if name == "all" else AnyOf(nodes)

    def leaf(self, tree: Mapping[str, Any], where: str) -> Leaf:
        unknown = sorted(str(key) for key in tree if key not in LEAF_KEYS)
        if unknown:
            raise refuse(where, f"不认识的键 {'、'.join(unknown)}")
        for key in ("measure", "op", "value", "unit"):
            if key not in tree:
                raise refuse(where, f"缺少 {key}")
        self.count += 1
        if self.count > MAX_CLAUSES:
            raise refuse(where, f"条款超过 {MAX_CLAUSES} 条")
        unit = str(tree["unit"])
        op = str(tree["op"])
        try:
            threshold = _threshold(tree["value"], op, unit, where)
        except Refusal as refusal:
            if refusal.code == "JM-RUL-003":
                raise
            raise refuse(where, refusal.reason) from None
        return Leaf(
            id=self.clause_id(tree.get("id"), where),
            measure=_name(tree["measure"], f"{where}measure"),
            op=op,
            threshold=threshold,
            unit=unit,
            text=str(tree.get("text", "")),
            who_can_know=_who(tree.get("who_can_know"), where),
        )

    def clause_id(self, given: object, where: str) -> str:
        clause = f"c{self.count}" if given is None else given
        if not isinstance(clause, str) or not clause:
            raise refuse(f"{where}id", "条款编号应为文字")
        if clause in self.ids:
            raise refuse(f"{where}id", f"条款编号 {clause} 重复")
        self.ids.add(clause)
        return clause


def _name(given: object, where: str) -> str:
    if not isinstance(given, str) or not NAME.fullmatch(given):
        raise refuse(where, f"“{given}”不是指标名（小写字母、数字、下划线）")
    return given


def _who(given: object, where: str) -> str | None:
    if given is not None and given not in WHO_CAN_KNOW:
        raise refuse(f"{where}who_can_know", f"“{given}”不是 {'、'.join(WHO_CAN_KNOW)} 之一")
    return None if given is None else str(given)


def _threshold(value: object, op: str, unit: str, where: str) -> Threshold:
    if op not in OPS:
        raise refuse(f"{where}op", f"不认识的比较符“{op}”，可用 {' '.join(OPS)}")
    if op in ORDERED and not is_numeric(unit):
        raise refuse(f"{where}op", f"单位 {unit} 没有大小，不能用“{op}”")
    if isinstance(value, Mapping):
        if set(value) != {"rule"} or not isinstance(value["rule"], str):
            raise refuse(f"{where}value", "引用规则应写成 {rule: 规则编号}")
        return RuleRef(value["rule"])
    if op in LISTS or op == "between":
        return _members(value, op, unit, where)
    return _scalar(value, unit, f"{where}value")


def _members(value: object, op: str, unit: str, where: str) -> tuple[Scalar, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise refuse(f"{where}value", f"“{op}”需要一个列表")
    members = tuple(_scalar(item, unit, f"{where}value[{index}]") for index, item in enumerate(value))
    if op == "between" and (len(members) != 2 or members[0] > members[1]):  # type: ignore[operator]
        raise refuse(f"{where}value", "区间应为 [下限, 上限]，下限不大于上限")
    return members


def _scalar(value: object, unit: str, where: str) -> Scalar:
    kind = dimension(unit)
    if kind == "truth":
        if not isinstance(value, bool):
            raise refuse(where, f"是否类指标的值应为 true 或 false，现为 {value!r}")
        return value
    if kind == "word":
        if not isinstance(value, str):
            raise refuse(where, f"代码和词语应为加引号的文字，现为 {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise refuse(where, f"数值应为加引号的十进制数或整数，现为 {value!r}")
    return to_base(value, unit)


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, NotOf):
        yield from _leaves(node.part)
    else:
        for part in node.parts:
            yield from _leaves(part)


def _tree(node: Node) -> dict[str, Any]:
    if isinstance(node, AllOf):
        return {"all": [_tree(part) for part in node.parts]}
    if isinstance(node, AnyOf):
        return {"any": [_tree(part) for part in node.parts]}
    if isinstance(node, NotOf):
        return {"not": _tree(node.part)}
    leaf: dict[str, Any] = {
        "id": node.id,
        "measure": node.measure,
        "op": node.op,
        "value": written(node.threshold, node.unit),
        "unit": node.unit,
    }
    if node.text:
        leaf["text"] = node.text
    if node.who_can_know:
        leaf["who_can_know"] = node.who_can_know
    return leaf


def written(threshold: Threshold | None, unit: str) -> Any:
    """A figure or threshold as JSON writes it: numbers as exact decimal strings in ``unit``, words and truths as such.

    >>> written(150_000_000, "万元"), written(("A", "B"), "enum"), written(RuleRef("lpr"), "%")
    ('150', ['A', 'B'], {'rule': 'lpr'})
    """
    if isinstance(threshold, RuleRef):
        return {"rule": threshold.rule}
    if isinstance(threshold, tuple):
        return [written(member, unit) for member in threshold]
    if threshold is None or isinstance(threshold, (bool, str)):
        return threshold
    return f"{from_base(int(threshold), unit):f}"


def shown(threshold: Threshold | None, unit: str) -> str:
    """A figure or threshold as an officer reads it.

    >>> shown(150_000_000, "万元"), shown(("A", "B"), "enum"), shown(False, "bool"), shown((15, 60), "天")
    ('150.00 万元', 'A、B', '否', '15 天、60 天')
    """
    if threshold is None:
        return "—"
    if isinstance(threshold, RuleRef):
        return f"规则 {threshold.rule}"
    if isinstance(threshold, tuple):
        return "、".join(shown(member, unit) for member in threshold)
    if isinstance(threshold, bool):
        return errors.shown("是" if threshold else "否")
    return errors.shown(threshold) if isinstance(threshold, str) else show(int(threshold), unit)


def _words(node: Node) -> str:
    if isinstance(node, Leaf):
        return node.text or f"{node.measure} {ON_PAPER[node.op]} {shown(node.threshold, node.unit)}"
    if isinstance(node, NotOf):
        return f"不得：{_words(node.part)}"
    joiner = "；且 " if isinstance(node, AllOf) else "；或 "
    parts = (f"（{_words(part)}）" if isinstance(part, (AllOf, AnyOf)) else _words(part) for part in node.parts)
    return joiner.join(parts)
