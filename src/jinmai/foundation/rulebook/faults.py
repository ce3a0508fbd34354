"""Faults in a rule file (规则文件差错): which file, which key, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any


class RuleFault(Exception):
    """One thing wrong with a rule file: ``key`` is where (values[0].cite.article), ``what`` is what."""

    def __init__(self, key: str, what: str, file: str = "") -> None:
        super().__init__(key, what, file)
        self.key, self.what, self.file = key, what, file

    def __str__(self) -> str:
        place = f"{self.file}：" if self.file else ""
        return f"{place}{self.key or '文件'}：{self.what}"

    def inside(self, key: str) -> RuleFault:
        """The same fault, seen from one level further out."""
        joined = f"{key}{self.key}" if self.key.startswith("[") else f"{key}.{self.key}".rstrip(".")
        return RuleFault(joined, self.what, self.file)


def keys_of(given: object, required: Iterable[str], optional: Iterable[str] = (), key: str = "") -> Mapping[str, Any]:
    """``given`` as a mapping that has every required key and none besides the optional ones."""
    if not isinstance(given, Mapping):
        raise RuleFault(key, f"应为一组键值，现为 {type(given).__name__}")
    required, optional = list(required), list(optional)
    for name in given:
        if name not in required and name not in optional:
            raise RuleFault(under(key, str(name)), f"不认识的键，可用 {'、'.join([*required, *optional])}")
    for name in required:
        if name not in given:
            raise RuleFault(under(key, name), "缺少此键")
    return given


def mapping_of(given: object, key: str) -> Mapping[str, Any]:
    """``given`` as a mapping with text keys and something in it."""
    if not isinstance(given, Mapping) or not given or not all(isinstance(name, str) for name in given):
        raise RuleFault(key, f"应为一组键值，现为 {given!r}")
    return given


def under(key: str, name: str) -> str:
    """The place ``name`` inside the place ``key``."""
    return f"{key}.{name}" if key else name


def text_of(given: object, key: str) -> str:
    """``given`` as a text that says something; a number or a date where a text or code is due is a fault."""
    if not isinstance(given, str):
        raise RuleFault(key, f"应为文字；代码要加引号（YAML 会改写未加引号的数字），现为 {given!r}")
    if not given.strip():
        raise RuleFault(key, "不能为空")
    return given


def list_of(given: object, key: str) -> list[Any]:
    """``given`` as a list with something in it."""
    if not isinstance(given, list) or not given:
        raise RuleFault(key, "应为至少一项的列表")
    return given


def day_of(given: object, key: str) -> date:
    """``given`` as a day, written 2026-11-22 with or without quotes."""
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise RuleFault(key, f"应为日期（如 2026-11-22），现为 {given!r}") from None
