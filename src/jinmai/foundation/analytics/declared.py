"""Measures (指标): a named column expression over one fact table, with unit, definition (口径) and who can know it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any


class MeasureUnknown(LookupError):
    """A name that no desk declared: start-up stops with this sentence."""


@dataclass(frozen=True)
class Measure:
    """One measure.

    ``expression(t, on)`` is an aggregate over the Ibis table ``t`` (rows that happened by ``on`` only); its result is an
    integer in the base unit (fen, count, 1e-9) or text. ``absence`` says what a subject without any row has:
    ``unknown`` (no figure) or ``zero``. With ``listed_by``, zero is said only of subjects that a list could have named:
    once a batch of the list is known, and where the subject's key is of that scheme. ``dimension`` groups measures,
    ``min_months`` is how long a subject's history must be before the figure is compared with others'. ``where(t)`` and
    ``date`` serve counting by month and drill-down over event tables: which rows the figure counts and by which of
    their dates.
    """

    name: str
    label: str
    unit: str
    definition: str
    table: str
    expression: Callable[[Any, date], Any]
    who_can_know: str = "platform"
    absence: str = "unknown"
    source: str = ""
    where: Callable[[Any], Any] | None = None
    date: str | None = None
    listed_by: str = ""
    dimension: str = ""
    min_months: int = 0

    def __post_init__(self) -> None:
        if self.who_can_know not in ("platform", "firm", "institution"):
            raise ValueError(f"measure {self.name}: who_can_know is platform, firm or institution")
        if self.absence not in ("unknown", "zero"):
            raise ValueError(f"measure {self.name}: absence is unknown or zero")


_measures: dict[str, Measure] = {}


def measure(*args: Any, **fields: Any) -> Measure:
    """Declare a measure (a ``Measure`` or its fields). The same name twice is a mistake that stops start-up."""
    made = args[0] if args and isinstance(args[0], Measure) else Measure(*args, **fields)
    known = _measures.get(made.name)
    if known is not None and (known.table, known.definition, known.unit) != (made.table, made.definition, made.unit):
        raise ValueError(f"measure {made.name!r} is declared twice with different definitions")
    _measures[made.name] = made
    return made


def get_measure(name: str) -> Measure:
    """The declared measure of that name, or MeasureUnknown."""
    require_declared([name])
    return _measures[name]


def measures() -> dict[str, Measure]:
    """All declared measures by name."""
    return dict(_measures)


def require_declared(names: Iterable[str], by: str = "") -> None:
    """Refuse names that nobody declared; called where names are configured (products, panels), so start-up stops."""
    missing = sorted({name for name in names if name not in _measures})
    if missing:
        who = f" ({by})" if by else ""
        raise MeasureUnknown(f"no desk declares the measure {', '.join(repr(name) for name in missing)}{who}")
