"""A list as the template draws it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from jinmai.foundation.ui import formats
from jinmai.foundation.ui.lists import bulk
from jinmai.foundation.ui.lists.asked import Asked
from jinmai.foundation.ui.lists.columns import Column, said
from jinmai.foundation.ui.lists.counting import tally
from jinmai.foundation.ui.lists.filters import RESERVED, Filter

if TYPE_CHECKING:
    from jinmai.foundation.ui.lists.page import ListPage


@dataclass(frozen=True)
class Sentence:
    """A filter in force, and the address without it."""

    label: str
    verb: str
    words: str
    without: str


@dataclass(frozen=True)
class Head:
    """One column head as drawn; ``url`` sorts by it."""

    label: str
    numeric: bool
    url: str | None
    direction: str


class Drawn:
    """A list as the template draws it; a page beyond the last one shows the last."""

    def __init__(self, page: ListPage, asked: Asked) -> None:
        self.page = page
        self.asked = asked
        self.found = page.found(asked)
        self.tally = page.tally(self.found, asked.columns, with_views=not asked.filters)
        self.count = self.tally.count
        self.last_page = max(1, -(-self.count // page.page_rows))
        self.number = min(max(1, asked.page), self.last_page)
        self.start = (self.number - 1) * page.page_rows

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Cells, key, tone and address of each row of this page."""
        page = self.page
        fetched = page.fetched(page.slice(self.found, self.start, self.start + page.page_rows, self.count))
        draw = [drawing(column) for column in self.asked.columns]
        chosen = bool(self.bulk)
        return [
            {
                "cells": [one(row) for one in draw],
                "tone": page.row_tone(row) if page.row_tone else "",
                "url": page.row_url(row) if page.row_url else "",
                "key": page.key_of(row) if chosen else "",
            }
            for row in fetched
        ]

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

    @cached_property
    def sentences(self) -> list[Sentence]:
        """The filters in force."""
        return [
            Sentence(str(one.label), one.verb, one.words(value), self.asked.address(**{one.name: None}))
            for one, value in self.asked.filters
        ]

    @cached_property
    def unused(self) -> list[Filter]:
        """The filters one may add."""
        used = self.asked.conditions
        return [condition for condition in self.page.filters if condition.name not in used]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parts of the address that a form must carry along."""
        return list(self.asked.query.items())

    @property
    def here(self) -> str:
        """This address."""
        return self.asked.address()

    @cached_property
    def column_choices(self) -> list[dict[str, Any]]:
        """Every column, those shown first and in their order."""
        shown = self.asked.columns
        rest = [one for one in self.page.columns if one not in shown]
        return [{"column": one, "shown": True} for one in shown] + [{"column": one, "shown": False} for one in rest]

    @cached_property
    def totals(self) -> list[dict[str, Any]]:
        """The totals row: the count first, then what is summed, under its column."""
        sums = self.tally.sums
        cells: list[dict[str, Any]] = []
        for place, column in enumerate(self.asked.columns):
            if place == 0:
                text = _("合计　%(count)s %(unit)s") % {
                    "count": f"{self.count:,}",
                    "unit": formats.unit_after(self.count, self.page.count_unit),
                }
            elif column.name in sums:
                text = column.shown(sums[column.name] or 0)
            elif place == 1:
                text = self.distinct_words
            else:
                text = ""
            cells.append({"text": text, "numeric": column.name in sums and place > 0})
        return cells

    @property
    def distinct_words(self) -> str:
        """How many different ones: 31 户（同一企业计一次）."""
        if self.page.distinct is None:
            return ""
        _path, unit, note = self.page.distinct
        unit = formats.unit_after(self.tally.distinct, str(unit))
        return _("%(count)s %(unit)s（%(note)s）") % {"count": f"{self.tally.distinct:,}", "unit": unit, "note": note}

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

    @cached_property
    def views(self) -> list[dict[str, Any]]:
        """Ready questions, and which one this is."""
        current = {name: value for name, value in self.asked.query.items() if name not in RESERVED}
        saved = any(view["current"] for view in self.saved_views)  # it names the page better than a ready one
        parts = self.page.parts
        counts = self.tally.parts
        if parts and not counts:  # under a filter the total is another question
            counts = tally(self.page.rows, (), None, parts).parts
        drawn = []
        for place, view in enumerate(self.page.views):
            query = query_of(view.query)
            count = counts.get(str(place), view.count)
            mine = current == query and not saved
            drawn.append({"label": view.label, "count": count, "url": self.asked.to(query), "current": mine})
        return drawn

    @cached_property
    def saved_views(self) -> list[dict[str, Any]]:
        """The reader's own and shared views, whether this is it, and what may be done with it."""
        kept = self.asked.kept
        return [
            {
                "id": view.pk,
                "name": view.name,
                "url": self.asked.to(view.query),
                "current": view.query == self.asked.query,
                "own": kept.is_own(view),
                "shared": view.shared,
                "by": view.membership.user.display_name,
                "default": view == kept.default,
            }
            for view in kept.views
        ]

    @property
    def may_keep(self) -> bool:
        """Whether the reader may keep views and columns."""
        return self.asked.kept.may_keep

    @cached_property
    def bulk(self) -> list[bulk.BulkAction]:
        """What this reader may do to many rows."""
        return bulk.offered(self.page, self.asked.kept.actor)

    @property
    def bulk_most(self) -> int:
        """How many rows at once."""
        return bulk.MOST_ROWS

    @property
    def all_choosable(self) -> bool:
        """Whether all rows found, not only those of the page, may be chosen."""
        return self.page.page_rows < self.count <= bulk.MOST_ROWS

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
        """Of when the counts are."""
        return formats.minute(self.tally.at)


def drawing(column: Column) -> Any:
    """A function that draws a row's cell in this column."""
    read, read_under, shown, kind = column.read, column.read_under, column.shown, column.kind
    link, numeric, wrap = column.link, column.numeric, column.wrap

    def draw(row: Any) -> dict[str, Any]:
        raw = read(row)
        absent = raw is None or raw == ""
        tone = ""
        if absent:
            text = formats.ABSENT
        elif kind == "chip":
            text, tone = column.chip_of(raw)
        else:
            text = shown(raw)
            if kind == "due":
                tone = formats.due_tone(raw)
        under = read_under(row) if read_under is not None else ""
        return {
            "text": text,
            "kind": "text" if absent else kind,
            "tone": tone,
            "url": link(row) if link and not absent else None,
            "under": said(under) if under else "",
            "numeric": numeric,
            "wrap": wrap,
            "record": column.record and text == raw,
        }

    return draw


def query_of(text: str) -> dict[str, str]:
    """A query string's parts.

    >>> query_of("state=open&late=1")
    {'state': 'open', 'late': '1'}
    """
    return dict(part.split("=", 1) for part in text.split("&") if "=" in part)
