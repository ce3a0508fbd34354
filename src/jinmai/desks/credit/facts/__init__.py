"""The credit desk's measures (指标): `measures.yaml` says what each is, this room how each is computed.

All measures of one table run as one query; every figure is a whole number of its base unit, exact, over facts that
happened by the day and were known by the time asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jinmai.desks.credit.facts import lists, partners, windows
from jinmai.desks.credit.facts.windows import Expression
from jinmai.foundation import analytics
from jinmai.foundation.kernel.errors import Broken, Words

DECLARED = Path(__file__).parents[1] / "measures.yaml"
MONTHS_DRAWN = 24
SOURCE = "税务·企业授权"

#: Tables that are an expression over others: name, over which, what its rows are, derivation, which it reads whole.
DERIVED: tuple[tuple[str, list[str], str, Any, tuple[str, ...]], ...] = (
    ("sales_by_buyer", ["invoices_output"], "按购方合计", partners.by_partner, ()),
    ("purchases_by_supplier", ["invoices_input"], "按销方合计", partners.by_partner, ()),
    ("sales_days", ["invoices_output"], "近12个月开票日", partners.invoice_days, ()),
    ("invoices_both_12m", ["invoices_output", "invoices_input"], "近12个月进销项", partners.both_sides, ()),
    (
        "trade_by_partner_12m",
        ["invoices_output", "invoices_input", "tax_penalties"],
        "近12个月按交易对手合计",
        partners.trade_by_partner,
        ("tax_penalties",),
    ),
)
EXPRESSIONS: dict[str, Expression] = {
    "sales_3m": windows.net(3),
    "sales_6m": windows.net(6),
    "sales_12m": windows.net(12),
    "sales_prev_12m": windows.net(12, 12),
    "sales_36m": windows.net(36),
    "sales_growth_3m": windows.grown(3, 12),
    "sales_growth_6m": windows.grown(6, 6),
    "sales_growth_12m": windows.growth,
    "invoices_12m": windows.count(12),
    "largest_invoice_12m": windows.largest,
    "largest_invoice_share_12m": windows.largest_share,
    "average_ticket_12m": windows.ticket,
    "invoice_active_months_12m": windows.active_months(12),
    "invoice_active_months_36m": windows.active_months(36),
    "sales_active_months_6m": windows.active_months(6),
    "invoice_gap_max_days": partners.longest_gap,
    "days_since_last_sale": windows.days_since_last,
    "months_since_first_invoice": windows.months_since_first,
    "sales_unevenness_12m": windows.unevenness,
    "sales_days_12m": windows.invoice_days,
    "sales_trend_12m": windows.trend,
    "best_month_share_12m": windows.best_month_share,
    "weak_months_12m": windows.weak_months,
    "growing_quarters_4q": windows.growing_quarters,
    "void_rate_6m": windows.void_rate(6),
    "void_rate_12m": windows.void_rate(12),
    "void_rate_36m": windows.void_rate(36),
    "void_amount_rate_12m": windows.void_amount_rate,
    "red_rate_12m": windows.red_rate,
    "red_count_rate_12m": windows.share_of_count(lambda t: t.net_fen < 0),
    "negative_months_12m": windows.negative_months,
    "zero_tax_share_12m": windows.share_of_net(lambda t: t.tax_fen == 0),
    "month_end_share_12m": windows.share_of_net(windows.at_month_end),
    "round_amount_rate_12m": windows.share_of_count(lambda t: t.gross_fen % windows.ROUND_FEN == 0),
    "output_tax_rate_12m": windows.tax_rate,
    "output_tax_12m": windows.tax(12),
    "buyers_12m": windows.partners,
    "purchases_3m": windows.net(3),
    "purchases_6m": windows.net(6),
    "purchases_12m": windows.net(12),
    "purchases_36m": windows.net(36),
    "purchases_growth_12m": windows.growth,
    "input_invoices_12m": windows.count(12),
    "input_average_ticket_12m": windows.ticket,
    "purchase_active_months_12m": windows.active_months(12),
    "days_since_last_purchase": windows.days_since_last,
    "months_since_first_purchase": windows.months_since_first,
    "purchase_unevenness_12m": windows.unevenness,
    "purchase_trend_12m": windows.trend,
    "input_void_rate_12m": windows.void_rate(12),
    "input_red_rate_12m": windows.red_rate,
    "input_tax_12m": windows.tax(12),
    "input_tax_rate_12m": windows.tax_rate,
    "suppliers_12m": windows.partners,
    "top1_buyer_share_12m": partners.top_share,
    "top5_buyer_share_12m": partners.top_few_share,
    "buyer_concentration_12m": partners.concentration,
    "new_buyers_12m": partners.new_partners,
    "lost_buyers_12m": partners.lost_partners,
    "repeat_buyer_share_12m": partners.repeat_share,
    "buyers_over_24m": partners.old_partners,
    "one_off_buyer_rate_12m": partners.one_off_rate,
    "top1_supplier_share_12m": partners.top_share,
    "top5_supplier_share_12m": partners.top_few_share,
    "supplier_concentration_12m": partners.concentration,
    "new_suppliers_12m": partners.new_partners,
    "lost_suppliers_12m": partners.lost_partners,
    "repeat_supplier_share_12m": partners.repeat_share,
    "suppliers_over_24m": partners.old_partners,
    "purchase_to_sales_12m": partners.purchase_to_sales,
    "tax_burden_12m": partners.tax_burden,
    "trade_gap_12m": partners.trade_gap,
    "input_output_tax_12m": partners.input_output_tax,
    "two_way_partners_12m": partners.two_way_partners,
    "two_way_share_12m": partners.two_way_share,
    "penalised_partners_12m": partners.penalised_partners,
    "penalised_partner_share_12m": partners.penalised_share,
    "tax_penalties_12m": lists.penalties(12),
    "tax_penalties_36m": lists.penalties(36),
    "tax_fines_36m": lists.fines(36),
    "months_since_tax_penalty": lists.months_since,
}


@dataclass(frozen=True)
class Row:
    """One row of the catalogue; ``history`` names the figure that says for how many months facts of a firm are there."""

    name: str
    dimension: str
    label: str
    unit: str
    definition: str
    table: str
    months: int
    absence: str
    listed_by: str
    who_can_know: str
    source: str
    history: str | None


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    return content


@cache
def catalogue() -> Mapping[str, Row]:
    """The measures by name, in the order of the file; a row without a computation, or the other way about, is refused."""
    content = _content()
    rows = {name: _row(name, content["defaults"] | row, content) for name, row in content["measures"].items()}
    if odd := set(rows) ^ set(EXPRESSIONS):
        raise Broken(f"measures.yaml and facts/ disagree on {', '.join(sorted(odd))}")
    return rows


def _row(name: str, given: Mapping[str, Any], content: Mapping[str, Any]) -> Row:
    source = content["sources"][given["table"]]
    if given["dimension"] not in content["dimensions"]:
        raise Broken(f"measures.yaml: {name} is of no dimension")
    return Row(
        name=name,
        dimension=given["dimension"],
        label=given["label"],
        unit=given["unit"],
        definition=given["definition"],
        table=given["table"],
        months=int(given["months"]),
        absence=given["absence"],
        listed_by=given.get("listed_by", ""),
        who_can_know=given["who_can_know"],
        source=source["label"],
        history=source["history"],
    )


def dimensions() -> dict[str, str]:
    """The five dimensions (维度) by slug, in order."""
    return {slug: row["label"] for slug, row in _content()["dimensions"].items()}


def of_dimension(slug: str) -> tuple[str, ...]:
    """The measures of one dimension, in the order of the catalogue."""
    return tuple(row.name for row in catalogue().values() if row.dimension == slug)


def _months() -> list[tuple[str, str, int]]:
    return [(f"{number:02d}", str(number), number - 1) for number in range(1, MONTHS_DRAWN + 1)]


def declare() -> None:
    """Declare the desk's measures; called when the app is ready."""
    for name, over, label, derive, whole in DERIVED:
        analytics.declare(
            analytics.FactTable(name, date=None, label=label, derived_from=over, derive=derive, whole=whole)
        )
    for row in catalogue().values():
        analytics.measure(
            name=row.name, label=row.label, unit=row.unit, definition=row.definition, table=row.table,
            expression=EXPRESSIONS[row.name], who_can_know=row.who_can_know, absence=row.absence,
            listed_by=row.listed_by, source=row.source, dimension=row.dimension, min_months=row.months,
        )  # fmt: skip
    for table, side in (("invoices_output", "sales"), ("invoices_input", "purchases")):
        _declare_months(table, side)
    analytics.measure(
        name="sample_default", label="样本标注：是否违约", unit="次", table="firm_labels",
        definition="匿名样本中银行给出的标注，1 为违约；只用于拟合与检验，不在任何页面展示",
        expression=lambda t, on: t.defaulted.cast("int64").max(), who_can_know="institution", absence="unknown",
        source="匿名样本",
    )  # fmt: skip


def _declare_months(table: str, side: str) -> None:
    word = "销项" if side == "sales" else "进项"
    for suffix, number, back in _months():
        analytics.measure(
            name=f"{side}_month_{suffix}", label=Words("往前第%(number)s个月%(side)s开票额", number=number, side=word), unit="万元",
            definition="自然月内有效发票净额，1 为截至日所在月；不含税", table=table,
            expression=windows.in_calendar_month(back), who_can_know="platform", absence="unknown", source=SOURCE,
        )  # fmt: skip


def invoice_measures() -> list[str]:
    """Names of the catalogue's measures over invoices, without the monthly ones."""
    return [row.name for row in catalogue().values() if row.source == SOURCE]
