"""Keys of institutions (接口密钥): the administrators' list, issuing, revoking; a manager sees the own institution's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from jinmai.foundation.kernel.access import keys
from jinmai.foundation.kernel.access.models import ApiKey, Membership
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.ui.lists import Button, Column, Filter, ListPage
from jinmai.site.key_form import KeyForm
from jinmai.site.words import verb_words


def _states() -> dict[str, tuple[str, str]]:
    return {
        "live": (_("有效"), "good"),
        "revoked": (_("已停用"), "bad"),
        "expired": (_("已到期"), ""),
        "post_ended": (_("岗位已免去"), ""),
    }


def _listed(request: HttpRequest, title: str, subtitle: str, actions: list[Button]) -> HttpResponse:
    live_posts = frozenset(Membership.objects.live(Clock.today()).values_list("pk", flat=True))
    rows = ApiKey.objects.visible_to(request.actor).select_related("membership__user", "membership__organisation")
    return ListPage(
        title=title,
        subtitle=subtitle,
        rows=rows,
        columns=[
            Column("label", _("用途"), link=lambda key: reverse("site:key", args=[key.pk]), sort="label"),
            Column("organisation", _("机构"), value="membership.organisation.name", sort="membership__organisation__name"),
            Column("person", _("岗位"), value=lambda key: _post_words(key.membership), wrap=True),
            Column("prefix", _("前缀"), value=lambda key: f"jm_{key.prefix}_…"),
            Column("state", _("状态"), value=lambda key: keys.state_of(key, live_posts), kind="chip", chips=_states()),
            Column("expires_on", _("到期日"), kind="date", sort="expires_on"),
            Column("last_used_at", _("最近使用"), kind="datetime", sort="last_used_at"),
            Column("created_by", _("发放人"), default=False),
            Column("created_at", _("发放时间"), kind="datetime", sort="created_at", default=False),
        ],
        filters=[Filter("q", _("用途、机构或前缀"), kind="search",
                        fields=["label", "prefix", "membership__organisation__name"])],  # fmt: skip
        actions=actions,
        row_url=lambda key: reverse("site:key", args=[key.pk]),
        empty=_("还没有接口密钥。机构要用自己的系统对接时，由安全管理员发放。"),
        export_name=_("接口密钥"),
        count_unit=_("把"),
    ).respond(request)


def _post_words(post: Membership) -> str:
    return f"{post.user.display_name} · {_(post.role_label)}"


@page("site.list_keys")
def key_list(request: HttpRequest) -> HttpResponse:
    """Every key of every institution; none shows its secret."""
    issue = [Button(_("发放密钥"), reverse("site:key_new"), "plus", primary=True)]
    actions = issue if allows(request.actor, "kernel.issue_api_key") else []
    return _listed(request, _("接口密钥"), _("机构的系统以一个岗位的名义办事；由安全管理员发放，只在发放时显示一次"), actions)


@page("site.list_own_keys")
def own_keys(request: HttpRequest) -> HttpResponse:
    """The keys of one's own institution."""
    docs = [Button(_("接口说明"), reverse("site:api_docs"), "book")]
    return _listed(request, _("本机构的接口密钥"), _("发放请联系市局的安全管理员；发现泄露请立即停用"), docs)


@page("site.view_key")
def key_detail(request: HttpRequest, pk: Any) -> HttpResponse:
    """One key: whose, what for, what it may do, when it was last used."""
    return _shown(request, _find(request, pk))


def _shown(request: HttpRequest, key: ApiKey, secret: str = "") -> HttpResponse:
    live = frozenset(Membership.objects.live(Clock.today()).filter(pk=key.membership_id).values_list("pk", flat=True))
    state = keys.state_of(key, live)
    back = "site:key_list" if allows(request.actor, "site.list_keys") else "site:own_keys"
    shown = {
        "key": key,
        "secret": secret,
        "post": _post_words(key.membership),
        "state": _states()[state],
        "narrowed": [verb_words(name) for name in key.operations],
        "may_revoke": key.revoked_at is None and allows(request.actor, "kernel.revoke_api_key"),
        "crumbs": [(_("接口密钥"), reverse(back)), (key.label, "")],
        "example": request.build_absolute_uri("/api/v1/financing/orders"),
    }
    return render(request, "site/key.html", shown)


@page("kernel.issue_api_key")
@sensitive_post_parameters()
def key_new(request: HttpRequest) -> HttpResponse:
    """Issue a key; the answer shows it, this once."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        once = given.pop("idempotency_key")
        try:
            key = keys.issue_key(request.actor, **given, idempotency_key=once)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            if not hasattr(key, "shown"):
                messages.warning(request, _("这把密钥刚才已经发放，只显示一次；没有抄下的请停用后重发"))
                return redirect("site:key", pk=key.pk)
            return _shown(request, key, secret=key.shown)
    crumbs = [(_("接口密钥"), reverse("site:key_list")), (_("发放密钥"), "")]
    shown = {"title": _("发放密钥"), "form": form, "submit": _("发放"), "crumbs": crumbs,
             "cancel_url": reverse("site:key_list")}  # fmt: skip
    return render(request, "ui/form_page.html", shown)


@page("kernel.revoke_api_key")
@require_POST
def key_revoke(request: HttpRequest, pk: Any) -> HttpResponse:
    """Revoke a key, at once."""
    key = _find(request, pk)
    keys.revoke_key(request.actor, key=key)
    messages.success(request, _("密钥已停用，立即生效"))
    return redirect("site:key", pk=key.pk)


def _find(request: HttpRequest, pk: Any) -> ApiKey:
    rows = ApiKey.objects.visible_to(request.actor).select_related("membership__user", "membership__organisation")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound()
    return found
