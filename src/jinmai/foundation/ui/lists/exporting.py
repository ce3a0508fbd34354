"""Export exactly as seen (按当前所见导出): the same filters, order and columns, booked before the file leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.ui import actions, exports, formats
from jinmai.foundation.ui.lists.asked import Asked
from jinmai.foundation.ui.lists.counting import Tally

if TYPE_CHECKING:
    from jinmai.foundation.ui.lists.page import ListPage

CHUNK = 2_000
MOST_ROWS = 100_000


def respond(page: ListPage, request: HttpRequest, asked: Asked) -> HttpResponse:
    """The file; it leaves only once the export stands in the audit with its basis and its number of rows.

    Refuses more than 100,000 rows (JM-UI-006).
    """
    rows = page.found(asked)
    counted = page.tally(rows, asked.columns)
    if counted.count > MOST_ROWS:
        raise Refusal("JM-UI-006", _("这个清单超过 10 万行，不能一次导出"), _("请先用条件缩小范围，再分次导出"))
    written = Counted(_values(page, rows, asked))
    response = exports.file_response(
        asked.export,
        str(page.export_name),
        [column.head for column in asked.columns],
        written,
        explained(page, asked, counted),
    )
    book(page, request, asked, written.count)
    return response


def book(page: ListPage, request: HttpRequest, asked: Asked, count: int) -> None:
    """Put the export into the register and the audit, in one transaction."""
    view = getattr(request.resolver_match, "func", None)
    actions.export_list(
        getattr(request, "actor", None) or Actor.platform(),
        list_path=asked.path[:200],
        title=str(page.title),
        operation=getattr(view, "operation", "ui.export_list"),
        file_kind=asked.export,
        columns=[column.name for column in asked.columns],
        conditions={str(one.heading): str(one.words(value)) for one, value in asked.filters},
        row_count=count,
    )


class Counted:
    """Rows as they pass, and how many have passed."""

    def __init__(self, rows: Iterator[list[Any]]) -> None:
        self.rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[list[Any]]:
        for row in self.rows:
            self.count += 1
            yield row


def _values(page: ListPage, rows: Any, asked: Asked) -> Iterator[list[Any]]:
    for row in each(page, rows):
        yield [column.exported(column.read(row)) for column in asked.columns]


def each(page: ListPage, rows: Any) -> Iterator[Any]:
    """Every row, read in one pass and prepared by the thousand."""
    passing: Iterable[Any] = rows.iterator(chunk_size=CHUNK) if isinstance(rows, QuerySet) else rows
    passing = iter(passing)
    while chunk := list(islice(passing, CHUNK)):
        yield from page.fetched(chunk)


def explained(page: ListPage, asked: Asked, counted: Tally) -> list[tuple[str, str]]:
    """What was asked, for the file's second sheet."""
    lines = [(_("清单"), str(page.title))]
    lines += [(str(found.label), f"{found.verb} {found.words(value)}") for found, value in asked.filters]
    if asked.sort_column:
        order = _("由大到小") if asked.descending else _("由小到大")
        lines.append((_("排序"), f"{asked.sort_column.label} {order}"))
    lines += [(_("合计"), f"{counted.count:,} {page.count_unit}")]
    lines += [(one.head, one.shown(counted.sums[one.name])) for one in asked.columns if one.total]
    lines.append((_("截至"), formats.minute(counted.at)))
    return lines
