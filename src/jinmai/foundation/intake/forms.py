"""Forms of intake."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.ui.forms import Form

from .declarations import sources

ACCEPTED = ".csv,.gz,.xlsx,.xls,.ods,.txt"


def _source_choices() -> list[tuple[str, str]]:
    return [(source.name, source.label) for source in sources().values()]


class ImportForm(Form):
    """Which source, which file."""

    source = forms.ChoiceField(label=_("数据来源"), choices=_source_choices)
    file = forms.FileField(
        label=_("文件"),
        help_text=_("Excel（xlsx、xls）、ods 或 CSV（可压缩为 gz；UTF-8、GBK 均可）。第一行是列标题。"),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
        error_messages={"empty": _("文件是空的，请重新导出后再上传")},
    )


class WithdrawForm(Form):
    """Why an import is taken back."""

    reason = forms.CharField(
        label=_("撤回原因"),
        max_length=200,
        help_text=_("撤回后，今后的统计不再包含这批数据；以前依据它作出的结论仍可追溯，并注明“批次已撤回”。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
