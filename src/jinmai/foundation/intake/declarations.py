"""Sources (数据来源) as declared in YAML: strict reading, one clear sentence for whatever doesn't fit.

A source says which columns a file has, how each reads, which sums must hold, whom the rows are about, and which fact
table they land in. Declarations lie in ``intake/sources`` and in any desk's ``sources`` folder. No Django here: the
parsing child reads the same declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FIELD_TYPES = ("key", "code", "text", "date", "money", "int", "ratio", "enum", "bool")
UNITS = {"money": {"元": 100, "万元": 1_000_000}, "int": {"": 1, "年": 1}, "ratio": {"": 1, "%": 1}}
FACT_TYPES = {
    "key": "str", "code": "str", "text": "str", "enum": "str",
    "date": "date", "money": "fen", "int": "int", "ratio": "ratio", "bool": "bool",
}  # fmt: skip
LEVELS = ("C1", "C2", "C3")
#: What a code must be beyond text: ``uscc`` is a unified social credit code (统一社会信用代码), its check character right.
FORMATS = ("", "uscc")
#: Up to when a date may lie: ``import_day`` is the day on which the file is imported; blank is no bound.
LATEST = ("", "import_day")
LONGEST_CELL = 32_767  # what a spreadsheet's cell can hold
PACKAGE = Path(__file__).parents[2]


class SourceBroken(ValueError):
    """A declaration that can't be read: stops start-up."""


@dataclass(frozen=True)
class Field:
    """One column of a file: its heading, how it reads, and what it must satisfy. A ratio in ``%`` is written without its
    sign (49.56); one that is ``part_of_one`` lies between nothing and the whole."""

    name: str
    label: str
    type: str
    unit: str = ""
    required: bool = False
    optional_column: bool = False
    aliases: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    earliest: date | None = None
    latest: str = ""
    help: str = ""
    format: str = ""
    example: str = ""
    part_of_one: bool = False

    @property
    def headings(self) -> tuple[str, ...]:
        return (self.label, *self.aliases)


@dataclass(frozen=True)
class SumCheck:
    """``sum`` of fields equals another field, exactly to the fen."""

    parts: tuple[str, ...]
    equals: str
    reason: str


@dataclass(frozen=True)
class SubjectRule:
    """Which field names the subject, in which scheme; unknown keys make provisional subjects of that origin."""

    scheme: str
    field: str
    kind: str = "enterprise"
    origin: str = "local"
    name: str = ""


@dataclass(frozen=True)
class Source:
    """One declared source. ``keep_years`` says how long its facts are kept (保存期限), 0 while they are in use."""

    name: str
    label: str
    level: str
    owner: str
    legal_basis: str
    table: str
    fields: tuple[Field, ...]
    subject: SubjectRule | None = None
    checks: tuple[SumCheck, ...] = ()
    header_rows: int = 1
    total_words: tuple[str, ...] = ()
    keep_years: int = 0
    help: str = ""

    def field(self, name: str) -> Field:
        return next(one for one in self.fields if one.name == name)


def _take(where: str, given: Any, allowed: set[str], needed: set[str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise SourceBroken(f"{where}: a mapping is expected, found {given!r}")
    if unknown := set(given) - allowed:
        raise SourceBroken(f"{where}: unknown key {', '.join(sorted(map(str, unknown)))}")
    if missing := needed - set(given):
        raise SourceBroken(f"{where}: missing key {', '.join(sorted(missing))}")
    return given


def _field(where: str, name: str, given: Any) -> Field:
    allowed = {
        "label", "type", "unit", "required", "optional_column", "aliases", "values", "earliest", "latest", "help", "format",
        "example", "part_of_one",
    }  # fmt: skip
    row = _take(f"{where}.{name}", given, allowed, {"label", "type"})
    kind = row["type"]
    if kind not in FIELD_TYPES:
        raise SourceBroken(f"{where}.{name}: unknown type {kind!r}, one of {', '.join(FIELD_TYPES)}")
    unit = row.get("unit", "")
    if kind in UNITS and unit not in UNITS[kind]:
        raise SourceBroken(f"{where}.{name}: unit {unit!r} is none of {', '.join(UNITS[kind])}")
    if kind in ("enum", "bool") and not row.get("values"):
        raise SourceBroken(f"{where}.{name}: an {kind} lists its values")
    if row.get("format", "") not in FORMATS or (row.get("format") and kind not in ("key", "code")):
        raise SourceBroken(f"{where}.{name}: format {row['format']!r} is none of {', '.join(FORMATS)}, for key or code")
    if row.get("latest", "") not in LATEST or (row.get("latest") and kind != "date"):
        raise SourceBroken(f"{where}.{name}: latest {row['latest']!r} is none of {', '.join(LATEST)}, for a date")
    if row.get("part_of_one") and kind != "ratio":
        raise SourceBroken(f"{where}.{name}: part_of_one is for a ratio")
    earliest = row.get("earliest")
    return Field(
        name=name,
        label=row["label"],
        type=kind,
        unit=unit,
        required=bool(row.get("required", False)),
        optional_column=bool(row.get("optional_column", False)),
        aliases=tuple(row.get("aliases", ())),
        values=dict(row.get("values", {})),
        earliest=date.fromisoformat(str(earliest)) if earliest else None,
        latest=row.get("latest", ""),
        help=row.get("help", ""),
        format=row.get("format", ""),
        example=str(row.get("example", "")),
        part_of_one=bool(row.get("part_of_one", False)),
    )


def parse_source(given: Any, where: str) -> Source:
    """One declaration from its parsed YAML; ``where`` is named in errors."""
    allowed = {
        "name", "label", "level", "owner", "legal_basis", "lands_in", "subject", "total_words", "header_rows",
        "fields", "checks", "keep_years", "help",
    }  # fmt: skip
    row = _take(where, given, allowed, {"name", "label", "level", "owner", "legal_basis", "lands_in", "fields"})
    lands = _take(f"{where}.lands_in", row["lands_in"], {"fact"}, {"fact"})
    if row["level"] not in LEVELS:
        raise SourceBroken(f"{where}: level {row['level']!r} is none of {', '.join(LEVELS)}")
    fields = tuple(_field(where, name, one) for name, one in row["fields"].items())
    names = {one.name for one in fields}
    checks = []
    for number, one in enumerate(row.get("checks", ()), start=1):
        check = _take(f"{where}.checks[{number}]", one, {"sum", "equals", "reason"}, {"sum", "equals", "reason"})
        if unknown := {*check["sum"], check["equals"]} - names:
            raise SourceBroken(f"{where}.checks[{number}]: no field {', '.join(sorted(unknown))}")
        checks.append(SumCheck(tuple(check["sum"]), check["equals"], check["reason"]))
    subject = None
    if "subject" in row:
        given_subject = _take(
            f"{where}.subject", row["subject"], {"scheme", "field", "kind", "origin", "name"}, {"scheme", "field"}
        )
        subject = SubjectRule(**given_subject)
        if {subject.field, subject.name or subject.field} - names:
            raise SourceBroken(f"{where}.subject: no field {subject.field!r} or {subject.name!r}")
    return Source(
        name=row["name"],
        label=row["label"],
        level=row["level"],
        owner=row["owner"],
        legal_basis=row["legal_basis"],
        table=lands["fact"],
        fields=fields,
        subject=subject,
        checks=tuple(checks),
        header_rows=int(row.get("header_rows", 1)),
        total_words=tuple(row.get("total_words", ())),
        keep_years=int(row.get("keep_years", 0)),
        help=row.get("help", ""),
    )


@cache
def sources() -> dict[str, Source]:
    """All declared sources by name."""
    found: dict[str, Source] = {}
    paths = [*PACKAGE.glob("foundation/intake/sources/*.yaml"), *PACKAGE.glob("desks/*/sources/*.yaml")]
    for path in sorted(paths):
        source = parse_source(yaml.safe_load(path.read_text(encoding="utf-8")), path.name)
        if source.name in found:
            raise SourceBroken(f"{path.name}: the source {source.name!r} is declared twice")
        found[source.name] = source
    return found
