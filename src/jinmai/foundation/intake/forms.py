"""Forms of intake."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.ui.forms import Form

from .declarations import sources

ACCEPTED = ".csv,.gz,.xlsx,.xls,.ods,.txt"


class SeveralFiles(forms.ClearableFileInput):
    """An input that takes several files, also dropped on it."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or several files."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each file checked; at least one."""
        given = data if isinstance(data, (list, tuple)) else [data]
        return [super(FilesField, self).clean(one, initial) for one in given]


def _source_choices() -> list[tuple[str, Any]]:
    return [("", _("由系统按列标题判断")), *((source.name, _(source.label)) for source in sources().values())]


class UploadForm(Form):
    """The files, and their source where somebody already knows it."""

    files = FilesField(
        label=_("文件"),
        widget=SeveralFiles(attrs={"accept": ACCEPTED}),
        error_messages={"empty": _("文件是空的，请重新导出后再上传")},
    )
    source = forms.ChoiceField(label=_("数据来源"), choices=_source_choices, required=False)


class WithdrawForm(Form):
    """Why an import is taken back."""

    reason = forms.CharField(
        label=_("撤回原因"),
        max_length=200,
        help_text=_("撤回后，今后的统计不再包含这批数据；以前依据它作出的结论仍可追溯，并注明“批次已撤回”。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
