"""The two database engines a test run may stand on, behind one small face.

``JINMAI_TEST_DATABASE=sqlite`` (default) keeps a database *file* in WAL mode, so that threads and processes race
as they do in service. ``postgresql`` uses the server named in ``JINMAI_TEST_POSTGRES`` and, where that is not set,
starts a throw-away cluster of its own.

Either engine offers the same four moves: where the database is, make it, keep a snapshot, go back to the snapshot.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

SETTINGS_FOR_SPEED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",
}


class EngineMissing(Exception):
    """The engine that was asked for cannot be had on this machine; the message says what to install."""


class Engine(Protocol):
    name: str

    def url(self) -> str: ...
    def create(self) -> None: ...
    def keep_snapshot(self, name: str) -> None: ...
    def go_back_to(self, name: str) -> None: ...
    def drop(self) -> None: ...


@dataclass
class SqliteEngine:
    """One file in the home; a snapshot is a copy of it."""

    path: Path
    name: str = "sqlite"

    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def _snapshot(self, name: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{name}")

    def keep_snapshot(self, name: str) -> None:
        with sqlite3.connect(self.path) as source, sqlite3.connect(self._snapshot(name)) as target:
            source.backup(target)
        target.close()
        source.close()

    def go_back_to(self, name: str) -> None:
        """Copy the snapshot into the open file through SQLite itself, so that a stray reader is not cut off."""
        source = sqlite3.connect(self._snapshot(name))
        target = sqlite3.connect(self.path, timeout=30)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()

    def drop(self) -> None:
        for path in self.path.parent.glob(self.path.name + "*"):
            path.unlink(missing_ok=True)


@dataclass
class PostgresEngine:
    """One database on a server; a snapshot is a template database."""

    server: str
    database: str
    name: str = "postgresql"

    def url(self) -> str:
        return with_database(self.server, self.database)

    def _run(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(with_database(self.server, "postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    def _copy(self, source: str, target: str) -> None:
        self._run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{source}', '{target}')",
            f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)',
            f'CREATE DATABASE "{target}" TEMPLATE "{source}" STRATEGY file_copy',
        )

    def create(self) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)', f'CREATE DATABASE "{self.database}"')

    def keep_snapshot(self, name: str) -> None:
        self._copy(self.database, f"{self.database}_{name}")

    def go_back_to(self, name: str) -> None:
        self._copy(f"{self.database}_{name}", self.database)

    def drop(self) -> None:
        import psycopg

        with psycopg.connect(with_database(self.server, "postgres"), autocommit=True) as connection:
            found = connection.execute(
                "SELECT datname FROM pg_database WHERE datname = %s OR datname LIKE %s",
                (self.database, self.database + r"\_%"),
            ).fetchall()
        self._run(*[f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for (name,) in found])


def with_database(server: str, database: str) -> str:
    """The server's URL, naming another database on it."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    raise EngineMissing("PostgreSQL is not installed here: apt-get install postgresql, or set JINMAI_TEST_POSTGRES.")


class ThrowAwayCluster:
    """A PostgreSQL server of this test run only: a temporary directory, loopback, no password, no fsync."""

    def __init__(self) -> None:
        self.programs = _server_programs()
        self.place = Path(tempfile.mkdtemp(prefix="jinmai-pg-"))
        self.port = free_port()
        self.user: str | None = None
        if os.geteuid() == 0:  # initdb refuses to run as root
            self.user = "postgres"
            account = pwd.getpwnam(self.user)
            os.chown(self.place, account.pw_uid, account.pw_gid)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _program(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / name), *arguments],
            user=self.user,
            cwd=self.place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            check=False,
        )
        if done.returncode:
            raise EngineMissing(f"PostgreSQL's {name} failed: {done.stdout.strip()[-600:]}")

    def start(self) -> None:
        data = str(self.place / "data")
        self._program("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
        options = " ".join(f"-c {key}={value}" for key, value in SETTINGS_FOR_SPEED.items())
        listen = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.place} {options}"
        log = str(self.place / "log")
        self._program("pg_ctl", "-D", data, "-w", "-t", "30", "-l", log, "-o", listen, "start")
        atexit.register(self.stop)

    def stop(self) -> None:
        atexit.unregister(self.stop)
        if self.place.exists():
            try:
                self._program("pg_ctl", "-D", str(self.place / "data"), "-m", "immediate", "-w", "stop")
            except EngineMissing:
                pass  # it had already ended
            shutil.rmtree(self.place, ignore_errors=True)


def wait_for(url: str, seconds: float = 15.0) -> None:
    """Until the server answers, or EngineMissing saying where it was looked for."""
    import psycopg

    until = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=3).close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                where = urlsplit(url)
                raise EngineMissing(f"No PostgreSQL answers at {where.hostname}:{where.port}: {error}") from error
            time.sleep(0.2)
