"""Fact tables of intake: one for each table that a source lands in, and the views over the invoices that measures use.

``invoices`` holds both directions, with ``direction`` input or output and ``valid`` false for voided ones;
``invoices_by_partner`` and ``invoices_by_month`` add its valid rows up by counterparty and by calendar month.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from jinmai.foundation import analytics

from .declarations import FACT_TYPES, Source, sources


def table_of(source: Source) -> analytics.FactTable:
    """The fact table that a source lands in, from its fields."""
    columns = [(field.name, FACT_TYPES[field.type], field.label) for field in source.fields]
    dated = next((field.name for field in source.fields if field.type == "date"), None)
    grain = source.subject.field if source.subject else ""
    label = source.label.partition("（")[0]  # what stands in brackets tells two senders of the same facts apart
    return analytics.FactTable(source.table, columns, grain, date=dated, label=label)


def _invoices(bought: Any, sold: Any, on: date) -> Any:
    literal = analytics.ibis.literal
    both = [
        side.mutate(direction=literal(direction), valid=side.status == "valid")
        for side, direction in ((bought, "input"), (sold, "output"))
    ]
    return both[0].union(both[1])


def _added_up(valid: Any, **by: Any) -> Any:
    return valid.group_by(subject_key=valid.subject_key, direction=valid.direction, **by).aggregate(
        net_fen=valid.net_fen.sum(),
        tax_fen=valid.tax_fen.sum(),
        gross_fen=valid.gross_fen.sum(),
        invoices=valid.count(),
        last_on=valid.happened_on.max(),
    )


def _by_partner(invoices: Any, on: date) -> Any:
    valid = invoices.filter(invoices.valid)
    return _added_up(valid, partner=valid.partner)


def _by_month(invoices: Any, on: date) -> Any:
    valid = invoices.filter(invoices.valid)
    return _added_up(valid, month=valid.happened_on.truncate("M"))


def declare_tables() -> None:
    """Declare every source's table, and the views."""
    for source in sources().values():
        analytics.declare(table_of(source))
    for name, over, derive, label in (
        ("invoices", ("invoices_input", "invoices_output"), _invoices, "进项与销项发票"),
        ("invoices_by_partner", ("invoices",), _by_partner, "按交易对手汇总的发票"),
        ("invoices_by_month", ("invoices",), _by_month, "按月汇总的发票"),
    ):
        analytics.declare(analytics.FactTable(name, derived_from=over, derive=derive, label=label))
