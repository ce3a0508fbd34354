"""YAML read strictly (规则文件读取): no repeated keys, no floats, no words that turn into truths or days."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from jinmai.foundation.rulebook.faults import RuleFault


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that keeps ``yes``, ``no``, ``on``, ``off`` and days as text and refuses a key written twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise RuleFault("", f"第 {key_node.start_mark.line + 1} 行：键应为文字")
            if key in seen:
                raise RuleFault(str(key), f"第 {key_node.start_mark.line + 1} 行：同一个键写了两次")
            seen.add(key)
        return super().construct_mapping(node, deep)


_LEFT_AS_TEXT = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LEFT_AS_TEXT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def read_yaml(content: str) -> Any:
    """What a rule file says; a fault names the line."""
    try:
        parsed = yaml.load(content, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"第 {mark.line + 1} 行：" if mark else ""
        raise RuleFault("", f"{line}不是有效的 YAML（{getattr(error, 'problem', error)}）") from None
    _refuse_floats(parsed, "")
    return parsed


def _refuse_floats(part: Any, key: str) -> None:
    if isinstance(part, float):
        raise RuleFault(key, f'{part} 是浮点数，请写成加引号的十进制数（如 "{part}"）')
    if isinstance(part, dict):
        for name, value in part.items():
            _refuse_floats(value, f"{key}.{name}" if key else str(name))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            _refuse_floats(value, f"{key}[{index}]")
