"""岗位委托: lending one's post to a colleague until a day, and taking it back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.work.delegations import (
    ADMIN_PREFIX,
    LONGEST_DAYS,
    delegate_post,
    delegations_of,
    end_delegation,
    possible_delegates,
)
from jinmai.foundation.ui.forms import Form


class DelegationForm(Form):
    """To whom, from when, until when."""

    to = forms.ModelChoiceField(
        label=gettext_lazy("受托人"),
        queryset=User.objects.none(),
        empty_label=gettext_lazy("请选择本单位同事"),
        help_text=gettext_lazy("受托人以您的岗位办事，留痕记受托人本人的姓名"),
    )
    since = forms.DateField(label=gettext_lazy("自"), widget=forms.DateInput)
    until = forms.DateField(
        label=gettext_lazy("至（含当日）"), widget=forms.DateInput, help_text=gettext_lazy("到期自动失效，不用再操作")
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = possible_delegates(actor)
        self.fields["since"].initial = Clock.today()


def state_of(lent: Membership) -> tuple[str, str]:
    """A lent post's state in words, with its tone."""
    today = Clock.today()
    if not lent.active:
        return _("已提前结束"), ""
    if lent.until is not None and lent.until < today:
        return _("已到期"), ""
    return (_("未开始"), "info") if lent.since is not None and lent.since > today else (_("委托中"), "good")


@page("site.list_delegations")
def delegation_list(request: HttpRequest) -> HttpResponse:
    """What I lent, and what was lent to me."""
    rows = []
    for lent in delegations_of(request.actor)[:100]:
        words, tone = state_of(lent)
        rows.append({"lent": lent, "words": words, "tone": tone, "open": tone != "",
                     "mine": lent.delegated_from_id == request.actor.membership_id})  # fmt: skip
    post = Membership.objects.get(pk=request.actor.membership_id)
    shown = {
        "rows": rows,
        "may": not request.actor.role.startswith(ADMIN_PREFIX) and post.delegated_from_id is None,
        "received": post if post.delegated_from_id else None,
    }
    return render(request, "site/delegations.html", shown)


@page("kernel.delegate_post")
def delegation_new(request: HttpRequest) -> HttpResponse:
    """Lend my post."""
    form = DelegationForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            lent = delegate_post(request.actor, **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(
                request,
                _("岗位已委托给{name}，{day} 当日结束后自动失效").format(name=lent.user.display_name, day=lent.until),
            )
            return redirect("site:delegations")
    back = reverse("site:delegations")
    nobody = not form.fields["to"].queryset.exists()
    intro = (
        _("本单位没有可以受托的同事：受托人须在岗、且没有这一岗位。请联系安全管理员另行给岗位。")
        if nobody
        else _("外出或休假时把岗位委托给本单位同事，最长 {days} 天；双方都会收到通知，也都可以提前结束。").format(
            days=LONGEST_DAYS
        )
    )
    shown = {
        "title": _("委托岗位"),
        "form": form,
        "submit": _("委托"),
        "crumbs": [(_("岗位委托"), back), (_("委托岗位"), "")],
        "cancel_url": back,
        "intro": intro,
    }
    return render(request, "ui/form_page.html", shown)


@page("kernel.end_delegation")
@require_POST
def delegation_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a lent post back before its day."""
    lent = get_object_or_404(delegations_of(request.actor), pk=pk)
    end_delegation(request.actor, lent)
    messages.success(request, _("委托已结束，立即生效"))
    return redirect("site:delegations" if lent.pk != request.actor.membership_id else "site:home")
