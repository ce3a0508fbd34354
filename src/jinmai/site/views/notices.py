"""站内通知: what my post was told, and how I am reached outside."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.notices.actions import choose_channels, read_all_notices, read_notice
from jinmai.foundation.kernel.notices.kinds import notice_kinds
from jinmai.foundation.kernel.notices.models import ChannelChoice, ContactAddress, Notice
from jinmai.foundation.kernel.notices.outbound import channels
from jinmai.foundation.kernel.notices.quiet import outbound_rule

PAGE_ROWS = 50


@page("site.list_notices")
def notice_list(request: HttpRequest) -> HttpResponse:
    """What my post was told, the newest first."""
    told = Notice.objects.visible_to(request.actor)
    unread = told.filter(read_at__isnull=True)
    only_unread = request.GET.get("show") == "unread"
    shown = Paginator(unread if only_unread else told, PAGE_ROWS).get_page(request.GET.get("page"))
    kinds = notice_kinds()
    for notice in shown:
        notice.kind_words = kinds[notice.kind].words if notice.kind in kinds else notice.kind
    values = {"notices": shown, "unread": unread.count(), "count": told.count(), "only_unread": only_unread}
    return render(request, "site/notices.html", values)


@page("kernel.read_notice")
@require_POST
def notice_open(request: HttpRequest, pk: Any) -> HttpResponse:
    """Mark one as read and go where it leads."""
    notice = read_notice(request.actor, get_object_or_404(Notice.objects.visible_to(request.actor), pk=pk))
    inside = notice.url.startswith("/") and not notice.url.startswith("//")
    return redirect(notice.url) if inside else redirect("site:notice_list")


@page("kernel.read_all_notices")
@require_POST
def notice_read_all(request: HttpRequest) -> HttpResponse:
    """Mark all of them as read."""
    read_all_notices(request.actor)
    messages.success(request, _("全部通知已标为已读"))
    return redirect("site:notice_list")


@page("kernel.choose_channels")
def channel_choices(request: HttpRequest) -> HttpResponse:
    """Where I am reached outside, and by which channel of what."""
    refusal = None
    addresses = {name: request.POST.get(f"address.{name}", "") for name in channels()}
    wanted = {kind: [name for name in channels() if f"{kind}.{name}" in request.POST] for kind in notice_kinds()}
    if request.method == "POST":
        try:
            choose_channels(request.actor, addresses=addresses, wanted=wanted)
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, _("外发设置已保存"))
            return redirect("site:channels")
    else:
        user = User.objects.get(pk=request.actor.user_id)
        addresses = dict(ContactAddress.objects.filter(user=user).values_list("channel", "address"))
        wanted = wanted_by(user)
    shown = {
        "refusal": refusal,
        "channels": [
            {"name": name, "label": one.label, "address_label": one.address_label, "address": addresses.get(name, "")}
            for name, one in channels().items()
        ],
        "kinds": [
            {"kind": kind, "cells": [(name, name in wanted.get(kind.name, ())) for name in channels()]}
            for kind in notice_kinds().values()
        ],
        "rule": outbound_rule(Clock.today()),
    }
    return render(request, "site/channels.html", shown)


def wanted_by(user: User) -> dict[str, list[str]]:
    """Kind → channels as chosen, else by the city's rule."""
    chosen = {
        (one.kind, one.channel): one.wanted for one in ChannelChoice.objects.filter(user=user)
    }
    default = outbound_rule(Clock.today()).default_channels
    return {
        kind: [name for name in channels() if chosen.get((kind, name), name in default.get(kind, ()))]
        for kind in notice_kinds()
    }
