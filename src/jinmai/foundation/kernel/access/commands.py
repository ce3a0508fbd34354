"""``jinmai users``: the first administrators of a fresh home, and what is done about accounts from the terminal."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run
from jinmai.foundation.kernel.errors import Broken

PLATFORM = "platform"
#: Role → account and name of its first holder; the names are offices until the people are known.
FIRST = {
    "admin.system": ("xitong", "系统管理员"),
    "admin.security": ("anquan", "安全管理员"),
    "admin.audit": ("shenji", "审计管理员"),
}


def create_first_administrators(names: dict[str, str]) -> list[dict[str, str]]:
    """The three separated administrators (三员) of a home that has no account yet, each with a one-time password.

    Refuses a home that has accounts: from then on the administrators open accounts themselves.
    """
    from django.db import transaction

    from jinmai.foundation.kernel.access.actions import appoint, register_user
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.access.models import User
    from jinmai.foundation.kernel.access.passwords import one_time_password

    platform = Actor.platform()
    made = []
    with transaction.atomic():
        if User.objects.exists():
            raise Broken("this home has accounts already: its system administrator opens further ones")
        place = _operator(platform)
        for role, (username, office) in FIRST.items():
            password, name = one_time_password(), names.get(role) or office
            user = register_user(platform, username=username, display_name=name, password=password, one_time=True)
            appoint(platform, user=user, organisation=place, role=role)
            made.append({"role": role, "username": username, "name": name, "password": password})
    return made


def _operator(platform: Any) -> Any:
    """The organisation that runs the platform: the overlay's, or one made here."""
    from jinmai.foundation.kernel.organisations.actions import register_organisation
    from jinmai.foundation.kernel.organisations.models import Organisation

    found = Organisation.objects.filter(kind="platform").order_by("pk").first()
    return found or register_organisation(platform, code=PLATFORM, name="平台运营单位", kind="platform")


def register(app: typer.Typer) -> None:
    """Add ``jinmai users create-admin|disable-unused``."""
    users = typer.Typer(help="账号", no_args_is_help=True)
    app.add_typer(users, name="users")

    @users.callback()
    def group() -> None:
        """账号。"""

    @users.command("create-admin")
    def create_admin(
        home: HomeOption = None,
        profile: Annotated[str, typer.Option("--profile", help="新建数据目录时的档次：standard 或 dengbao3")] = "standard",
        system: Annotated[str, typer.Option("--system", help="系统管理员姓名")] = "",
        security: Annotated[str, typer.Option("--security", help="安全管理员姓名")] = "",
        audit: Annotated[str, typer.Option("--audit", help="审计管理员姓名")] = "",
        as_json: JsonOption = False,
    ) -> None:
        """新装平台没有任何账号：开立三员账号，打印一次性口令（只此一次，首次登录必须修改）。"""
        with command_run(home, as_json, profile=profile) as run:
            names = {"admin.system": system, "admin.security": security, "admin.audit": audit}
            made = create_first_administrators(names)
            if as_json:
                run.result({"created": made})
            else:
                for one in made:
                    typer.echo(f"{one['name']}\t账号 {one['username']}\t一次性口令 {one['password']}")

    @users.command("disable-unused")
    def disable(home: HomeOption = None, as_json: JsonOption = False) -> None:
        """停用超过期限未使用的账号（期限由安全档次定）；可每日定时运行。"""
        with command_run(home, as_json) as run:
            from jinmai.foundation.kernel.access.actions import disable_unused
            from jinmai.foundation.kernel.access.actor import Actor

            run.result({"disabled": [user.username for user in disable_unused(Actor.platform())]})
