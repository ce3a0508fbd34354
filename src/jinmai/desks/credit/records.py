"""Single records on a firm's sheet (记录): which tables show them, in what words, and which department answers for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation import analytics
from jinmai.foundation.analytics.fact_tables import stored_tables
from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.analytics.records import FactRow
from jinmai.foundation.intake.declarations import Source, sources
from jinmai.foundation.kernel.errors import Broken, Words, shown
from jinmai.foundation.rulebook import show

DECLARED = Path(__file__).parent / "records.yaml"
FIGURE = ""


@dataclass(frozen=True)
class RepairRules:
    """The rules by which records of a table are repaired, by id."""

    periods: str
    conditions: str
    working_days: str


@dataclass(frozen=True)
class RecordTable:
    """How rows of one table stand on the sheet; ``repair`` is None where nothing is to be repaired."""

    name: str
    title: str
    words: tuple[str, ...]
    negative: bool
    objection_days: str
    alarm_days: str
    repair: RepairRules | None

    @property
    def label(self) -> str:
        """The table in the reader's language."""
        return shown(analytics.get_table(self.name).label)

    @property
    def date_column(self) -> str | None:
        """The column that says when it happened."""
        return analytics.get_table(self.name).date


@dataclass(frozen=True)
class Line:
    """One record as the sheet shows it: what it says, when it happened, which department sent it in which batch."""

    target: str
    table: str
    key: str
    label: str
    title: str
    words: str
    happened_on: date | None
    department: str
    batch: Batch
    negative: bool
    values: Mapping[str, Any]

    @property
    def told(self) -> str:
        """The record in one sentence, as a case keeps it: Chinese."""
        day = self.happened_on.isoformat() if self.happened_on else ""
        return "　".join(part for part in (self.label, self.title, day, self.words) if part)


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    return content


@cache
def record_tables() -> dict[str, RecordTable]:
    """The tables whose rows stand on the sheet, by name."""
    return {
        name: RecordTable(
            name=name,
            title=row["title"],
            words=tuple(row["words"]),
            negative=bool(row.get("negative", False)),
            objection_days=row["objection_days"],
            alarm_days=row["alarm_days"],
            repair=RepairRules(**row["repair"]) if "repair" in row else None,
        )
        for name, row in _content()["tables"].items()
    }


def require_known() -> None:
    """Refuse at start-up a table or column that nobody declared."""
    for name, table in record_tables().items():
        columns = analytics.get_table(name).column_names
        if missing := {table.title, *table.words} - set(columns):
            raise Broken(f"records.yaml: {name} has no column {', '.join(sorted(missing))}")
        if table.negative and analytics.get_table(name).date is None:
            raise Broken(f"records.yaml: {name} is negative and its rows have no date to count from")


def split(target: str) -> tuple[str, str]:
    """A target's table and row key; a figure has neither.

    >>> split("tax_penalties:0190"), split("sales_12m")
    (('tax_penalties', '0190'), ('', ''))
    """
    table, colon, key = target.partition(":")
    return (table, key) if colon else (FIGURE, "")


def objection_rules(target: str) -> tuple[str, str]:
    """Ids of the rules that set the days for an objection to this target, and the day of its alarm."""
    table, _key = split(target)
    row = _content()["tables"][table] if table else _content()["figures"]
    return row["objection_days"], row["alarm_days"]


def source_of(table: str) -> Source | None:
    """The source that brings a table's rows; of several, the first by name."""
    return next((one for _name, one in sorted(sources().items()) if one.table == table), None)


def owner_of(target: str) -> str:
    """The code of the department that answers for a figure or a record (来源部门)."""
    table, _key = split(target)
    stored = (table,) if table else stored_tables(analytics.get_measure(target).table)
    owners: Mapping[str, str] = _content()["figures"]["owners"]
    for name in stored:
        if name in owners:
            return owners[name]
        source = source_of(name)
        if source is not None:
            return source.owner
    raise Broken(f"nobody answers for {target!r}: name its owner in records.yaml")


def lines_of(rows: Iterable[FactRow], departments: Mapping[str, str]) -> tuple[Line, ...]:
    """Records as the sheet shows them; ``departments`` are names by code."""
    return tuple(_line(row, departments) for row in rows)


def _line(row: FactRow, departments: Mapping[str, str]) -> Line:
    table = record_tables()[row.table]
    columns = {one.name: one for one in analytics.get_table(row.table).columns}
    happened = row.values[table.date_column] if table.date_column else None
    words = [_cell(row, columns[name]) for name in table.words]
    code = sources()[row.batch.source].owner if row.batch.source in sources() else owner_of(f"{row.table}:{row.key}")
    return Line(
        target=f"{row.table}:{row.key}",
        table=row.table,
        key=row.key,
        label=table.label,
        title=_cell(row, columns[table.title]),
        words="，".join(word for word in words if word),
        happened_on=happened,
        department=departments.get(code, code),
        batch=row.batch,
        negative=table.negative,
        values=row.values,
    )


def _cell(row: FactRow, column: Any) -> str:
    value = row.values[column.name]
    if value is None:
        return ""
    if column.type == "fen":
        return shown(Words("%(label)s %(value)s", label=shown(column.label), value=show(value, "元")))
    field = next((one for one in _fields(row.table) if one.name == column.name), None)
    by_code = {code: word for word, code in field.values.items()} if field else {}
    return str(by_code.get(value, value))


@cache
def _fields(table: str) -> tuple[Any, ...]:
    source = source_of(table)
    return source.fields if source else ()
