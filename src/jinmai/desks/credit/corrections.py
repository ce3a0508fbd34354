"""How a department's correction comes back (更正): the values of a record as typed, or the batch that put a figure right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from jinmai.desks.credit.models import Objection
from jinmai.desks.credit.records import source_of, split
from jinmai.foundation import analytics
from jinmai.foundation.analytics.fact_tables import Column, stored_tables
from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.rulebook import show, to_base

LARGEST_TEXT = 200
CANDIDATES = 40


def columns_of(table: str) -> list[Column]:
    """The columns that a correction may change: all but whom the row is about."""
    declared = analytics.get_table(table)
    return [one for one in declared.columns if one.name != declared.grain]


def parse_changes(table: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Typed values as the table keeps them (money in 元 to fen, days as dates); empty ones are no change.

    Refuses none at all (JM-CRE-008), and columns or values that cannot be read (JM-CRE-010).
    """
    columns = {one.name: one for one in columns_of(table)}
    changes = {}
    for name, text in given.items():
        if not text.strip():
            continue
        if name not in columns:
            raise Refusal("JM-CRE-010", Words("这条记录没有“%(name)s”这一项", name=name), _("请只填写表中列出的各项"))
        changes[name] = _value(columns[name], text.strip(), table)
    if not changes:
        raise Refusal("JM-CRE-008", _("没有填写改正后的内容"), _("请填写改正后的数值，或选择“不属于本企业”"))
    return changes


def _value(column: Column, text: str, table: str) -> Any:
    refusal = Refusal(
        "JM-CRE-010", Words("“%(label)s”的值“%(text)s”不能识别", label=said(column.label), text=text[:40]),
        _("日期写作 2026-11-22，金额以元为单位，其余照原件填写"),
    )  # fmt: skip
    try:
        if column.type == "date":
            return date.fromisoformat(text)
        if column.type == "fen":
            return to_base(text, "元")
        if column.type in ("int", "ratio"):
            return int(text)
    except (ValueError, Refusal):
        raise refusal from None
    if column.type == "bool":
        return text in ("是", "true")  # Chinese only: what a sheet may say
    codes = _codes(table, column.name)
    if codes and text not in codes and text not in codes.values():
        raise refusal
    return codes.get(text, text)[:LARGEST_TEXT]


def _codes(table: str, name: str) -> dict[str, str]:
    """Words → codes of a column that takes only some values."""
    source = source_of(table)
    field = next((one for one in source.fields if one.name == name), None) if source else None
    return {word: str(code) for word, code in field.values.items()} if field else {}


def changed_words(table: str, changes: Mapping[str, Any]) -> str:
    """What was put right, in words: 罚款金额改为 100.00 元."""
    columns = {one.name: one for one in columns_of(table)}
    parts = []
    for name, value in changes.items():
        shown = show(value, "元") if columns[name].type == "fen" else str(value)
        parts.append(_("%(label)s改为 %(value)s") % {"label": said(columns[name].label), "value": shown})
    return "；".join(parts)


def candidates(objection: Objection) -> list[Batch]:
    """The batches that may have put a figure right: delivered or withdrawn since the objection was made."""
    table, _key = split(objection.target)
    if table:
        return []
    stored = stored_tables(analytics.get_measure(objection.target).table)
    since = Q(known_at__gte=objection.filed_at) | Q(tombstone__at__gte=objection.filed_at, tombstone__merged=False)
    return list(
        Batch.objects.filter(since, table__in=stored).select_related("tombstone").order_by("-number")[:CANDIDATES]
    )


def fitting_batch(objection: Objection, number: int | None) -> Batch:
    """The batch that put the figure right; refuses none (JM-CRE-008) and one that cannot have (JM-CRE-009)."""
    if number is None:
        raise Refusal("JM-CRE-008", _("没有指明更正所在的批次"), _("请先由来源部门重新报送或撤回原批次，再选择那一批"))
    found = next((one for one in candidates(objection) if one.number == number), None)
    if found is None:
        raise Refusal(
            "JM-CRE-009",
            Words("第 %(number)s 批不是异议提出之后报送或撤回的这类数据", number=number),
            _("请从所列的批次中选择"),
        )
    return found


def batch_words(batch: Batch) -> str:
    """A batch in words: which, and whether it came or was withdrawn."""
    label = analytics.get_table(batch.table).label
    text = _("撤回了第 %(number)d 批%(label)s") if batch.withdrawn else _("重新报送了第 %(number)d 批%(label)s")
    return text % {"number": batch.number, "label": label}
