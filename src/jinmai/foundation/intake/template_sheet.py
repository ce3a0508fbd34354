"""The template of a source (模板): a sheet to fill in, one filled-in example, and what each column must be."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.organisations.models import Organisation

from .declarations import Field, Source

TYPE_WORDS = {
    "key": gettext_lazy("主体代码"),
    "code": gettext_lazy("编码"),
    "text": gettext_lazy("文字"),
    "date": gettext_lazy("日期"),
    "money": gettext_lazy("金额"),
    "int": gettext_lazy("整数"),
    "ratio": gettext_lazy("比例"),
    "enum": gettext_lazy("选项"),
    "bool": gettext_lazy("是否"),
}
EXAMPLES = {
    "key": "91350100M000100Y43",
    "code": "A0001",
    "text": "示例",  # Chinese only: the file is read by Chinese systems
    "date": "2026-03-31",
    "money": "12345.67",
    "int": "12",
    "ratio": "4.35%",
}
ROWS_WITH_CHOICES = 5000


def heading(field: Field) -> str:
    """A column's heading with its unit; the import reads it with or without."""
    return f"{field.label}（{field.unit}）" if field.unit else field.label


def example(field: Field) -> str:
    """What a cell of this column may look like."""
    if field.example:
        return field.example
    if field.values:
        return str(next(iter(field.values)))
    if field.format == "uscc":
        return EXAMPLES["key"]
    return EXAMPLES.get(field.type, "")


def wanted(field: Field) -> str:
    """What a cell must be, in the officer's words."""
    words = {
        "date": _("日期，如 2026-03-31；2026/3/31、2026年3月31日也可以"),
        "money": _("数字，单位%(unit)s，最多两位小数；可以有千分位") % {"unit": field.unit},
        "int": _("整数"),
        "ratio": _("百分比（4.35%）或小数（0.0435）"),
        "enum": _("只能填：%(values)s") % {"values": "、".join(map(str, field.values))},
        "bool": _("只能填：%(values)s") % {"values": "、".join(map(str, field.values))},
    }.get(field.type, _("文字"))
    if field.format == "uscc":
        words = _("18 位统一社会信用代码，校验位要正确；请按文本填写")
    parts = [str(words)]
    if field.earliest:
        parts.append(_("不早于 %(day)s") % {"day": field.earliest.isoformat()})
    if field.latest:
        parts.append(_("不晚于导入当日"))
    if field.aliases:
        parts.append(_("也认这些标题：%(names)s") % {"names": "、".join(field.aliases)})
    if field.help:
        parts.append(field.help)
    return "；".join(parts)


def template_bytes(source: Source) -> bytes:
    """The workbook: sheets 数据 (to fill in), 示例 and 说明."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    formats = {
        "head": book.add_format({"bold": True, "bg_color": "#F7F9FB", "bottom": 1}),
        "must": book.add_format({"bold": True, "bg_color": "#EAF1FA", "bottom": 1}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "text": book.add_format({"num_format": "@"}),
    }
    data = book.add_worksheet(_("数据"))
    _headings(data, source, formats)
    for column, field in enumerate(source.fields):
        if field.type in ("key", "code", "text"):
            data.set_column(column, column, _width(field), formats["text"])
        if field.values:
            choices = {"validate": "list", "source": [str(one) for one in field.values]}
            data.data_validation(1, column, ROWS_WITH_CHOICES, column, choices)
    shown = book.add_worksheet(_("示例"))
    _headings(shown, source, formats)
    for column, field in enumerate(source.fields):
        shown.write_string(1, column, example(field))
    _notes(book.add_worksheet(_("说明")), source, formats)
    book.close()
    return stream.getvalue()


def _width(field: Field) -> int:
    return max(14, min(32, 2 * len(heading(field)) + 4))


def _headings(sheet: Any, source: Source, formats: dict[str, Any]) -> None:
    for column, field in enumerate(source.fields):
        sheet.write_string(0, column, heading(field), formats["must" if field.required else "head"])
        sheet.set_column(column, column, _width(field))
        sheet.write_comment(0, column, wanted(field), {"x_scale": 2})
    sheet.freeze_panes(1, 0)


def owner_name(source: Source) -> str:
    """The organisation that hands this data over, as this city calls it."""
    found = Organisation.objects.filter(code=source.owner).values_list("name", flat=True).first()
    return found or (_("金融局") if source.owner == "bureau" else source.owner)


def _notes(sheet: Any, source: Source, formats: dict[str, Any]) -> None:
    about = [
        (_("来源"), source.label),
        (_("提供单位"), owner_name(source)),
        (_("依据"), source.legal_basis),
        (_("分级"), source.level),
        (_("保存期限"), _("%(years)s 年") % {"years": source.keep_years} if source.keep_years else _("使用期间")),
        (_("怎么填"), _("在“数据”表里从第 2 行起逐行填写；不要改第 1 行的标题；合计行不必填，填了也不计入。")),
    ]
    if source.help:
        about.append((_("说明"), source.help))
    for row, (label, words) in enumerate(about):
        _line(sheet, row, (label, words), formats["wrap"])
    start = len(about) + 1
    for column, label in enumerate((_("列"), _("类型"), _("单位"), _("必填"), _("要求"))):
        sheet.write_string(start, column, label, formats["head"])
    for row, field in enumerate(source.fields, start=start + 1):
        must = _("必填") if field.required else _("可以没有这一列") if field.optional_column else _("可以留空")
        _line(sheet, row, (field.label, TYPE_WORDS[field.type], field.unit, must, wanted(field)), formats["wrap"])
    for column, width in enumerate((22, 40, 8, 16, 60)):
        sheet.set_column(column, column, width)


def _line(sheet: Any, row: int, cells: Sequence[Any], wrap: Any) -> None:
    for column, words in enumerate(cells):
        sheet.write_string(row, column, str(words), wrap)
