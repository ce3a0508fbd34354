"""The register as facts: one row a firm, no name and no contact, and the measures over it."""

from __future__ import annotations

from datetime import date
from typing import Any

from jinmai.foundation import analytics

#: What facts call the kinds of firm: the words that products' clauses use, whatever language a screen speaks.
KIND_TEXT = {
    "legal_person": "法人企业",
    "individual_business": "个体工商户",
    "cooperative": "农民专业合作社",
    "family_farm": "家庭农场",
}
SIZE_RULE = "sme_classification_2017"
SOURCE = "市场监管登记"

FIRMS_REGISTER = analytics.EventTable(
    "firms_register",
    [
        ("subject_key", "str", "企业"),
        ("kind", "str", "主体类型"),
        ("region", "str", "注册地区县"),
        ("industry_code", "str", "行业代码"),
        ("established_on", "date", "成立日期"),
        ("size_class", "str", "企业规模"),
        ("origin", "str", "数据来源"),
    ],
    date=None,
    label="企业名册",
)


def _months_operating(t: Any, on: date) -> Any:
    founded = t.established_on.min()
    months = (on.year - founded.year()) * 12 + on.month - founded.month()
    months = months - (founded.day() > on.day).cast("int64")
    return analytics.ibis.cases((founded <= analytics.ibis.literal(on), months.cast("int64")))


def _size_class(t: Any, on: date) -> Any:
    from jinmai.foundation.rulebook import NotInForce, get

    try:
        get(SIZE_RULE, on=on)
    except NotInForce:
        return analytics.ibis.null("string")
    return t.size_class.max()


def declare() -> None:
    """Declare the register's table and measures; called when the app is ready."""
    analytics.declare(FIRMS_REGISTER)
    register: dict[str, Any] = {"table": "firms_register", "who_can_know": "platform", "absence": "unknown"}
    analytics.measure(
        name="months_operating",
        label="成立满月数",
        unit="月",
        definition="从成立日期到截至日的足月数；未登记成立日期的为缺数据",
        expression=_months_operating,
        source=SOURCE,
        **register,
    )
    analytics.measure(
        name="size_class",
        label="企业规模",
        unit="enum",
        definition="按《统计上大中小微型企业划分办法（2017）》由行业、从业人员、营业收入、资产总额划定；数据不全的为缺数据",
        expression=_size_class,
        source="平台按规则计算",
        **register,
    )
    for name, label, column in (
        ("industry_code", "行业代码（GB/T 4754）", "industry_code"),
        ("region", "注册地区县", "region"),
        ("subject_kind", "主体类型", "kind"),
    ):
        analytics.measure(
            name=name,
            label=label,
            unit="code" if name == "industry_code" else "enum",
            definition="企业名册的现状，以最近一次登记为准",
            expression=lambda t, on, column=column: t[column].max(),
            source=SOURCE,
            **register,
        )
