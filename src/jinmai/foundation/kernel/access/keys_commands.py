"""``jinmai keys issue|list|revoke``: keys of institutions, from the terminal of the machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run, parse_day


def register(app: typer.Typer) -> None:
    """Put ``keys`` among the commands."""
    keys = typer.Typer(help="机构的接口密钥", no_args_is_help=True)
    app.add_typer(keys, name="keys")

    @keys.command("issue")
    def issue(
        account: Annotated[str, typer.Argument(help="账号：密钥以它在机构的岗位办事")],
        label: Annotated[str, typer.Option("--label", help="用途，如 信贷系统对接")],
        until: Annotated[str, typer.Option("--until", help="到期日，一年之内", metavar="DATE")],
        organisation: Annotated[str, typer.Option("--organisation", help="机构编码；账号有几个岗位时写明")] = "",
        only: Annotated[list[str] | None, typer.Option("--only", help="只限这项操作，可多次")] = None,
        home: HomeOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """发放一把密钥；密钥只在此时显示一次。"""
        with command_run(home, as_json) as run:
            from jinmai.foundation.kernel.access.actor import Actor
            from jinmai.foundation.kernel.access.keys import issue_key

            key = issue_key(
                Actor.platform(),
                membership=_post(account, organisation),
                label=label,
                expires_on=parse_day(until),
                operations=only or (),
            )
            run.result({"key": key.shown, "prefix": key.prefix, "expires_on": key.expires_on.isoformat()})

    @keys.command("list")
    def listed(home: HomeOption = None, as_json: JsonOption = False) -> None:
        """列出全部密钥，不含密文。"""
        with command_run(home, as_json) as run:
            from jinmai.foundation.kernel.access.models import ApiKey

            rows = ApiKey.objects.select_related("membership__user", "membership__organisation")
            run.result({"keys": [_line(key) for key in rows]})

    @keys.command("revoke")
    def revoke(
        prefix: Annotated[str, typer.Argument(help="密钥的前缀（8 位）")],
        home: HomeOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """停用一把密钥，立即生效。"""
        with command_run(home, as_json) as run:
            from jinmai.foundation.kernel.access.actor import Actor
            from jinmai.foundation.kernel.access.keys import revoke_key
            from jinmai.foundation.kernel.access.models import ApiKey
            from jinmai.foundation.kernel.errors import NotFound

            key = ApiKey.objects.filter(prefix=prefix.removeprefix("jm_").partition("_")[0]).first()
            if key is None:
                raise NotFound()
            run.result({"prefix": key.prefix, "revoked": revoke_key(Actor.platform(), key=key).revoked_at is not None})


def _post(account: str, organisation: str) -> Any:
    """The one live post of an account in an institution; refuses none and several (JM-ACC-066)."""
    from django.utils.translation import gettext as _

    from jinmai.foundation.kernel.access.models import Membership
    from jinmai.foundation.kernel.clock import Clock
    from jinmai.foundation.kernel.errors import Refusal

    posts = Membership.objects.live(Clock.today()).select_related("organisation").filter(user__username=account)
    if organisation:
        posts = posts.filter(organisation__code=organisation)
    found = [post for post in posts if post.organisation.is_financial]
    if len(found) != 1:
        raise Refusal(
            "JM-ACC-066",
            _("账号“%(account)s”在金融机构有 %(count)s 个在任岗位") % {"account": account, "count": len(found)},
            _("请核对账号；有几个岗位的，用 --organisation 写明机构编码"),
        )
    return found[0]


def _line(key: Any) -> dict[str, Any]:
    from jinmai.foundation.kernel.access.keys import state_of

    return {
        "prefix": key.prefix,
        "label": key.label,
        "organisation": key.membership.organisation.code,
        "account": key.membership.user.username,
        "state": state_of(key),
        "expires_on": key.expires_on.isoformat(),
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "operations": key.operations,
    }
