"""Ways to sign in (登录方式), behind one interface: password, OpenID Connect, electronic business licence.

Which are on is the home's: ``jinmai.toml`` lists those besides the password ::

    passwords = true

    [[logins]]
    kind = "oidc"
    name = "zwfw"
    label = "政务服务统一身份认证"
    issuer = "https://login.example.gov.cn"
    client_id = "jinmai"
    secret_file = "keys/zwfw.secret"

A way says only *which account* came; second factor, forced password change and the session are the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.models import LoginIdentity, User
from jinmai.foundation.kernel.errors import Broken, NotFound, Refusal, Words
from jinmai.foundation.kernel.home import current_home

PASSWORD = "password"


@dataclass(frozen=True)
class Arrival:
    """Who came: an account, and the second factor that the other side vouches for (empty: none)."""

    user: User
    factor: str = ""


class LoginAdapter(ABC):
    """One way to sign in. ``name`` stands in addresses and in ``LoginIdentity.provider``."""

    kind: str
    #: What a ``[[logins]]`` table may say besides kind, name and label.
    options: frozenset[str] = frozenset()
    icon = "shield-check"

    def __init__(self, name: str, label: str, said: Mapping[str, Any]) -> None:
        self.name = name
        self.label = label
        self.said = said

    @abstractmethod
    def begin(self, request: HttpRequest, kept: dict[str, Any]) -> str:
        """The address to send the browser to; what the way back must be compared with goes into ``kept``."""

    @abstractmethod
    def complete(self, request: HttpRequest, kept: Mapping[str, Any]) -> Arrival:
        """Who came back; refuses whatever doesn't fit what was kept, and whoever has no account here."""

    def secret(self) -> str:
        """The secret shared with the other side, from its own file in the home."""
        path = current_home().path / str(self.said["secret_file"])
        if not path.is_file():
            raise Broken(f"login {self.name!r}: {self.said['secret_file']} is not in the home")
        return path.read_text(encoding="utf-8").strip()

    def account_of(self, external_id: str) -> User:
        """The account linked with this outside id; nobody gets one by arriving (JM-ACC-040)."""
        found = LoginIdentity.objects.filter(provider=self.name, external_id=external_id).select_related("user").first()
        if found is None or not found.user.is_active:
            raise stranger(self.label)
        return found.user


def stranger(label: str) -> Refusal:
    """The person is known over there and has no account here."""
    return Refusal(
        "JM-ACC-040",
        Words("“%(login)s”已确认您的身份，但本平台没有与之关联的账号", login=label),
        _("请联系本单位管理员开账号并关联这一身份；平台不会自动开账号"),
    )


def failed(label: str) -> Refusal:
    """The way back doesn't fit the way out: forged, old, or cancelled over there."""
    return Refusal(
        "JM-ACC-041", Words("“%(login)s”登录没有完成", login=label), _("请从登录页重新开始；一再如此时请告诉系统管理员")
    )


def kinds() -> dict[str, type[LoginAdapter]]:
    """Every kind of way by its name."""
    from jinmai.foundation.kernel.access.logins.licence import LicenceLogin
    from jinmai.foundation.kernel.access.logins.oidc import OidcLogin
    from jinmai.foundation.kernel.access.logins.password import PasswordLogin

    return {one.kind: one for one in (PasswordLogin, OidcLogin, LicenceLogin)}


def offered() -> dict[str, LoginAdapter]:
    """The ways that this home has on, by name; a wrong table stops start-up with one sentence."""
    declared = current_home().declared
    rows: list[Mapping[str, Any]] = list(declared.get("logins", ()))
    if declared.get("passwords", True):
        rows.insert(0, {"kind": PASSWORD, "name": PASSWORD, "label": "口令"})
    if not rows:
        raise Broken("no way to sign in is on: set passwords = true or list one under [[logins]]")
    made: dict[str, LoginAdapter] = {}
    for row in rows:
        one = kinds().get(str(row.get("kind")))
        if one is None:
            raise Broken(f"login kind {row.get('kind')!r} is none of {', '.join(kinds())}")
        said = {name: value for name, value in row.items() if name not in ("kind", "name", "label")}
        name = str(row.get("name", ""))
        if set(said) - one.options or not name or name in made:
            raise Broken(f"login {name!r}: a name of its own, and only {sorted(one.options)} besides")
        made[name] = one(name, str(row.get("label", name)), said)
    return made


def outside() -> list[LoginAdapter]:
    """The ways besides the password, for the login page."""
    return [one for one in offered().values() if one.kind != PASSWORD]


def named(name: str) -> LoginAdapter:
    """The way of that name, or JM-KER-404."""
    found = offered().get(name)
    if found is None:
        raise NotFound()
    return found
