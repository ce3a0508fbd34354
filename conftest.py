"""What every test stands on: an engine, a home of profile ``test``, a small city, the cast, a browser.

Environment
-----------
``JINMAI_TEST_DATABASE``  sqlite (default) or postgresql
``JINMAI_TEST_POSTGRES``  URL of a running server; without it a throw-away cluster is started
``JINMAI_DATA``           the folder of real data sets, default ``../shared/data`` beside the project
``JINMAI_REQUIRE_ALL``    1 turns a skip for want of PostgreSQL, browser, LibreOffice or data into an error
``JINMAI_WITHOUT_DATA``   1 lets the tests over real data be skipped all the same

Tests that ask for ``db`` see a freshly booted home; tests that ask for ``city`` (or ``actor``, ``client_as``) see
the same home with the small city in it. Both are kept as snapshots and put back after a test that committed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation.kernel.home import create_home, enter_home
from tests.backends.engines import Engine, EngineMissing, PostgresEngine, SqliteEngine, ThrowAwayCluster, wait_for

ROOT = Path(__file__).parent
REQUIRE_ALL = os.environ.get("JINMAI_REQUIRE_ALL", "") not in ("", "0")
ENGINE = os.environ.get("JINMAI_TEST_DATABASE", "sqlite")
#: What a test asks for → the snapshot it stands on.
SNAPSHOTS = {"planted_city": "planted", "city": "city", "actor": "city", "client_as": "city"}

_place = Path(tempfile.mkdtemp(prefix="jinmai-test-"))
_cluster: ThrowAwayCluster | None = None


def absent(sentence: str) -> None:
    """Skip with one sentence; an error where everything is required."""
    if REQUIRE_ALL:
        pytest.fail(f"{sentence} (JINMAI_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(sentence)


# ---------------------------------------------------------------- before Django: engine and home


def _server_url() -> str:
    """The PostgreSQL server of this run; the first process to ask starts it, its workers inherit the address."""
    global _cluster
    url = os.environ.get("JINMAI_TEST_POSTGRES", "")
    if not url:
        _cluster = ThrowAwayCluster()
        _cluster.start()
        url = os.environ["JINMAI_TEST_POSTGRES"] = _cluster.url
    wait_for(url)
    return url


def _choose_engine() -> Engine:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if ENGINE == "sqlite":
        return SqliteEngine(_place / "home" / "jinmai.sqlite3")
    if ENGINE == "postgresql":
        return PostgresEngine(_server_url(), f"jinmai_test_{worker}_{os.getpid()}")
    raise pytest.UsageError(f"JINMAI_TEST_DATABASE is sqlite or postgresql, not {ENGINE!r}.")


_engine: Engine
_engine_missing = ""
try:
    _engine = _choose_engine()
except EngineMissing as missing:
    _engine_missing = str(missing)
    _engine = SqliteEngine(_place / "home" / "jinmai.sqlite3")

os.environ.pop("JINMAI_DATABASE", None)  # homes that a test makes for itself are SQLite unless it says otherwise
os.environ.setdefault("JINMAI_CITY", "example")
os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("JINMAI_TEST_SETTINGS", "jinmai.site.settings")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright's sync face keeps a loop in the test's thread
os.environ.setdefault("JINMAI_DATA", str(ROOT.parent / "shared" / "data"))
os.environ["JINMAI_HOME"] = str(_place / "home")
enter_home(create_home(_place / "home", "test", database="" if _engine.name == "sqlite" else _engine.url()))


def pytest_configure(config: pytest.Config) -> None:
    """Start Django in the home, before tests import models."""
    import django

    django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers make homes of their own: with these inherited, pytest-django would open this process's home first."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    os.environ.pop("JINMAI_HOME", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_place, ignore_errors=True)
    if _cluster:
        _cluster.stop()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The measurements that tests told, one JSON line each; those of one test's parameters are added up."""
    told: dict[str, dict[str, Any]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, found in getattr(report, "user_properties", ()):
                if name == "measured" and report.when == "call":
                    _add_up(told.setdefault(found["test"].partition("[")[0], {"runs": 0}), found)
    for name, found in told.items():
        terminalreporter.write_line(json.dumps(found | {"test": name}, ensure_ascii=False))


#: Of these the largest of several runs is told; their sum would mean nothing.
LARGEST = re.compile(r"most|max|worst|slowest|longest|p\d\d|seconds|limit|clients|processes|workers|readers|cases_each|operations")


def _add_up(total: dict[str, Any], found: dict[str, Any]) -> None:
    total["runs"] += 1
    for name, value in found.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or name not in total:
            total[name] = value
        else:
            total[name] = max(total[name], value) if LARGEST.match(name) else total[name] + value


# ---------------------------------------------------------------- the home and its snapshots


class Stage:
    """The one home of this test process and what stands in it: ``base`` (booted), ``city``, or something used."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self.engine = engine
        self.home = home
        self.shows = ""
        self.kept: set[str] = set()
        self.planted: Any = None

    def _close(self) -> None:
        from django.db import connections

        connections.close_all()

    def _files(self, place: Path) -> dict[Path, tuple[int, int]]:
        return {
            path.relative_to(place): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in place.rglob("*")
            if path.is_file() and ".sqlite3" not in path.name
        }

    def _sync(self, source: Path, target: Path) -> None:
        """Make the target's files those of the source; the database file has its own way."""
        wanted, present = self._files(source), self._files(target)
        for path in present.keys() - wanted.keys():
            (target / path).unlink(missing_ok=True)
        for path, stamp in wanted.items():
            if present.get(path) != stamp:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / path, target / path)

    def keep(self, name: str) -> None:
        self._close()
        self.engine.keep_snapshot(name)
        self._sync(self.home, self.home.parent / name)
        self.kept.add(name)
        self.shows = name

    def show(self, name: str) -> None:
        if name not in self.kept:
            self._build(name)
        if self.shows != name:
            self._close()
            self.engine.go_back_to(name)
            self.shows = name
        self.tidy()

    def _build(self, name: str) -> None:
        """The city stands on the base; what the security tests plant stands on the city."""
        if name == "city":
            from tests.backends.small_city import build

            self.show("base")
            build()
        else:
            from tests.backends.small_city import City
            from tests.security.planted import plant

            self.show("city")
            self.planted = plant(City())
        self.keep(name)

    def tidy(self) -> None:
        """Take away the files (batches, exports, anchors) that the last test left in the home."""
        self._sync(self.home.parent / self.shows, self.home)

    def used(self) -> None:
        self.shows = ""


@pytest.fixture(scope="session")
def stage(django_test_environment: None, django_db_blocker: Any) -> Iterator[Stage]:
    if _engine_missing:
        absent(_engine_missing)
    _engine.create()
    stage = Stage(_engine, Path(os.environ["JINMAI_HOME"]))
    from django.conf import settings
    from django.test import override_settings

    quick = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]  # the cast is two dozen
    override_settings(PASSWORD_HASHERS=quick).enable()
    with django_db_blocker.unblock():
        from jinmai.foundation.kernel.home import boot

        boot(stage.home, profile="test")
        stage.keep("base")
    yield stage
    with django_db_blocker.unblock():
        stage._close()
        _engine.drop()


@pytest.fixture(scope="session")
def django_db_setup(stage: Stage) -> None:
    """pytest-django's own test database is not used: the home's is, on either engine."""


@pytest.fixture
def _stage_set(request: pytest.FixtureRequest, stage: Stage, django_db_blocker: Any) -> Iterator[None]:
    """Show what the test asks for; a test that commits is undone by going back to a snapshot, not by flushing."""
    from django.test import TransactionTestCase

    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and (marker.kwargs.get("transaction") or (marker.args and marker.args[0])))
    commits = commits or bool({"transactional_db", "live_server"} & set(request.fixturenames))
    with django_db_blocker.unblock():
        stage.show(next((shown for asked, shown in SNAPSHOTS.items() if asked in request.fixturenames), "base"))
    flush = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = lambda self: None  # flushing would empty the overlay's tables too
    yield
    TransactionTestCase._fixture_teardown = flush
    if commits:
        stage.used()


@pytest.fixture
def _django_db_helper(_stage_set: None, _django_db_helper: None) -> None:
    """pytest-django's own helper, after the stage is set."""


# ---------------------------------------------------------------- what tests ask for


@pytest.fixture
def home(db: None) -> Any:
    """The test's home: its facts, files and keys are put back after each test."""
    from jinmai.foundation.kernel.home import current_home

    return current_home()


@pytest.fixture
def city(db: None) -> Any:
    """The smallest city: the overlay's regions, organisations and cast, a handful of firms, institutions, invoices."""
    from tests.backends.small_city import City

    return City()


@pytest.fixture
def planted_city(db: None, stage: Stage) -> Any:
    """The city with every tenant's things planted in it, and what was planted (see ``tests/security/planted.py``)."""
    from tests.backends.small_city import City

    return City(), stage.planted


@pytest.fixture
def actor(city: Any) -> Callable[..., Any]:
    """``actor("heying")`` is the Actor of that member of the cast."""
    return city.actor


@pytest.fixture
def client_as(city: Any) -> Callable[..., Any]:
    """``client_as("heying")`` is a Django test client signed in as that member of the cast."""
    return city.client


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], None]:
    """Keep a measurement; all of them are printed as JSON lines when the run ends, from whichever worker."""

    def line(found: dict[str, Any]) -> None:
        request.node.user_properties.append(("measured", {"test": request.node.name, "engine": ENGINE} | found))

    return line


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; the test is skipped (or fails, JINMAI_REQUIRE_ALL=1) where it is absent."""
    place = Path(os.environ["JINMAI_DATA"])
    if not place.is_dir():
        if os.environ.get("JINMAI_WITHOUT_DATA") == "1":  # a machine that has none says so itself (.ci/run)
            pytest.skip("No real data sets on this machine (JINMAI_WITHOUT_DATA=1).")
        absent(f"No real data sets at JINMAI_DATA={place.name}; set JINMAI_DATA to their folder.")
    return place


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    program = os.environ.get("JINMAI_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        absent("Chromium is not installed here: apt-get install chromium fonts-noto-cjk.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, headless=True, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def libreoffice() -> str:
    """The program that opens spreadsheets without a window."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if not program:
        absent("LibreOffice is not installed here: apt-get install --no-install-recommends libreoffice-calc-nogui.")
    return str(program)


@pytest.fixture
def browser_page(browser: Any) -> Iterator[Any]:
    """One page at 1366×768 in Chinese; ``page.complaints`` collects console errors, page errors and failed answers."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()
