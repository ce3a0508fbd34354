"""Table (表): rows under named columns, each column with its unit; looked up by any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinmai.foundation.kernel.errors import NotFound, Words
from jinmai.foundation.rulebook.faults import RuleFault, keys_of, list_of, mapping_of
from jinmai.foundation.rulebook.kinds.parameter import Cell, cell
from jinmai.foundation.rulebook.units import dimension

CellValue = Cell | tuple[int | str | bool, ...]


@dataclass(frozen=True)
class Table:
    """Columns with their units, and rows with cells in base units; a cell may be empty."""

    columns: Mapping[str, str]
    rows: tuple[Mapping[str, CellValue], ...]

    def matching(self, **wanted: CellValue) -> tuple[Mapping[str, CellValue], ...]:
        """The rows whose cells equal all that is wanted; a cell that is a list matches any of its members."""
        return tuple(row for row in self.rows if all(_holds(row[name], value) for name, value in wanted.items()))

    def row(self, **wanted: CellValue) -> Mapping[str, CellValue]:
        """The one row that matches; none or several refuse (JM-RUL-006)."""
        found = self.matching(**wanted)
        if len(found) != 1:
            asked = "、".join(f"{name}={value}" for name, value in wanted.items())
            raise NotFound("JM-RUL-006", Words("规则表中 %(asked)s 有 %(count)s 行", asked=asked, count=len(found)), "请核对查表的代码")
        return found[0]


def _holds(held: CellValue, value: CellValue) -> bool:
    return value in held if isinstance(held, tuple) and not isinstance(value, tuple) else held == value


def parse_table(given: Any, unit: str | None, key: str) -> Table:
    """``{columns: {name: unit}, rows: [{name: cell}]}``; every row names every column, ``null`` for an empty cell."""
    parts = keys_of(given, ("columns", "rows"), key=key)
    columns = dict(mapping_of(parts["columns"], f"{key}.columns"))
    for name, column_unit in columns.items():
        cell_unit(column_unit, f"{key}.columns.{name}")
    rows = []
    for index, row in enumerate(list_of(parts["rows"], f"{key}.rows")):
        place = f"{key}.rows[{index}]"
        cells = keys_of(row, columns, key=place)
        rows.append({name: _cells(cells[name], str(columns[name]), f"{place}.{name}") for name in columns})
    return Table(columns, tuple(rows))


def cell_unit(unit: Any, key: str) -> str:
    """A unit that exists."""
    from jinmai.foundation.kernel.errors import Refusal

    try:
        dimension(str(unit))
    except Refusal as refusal:
        raise RuleFault(key, refusal.reason) from None
    return str(unit)


def _cells(given: Any, unit: str, key: str) -> CellValue:
    if given is None:
        return None
    if isinstance(given, list):
        return tuple(cell(item, unit, f"{key}[{index}]") for index, item in enumerate(given))
    return cell(given, unit, key)
