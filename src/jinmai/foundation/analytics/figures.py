"""Running measures: all measures of one table and grain as one query, results as whole numbers.

``compute`` and ``compute_columns`` are for aggregates, jobs and the read door only: whoever wants the facts of a named
subject goes through ``read``.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import ibis
import numpy as np

from .backends import duckdb as engine
from .declared import Measure, get_measure, measures
from .fact_tables import FactTable, get_table, stored_tables
from .manifests import landed_tables, manifest, relations
from .models import Batch, Manifest

Value = int | str | bool | None
_IBIS = {"str": "string", "int": "int64", "fen": "int64", "ratio": "int64", "date": "date", "bool": "boolean"}
PERIODS = {"month": "%Y-%m", "year": "%Y"}
SHOWN_ROWS = 5_000


def frame(table: FactTable, on: date) -> Any:
    """The Ibis table of a declared table; a derived one is the expression over its sources."""
    if table.derive is not None:
        return table.derive(*(frame(get_table(name), on) for name in table.derived_from), on)
    return ibis.table({one.name: _IBIS[one.type] for one in table.columns}, name=table.name)


@lru_cache(maxsize=256)
def _grouped_sql(chosen: tuple[Measure, ...], on: date) -> str:
    table = get_table(chosen[0].table)
    rows = frame(table, on)
    expressions = {one.name: _exact(one, one.expression(rows, on)) for one in chosen}
    inner = engine.compiled(rows.group_by(table.grain).aggregate(**expressions))
    columns = ", ".join(_cast(name, expression) for name, expression in expressions.items())
    return f'SELECT "{table.grain}" AS "jm_key", {columns} FROM ({inner}) WHERE "{table.grain}" IS NOT NULL'


def _exact(made: Measure, expression: Any) -> Any:
    kind = expression.type()
    if kind.is_floating() or (kind.is_decimal() and kind.scale):
        raise TypeError(f"measure {made.name!r} is {kind}: a figure is a whole number of its base unit")
    return expression


def _cast(name: str, expression: Any) -> str:
    kind = expression.type()
    whole = kind.is_integer() or kind.is_decimal()
    return f'CAST("{name}" AS BIGINT) AS "{name}"' if whole else f'"{name}"'


def _by_table(names: Iterable[str]) -> list[tuple[Measure, ...]]:
    groups: dict[str, list[Measure]] = defaultdict(list)
    for name in names:
        made = get_measure(name)
        groups[made.table].append(made)
    return [tuple(group) for _, group in sorted(groups.items())]


def _batches(given: Manifest | None, names: Iterable[str]) -> Sequence[Batch]:
    tables = [get_measure(name).table for name in names]
    return (given or manifest(tables=tables)).batches


def compute(
    names: Sequence[str],
    on: date,
    manifest: Manifest | None = None,
    keys: Sequence[str] | None = None,
) -> dict[str, dict[str, Value]]:
    """Measures by subject key on the day ``on``: ``{key: {measure: value}}``, values in base units, None = unknown.

    ``keys`` limits the subjects (each gets an entry, known or not); None means all that have rows. Without a manifest:
    all batches of the tables concerned.
    """
    batches = _batches(manifest, names)
    result: dict[str, dict[str, Value]] = {key: {} for key in keys} if keys is not None else {}
    for group in _by_table(names):
        found = engine.collect(_run(group, batches, on, keys))[1]
        for key, *values in found:
            row = result.setdefault(key, {})
            row.update(zip((one.name for one in group), values, strict=True))
    blank = _blanks(names, batches)
    return {key: {**blank(key), **row} for key, row in result.items()}


def _blanks(names: Sequence[str], batches: Sequence[Batch]) -> Callable[[str], dict[str, Value]]:
    """What a subject has of measures whose table says nothing of it, by its key: one answer a scheme."""
    here = {batch.table for batch in batches}
    made = [get_measure(name) for name in names]
    received = {one.name: bool(here & set(stored_tables(one.table))) for one in made if one.listed_by}

    @lru_cache(maxsize=64)
    def of_scheme(scheme: str) -> dict[str, Value]:
        return {one.name: _absent(one, scheme, received.get(one.name, True)) for one in made}

    return lambda key: of_scheme(key.partition(":")[0])


def _absent(made: Measure, scheme: str, received: bool) -> Value:
    """Zero where that is what saying nothing means; a list that never came, or can't name the subject, means nothing."""
    if made.absence != "zero" or (made.listed_by and (made.listed_by != scheme or not received)):
        return None
    return 0


def _run(group: tuple[Measure, ...], batches: Sequence[Batch], on: date, keys: Sequence[str] | None) -> Any:
    return engine.run(
        relations([group[0].table], batches, on, keys=keys), _grouped_sql(group, on), wanted=_wanted(keys)
    )


def _wanted(keys: Sequence[str] | None) -> Sequence[str] | None:
    return keys if keys is not None and len(keys) > 200 else None


@dataclass(frozen=True)
class Figures:
    """One measure over many subjects: integers and where they are known."""

    values: np.ndarray
    known: np.ndarray


def compute_columns(
    names: Sequence[str],
    on: date,
    manifest: Manifest | None = None,
    keys: Sequence[str] | None = None,
) -> tuple[list[str], dict[str, Figures]]:
    """The same as ``compute`` as columns, for evaluating conditions over all subjects: keys and a column a measure."""
    rows = compute(names, on, manifest, keys)
    listed = sorted(rows)
    columns = {}
    for name in names:
        values = [rows[key][name] for key in listed]
        known = np.array([value is not None for value in values], dtype=np.bool_)
        if all(isinstance(value, int) for value in values if value is not None):
            column = np.array([0 if value is None else int(value) for value in values], dtype=np.int64)
        else:
            column = np.array(values, dtype=object)
        columns[name] = Figures(column, known)
    return listed, columns


@dataclass(frozen=True)
class Profile:
    """All firm measures of all firms on a day: rows by key, what they rest on, and a digest of the figures."""

    on: date
    manifest: Manifest
    rows: Mapping[str, Mapping[str, Value]]
    digest: str

    @property
    def firms(self) -> int:
        return len(self.rows)


def firm_measures() -> list[str]:
    """Names of all declared measures that stand for one firm, over landed tables."""
    landed = set(landed_tables())
    return sorted(
        made.name
        for made in measures().values()
        if get_table(made.table).grain == "subject_key" and set(stored_tables(made.table)) <= landed
    )


def profile(on: date, known: datetime | None = None, names: Sequence[str] | None = None) -> Profile:
    """All firm measures (or ``names``) of all firms that have facts by ``on``, known by ``known``.

    The digest goes over whole numbers in the order of keys and names: the same facts give the same digest, whenever
    and in whatever order they were imported.
    """
    chosen = list(names) if names is not None else firm_measures()
    facts = manifest(on, known, tables={get_measure(name).table for name in chosen})
    rows = dict(sorted(compute(chosen, on, facts).items()))
    digest = hashlib.sha256()
    for key, row in rows.items():
        line = ";".join(f"{name}={'' if row[name] is None else row[name]}" for name in sorted(row))
        digest.update(f"{key}|{line}\n".encode())
    return Profile(on, facts, rows, digest.hexdigest())


def filtered(rows: Any, table: FactTable, filters: Mapping[str, Any], dated: str | None) -> Any:
    """Rows that fit: a value, a list of values, ``month``/``year`` of the date ``dated``, or from/to of it."""
    for name, wanted in filters.items():
        if wanted is None and name not in table.column_names:
            continue
        if name in ("from", "to"):
            limit = ibis.literal(wanted if isinstance(wanted, date) else date.fromisoformat(wanted))
            rows = rows.filter(rows[dated] >= limit if name == "from" else rows[dated] <= limit)
            continue
        column = dimension(rows, table, name, dated)
        if wanted is None:
            rows = rows.filter(column.isnull())
        elif isinstance(wanted, (list, tuple, set, frozenset)):
            rows = rows.filter(column.isin(sorted(wanted)) if wanted else ibis.literal(False))
        else:
            rows = rows.filter(column == wanted)
    return rows


def dimension(rows: Any, table: FactTable, name: str, dated: str | None) -> Any:
    """A column to group or filter by: one of the table's, or the month or year of the measure's date."""
    if name in table.column_names:
        return rows[name]
    if name in PERIODS and dated is not None:
        return rows[dated].strftime(PERIODS[name])
    raise LookupError(f"fact table {table.name!r} has no column {name!r}")


def picked(rows: Any, made: Measure, on: date, filters: Mapping[str, Any]) -> Any:
    """The rows a measure counts on a day under these filters: the same for its figure and for its drill-down."""
    table = get_table(made.table)
    dated = made.date or table.date
    if dated is not None:
        rows = rows.filter(rows[dated] <= ibis.literal(on))
    rows = filtered(rows, table, filters, dated)
    return rows.filter(made.where(rows)) if made.where is not None else rows


def cube(
    measure: str,
    by: Sequence[str] = (),
    filters: Mapping[str, Any] | None = None,
    *,
    on: date,
    known: datetime | None = None,
    suppress_below: int = 0,
) -> list[dict[str, Any]]:
    """A measure counted by dimensions: one dict a cell with the dimensions, ``value`` and ``rows``.

    ``by`` and ``filters`` name columns of the measure's table, or ``month`` / ``year`` of its date; filters also take
    ``from`` and ``to``. Cells of fewer than ``suppress_below`` rows keep their place but not their figures
    (``suppressed``), for pages that the public sees.
    """
    facts = manifest(on, known, tables=[get_measure(measure).table])
    question = (measure, tuple(by), _frozen(filters or {}), on, facts.digest)
    names, found = _answers.get(question) or _counted(question, filters or {}, facts.batches)
    cells = [dict(zip(names, row, strict=True)) for row in found]
    return [_suppressed(cell) if cell["rows"] < suppress_below else cell for cell in cells]


def _frozen(filters: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    collections = (list, tuple, set, frozenset)
    return tuple(
        (name, tuple(sorted(value)) if isinstance(value, collections) else value)
        for name, value in sorted(filters.items())
    )


#: Answers already given in this process. A manifest never changes, so neither does what was counted over it.
_answers: dict[tuple[Any, ...], tuple[list[str], list[tuple[Any, ...]]]] = {}
ANSWERS_KEPT = 2_000


def _counted(
    question: tuple[Any, ...], filters: Mapping[str, Any], batches: Sequence[Batch]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    measure, by, _, on, _ = question
    made = get_measure(measure)
    table = get_table(made.table)
    rows = picked(frame(table, on), made, on, filters)
    dated = made.date or table.date
    dimensions = {name: dimension(rows, table, name, dated) for name in by}
    figures = {"value": _exact(made, made.expression(rows, on)), "rows": rows.count()}
    grouped = rows.group_by(**dimensions).aggregate(**figures) if by else rows.aggregate(**figures)
    columns = ", ".join([*(f'"{name}"' for name in by), _cast("value", figures["value"]), '"rows"'])
    order = f" ORDER BY {', '.join(map(str, range(1, len(by) + 1)))}" if by else ""
    sql = f"SELECT {columns} FROM ({engine.compiled(grouped)}){order}"
    answer = engine.collect(engine.run(relations([table.name], batches, None), sql))
    if len(_answers) >= ANSWERS_KEPT:
        _answers.clear()
    _answers[question] = answer
    return answer


def _suppressed(cell: dict[str, Any]) -> dict[str, Any]:
    return {**cell, "value": None, "rows": None, "suppressed": True}
