"""A home (数据目录): one installation's database, facts, files, keys, cache and log, under one folder."""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel import clock
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.ids import new_id

SETTINGS = "jinmai.site.settings"
PROFILES = ("demo", "test", "standard", "dengbao3")
FOLDERS = ("facts", "files", "keys", "cache", "log")
DEFAULT_HOME = ".jinmai"


@dataclass(frozen=True)
class Home:
    """An opened home: its folders and what its ``jinmai.toml`` says."""

    path: Path
    home_id: str
    profile: str
    city_name: str
    database: str
    #: All that ``jinmai.toml`` says; each room reads its own table (``[[logins]]``, ``[outgoing]`` …).
    declared: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def facts(self) -> Path:
        """Parquet batches of facts."""
        return self.path / "facts"

    @property
    def files(self) -> Path:
        """Documents and uploads, by digest."""
        return self.path / "files"

    @property
    def keys(self) -> Path:
        """Secret keys; readable by the owner only."""
        return self.path / "keys"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.path / "cache"

    @property
    def log(self) -> Path:
        """Logs and the audit's anchors."""
        return self.path / "log"

    @property
    def city(self) -> City:
        """The city's overlay; ``JINMAI_CITY`` names another than the home's."""
        return City.named(os.environ.get("JINMAI_CITY") or self.city_name)

    def key(self, name: str) -> bytes:
        """The secret key of that name, made on first use (32 random bytes)."""
        path = self.keys / f"{name}.key"
        if not path.exists():
            part = self.keys / f".{name}.{secrets.token_hex(8)}"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(secrets.token_bytes(32))
            with suppress(FileExistsError):  # another process was first: its key counts
                os.link(part, path)
            part.unlink()
        return path.read_bytes()


def create_home(path: Path, profile: str, city: str = "example", database: str = "") -> Home:
    """Make the folders and ``jinmai.toml`` of a new home; ``database`` is a PostgreSQL URL or empty for SQLite."""
    if profile not in PROFILES:
        raise Broken(f"profile {profile!r} is none of {', '.join(PROFILES)}")
    refuse_unfit({"profile": profile, "database": database})
    path.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        (path / folder).mkdir(exist_ok=True)
    (path / "keys").chmod(0o700)
    lines = [
        f'home_id = "{new_id()}"',
        f'profile = "{profile}"',
        f'city = "{city}"',
        f'database = "{database}"',
    ]
    part = path / "jinmai.toml.part"
    part.touch(mode=0o600)  # it may hold the database's password
    part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    part.replace(path / "jinmai.toml")
    return open_home(path)


def open_home(path: Path) -> Home:
    """Read a home's ``jinmai.toml``; refuses what its profile does not allow."""
    declared = tomllib.loads((path / "jinmai.toml").read_text(encoding="utf-8"))
    refuse_unfit(declared)
    return Home(
        path, declared["home_id"], declared["profile"], declared["city"], declared.get("database", ""), declared
    )


def refuse_unfit(declared: Mapping[str, Any]) -> None:
    """A profile that nobody knows, a demo beside real data's server, an audit kept shorter than the law asks."""
    from jinmai.foundation.kernel.access.policy import policy_of

    if declared["profile"] not in PROFILES:
        raise Broken(f"profile {declared['profile']!r} is none of {', '.join(PROFILES)}")
    if declared["profile"] == "demo" and declared.get("database"):
        raise Broken("a home of profile 'demo' keeps its invented data in SQLite: leave the database out")
    least = policy_of(declared["profile"]).audit_days_least
    if int(declared.get("audit_days", least)) < least:
        raise Broken(f"audit_days is {declared['audit_days']}: the audit is kept {least} days at least")


_current: Home | None = None


def current_home() -> Home:
    """The home this process works in: the one that was entered, else the one ``JINMAI_HOME`` names."""
    global _current
    if _current is None:
        path = os.environ.get("JINMAI_HOME")
        if not path:
            raise Broken("no home was opened: give --home DIR or set JINMAI_HOME")
        enter_home(open_home(Path(path)))
    assert _current is not None
    return _current


def enter_home(home: Home) -> Home:
    """Make ``home`` this process's home and tell the clock its profile."""
    global _current
    _current = home
    os.environ["JINMAI_HOME"] = str(home.path)
    clock.set_profile(home.profile)
    return home


def boot(home: str | Path | None = None, *, create: bool = True, profile: str = "test") -> Home:
    """Open a home and start Django in it; an absent home is created, migrated and given its city's overlay.

    ``home`` beats ``JINMAI_HOME``, which beats ``.jinmai`` in the current folder. A database whose ``home_id`` is
    another home's is refused.
    """
    path = Path(home or os.environ.get("JINMAI_HOME") or DEFAULT_HOME).resolve()
    if (path / "jinmai.toml").exists():
        opened = open_home(path)
    elif create:
        opened = create_home(path, profile, database=os.environ.get("JINMAI_DATABASE", ""))
    else:
        raise Broken(f"{path} is no home: it has no jinmai.toml")
    enter_home(opened)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    import django

    django.setup()
    prepare_database(opened)
    return opened


def prepare_database(home: Home) -> None:
    """Bring the database up to the code, tie it to its home, and load the city's overlay once."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    from jinmai.foundation.kernel.models import Installation

    installed, _ = Installation.objects.get_or_create(pk=1, defaults={"home_id": home.home_id})
    if str(installed.home_id) != home.home_id:
        raise Broken(f"the database belongs to home {installed.home_id}, not to {home.path}")
    if not installed.city_loaded:
        load_city(home)
        Installation.objects.filter(pk=1).update(city_loaded=True)


def load_city(home: Home) -> None:
    """Let each app load its share of the city's overlay, in the order of ``INSTALLED_APPS``; safe to repeat."""
    from django.apps import apps

    for config in apps.get_app_configs():
        loader = getattr(config, "load_city", None)
        if loader is not None:
            loader(home.city)
