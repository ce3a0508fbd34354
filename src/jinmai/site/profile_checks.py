"""What ``jinmai doctor`` looks at in a home that exists: whether it is run as its profile asks (安全档次自查)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jinmai.foundation.kernel.access.policy import Policy, policy_of
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.home import Home, open_home

#: Profiles that serve people beyond this machine.
SERVED = frozenset({"standard", "dengbao3"})


@dataclass(frozen=True)
class Seen:
    """What one look found, and what to do where something lacks."""

    name: str
    label: str
    ok: bool
    found: str
    remedy: str


def look(place: Path) -> Iterator[Seen]:
    """All looks at the home in ``place``; none where there is no home yet."""
    if not (place / "jinmai.toml").exists():
        return
    try:
        home = open_home(place)
        policy = policy_of(home.profile)
    except (Broken, OSError, KeyError, ValueError) as problem:
        yield Seen("profile", "安全档次", False, str(problem), "按提示改 jinmai.toml；档次为 standard、dengbao3、demo 之一")
        return
    yield Seen("profile", "安全档次", True, f"{policy.label}（{home.profile}）", "")
    yield _keys(home)
    yield _logins(home)
    yield _audit(home, policy)
    if home.profile in SERVED:
        yield _hosts()
        yield _proxies(home)
        yield _transport(policy)
    if home.profile == "dengbao3":
        yield _database(home)


def _keys(home: Home) -> Seen:
    """Keys and settings are the owner's alone."""
    kept = [home.keys, *home.keys.glob("*"), home.path / "jinmai.toml"]
    secret = kept if home.database else kept[:-1]  # the settings hold a password where a server is named
    open_to_others = [path.name for path in secret if stat.S_IMODE(path.stat().st_mode) & 0o077]
    found = f"他人可读：{'、'.join(open_to_others)}" if open_to_others else "仅属主可读"
    return Seen("keys", "密钥文件权限", not open_to_others, found, f"chmod -R go= {home.keys}；库口令写在 jinmai.toml 时同样处理")


def _logins(home: Home) -> Seen:
    """Every outside way to sign in has its secret and speaks TLS."""
    lacking = []
    for row in home.declared.get("logins", ()):
        if not (home.path / str(row.get("secret_file", "?"))).is_file():
            lacking.append(f"{row.get('name')} 缺密钥文件")
        address = str(row.get("issuer") or row.get("service") or "")
        if home.profile in SERVED and urlsplit(address).scheme != "https":
            lacking.append(f"{row.get('name')} 不是 https 地址")
    count = len(home.declared.get("logins", ())) + bool(home.declared.get("passwords", True))
    found = "；".join(lacking) or f"{count} 种"
    return Seen("logins", "登录方式", not lacking and count > 0, found, "核对 jinmai.toml 的 [[logins]]，密钥放在 keys/ 下")


def _audit(home: Home, policy: Policy) -> Seen:
    """How long the audit is kept, and that nobody else may read it."""
    days = int(home.declared.get("audit_days", policy.audit_days))
    return Seen("audit_days", "审计留存", days >= policy.audit_days_least, f"{days} 天（不得少于 {policy.audit_days_least} 天）",
                f"jinmai.toml 中 audit_days 至少 {policy.audit_days_least}")  # fmt: skip


def _hosts() -> Seen:
    """The names under which the site is asked for."""
    hosts = os.environ.get("JINMAI_HOSTS", "")
    ok = bool(hosts) and "*" not in hosts
    return Seen("hosts", "网站域名", ok, hosts or "未设置，只应答本机", "设 JINMAI_HOSTS=网站域名（不用 *）")


def _proxies(home: Home) -> Seen:
    """Behind a proxy everybody has the proxy's address: five wrong passwords would lock them all."""
    count = int(home.declared.get("proxies", 0))
    return Seen("proxies", "前置代理", count > 0, f"{count} 层", "jinmai.toml 写明 proxies = 前置代理层数，否则登录锁定认不出真实地址")


def _transport(policy: Policy) -> Seen:
    """Passwords and sessions travel encrypted."""
    plain = os.environ.get("JINMAI_PLAIN_HTTP") == "1"
    ok = not plain
    found = "明文（JINMAI_PLAIN_HTTP=1）" if plain else "TLS，安全 Cookie，HSTS"
    return Seen("transport", "传输加密", ok, found, "去掉 JINMAI_PLAIN_HTTP，由前置代理提供 TLS（等保三级不接受明文，此设置无效）")


def _database(home: Home) -> Seen:
    """A server of its own, so that copies and hot standby are possible (8.1.4.9)."""
    found = "PostgreSQL" if home.database else "SQLite"
    return Seen("database", "数据库", bool(home.database), found, "三级系统用 PostgreSQL：新建数据目录时设 JINMAI_DATABASE")
