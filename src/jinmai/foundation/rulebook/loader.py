"""The strict loader (规则装载): one YAML file is one rule, and what it doesn't fully understand it refuses.

A rule file, every key of it::

    id: credit_objection_days          # the file's name without .yaml
    kind: parameter                    # parameter table ladder checklist scorecard calendar
    label: 异议处理时限
    unit: 天                            # of a parameter; null for the other kinds
    status: binding                    # binding guidance local example
    checked_on: 2026-11-22
    notes: …                           # optional
    tighter: lower                     # optional, of a parameter: which way is stricter
    overrides: credit_objection_days   # only in a city's overlay, with `because` when the shared rule is binding
    values:
    - from: 2013-03-15                 # or `unknown`, with an optional `not_before`
      value: "20"                      # numbers are quoted decimals or whole numbers, codes quoted strings
      cite: {document: …, url: …, number: …, article: …, issued: 2013-01-21}
      unverified: [article]            # citation fields nobody has seen; only these may be null
      confirmed: true                  # false only in a calendar: no notice was read yet
    cases:                             # optional: tests a lawyer can write; lint runs them
    - {on: 2020-02-29, given: {}, expect: "20"}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jinmai.foundation.rulebook.faults import RuleFault, day_of, keys_of, list_of, text_of
from jinmai.foundation.rulebook.kinds.calendar import parse_calendar
from jinmai.foundation.rulebook.kinds.checklist import parse_checklist
from jinmai.foundation.rulebook.kinds.ladder import parse_ladder
from jinmai.foundation.rulebook.kinds.parameter import parse_parameter
from jinmai.foundation.rulebook.kinds.scorecard import parse_scorecard
from jinmai.foundation.rulebook.kinds.table import cell_unit, parse_table
from jinmai.foundation.rulebook.rule import CITED_FIELDS, KINDS, STATUSES, Case, Citation, DatedValue, Rule
from jinmai.foundation.rulebook.strict_yaml import read_yaml

PACKAGE = Path(__file__).parents[2]
REQUIRED = ("id", "kind", "label", "unit", "status", "checked_on", "values")
OPTIONAL = ("notes", "cases", "overrides", "because", "tighter")
MAY_BE_NULL = ("number", "article", "issued")

PARSERS: Mapping[str, Callable[[Any, str | None, str], Any]] = {
    "parameter": parse_parameter,
    "table": parse_table,
    "ladder": parse_ladder,
    "checklist": parse_checklist,
    "scorecard": parse_scorecard,
    "calendar": parse_calendar,
}


def shared_files(package: Path = PACKAGE) -> Iterator[tuple[Path, str]]:
    """Every ``rules/*.yaml`` of the rooms with the room's name; cities are not shared."""
    for path in sorted(package.glob("**/rules/*.yaml")):
        room = path.relative_to(package).parts[:-2]
        if room and room[0] != "cities":
            yield path, room[-1]


def city_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every rule file of a city's overlay."""
    for path in sorted((folder / "rules").glob("*.yaml")):
        yield path, f"cities/{folder.name}"


def read_rule(path: Path, desk: str) -> Rule:
    """The rule in a file; a RuleFault names the file and the key."""
    name = f"{desk}/rules/{path.name}"
    try:
        return parse_rule(read_yaml(path.read_text(encoding="utf-8")), path.stem, name, desk)
    except UnicodeDecodeError:
        raise RuleFault("", "不是 UTF-8 编码", name) from None
    except RuleFault as fault:
        raise RuleFault(fault.key, fault.what, name) from None


def parse_rule(content: Any, stem: str, file: str = "", desk: str = "") -> Rule:
    """The rule that a parsed file says; ``stem`` is what its id must be."""
    parts = keys_of(content, REQUIRED, OPTIONAL)
    if parts["id"] != stem:
        raise RuleFault("id", f"应与文件名相同（{stem}），现为 {parts['id']!r}")
    kind, status = _one_of(parts, "kind", KINDS), _one_of(parts, "status", STATUSES)
    unit = _unit(parts["unit"], kind)
    values = _values(parts["values"], kind, unit, status, file)
    return Rule(
        id=stem,
        kind=kind,
        label=text_of(parts["label"], "label"),
        unit=unit,
        status=status,
        checked_on=day_of(parts["checked_on"], "checked_on"),
        values=values,
        cases=tuple(_case(one, f"cases[{index}]") for index, one in enumerate(_listed(parts, "cases"))),
        notes=unfold(str(parts.get("notes") or "")),
        file=file,
        desk=desk,
        overrides=_optional_text(parts, "overrides"),
        because=_optional_text(parts, "because") or "",
        tighter=_one_of(parts, "tighter", ("lower", "higher")) if "tighter" in parts else None,
    )


def unfold(text: str) -> str:
    """A folded Chinese text without the spaces that YAML puts where a line ended.

    >>> unfold("任一项低于下限。 行业代码")
    '任一项低于下限。行业代码'
    """
    return re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", text)


def _one_of(parts: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    given = parts[key]
    if given not in choices:
        raise RuleFault(key, f"应为 {'、'.join(choices)} 之一，现为 {given!r}")
    return str(given)


def _listed(parts: Mapping[str, Any], key: str) -> list[Any]:
    return list_of(parts[key], key) if key in parts else []


def _optional_text(parts: Mapping[str, Any], key: str) -> str | None:
    return text_of(parts[key], key) if key in parts else None


def _unit(given: Any, kind: str) -> str | None:
    if kind != "parameter":
        if given is not None:
            raise RuleFault("unit", f"{kind} 的单位写在内容里，此处应为 null")
        return None
    return cell_unit(given, "unit")


def _values(given: Any, kind: str, unit: str | None, status: str, file: str) -> tuple[DatedValue, ...]:
    values: list[DatedValue] = []
    for index, one in enumerate(list_of(given, "values")):
        key = f"values[{index}]"
        dated = _value(one, kind, unit, status, key, file)
        if index and dated.since is None:
            raise RuleFault(f"{key}.from", "只有最早的一项可以写 unknown")
        if values and dated.starts <= values[-1].starts:
            raise RuleFault(f"{key}.from", "各项应按生效日期从早到晚，且不重复")
        values.append(dated)
    return tuple(values)


def _value(given: Any, kind: str, unit: str | None, status: str, key: str, file: str) -> DatedValue:
    parts = keys_of(given, ("from", "value"), ("cite", "unverified", "confirmed", "not_before"), key=key)
    since = None if parts["from"] == "unknown" else day_of(parts["from"], f"{key}.from")
    if "not_before" in parts and since is not None:
        raise RuleFault(f"{key}.not_before", "只在 from: unknown 时使用")
    confirmed = parts.get("confirmed", True)
    if not isinstance(confirmed, bool):
        raise RuleFault(f"{key}.confirmed", "应为 true 或 false")
    if not confirmed and kind != "calendar" and status != "example":
        raise RuleFault(f"{key}.confirmed", "未核实的数值只能标为 status: example")
    unverified = _unverified(parts.get("unverified") or [], f"{key}.unverified")
    return DatedValue(
        since=since,
        value=PARSERS[kind](parts["value"], unit, f"{key}.value"),
        written=parts["value"],
        status=status,
        cite=_cite(parts, unverified, status == "example" or not confirmed, key),
        unverified=unverified,
        confirmed=confirmed,
        not_before=day_of(parts["not_before"], f"{key}.not_before") if "not_before" in parts else None,
        origin=file,
    )


def _unverified(given: Any, key: str) -> tuple[str, ...]:
    if not isinstance(given, list) or any(name not in MAY_BE_NULL for name in given):
        raise RuleFault(key, f"应为 {'、'.join(MAY_BE_NULL)} 中若干项的列表")
    return tuple(given)


def _cite(parts: Mapping[str, Any], unverified: tuple[str, ...], optional: bool, key: str) -> Citation | None:
    if parts.get("cite") is None:
        if not optional:
            raise RuleFault(f"{key}.cite", "没有依据的数值只能标为 status: example")
        return None
    place = f"{key}.cite"
    cite = keys_of(parts["cite"], CITED_FIELDS, key=place)
    for name in MAY_BE_NULL:
        if (cite[name] is None) != (name in unverified):
            raise RuleFault(f"{place}.{name}", "没有见到的留空（null）并列入 unverified；见到的写明且不列入")
    url = text_of(cite["url"], f"{place}.url")
    if not url.startswith(("https://", "http://")):
        raise RuleFault(f"{place}.url", "应为读到原文的网址")
    return Citation(
        document=text_of(cite["document"], f"{place}.document"),
        url=url,
        number=None if cite["number"] is None else text_of(cite["number"], f"{place}.number"),
        article=None if cite["article"] is None else text_of(cite["article"], f"{place}.article"),
        issued=None if cite["issued"] is None else day_of(cite["issued"], f"{place}.issued"),
    )


def _case(given: Any, key: str) -> Case:
    parts = keys_of(given, ("given", "expect"), ("on", "name"), key=key)
    inputs = parts["given"]
    if not isinstance(inputs, Mapping):
        raise RuleFault(f"{key}.given", "应为一组键值")
    on = day_of(parts["on"], f"{key}.on") if "on" in parts else None
    return Case(dict(inputs), parts["expect"], on, str(parts.get("name", "")))
