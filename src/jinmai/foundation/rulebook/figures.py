"""Figures about a subject (指标值) and what is known of the measure behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook.units import dimension

Value = int | str | bool | None
WhoCanKnow = Literal["platform", "firm", "institution"]
WHO_CAN_KNOW: tuple[WhoCanKnow, ...] = ("platform", "firm", "institution")


@dataclass(frozen=True)
class Attestation:
    """Somebody vouched for it (人工确认): who, when, and on what evidence."""

    by: str
    on: date
    evidence: str


@dataclass(frozen=True)
class Figure:
    """One figure: an integer in base units, a word, a truth, or ``None`` when nobody has supplied it.

    ``as_of`` is the day it speaks of, ``source`` who says so (税务·发票).
    """

    value: Value
    as_of: date | None = None
    source: str = ""
    attested: Attestation | None = None


@dataclass(frozen=True)
class MeasureInfo:
    """What a screen says of a measure: label, unit, definition (口径), source and who could supply it."""

    name: str
    label: str
    unit: str
    definition: str = ""
    source: str = ""
    who_can_know: str = "platform"


class Described(Protocol):
    """Anything that describes a measure well enough to explain a clause: ``MeasureInfo`` or a declared measure."""

    @property
    def label(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def who_can_know(self) -> str: ...


@dataclass(frozen=True)
class Column:
    """The figures of many subjects: values in base units (int64), words (object) or truths (bool), and which are known.

    What stands in ``values`` where ``known`` is false is never looked at.
    """

    values: npt.NDArray[Any]
    known: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, values: list[Value], unit: str) -> Column:
        """A column from plain values; ``None`` is unknown."""
        known = np.array([value is not None for value in values], dtype=np.bool_)
        dtype: Any = {"word": object, "truth": np.bool_}.get(dimension(unit), np.int64)
        blanks: dict[str, Value] = {"word": "", "truth": False}
        filled = np.empty(len(values), dtype=dtype)
        for row, value in enumerate(values):
            check_type(value, unit, "column")
            filled[row] = blanks.get(dimension(unit), 0) if value is None else value
        return cls(filled, known)


_FITS: dict[str, Callable[[object], bool]] = {
    "word": lambda value: isinstance(value, str),
    "truth": lambda value: isinstance(value, (bool, np.bool_)),
    "money": lambda value: isinstance(value, (int, np.integer)) and not isinstance(value, bool),
}
_FITS["ratio"] = _FITS["count"] = _FITS["number"] = _FITS["money"]


def check_type(value: object, unit: str, name: str) -> None:
    """Stop where a figure is not of its unit's type: a float or a text where fen are due is a fault of the program."""
    if value is not None and not _FITS[dimension(unit)](value):
        raise Broken(f"{name}: {value!r} is no figure in {unit}: numbers are integers in base units")
