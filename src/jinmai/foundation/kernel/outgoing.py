"""The one door for HTTP that leaves the platform (对外请求): nobody talks it into calling inside the network (SSRF).

An address is refused unless its host resolves to public addresses only; the connection then goes to the very address
that was looked at, so that a name cannot change its mind in between. Redirects are not followed. Origins of the
bureau's own network are named in ``jinmai.toml``::

    [outgoing]
    allow = ["https://login.bureau.example:8443"]

No other module opens a connection: a test reads the imports.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES, InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home

CONNECT_SECONDS, READ_SECONDS = 3, 10
LARGEST_ANSWER = 2 * 1024 * 1024
#: A name of letters, digits and hyphens whose last part is no number: no octal, hexadecimal or short address.
NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]", re.I)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotReached(Refusal):
    """The other side did not answer, or answered what nobody can use (对方服务不可用)."""

    status = 502


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON; refuses anything else (JM-OUT-003)."""
        try:
            return json.loads(self.content)
        except ValueError:
            raise _unusable() from None


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet: not private, local, reserved, nor a disguise of such a one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None or address.is_site_local or int(address) < 2**96:  # mapped, 6to4, Teredo, compatible
            return False
    if address.is_private or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return address.is_global and not any(address in net for net in EXTRA_BLOCKED_NET_RANGES)


def allowed_origins() -> frozenset[str]:
    """Origins of the bureau's own network that the home names."""
    return frozenset(str(one).rstrip("/").lower() for one in current_home().declared.get("outgoing", {}).get("allow", ()))


def refuse_unfit(url: str) -> bool:
    """Refuse an address by its letters (JM-OUT-001); returns whether its origin is one the home names."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "")
    except ValueError:
        raise _not_allowed() from None
    if re.search(r"[\x00-\x20\x7f\\]", url) or not url.isascii() or parts.username is not None or not host:
        raise _not_allowed()
    if f"{parts.scheme}://{parts.netloc}".lower() in allowed_origins():
        return True
    if parts.scheme != "https" or port not in (None, 443):
        raise _not_allowed()
    _refuse_host(host)
    return False


def _refuse_host(host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not NAME.fullmatch(host):
            raise _not_allowed() from None
    else:
        if not is_public(address):
            raise _not_allowed()


class PinnedAdapter(IPFilterAdapter):
    """requests-hardened's adapter, which connects to the address that it looked at, with our stricter look."""

    def build_connection_pool_key_attributes(self, *arguments: Any, **named: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*arguments, **named)
        pinned = ipaddress.ip_address(str(host["host"]).strip("[]"))
        if not is_public(pinned):
            raise InvalidIPAddress(pinned)
        return host, pool


def _session(named: bool) -> HTTPSession:
    settings = Config(
        ip_filter_enable=not named,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(CONNECT_SECONDS, READ_SECONDS),
        user_agent_override="Jinmai",
    )
    session = HTTPSession(settings)
    session.trust_env = False  # no proxy and no password file of the environment's
    session.mount("https://", HTTPAdapter() if named else PinnedAdapter(is_https_proto=True))
    return session


def get(url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    """Fetch an address."""
    return _ask("GET", url, headers=headers)


def post_form(url: str, form: Mapping[str, str], *, auth: tuple[str, str] | None = None) -> Answer:
    """Send a form; ``auth`` is a name and its secret."""
    return _ask("POST", url, data=dict(form), auth=auth, headers={"Accept": "application/json"})


def post_json(url: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
    """Send JSON."""
    return _ask("POST", url, data=json.dumps(body, ensure_ascii=False).encode(), headers={
        "Content-Type": "application/json", **(headers or {})})  # fmt: skip


def _ask(method: str, url: str, **sent: Any) -> Answer:
    named = refuse_unfit(url)
    try:
        with _session(named) as session, session.request(method, url, stream=True, **sent) as answer:
            if answer.is_redirect or answer.is_permanent_redirect:
                raise _not_allowed()
            content = answer.raw.read(LARGEST_ANSWER + 1, decode_content=True)
            if len(content) > LARGEST_ANSWER:
                raise _unusable()
            return Answer(answer.status_code, dict(answer.headers), content)
    except InvalidIPAddress:
        raise _not_allowed() from None
    except (requests.RequestException, UnicodeError, OSError):
        raise NotReached("JM-OUT-002", _("对方服务没有应答"), _("请稍后再试；一直如此时请系统管理员检查网络")) from None


def _not_allowed() -> Refusal:
    return Refusal(
        "JM-OUT-001", _("平台不访问这个地址"), _("内部网络的服务须由系统管理员在数据目录的 jinmai.toml 中列明")
    )


def _unusable() -> Refusal:
    return NotReached("JM-OUT-003", _("对方服务的应答不能识别"), _("请系统管理员核对对方的地址与接口"))
