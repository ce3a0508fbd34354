"""Conditions over a list (条件): each reads as a sentence, and an unknown value shows nothing rather than everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from jinmai.foundation.ui.lists.columns import reach

#: Parts of the address that are the list's own.
RESERVED = frozenset({"sort", "page", "export", "columns", "view", "bulk"})


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
    def heading(self) -> str:
        """What the condition is called where it is chosen: the two ends of a span are told apart."""
        return {"from": _("%(label)s（起）"), "to": _("%(label)s（止）")}.get(self.kind, "%(label)s") % {"label": self.label}

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
