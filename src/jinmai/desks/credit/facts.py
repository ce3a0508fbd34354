"""Invoice measures: what the tax bureau's invoices say of a firm, in whole base units, by window before a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from jinmai.foundation import analytics
from jinmai.foundation.kernel.errors import Words

Expression = Callable[[Any, date], Any]
MONTHS_DRAWN = 24
RATIO_SCALE = 1_000_000_000
SOURCE = "税务·企业授权"
COUNTING = "只计有效发票（作废不计），红字冲减"


def _valid(t: Any) -> Any:
    return t.status == "valid"


def _during(t: Any, on: date, months: int, skipped: int = 0) -> Any:
    """Valid invoices of ``months`` months that end ``skipped`` months before ``on``."""
    end = analytics.months_before(on, skipped)
    return _valid(t) & analytics.within(t.happened_on, end, months)


def _net(months: int, skipped: int = 0) -> Expression:
    return lambda t, on: t.net_fen.sum(where=_during(t, on, months, skipped)).fill_null(0).cast("int64")


def _growth(t: Any, on: date) -> Any:
    now, before = _net(12)(t, on), _net(12, 12)(t, on)
    return analytics.ibis.cases((before > 0, analytics.ratio(now - before, before)))


def _active_months(months: int) -> Expression:
    """Calendar months with an invoice. A window from day to day touches one month more than it is long: it is not counted."""
    return lambda t, on: t.happened_on.truncate("M").nunique(where=_during(t, on, months)).clip(upper=months)


def _void_rate(months: int) -> Expression:
    def expression(t: Any, on: date) -> Any:
        during = analytics.within(t.happened_on, on, months)
        return analytics.ratio((~_valid(t) & during).sum().cast("int64"), during.sum().cast("int64"))

    return expression


def _red_rate(t: Any, on: date) -> Any:
    during = _during(t, on, 12)
    red = (-t.net_fen).sum(where=during & (t.net_fen < 0)).fill_null(0).cast("int64")
    return analytics.ratio(red, t.net_fen.abs().sum(where=during).cast("int64"))


def _partners(t: Any, on: date) -> Any:
    return t.partner.nunique(where=_during(t, on, 12))


def _ticket(t: Any, on: date) -> Any:
    """Net a valid invoice, rounded to the fen: ``ratio`` scales by 1e9, so the count is scaled as well."""
    during = _during(t, on, 12)
    total, count = t.net_fen.sum(where=during).cast("int64"), during.sum().cast("int64")
    return analytics.ratio(total, count * RATIO_SCALE)


def _tax_rate(t: Any, on: date) -> Any:
    during = _during(t, on, 12)
    tax, net = t.tax_fen.sum(where=during).cast("int64"), t.net_fen.sum(where=during).cast("int64")
    return analytics.ibis.cases((net > 0, analytics.ratio(tax, net)))


def _days_since_last(t: Any, on: date) -> Any:
    last = t.happened_on.max(where=_valid(t) & (t.happened_on <= analytics.ibis.literal(on)))
    return analytics.ibis.literal(on).delta(last, unit="day").cast("int64")


def _months_since_first(t: Any, on: date) -> Any:
    first = t.happened_on.min(where=_valid(t))
    return ((on.year - first.year()) * 12 + on.month - first.month()).cast("int64")


def _partner_totals(t: Any, on: date) -> Any:
    """Net of the last 12 months by firm and partner."""
    during = t.filter(_during(t, on, 12))
    return during.group_by("subject_key", "partner").aggregate(net_fen=during.net_fen.sum().cast("int64"))


def _top_share(t: Any, on: date) -> Any:
    total = t.net_fen.sum().cast("int64")
    return analytics.ibis.cases((total > 0, analytics.ratio(t.net_fen.max().cast("int64"), total)))


def _invoice_days(t: Any, on: date) -> Any:
    """Days with a valid invoice in the last 12 months, each with the one before (the window's edge for the first)."""
    edge = analytics.ibis.literal(analytics.months_before(on, 12))
    days = t.filter(_during(t, on, 12)).select("subject_key", "happened_on").distinct()
    window = analytics.ibis.window(group_by="subject_key", order_by="happened_on")
    return days.mutate(before=days.happened_on.lag().over(window).fill_null(edge))


def _longest_gap(t: Any, on: date) -> Any:
    between = (t.happened_on.delta(t.before, unit="day") - 1).max()
    after = analytics.ibis.literal(on).delta(t.happened_on.max(), unit="day")
    return analytics.ibis.greatest(between, after).cast("int64")


def _unevenness(t: Any, on: date) -> Any:
    total = _net(12)(t, on)
    months = [_net(1, back)(t, on) for back in range(12)]
    spread = sum(((12 * month - total).abs() for month in months[1:]), (12 * months[0] - total).abs())
    return analytics.ibis.cases((total > 0, analytics.ratio(spread.cast("int64"), (12 * total).cast("int64"))))


def _both_sides(output: Any, input_: Any, on: date) -> Any:
    """Sales and purchases of the last 12 months in one table, told apart by ``sold``."""
    sides = [
        t.filter(_during(t, on, 12))
        .select("subject_key", "net_fen", "tax_fen")
        .mutate(sold=analytics.ibis.literal(sold))
        for t, sold in ((output, True), (input_, False))
    ]
    return sides[0].union(sides[1])


def _sum(t: Any, column: str, sold: bool) -> Any:
    return t[column].sum(where=t.sold == sold).fill_null(0).cast("int64")


def _purchase_to_sales(t: Any, on: date) -> Any:
    sales = _sum(t, "net_fen", True)
    return analytics.ibis.cases((sales > 0, analytics.ratio(_sum(t, "net_fen", False), sales)))


def _tax_burden(t: Any, on: date) -> Any:
    sales = _sum(t, "net_fen", True)
    return analytics.ibis.cases(
        (sales > 0, analytics.ratio(_sum(t, "tax_fen", True) - _sum(t, "tax_fen", False), sales))
    )


#: Tables that are an expression over the invoices: name, over which, what its rows are, derivation.
DERIVED = (
    ("sales_by_buyer_12m", ["invoices_output"], "近12个月按购方合计", _partner_totals),
    ("purchases_by_supplier_12m", ["invoices_input"], "近12个月按销方合计", _partner_totals),
    ("sales_days_12m", ["invoices_output"], "近12个月开票日", _invoice_days),
    ("invoices_both_12m", ["invoices_output", "invoices_input"], "近12个月进销项", _both_sides),
)
#: Measures that are read over a derived table.
OVER = {
    "top1_buyer_share_12m": "sales_by_buyer_12m",
    "top1_supplier_share_12m": "purchases_by_supplier_12m",
    "invoice_gap_max_days": "sales_days_12m",
    "purchase_to_sales_12m": "invoices_both_12m",
    "tax_burden_12m": "invoices_both_12m",
}

OUTPUT: tuple[tuple[str, str, str, str, Expression, str], ...] = (
    ("sales_12m", "近12个月有效销项开票额", "万元", "不含税；" + COUNTING, _net(12), "unknown"),
    (
        "sales_prev_12m",
        "上一个12个月有效销项开票额",
        "万元",
        "截至日前第13至24个月；不含税；" + COUNTING,
        _net(12, 12),
        "unknown",
    ),
    ("sales_36m", "近36个月有效销项开票额", "万元", "不含税；" + COUNTING, _net(36), "unknown"),
    (
        "sales_growth_12m",
        "近12个月开票额同比",
        "%",
        "（近12个月－上一个12个月）÷上一个12个月；上期为零或负的为缺数据",
        _growth,
        "unknown",
    ),
    (
        "invoice_active_months_12m",
        "近12个月有开票的月数",
        "月",
        "有有效销项发票的自然月数，窗口多跨的一个月不多计",
        _active_months(12),
        "unknown",
    ),
    (
        "invoice_active_months_36m",
        "近36个月有开票的月数",
        "月",
        "有有效销项发票的自然月数，窗口多跨的一个月不多计",
        _active_months(36),
        "unknown",
    ),
    (
        "invoice_gap_max_days",
        "近12个月最长连续未开票天数",
        "天",
        "近12个月内相邻两个有效销项开票日之间（含首尾）最长的未开票天数",
        _longest_gap,
        "unknown",
    ),
    (
        "days_since_last_sale",
        "距最近一次开票天数",
        "天",
        "截至日减最近一张有效销项发票的开票日期",
        _days_since_last,
        "unknown",
    ),
    (
        "months_since_first_invoice",
        "首张发票至今月数",
        "月",
        "截至月减首张有效销项发票的月份；只看平台收到的发票",
        _months_since_first,
        "unknown",
    ),
    ("void_rate_12m", "近12个月作废发票份数占比", "%", "作废份数÷全部份数（销项）", _void_rate(12), "unknown"),
    ("void_rate_36m", "近36个月作废发票份数占比", "%", "作废份数÷全部份数（销项）", _void_rate(36), "unknown"),
    (
        "red_rate_12m",
        "近12个月红字发票金额占比",
        "%",
        "红字金额绝对值÷全部有效金额绝对值之和（销项）",
        _red_rate,
        "unknown",
    ),
    (
        "top1_buyer_share_12m",
        "第一大客户销售占比",
        "%",
        "近12个月第一大客户的有效销项净额÷全部有效销项净额；净额为零或负的为缺数据",
        _top_share,
        "unknown",
    ),
    ("buyers_12m", "近12个月下游客户数", "户", "有效销项发票的购方个数", _partners, "unknown"),
    (
        "sales_unevenness_12m",
        "近12个月月度开票起伏",
        "%",
        "各月开票额与月均之差的绝对值之和÷全年开票额；越小越平稳",
        _unevenness,
        "unknown",
    ),
    (
        "average_ticket_12m",
        "近12个月平均单张销项金额",
        "万元",
        "有效销项净额÷有效份数，四舍五入到分",
        _ticket,
        "unknown",
    ),
    (
        "output_tax_rate_12m",
        "近12个月销项税负",
        "%",
        "有效销项税额÷有效销项净额；净额为零或负的为缺数据",
        _tax_rate,
        "unknown",
    ),
)
INPUT: tuple[tuple[str, str, str, str, Expression, str], ...] = (
    ("purchases_12m", "近12个月有效进项开票额", "万元", "不含税；" + COUNTING, _net(12), "unknown"),
    ("purchases_36m", "近36个月有效进项开票额", "万元", "不含税；" + COUNTING, _net(36), "unknown"),
    (
        "purchase_active_months_12m",
        "近12个月有进货的月数",
        "月",
        "有有效进项发票的自然月数，窗口多跨的一个月不多计",
        _active_months(12),
        "unknown",
    ),
    ("suppliers_12m", "近12个月上游供应商数", "户", "有效进项发票的销方个数", _partners, "unknown"),
    (
        "top1_supplier_share_12m",
        "第一大供应商进货占比",
        "%",
        "近12个月第一大供应商的有效进项净额÷全部有效进项净额；净额为零或负的为缺数据",
        _top_share,
        "unknown",
    ),
    (
        "purchase_to_sales_12m",
        "近12个月进项与销项之比",
        "%",
        "有效进项净额÷有效销项净额；销项为零或负的为缺数据",
        _purchase_to_sales,
        "unknown",
    ),
    (
        "tax_burden_12m",
        "近12个月增值税税负",
        "%",
        "（销项税额－进项税额）÷有效销项净额；只按平台收到的发票计算",
        _tax_burden,
        "unknown",
    ),
    ("input_void_rate_12m", "近12个月进项作废份数占比", "%", "作废份数÷全部份数（进项）", _void_rate(12), "unknown"),
    (
        "input_average_ticket_12m",
        "近12个月平均单张进项金额",
        "万元",
        "有效进项净额÷有效份数，四舍五入到分",
        _ticket,
        "unknown",
    ),
)


def _months() -> list[tuple[str, str, int]]:
    return [(f"{number:02d}", str(number), number - 1) for number in range(1, MONTHS_DRAWN + 1)]


def _in_calendar_month(back: int) -> Expression:
    """Net of the calendar month ``back`` months before the one that holds ``on``; the first one only up to ``on``."""

    def expression(t: Any, on: date) -> Any:
        index = on.year * 12 + on.month - 1 - back
        month = _valid(t) & (t.happened_on.year() == index // 12) & (t.happened_on.month() == index % 12 + 1)
        return t.net_fen.sum(where=month).fill_null(0).cast("int64")

    return expression


def declare() -> None:
    """Declare the invoice measures; called when the app is ready."""
    for name, over, label, derive in DERIVED:
        analytics.declare(analytics.FactTable(name, date=None, label=label, derived_from=over, derive=derive))
    for table, side, rows in (("invoices_output", "sales", OUTPUT), ("invoices_input", "purchases", INPUT)):
        for name, label, unit, definition, expression, absence in rows:
            analytics.measure(
                name=name, label=label, unit=unit, definition=definition, table=OVER.get(name, table),
                expression=expression,
                who_can_know="platform", absence=absence, source=SOURCE,
            )  # fmt: skip
        word = "销项" if side == "sales" else "进项"
        for suffix, number, back in _months():
            analytics.measure(
                name=f"{side}_month_{suffix}", label=Words("往前第%(number)s个月%(side)s开票额", number=number, side=word), unit="万元",
                definition="自然月内有效发票净额，1 为截至日所在月；不含税", table=table,
                expression=_in_calendar_month(back), who_can_know="platform", absence="unknown", source=SOURCE,
            )  # fmt: skip
    analytics.measure(
        name="sample_default", label="样本标注：是否违约", unit="次", table="firm_labels",
        definition="匿名样本中银行给出的标注，1 为违约；只用于拟合与检验，不在任何页面展示",
        expression=lambda t, on: t.defaulted.cast("int64").max(), who_can_know="institution", absence="unknown",
        source="匿名样本",
    )  # fmt: skip


def invoice_measures() -> list[str]:
    """Names of the invoice measures, without the monthly ones."""
    return [row[0] for row in (*OUTPUT, *INPUT)]
