"""The one list (清单): filters as sentences, sorting, pages, totals that say how they count, export as seen.

A desk declares a ``ListPage`` over a queryset (already ``visible_to(actor)``, with its ``select_related``) or over a
list of objects or dictionaries, and returns ``page.respond(request)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.money import fen_to_wan, fen_to_yuan
from jinmai.foundation.ui import exports, formats

PAGE_ROWS = 50
EXPORT_ROWS = 2000
RESERVED = frozenset({"sort", "page", "export", "columns"})
NUMERIC = frozenset({"money_wan", "money_yuan", "int", "ratio"})
KINDS = NUMERIC | {"text", "date", "datetime", "due", "chip", "link"}

Getter = str | Callable[[Any], Any]


def reach(row: Any, path: Getter | None) -> Any:
    """The value a row holds under a dotted or ``__`` path, a key or a function; ``None`` where the path ends early.

    >>> reach({"firm": {"name": "东汀精密"}}, "firm.name")
    '东汀精密'
    """
    if path is None:
        return None
    if callable(path):
        return path(row)
    for part in path.replace("__", ".").split("."):
        row = row.get(part) if isinstance(row, Mapping) else getattr(row, part, None)
        if row is None:
            return None
        if callable(row) and not isinstance(row, type):
            row = row()
    return row


@dataclass(frozen=True, eq=False)
class Column:
    """One column (列): declared once for page and export.

    ``value`` is a path or a function of the row; ``unit`` stands in the head. Kinds: ``text``, ``money_wan`` and
    ``money_yuan`` (fen), ``int``, ``ratio`` (int of 1e-9, or a fraction), ``date``, ``datetime``, ``due`` (a due
    date, in words), ``chip`` (text, ``(text, tone)``, or a value looked up in ``chips``), ``link``. ``sort`` is an ORM
    path, or True to sort by the value itself. ``total=True`` sums it. ``under`` is a second, quieter line.
    """

    name: str
    label: Any
    value: Getter | None = None
    unit: str | None = None
    kind: str = "text"
    link: Callable[[Any], str | None] | None = None
    sort: str | bool | None = None
    total: bool | str = False
    chips: Mapping[Any, tuple[Any, str]] | None = None
    under: Getter | None = None
    default: bool = True
    wrap: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name!r}: kind {self.kind!r} is none of {sorted(KINDS)}")

    @property
    def getter(self) -> Getter:
        """Where the value is found: ``value``, or the column's own name."""
        return self.name if self.value is None else self.value

    @property
    def numeric(self) -> bool:
        """Whether it is right-aligned."""
        return self.kind in NUMERIC

    @property
    def head(self) -> str:
        """Label with its unit: 需求额（万元）."""
        unit = self.unit or {"money_wan": _("万元"), "money_yuan": _("元")}.get(self.kind)
        return f"{self.label}（{unit}）" if unit else str(self.label)

    def chip_of(self, raw: Any) -> tuple[str, str]:
        """Words and tone of a state."""
        if self.chips is not None and not isinstance(raw, tuple):
            words, tone = self.chips.get(raw, (raw, ""))
            return str(words), tone
        return (str(raw[0]), raw[1]) if isinstance(raw, tuple) else (str(raw), "")

    def shown(self, raw: Any) -> str:
        """What the page shows."""
        if raw is None or raw == "":
            return formats.ABSENT
        if self.kind == "chip":
            return self.chip_of(raw)[0]
        if isinstance(raw, bool):
            return _("是") if raw else _("否")
        as_words: dict[str, Callable[[Any], str]] = {
            "money_wan": formats.wan,
            "money_yuan": formats.yuan,
            "int": formats.number,
            "ratio": formats.pct,
            "date": formats.day,
            "datetime": formats.minute,
            "due": formats.due_words,
        }
        return as_words.get(self.kind, str)(raw)

    def exported(self, raw: Any) -> Any:
        """What the export holds: numbers in the head's unit, dates as dates, everything else the words shown."""
        if raw is None or raw == "":
            return None
        if self.kind == "money_wan":
            return fen_to_wan(int(raw))
        if self.kind == "money_yuan":
            return fen_to_yuan(int(raw))
        if self.kind == "int":
            return int(raw)
        if self.kind == "ratio":
            percent = formats.percentage(raw)
            return None if percent is None else exports.Percent(percent / 100)
        if self.kind == "date":
            local = formats.legal(raw)
            return local.date() if isinstance(local, datetime) else local
        return self.shown(raw)


@dataclass(frozen=True)
class Filter:
    """One condition (条件), shown as a sentence: 区县 是 东汀区.

    Kinds: ``choice`` (``choices``: pairs, or a function giving them), ``search`` (text in any of ``fields``),
    ``from`` and ``to`` (dates). ``apply(rows, value)`` overrides the default, which filters ``field`` or ``name``.
    """

    name: str
    label: Any
    choices: Iterable[tuple[Any, Any]] | Callable[[], Iterable[tuple[Any, Any]]] | None = None
    kind: str = "choice"
    apply: Callable[[Any, str], Any] | None = None
    field: str | None = None
    fields: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.name in RESERVED:
            raise ValueError(f"filter name {self.name!r} is the list's own")

    @cached_property
    def options(self) -> list[tuple[str, str]]:
        """The choices as text."""
        pairs = self.choices() if callable(self.choices) else self.choices or ()
        return [(str(value), str(label)) for value, label in pairs]

    @property
    def verb(self) -> str:
        """The word between label and value."""
        return {"search": _("含"), "from": _("自"), "to": _("至")}.get(self.kind, pgettext("filter", "是"))

    def words(self, value: str) -> str:
        """The value as an officer reads it."""
        if self.kind != "choice":
            return value
        return dict(self.options).get(value, _("%(value)s（无此选项）") % {"value": value})

    def refuses(self, value: str) -> bool:
        """Whether the value is none of the choices or no date: then the list is empty, never unfiltered."""
        if self.kind in ("from", "to"):
            try:
                date.fromisoformat(value)
            except ValueError:
                return True
        return self.kind == "choice" and value not in dict(self.options)

    def narrow(self, rows: Any, value: str) -> Any:
        """The rows that meet the condition."""
        if self.refuses(value):
            return rows.none() if isinstance(rows, QuerySet) else []
        if self.apply is not None:
            return self.apply(rows, value)
        if isinstance(rows, QuerySet):
            return rows.filter(self._condition(value))
        return [row for row in rows if self._holds(row, value)]

    def _condition(self, value: str) -> Q:
        path = self.field or self.name
        if self.kind == "search":
            condition = Q()
            for name in self.fields or (path,):
                condition |= Q(**{f"{name}__icontains": value})
            return condition
        return Q(**{{"from": f"{path}__gte", "to": f"{path}__lte"}.get(self.kind, path): value})

    def _holds(self, row: Any, value: str) -> bool:
        found = reach(row, self.field or self.name)
        if self.kind == "search":
            texts = [reach(row, name) for name in self.fields or (self.field or self.name,)]
            return any(value.lower() in str(text or "").lower() for text in texts)
        if self.kind == "from":
            return found is not None and str(found)[:10] >= value
        if self.kind == "to":
            return found is not None and str(found)[:10] <= value
        return str(found) == value


@dataclass(frozen=True)
class Button:
    """What may be done from the page's head."""

    label: Any
    url: str
    icon: str = ""
    primary: bool = False


@dataclass(frozen=True)
class View:
    """A ready question over the list (视图): label, the query it stands for, how many rows it has."""

    label: Any
    query: str
    count: int | None = None


@dataclass(frozen=True)
class Sentence:
    """A filter in force, and the address without it."""

    label: str
    verb: str
    words: str
    without: str


@dataclass(frozen=True)
class Cell:
    """One cell as drawn."""

    text: str
    kind: str
    tone: str = ""
    url: str | None = None
    under: str = ""
    numeric: bool = False
    wrap: bool = False


@dataclass(frozen=True)
class Head:
    """One column head as drawn; ``url`` sorts by it."""

    label: str
    numeric: bool
    url: str | None
    direction: str


@dataclass
class ListPage:
    """A list page; ``respond`` answers with the page or, under ``?export=xlsx|csv``, with the file.

    ``prepare`` gets each page of rows (a list) before it is drawn, to fetch what belongs to them in one query.
    ``count_unit`` and ``count_note`` say how the total counts (笔; 同一企业计一次). ``distinct`` names an ORM path or
    row path counted once each, with its label: ``("firm_id", "户", "同一企业计一次")``.
    """

    title: Any
    columns: Sequence[Column]
    rows: Any
    filters: Sequence[Filter] = ()
    empty: Any = ""
    export_name: str = "清单"
    actions: Sequence[Button] = ()
    subtitle: Any = ""
    crumbs: Sequence[tuple[Any, str]] = ()
    views: Sequence[View] = ()
    prepare: Callable[[list[Any]], list[Any] | None] | None = None
    row_url: Callable[[Any], str | None] | None = None
    row_tone: Callable[[Any], str] | None = None
    count_unit: Any = "行"
    distinct: tuple[str, str, str] | None = None
    note: Any = ""
    page_rows: int = PAGE_ROWS
    template: str = "ui/list.html"
    extra: Mapping[str, Any] = field(default_factory=dict)

    # -- what the request asks for

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The page, or the export exactly as seen."""
        asked = Asked.of(self, request)
        if asked.export:
            return exports.file_response(
                asked.export,
                str(self.export_name),
                [column.head for column in asked.columns],
                self._exported(asked),
                self._explained(asked),
            )
        return render(request, self.template, {"list": Drawn(self, asked), "refusal": None, **self.extra})

    def found(self, asked: Asked) -> Any:
        """The rows under the filters, sorted."""
        rows = self.rows
        for condition, value in asked.filters:
            rows = condition.narrow(rows, value)
        return self._sorted(rows, asked)

    def _sorted(self, rows: Any, asked: Asked) -> Any:
        column = asked.sort_column
        if column is None:
            return rows
        if isinstance(rows, QuerySet):
            return rows.order_by(("-" if asked.descending else "") + orm_path(column, column.sort), "pk")
        path = column.sort if isinstance(column.sort, str) else column.getter
        known = [row for row in rows if reach(row, path) is not None]
        absent = [row for row in rows if reach(row, path) is None]
        return sorted(known, key=lambda row: reach(row, path), reverse=asked.descending) + absent

    def fetched(self, rows: Any) -> list[Any]:
        """A slice of rows, with what ``prepare`` adds."""
        listed = list(rows)
        if self.prepare is None:
            return listed
        prepared = self.prepare(listed)
        return listed if prepared is None else list(prepared)

    def _exported(self, asked: Asked) -> Iterator[list[Any]]:
        rows = self.found(asked)
        for start in range(0, count_of(rows), EXPORT_ROWS):
            for row in self.fetched(rows[start : start + EXPORT_ROWS]):
                yield [column.exported(reach(row, column.getter)) for column in asked.columns]

    def _explained(self, asked: Asked) -> list[tuple[str, str]]:
        rows = self.found(asked)
        lines = [(_("清单"), str(self.title))]
        lines += [(str(found.label), f"{found.verb} {found.words(value)}") for found, value in asked.filters]
        if asked.sort_column:
            order = _("由大到小") if asked.descending else _("由小到大")
            lines.append((_("排序"), f"{asked.sort_column.label} {order}"))
        lines += [(_("合计"), f"{count_of(rows):,} {self.count_unit}")]
        lines += [(column.head, column.shown(total)) for column, total in self.totals(rows, asked.columns).items()]
        lines.append((_("截至"), formats.minute(Clock.now())))
        return lines

    # -- totals

    def totals(self, rows: Any, columns: Sequence[Column]) -> dict[Column, Any]:
        """Sums over every row found, not over the page."""
        summed = [column for column in columns if column.total]
        if not summed:
            return {}
        if isinstance(rows, QuerySet):
            paths = {
                f"total_{place}": Sum(orm_path(column, column.total, column.sort))
                for place, column in enumerate(summed)
            }
            sums = rows.order_by().aggregate(**paths)
            return {column: sums[f"total_{place}"] for place, column in enumerate(summed)}
        return {column: sum(reach(row, column.getter) or 0 for row in rows) for column in summed}

    def distinct_words(self, rows: Any) -> str:
        """How many different ones: 31 户（同一企业计一次）."""
        if self.distinct is None:
            return ""
        path, unit, note = self.distinct
        if isinstance(rows, QuerySet):
            count = rows.order_by().values(path).distinct().count()
        else:
            count = len({reach(row, path) for row in rows})
        return f"{count:,} {unit}（{note}）"


def orm_path(column: Column, *preferred: Any) -> str:
    """The ORM path of a column: the first that is a path, else its value's, else its name."""
    for path in (*preferred, column.value):
        if isinstance(path, str):
            return path.replace(".", "__")
    return column.name


def count_of(rows: Any) -> int:
    """How many rows, counted by the database where there is one."""
    return rows.count() if isinstance(rows, QuerySet) else len(rows)


@dataclass
class Asked:
    """What the address asks of a list: filters, sort, columns, page, export."""

    path: str
    query: dict[str, str]
    filters: list[tuple[Filter, str]]
    sort_column: Column | None
    descending: bool
    columns: list[Column]
    page: int
    export: str

    @classmethod
    def of(cls, page: ListPage, request: HttpRequest) -> Asked:
        """Read the address; what it doesn't know is left out, what is out of range is clamped."""
        query = {name: value.strip() for name, value in request.GET.items() if value.strip()}
        if len(request.GET.getlist("columns")) > 1:
            query["columns"] = ",".join(request.GET.getlist("columns"))
        sort = query.get("sort", "")
        by_name = {column.name: column for column in page.columns}
        column = by_name.get(sort.removeprefix("-"))
        number = query.pop("page", "1")
        export = query.pop("export", "")
        chosen = [name for name in query.get("columns", "").split(",") if name in by_name]
        return cls(
            path=request.path,
            query=query,
            filters=[(condition, query[condition.name]) for condition in page.filters if condition.name in query],
            sort_column=column if column is not None and column.sort else None,
            descending=sort.startswith("-"),
            columns=[one for one in page.columns if (one.name in chosen if chosen else one.default)],
            page=int(number) if number.isdecimal() and len(number) < 7 else 1,
            export=export if export in exports.KINDS else "",
        )

    def address(self, **changes: str | None) -> str:
        """This address with changes; ``None`` takes a part away."""
        parts = {name: value for name, value in {**self.query, **changes}.items() if value is not None}
        return f"{self.path}?{urlencode(parts)}" if parts else self.path


class Drawn:
    """A list as the template draws it."""

    def __init__(self, page: ListPage, asked: Asked) -> None:
        self.page = page
        self.asked = asked
        self.found = page.found(asked)
        self.count = count_of(self.found)
        self.last_page = max(1, -(-self.count // page.page_rows))
        self.number = min(max(1, asked.page), self.last_page)
        self.start = (self.number - 1) * page.page_rows

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Cells, tone and address of each row of this page."""
        page = self.page
        fetched = page.fetched(self.found[self.start : self.start + page.page_rows])
        return [
            {
                "cells": [self._cell(column, row) for column in self.asked.columns],
                "tone": page.row_tone(row) if page.row_tone else "",
                "url": page.row_url(row) if page.row_url else "",
            }
            for row in fetched
        ]

    def _cell(self, column: Column, row: Any) -> Cell:
        raw = reach(row, column.getter)
        tone = ""
        if column.kind == "chip" and raw not in (None, ""):
            tone = column.chip_of(raw)[1]
        elif column.kind == "due":
            tone = formats.due_tone(raw)
        under = reach(row, column.under)
        return Cell(
            text=column.shown(raw),
            kind=column.kind if raw not in (None, "") else "text",
            tone=tone,
            url=column.link(row) if column.link and raw not in (None, "") else None,
            under=str(under) if under else "",
            numeric=column.numeric,
            wrap=column.wrap,
        )

    @cached_property
    def heads(self) -> list[Head]:
        """Column heads; a second press turns the order round."""
        heads = []
        for column in self.asked.columns:
            mine = column is self.asked.sort_column
            turned = f"-{column.name}" if mine and not self.asked.descending else column.name
            heads.append(
                Head(
                    label=column.head,
                    numeric=column.numeric,
                    url=self.asked.address(sort=turned) if column.sort else None,
                    direction=("descending" if self.asked.descending else "ascending") if mine else "",
                )
            )
        return heads

    @property
    def sentences(self) -> list[Sentence]:
        """The filters in force."""
        return [
            Sentence(str(one.label), one.verb, one.words(value), self.asked.address(**{one.name: None}))
            for one, value in self.asked.filters
        ]

    @property
    def unused(self) -> list[Filter]:
        """The filters one may add."""
        used = {condition.name for condition, _value in self.asked.filters}
        return [condition for condition in self.page.filters if condition.name not in used]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parts of the address that a form must carry along."""
        return list(self.asked.query.items())

    @property
    def column_choices(self) -> list[dict[str, Any]]:
        """Every column, and whether it is shown."""
        return [{"column": one, "shown": one in self.asked.columns} for one in self.page.columns]

    @cached_property
    def totals(self) -> list[dict[str, Any]]:
        """The totals row: the count first, then what is summed, under its column."""
        sums = self.page.totals(self.found, self.asked.columns)
        cells: list[dict[str, Any]] = []
        for place, column in enumerate(self.asked.columns):
            if place == 0:
                text = _("合计　%(count)s %(unit)s") % {"count": f"{self.count:,}", "unit": self.page.count_unit}
            elif column in sums:
                text = column.shown(sums[column] or 0)
            elif place == 1:
                text = self.page.distinct_words(self.found)
            else:
                text = ""
            cells.append({"text": text, "numeric": column in sums and place > 0})
        return cells

    @property
    def range_words(self) -> str:
        """第 1–50 行，共 238 行."""
        if not self.count:
            return _("没有行")
        last = min(self.start + self.page.page_rows, self.count)
        return _("第 %(first)d–%(last)d 行，共 %(count)s 行") % {
            "first": self.start + 1,
            "last": last,
            "count": f"{self.count:,}",
        }

    @property
    def previous_url(self) -> str:
        """The page before, if any."""
        return self.asked.address(page=str(self.number - 1)) if self.number > 1 else ""

    @property
    def next_url(self) -> str:
        """The page after, if any."""
        return self.asked.address(page=str(self.number + 1)) if self.number < self.last_page else ""

    @property
    def xlsx_url(self) -> str:
        """Export as Excel, as seen."""
        return self.asked.address(export="xlsx")

    @property
    def csv_url(self) -> str:
        """Export as CSV, as seen."""
        return self.asked.address(export="csv")

    @property
    def sort_words(self) -> str:
        """按 时限 由小到大."""
        if self.asked.sort_column is None:
            return ""
        order = _("由大到小") if self.asked.descending else _("由小到大")
        return _("按 %(column)s %(order)s") % {"column": self.asked.sort_column.label, "order": order}

    @property
    def views(self) -> list[dict[str, Any]]:
        """Ready questions, and which one this is."""
        current = {name: value for name, value in self.asked.query.items() if name not in RESERVED}
        return [
            {"view": view, "url": f"{self.asked.path}?{view.query}", "current": current == query_of(view.query)}
            for view in self.page.views
        ]

    @property
    def filtered(self) -> bool:
        """Whether an empty list may be empty because of its filters."""
        return bool(self.asked.filters)

    @property
    def clear_url(self) -> str:
        """The list without filters."""
        return self.asked.address(**{condition.name: None for condition, _value in self.asked.filters})

    @property
    def as_of(self) -> str:
        """When this was read."""
        return formats.minute(Clock.now())


def query_of(text: str) -> dict[str, str]:
    """A query string's parts.

    >>> query_of("state=open&late=1")
    {'state': 'open', 'late': '1'}
    """
    return dict(part.split("=", 1) for part in text.split("&") if "=" in part)


__all__ = ["Button", "Column", "Filter", "ListPage", "View", "reach"]
