"""What the address asks of a list (清单地址): filters, order, columns, page, export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest

from jinmai.foundation.ui import exports
from jinmai.foundation.ui.lists.columns import Column
from jinmai.foundation.ui.lists.filters import Filter
from jinmai.foundation.ui.lists.kept import Kept

if TYPE_CHECKING:
    from jinmai.foundation.ui.lists.page import ListPage


@dataclass
class Asked:
    """The address, read: what it doesn't know is left out, what is out of range is clamped."""

    path: str
    query: dict[str, str]
    filters: list[tuple[Filter, str]]
    sort_column: Column | None
    descending: bool
    columns: list[Column]
    page: int
    export: str
    bulk: str
    kept: Kept

    @classmethod
    def of(cls, page: ListPage, request: HttpRequest, kept: Kept) -> Asked:
        """Read the address; columns that it doesn't name are those this reader has chosen."""
        query = {name: value.strip() for name, value in request.GET.items() if value.strip()}
        if len(request.GET.getlist("columns")) > 1:
            query["columns"] = ",".join(request.GET.getlist("columns"))
        query.pop("view", None)
        number, export, bulk = query.pop("page", "1"), query.pop("export", ""), query.pop("bulk", "")
        sort = query.get("sort", "")
        by_name = {column.name: column for column in page.columns}
        column = by_name.get(sort.removeprefix("-"))
        return cls(
            path=request.path,
            query=query,
            filters=[(condition, query[condition.name]) for condition in page.filters if condition.name in query],
            sort_column=column if column is not None and column.sort else None,
            descending=sort.startswith("-"),
            columns=in_order(page.columns, query.get("columns", "").split(","), kept.columns),
            page=int(number) if number.isdecimal() and len(number) < 7 else 1,
            export=export if export in exports.KINDS else "",
            bulk=bulk,
            kept=kept,
        )

    @property
    def conditions(self) -> dict[str, str]:
        """The filters in force, by name."""
        return {condition.name: value for condition, value in self.filters}

    def address(self, **changes: str | None) -> str:
        """This address with changes; ``None`` takes a part away."""
        return self.to({name: value for name, value in {**self.query, **changes}.items() if value is not None})

    def to(self, query: dict[str, str]) -> str:
        """The list under another question; an empty one says so where the list would open with a saved view."""
        if not query:
            return f"{self.path}?view=all" if self.kept.default else self.path
        return f"{self.path}?{urlencode(query)}"


def in_order(columns: list[Column] | tuple[Column, ...], *wishes: list[str]) -> list[Column]:
    """The columns of the first wish that names any, in its order; without one those shown by default.

    >>> from jinmai.foundation.ui.lists.columns import Column
    >>> both = [Column("a", "A"), Column("b", "B", default=False)]
    >>> [one.name for one in in_order(both, [""], ["b", "a"])], [one.name for one in in_order(both, [])]
    (['b', 'a'], ['a'])
    """
    by_name = {column.name: column for column in columns}
    for wish in wishes:
        named = [by_name[name] for name in dict.fromkeys(wish) if name in by_name]
        if named:
            return named
    return [column for column in columns if column.default]
