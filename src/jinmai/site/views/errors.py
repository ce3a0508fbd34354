"""Pages for what went wrong, with the look that everything else has."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.api_problems import API_PREFIX, Fault, Forged, by_status, problem_response
from jinmai.foundation.kernel.access.policy import policy

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def shown(request: HttpRequest, status: int, title: str, reason: str, remedy: str) -> HttpResponse:
    """An error as a quiet page, or as a problem document for the API."""
    if request.path.startswith(API_PREFIX):
        return problem_response(request, Forged() if request.method not in SAFE and status == 403 else by_status(status))
    return render(request, "site/error.html", {"title": title, "reason": reason, "remedy": remedy}, status=status)


def not_understood(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a host or a form that the framework refuses to read."""
    return shown(request, 400, _("请求看不懂"), _("这次提交的内容不完整或写法不对，没有办理。"), _("请返回上一页重新提交。"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: not there, or not yours to see."""
    return shown(
        request, 404, _("没有找到"), _("这个地址不存在，或不在您的查看范围内。"), _("请从工作台或列表重新进入。")
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role lacks the operation."""
    return shown(request, 403, _("没有这项权限"), _("您的岗位不能办理这件事。"), _("如工作需要，请向安全管理员申请。"))


def expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    return shown(
        request,
        403,
        _("页面已过期"),
        _("这张表单打开得太久，或不是从本平台提交的，所以没有办理。"),
        _("请返回上一页刷新后重新提交。"),
    )


def locked(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """429: too many wrong passwords."""
    return shown(
        request,
        429,
        _("账号已锁定"),
        _("登录失败次数过多，暂时不能这样登录。"),
        _("请 %(minutes)s 分钟后再试，或请安全管理员核实身份后解锁。") % {"minutes": policy().lock_minutes},
    )


def broken(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours; the answer asks nothing of the database."""
    if request.path.startswith(API_PREFIX):
        return problem_response(request, Fault())
    words = {
        "lang": get_language() or "zh-hans",
        "title": _("平台出了故障"),
        "reason": _("这一步没有办成，已填的内容没有保存。"),
        "remedy": _("请稍后再试；再次出现时，请把时间和所在页面告诉系统管理员。"),
        "home": _("回到工作台"),
    }
    return HttpResponse(BROKEN.format_map(words), status=500, content_type="text/html; charset=utf-8")


BROKEN = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="/static/ui/jinmai.css"></head><body><div class="quiet"><div class="quiet-bar"></div>
<main class="quiet-main"><div class="quiet-card wide"><h1>{title}</h1><p>{reason}</p>
<p class="second">{remedy}</p>
<p><a class="button" href="/">{home}</a></p></div></main></div></body></html>"""
