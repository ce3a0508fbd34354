"""A page for each stable code (拒绝代码): what happened, why, what to do. The ``type`` of every problem leads here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import public_page
from jinmai.foundation.kernel.errors import NotFound
from jinmai.site.own_words import FILLED

#: Built from the source by ``make reference``.
REFERENCE = Path(__file__).parents[1] / "refusals.json"


@cache
def reference() -> dict[str, list[list[str]]]:
    """Code → what is said under it: reason and remedy, with the places that are filled in."""
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


def area_of(code: str) -> str:
    """Which part of the platform a code belongs to, in words."""
    areas = {
        "ACC": _("账号与权限"), "ANA": _("指标与数据"), "API": _("接口"), "AUD": _("审计"), "CLI": _("命令行"),
        "COC": _("驾驶舱"), "CON": _("授权与查询"), "CRE": _("企业征信"), "DOC": _("文件"), "FIN": _("融资对接"),
        "IDM": _("重复提交"), "IMP": _("导入"), "INT": _("导入"), "JOB": _("后台任务"), "KER": _("平台"),
        "MON": _("金额"), "NOT": _("通知"), "ORG": _("单位"), "PAR": _("主体名册"), "RUL": _("规则"), "SIT": _("网站"),
        "SUB": _("主体"), "UI": _("页面"), "WRK": _("待办与时限"),
    }  # fmt: skip
    return areas.get(code.split("-")[1], _("平台"))


def _elided(text: str) -> str:
    """The sentence in the reader's language, with … for what is filled in."""
    parts = text.split(" / ") if text else ()  # one code may be said in several ways
    return " / ".join(FILLED.sub("…", _(part)).replace("%%", "%") for part in parts)


def told(code: str) -> list[dict[str, str]]:
    """What happened and what to do, in the language of the page."""
    said = [{"reason": _elided(reason), "remedy": _elided(remedy)} for reason, remedy in reference()[code]]
    return said or [{"reason": _("平台没有办理这一步"), "remedy": _("请按页面或应答中的提示办理")}]


@public_page("site.view_refusal")
def refusal_code(request: HttpRequest, code: str) -> HttpResponse:
    """One code."""
    if code not in reference():
        raise NotFound()
    shown: dict[str, Any] = {"code": code, "area": area_of(code), "said": told(code)}
    return render(request, "site/refusal_code.html", shown)


@public_page("site.list_refusals")
def refusal_codes(request: HttpRequest) -> HttpResponse:
    """Every code, by part of the platform."""
    wanted = request.GET.get("q", "").strip()
    groups: dict[str, list[dict[str, Any]]] = {}
    for code in reference():
        said = told(code)
        if wanted and wanted.upper() not in code and not any(wanted in one["reason"] for one in said):
            continue
        groups.setdefault(area_of(code), []).append({"code": code, "said": said})
    return render(request, "site/refusal_codes.html", {"groups": groups, "q": wanted})
