"""Facts and what they add up to: batches, manifests (事实清单), measures (指标), and the one door through which
facts about a named subject are read. Other rooms call only the names below.

Tables and measures are declared in a desk's ``facts.py``::

    from jinmai.foundation import analytics as facts

    ORDERS = facts.declare(facts.EventTable("orders", [("district", "str", "区县"), ("submitted_on", "date", "提交日"), …]))
    facts.measure(name="sales_12m", label="近12个月销售额", unit="元", definition="…", table="invoices",
                  expression=lambda t, on: t.net_fen.sum(where=(t.direction == "output") & …))

A numeric result is an integer in the base unit: money in fen, counts as they are, ratios ``facts.ratio(num, den)``
(1e-9, half up, null where the denominator is null or zero).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .declared import Measure, MeasureUnknown, get_measure, measure, measures, require_declared
from .fact_tables import Column, EventTable, FactTable, declare, get_table, tables

if TYPE_CHECKING:
    from .door import NetworkReading, ReadFigure, Reading, book_shown, read, read_network, read_rows
    from .expressions import months_before, ratio, square, within
    from .figures import Profile, compute, compute_columns, cube, profile
    from .manifests import manifest, same_facts
    from .network import Links
    from .refresh import as_of, refresh_facts

# Names that need the database or the engine are imported on first use: this package is loaded before Django is ready.
_LAZY = {
    "ratio": "expressions",
    "within": "expressions",
    "square": "expressions",
    "months_before": "expressions",
    "ibis": "expressions",
    "manifest": "manifests",
    "same_facts": "manifests",
    "compute": "figures",
    "compute_columns": "figures",
    "profile": "figures",
    "Profile": "figures",
    "cube": "figures",
    "read": "door",
    "read_rows": "door",
    "book_shown": "door",
    "read_network": "door",
    "NetworkReading": "door",
    "Links": "network",
    "Reading": "door",
    "ReadFigure": "door",
    "refresh_facts": "refresh",
    "as_of": "refresh",
}

__all__ = [
    "Column", "EventTable", "FactTable", "Links", "Measure", "MeasureUnknown", "NetworkReading", "Profile",
    "ReadFigure", "Reading", "as_of", "book_shown", "compute", "compute_columns", "cube", "declare", "get_measure",
    "get_table", "manifest", "measure", "measures", "months_before", "profile", "ratio", "read", "read_network",
    "read_rows", "refresh_facts", "require_declared", "same_facts", "square", "tables", "within",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
