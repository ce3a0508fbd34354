"""What a desk declares of a list, and how it answers (清单页)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from jinmai.foundation.ui.lists import bulk, exporting, pressed
from jinmai.foundation.ui.lists.asked import Asked
from jinmai.foundation.ui.lists.bulk import BulkAction
from jinmai.foundation.ui.lists.columns import Column, orm_path, reader
from jinmai.foundation.ui.lists.counting import LARGE, Tally, tally
from jinmai.foundation.ui.lists.drawn import Drawn
from jinmai.foundation.ui.lists.filters import Filter
from jinmai.foundation.ui.lists.kept import Kept

PAGE_ROWS = 50


@dataclass(frozen=True)
class Button:
    """What may be done from the page's head."""

    label: Any
    url: str
    icon: str = ""
    primary: bool = False


@dataclass(frozen=True)
class View:
    """A ready question over the list (视图): label, the query it stands for, how many rows it has.

    ``where`` is the same question as a condition: the list counts all its views along with its total, in one go.
    """

    label: Any
    query: str
    count: int | None = None
    where: Q | None = None


@dataclass
class ListPage:
    """A list page; ``respond`` answers with the page, its file (``?export=xlsx|csv``), or what was pressed on it.

    ``prepare`` gets each page of rows (a list) before it is drawn, to fetch what belongs to them in one query.
    ``count_unit`` and ``count_note`` say how the total counts (笔; 同一企业计一次). ``distinct`` names an ORM path or
    row path counted once each, with its label: ``("firm_id", "户", "同一企业计一次")``. ``bulk`` names what may be done
    to many rows at once; ``row_key`` and ``row_label`` name a row there (its primary key, its first column).
    """

    title: Any
    columns: Sequence[Column]
    rows: Any
    filters: Sequence[Filter] = ()
    empty: Any = ""
    export_name: Any = gettext_lazy("清单")
    actions: Sequence[Button] = ()
    subtitle: Any = ""
    crumbs: Sequence[tuple[Any, str]] = ()
    views: Sequence[View] = ()
    prepare: Callable[[list[Any]], list[Any] | None] | None = None
    row_url: Callable[[Any], str | None] | None = None
    row_tone: Callable[[Any], str] | None = None
    count_unit: Any = gettext_lazy("行")
    distinct: tuple[str, str, str] | None = None
    note: Any = ""
    page_rows: int = PAGE_ROWS
    template: str = "ui/list.html"
    extra: Mapping[str, Any] = field(default_factory=dict)
    bulk: Sequence[BulkAction] = ()
    row_key: Callable[[Any], Any] | None = None
    row_label: Callable[[Any], str] | None = None

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The page, the export exactly as seen, or the answer to what was pressed."""
        kept = Kept.of(request)
        asked = Asked.of(self, request, kept)
        if request.method == "POST":
            answer = pressed.answer(self, request, asked)
            if answer is not None:
                return answer
        elif kept.default is not None and not request.GET:
            return HttpResponseRedirect(asked.to(kept.default.query))
        if asked.export:
            return exporting.respond(self, request, asked)
        if asked.bulk:
            return bulk.show_result(self, request, asked)
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
            by = F(orm_path(column, column.sort))
            first = by.desc(nulls_last=True) if asked.descending else by.asc(nulls_last=True)
            # Equal rows keep the list's own order, on either engine and on the next page too.
            return rows.order_by(first, *(rows.query.order_by or rows.model._meta.ordering), "pk")
        read = reader(column.sort if isinstance(column.sort, str) else column.getter)
        known = [row for row in rows if read(row) is not None]
        absent = [row for row in rows if read(row) is None]
        return sorted(known, key=read, reverse=asked.descending) + absent

    def slice(self, rows: Any, start: int, stop: int, count: int) -> Any:
        """Some of the rows; of very many, first the keys alone are sorted, then those rows are read whole."""
        if not isinstance(rows, QuerySet) or count < LARGE or rows.query.distinct or rows.query.combinator:
            return rows[start:stop]
        keys = list(rows.values_list("pk", flat=True)[start:stop])
        found = rows.order_by().in_bulk(keys)
        return [found[key] for key in keys if key in found]

    def fetched(self, rows: Any) -> list[Any]:
        """A slice of rows, with what ``prepare`` adds."""
        listed = list(rows)
        if self.prepare is None:
            return listed
        prepared = self.prepare(listed)
        return listed if prepared is None else list(prepared)

    def tally(self, rows: Any, columns: Sequence[Column], *, with_views: bool = False) -> Tally:
        """Count, sums and different ones of all rows found; with the views' counts where nothing is filtered."""
        return tally(rows, columns, self.distinct[0] if self.distinct else None, self.parts if with_views else None)

    @property
    def parts(self) -> dict[str, Q]:
        """The views that are counted by their condition."""
        return {str(place): view.where for place, view in enumerate(self.views) if view.where is not None}

    def key_of(self, row: Any) -> str:
        """What names a row when it is chosen."""
        if self.row_key is not None:
            return str(self.row_key(row))
        return str(row.get("pk", row.get("id", "")) if isinstance(row, Mapping) else row.pk)

    def label_of(self, row: Any, asked: Asked) -> str:
        """What a row is called in a result: the words of its first column, with the second's."""
        if self.row_label is not None:
            return str(self.row_label(row))
        return "　".join(column.shown(column.read(row)) for column in asked.columns[:2])
