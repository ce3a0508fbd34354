"""Figures that stand together on the sheet and are consented to together (数据项)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _joined
from django.utils.translation import gettext_lazy as _

from jinmai.desks.credit.facts import MONTHS_DRAWN, dimensions, of_dimension
from jinmai.desks.credit.records import record_tables
from jinmai.desks.parties.holdings import TABLE as HOLDINGS
from jinmai.foundation.kernel.consent.purposes import PAPERS
from jinmai.foundation.kernel.errors import shown


@dataclass(frozen=True)
class Group:
    """One group of figures: its slug in forms, its words, its measures."""

    slug: str
    label: Any
    fields: tuple[str, ...]


def month_fields(side: str) -> tuple[str, ...]:
    """The monthly measures of ``sales`` or ``purchases``, newest first."""
    return tuple(f"{side}_month_{number:02d}" for number in range(1, MONTHS_DRAWN + 1))


GROUPS = (
    Group("register", _("登记信息"), ("months_operating", "size_class", "industry_code", "region", "subject_kind")),
    *(Group(slug, _(label), of_dimension(slug)) for slug, label in dimensions().items()),
    Group("months", _("月度开票走势"), (*month_fields("sales"), *month_fields("purchases"))),
)  # fmt: skip
#: Single records of departments: each table is a field of its own.
RECORDS = Group("records", _("部门记录"), tuple(record_tables()))
#: What a firm may tick: the sheet's groups, its holders, and the papers it hands in, which are no measures.
CONSENTED = (
    *GROUPS,
    RECORDS,
    Group("ownership", _("股权与控制"), (HOLDINGS,)),
    Group("papers", _("企业提交的材料"), (PAPERS,)),
)
BY_SLUG = {group.slug: group for group in CONSENTED}


def fields_of(slugs: Iterable[str]) -> list[str]:
    """The fields of these groups.

    >>> fields_of(["partners"])[0]
    'top1_buyer_share_12m'
    """
    return [field for slug in slugs for field in BY_SLUG[slug].fields]


def measure_fields() -> list[str]:
    """Every measure of the sheet."""
    return [field for group in GROUPS for field in group.fields]


def all_fields() -> list[str]:
    """Everything on the sheet: its measures, and the tables whose records it shows."""
    return [*measure_fields(), *RECORDS.fields]


def fields_with_papers() -> list[str]:
    """What a firm consents to when it sends a need, or ticks all groups: its sheet and the papers it hands in."""
    return fields_of(BY_SLUG)


def words_for(fields: Iterable[str]) -> str:
    """Fields in an officer's words: a group that is complete by its name, others by the measure's or the column's.

    >>> words_for(fields_of(["partners"]))
    '交易对手'
    """
    from jinmai.foundation import analytics

    left = set(fields)
    told = []
    for group in CONSENTED:
        if set(group.fields) <= left:
            told.append(str(group.label))
            left -= set(group.fields)
    labels: dict[str, str] = {}
    tables = sorted(analytics.tables().values(), key=lambda one: one.sort != "event")
    for table in reversed(tables):  # of tables that share a column, the desks' first one names it
        labels |= {column.name: column.label for column in table.columns if column.label}
    labels |= {name: measure.label for name, measure in analytics.measures().items()}
    labels |= {name: table.label for name, table in analytics.tables().items() if name in RECORDS.fields}
    told += sorted({shown(labels.get(name, name)) for name in left})
    return _joined("、").join(told)
