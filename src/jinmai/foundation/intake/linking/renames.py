"""Chains of former names (更名链): what a name is called today, told only where the chain leaves no doubt."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Renames(Generic[Key]):
    """``current``: former name → today's; ``cycles``: names that lead back to themselves; ``forks``: a former name with
    the several names it is said to have become. Names that lead into a cycle or a fork stay as they are."""

    current: dict[Key, Key] = field(default_factory=dict)
    cycles: list[list[Key]] = field(default_factory=list)
    forks: list[tuple[Key, list[Key]]] = field(default_factory=list)


def follow(changes: Iterable[tuple[Key, Key]]) -> Renames[Key]:
    """Each former name's name of today, from (former, later) pairs in any order.

    >>> follow([("甲", "乙"), ("乙", "丙")]).current
    {'甲': '丙', '乙': '丙'}
    >>> follow([("甲", "乙"), ("甲", "丙"), ("丁", "甲")])
    Renames(current={}, cycles=[], forks=[('甲', ['乙', '丙'])])
    >>> follow([("甲", "乙"), ("乙", "甲")]).cycles
    [['甲', '乙']]
    """
    later: dict[Key, list[Key]] = {}
    for former, name in changes:
        if former != name and name not in later.setdefault(former, []):
            later[former].append(name)
    found: Renames[Key] = Renames(forks=[(former, names) for former, names in later.items() if len(names) > 1])
    in_cycle: set[Key] = set()
    for former in later:
        end, path = _end(former, later)
        if end is not None:
            found.current[former] = end
        elif path and not in_cycle & set(path):
            found.cycles.append(path)
            in_cycle |= set(path)
    return found


def _end(start: Key, later: dict[Key, list[Key]]) -> tuple[Key | None, list[Key]]:
    """Where a chain ends; None where it forks or turns in a circle, and the circle's names."""
    path, name = [start], start
    while name in later:
        if len(later[name]) > 1:
            return None, []
        name = later[name][0]
        if name in path:
            return None, path[path.index(name) :]
        path.append(name)
    return name, []
