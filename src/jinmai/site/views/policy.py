"""The security policy in force (安全策略): each value, since when, and what it rests on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import role_label, roles
from jinmai.foundation.kernel.access.policy import declared, labels, policy
from jinmai.foundation.ui.lists import Column, ListPage
from jinmai.site.words import verb_words


@page("site.view_policy")
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every value of the profile's policy; changed by choosing another profile, never in the browser."""
    said = declared(policy().profile)
    rows = [
        {
            "name": name,
            "label": _(words["label"]),
            "value": value_in_words(name, said["values"][name]["value"]),
            "since": said["values"][name]["from"],
            "basis": basis_of(said["cites"].get(said["values"][name]["cite"])),
        }
        for name, words in labels().items()
    ]
    return ListPage(
        title=_("安全策略"),
        subtitle=_("档次：%(label)s。策略随数据目录的档次而定，不在网页上修改") % {"label": _(said["label"])},
        rows=rows,
        columns=[
            Column("label", _("项目")),
            Column("value", _("要求"), wrap=True),
            Column("since", _("自"), kind="date"),
            Column("basis", _("依据"), wrap=True),
            Column("name", _("编码"), default=False),
        ],
        export_name=_("安全策略"),
        count_unit=_("项"),
    ).respond(request)


def value_in_words(name: str, value: Any) -> str:
    """A value as an officer reads it."""
    if value is None or value == []:
        return _("不要求") if name != "operations_off" else _("无")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if name == "factor_asked_of":
        return "、".join(_(role_label(role)) for role in roles() if role.partition(".")[0] in value)
    if name == "operations_off":
        return "、".join(verb_words(one) for one in value)
    if name == "tls":
        return {"always": _("必须"), "unless_closed_network": _("必须（封闭网络可声明例外）"), "never": _("不要求")}[value]
    if value == 0:
        return _("不要求")
    return f"{value} {_(labels()[name]['unit'])}"


def basis_of(cite: dict[str, Any] | None) -> str:
    """What a value rests on; one that rests on nothing says so."""
    return f"{cite['document']} {cite['article']}" if cite else _("本平台取值")
