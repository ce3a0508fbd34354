"""Pages: the list and the JSON endpoint beside their peers, home and search pages with 100,000 needs, queries a page.

Prints one JSON line. ``list_ratio`` and ``json_ratio`` are our requests/s over those of ``_pages_peer.py`` (same rows,
same template, same session, no scopes, permissions, audit or list machinery), measured in alternating rounds of one
run through the real WSGI application in this process. ``home_p95_ms`` is by role, every request with cold counts.

    python benchmarks/pages.py [--engine sqlite|postgresql] [--needs 100000]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT)]

SMALL, FIRMS = 2_000, 5_000
ROUNDS, REQUESTS = 30, 6
HOME_REQUESTS, SEARCH_REQUESTS, LIST_REQUESTS = 40, 16, 12
LIST, ENDPOINT = "/financing/orders/", "/api/v1/financing/orders"
SEARCHES = ("示例00012", "B0123", "机械", "没有这样的名字", "99999999")
SIGNED_IN_AS = "bench_clerk"
DISTRICT = "dongting"
ALLOWED = {"list_ratio": 0.6, "json_ratio": 0.6, "home_p95_ms": 300, "max_queries": 30}

BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Caller:
    """Calls a WSGI application as one signed-in account, without a socket."""

    def __init__(self, application: Application, username: str) -> None:
        from django.conf import settings
        from django.test import Client

        from jinmai.foundation.kernel.access.models import User

        client = Client()
        client.force_login(User.objects.get(username=username), backend=settings.AUTHENTICATION_BACKENDS[-1])
        self.application = application
        self.cookie = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())

    def get(self, address: str) -> tuple[int, bytes]:
        """Status and body."""
        where, _mark, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": where, "QUERY_STRING": query, "SERVER_NAME": "localhost",
            "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.multithread": False,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "HTTP_COOKIE": self.cookie, "HTTP_HOST": "localhost",
        }  # fmt: skip
        seen: list[int] = []
        answer = self.application(environ, lambda status, headers, *more: seen.append(int(status.split()[0])))
        try:
            return seen[0], b"".join(answer)
        finally:
            answer.close()

    def timed(self, address: str) -> float:
        """Seconds of one request that must succeed."""
        started = time.perf_counter()
        status, _body = self.get(address)
        seconds = time.perf_counter() - started
        if status != 200:
            raise RuntimeError(f"{address} answered {status}")
        return seconds


def say(text: str) -> None:
    """Progress, to standard error."""
    print(f"pages: {text}", file=sys.stderr, flush=True)


def p95(seconds: list[float]) -> float:
    """The 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)] * 1000, 1)


def forget_counts() -> None:
    """Every count is asked of the database again."""
    from jinmai.foundation.ui.lists import counting

    counting._kept.clear()


def peer_application() -> Application:
    """The peer's own handler: Django's usual middleware, its own routes."""
    from _pages_peer import MIDDLEWARE
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings

    with override_settings(MIDDLEWARE=MIDDLEWARE):
        return WSGIHandler()


def fix_peer(username: str) -> None:
    """Give the peer what stays the same on the page: our own drawn list without its rows, and the frame."""
    import _pages_peer
    from django.test import RequestFactory

    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.access.models import Membership
    from jinmai.site.frame import frame

    membership = Membership.objects.select_related("user", "organisation__subject").get(user__username=username)
    request = RequestFactory().get(LIST)
    request.user, request.actor, request.session = membership.user, Actor.of(membership), {}
    _pages_peer.FIXED |= {"frame": frame(request)["frame"], "region": DISTRICT, "list": drawn_list(request)}


def drawn_list(request: Any) -> dict[str, Any]:
    """Every part of our drawn list that the template reads, as plain values; the rows are the peer's own."""
    from unittest import mock

    from jinmai.desks.financing.views import orders
    from jinmai.foundation.ui.lists import page as lists

    caught: dict[str, Any] = {}
    with mock.patch.object(lists, "render", lambda request, template, context: caught.update(context)):
        orders.order_list.__wrapped__(request)
    drawn = caught["list"]
    names = [name for name in dir(type(drawn)) if not name.startswith("_") and name != "rows"]
    parts = {name: getattr(drawn, name) for name in names if not callable(getattr(drawn, name))}
    return {**parts, "page": drawn.page, "count": drawn.count, "bulk": []}


def side_by_side(ours: Caller, peer: Caller, address: str) -> dict[str, Any]:
    """Requests/s of both in alternating rounds, and the median of the rounds' ratios."""
    for caller in (ours, peer):
        for _warm in range(4):
            caller.timed(address)
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    for turn in range(ROUNDS):
        pair = (("ours", ours), ("peer", peer))
        for name, caller in pair if turn % 2 else pair[::-1]:
            rates[name].append(REQUESTS / sum(caller.timed(address) for _request in range(REQUESTS)))
    ratios = [mine / theirs for mine, theirs in zip(rates["ours"], rates["peer"], strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "per_second": round(statistics.median(rates["ours"]), 1),
        "peer_per_second": round(statistics.median(rates["peer"]), 1),
    }


def count_queries(application: Application, usernames: list[str]) -> dict[str, Any]:
    """The page that asks the database most often: every page of each role's navigation and what its lists lead to."""
    import re

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    found: list[tuple[int, str]] = []
    for username in usernames:
        caller = Caller(application, username)
        _status, home = caller.get("/")
        side = re.search(r'<nav class="side".*?</nav>', home.decode(), re.DOTALL)
        places = ["/", *re.findall(r'href="([^"]+)"', side[0] if side else "")]
        for place in dict.fromkeys(places):
            with CaptureQueriesContext(connection) as asked:
                status, body = caller.get(place.replace("&amp;", "&"))
            if status == 200:
                found.append((questions(asked), f"{place} as {username}"))
                places_in = re.findall(r'data-url="([^"]+)"', body.decode(errors="replace"))[:1]
                for inner in places_in:
                    with CaptureQueriesContext(connection) as asked:
                        caller.get(inner)
                    found.append((questions(asked), f"{inner} as {username}"))
    most, where = max(found)
    return {"max_queries": most, "max_queries_page": where, "pages_counted": len(found)}


def questions(asked: Any) -> int:
    """How many questions were put to the database; where a transaction begins and ends is none."""
    return sum(not one["sql"].startswith(BOUNDARIES) for one in asked.captured_queries)


def measure(engine: str = "sqlite", needs: int = 100_000) -> dict[str, Any]:
    """Everything, in a home of its own that is thrown away; Django must not have been started in this process."""
    with home_on(engine) as home:
        from _bulk_city import ROLES, BulkCity

        from jinmai.foundation.kernel.home import boot

        boot(home, profile="test")
        say(f"a home with {SMALL:,} needs on {engine}")
        city = BulkCity(firms=FIRMS)
        city.grow(SMALL)
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()
        fix_peer(SIGNED_IN_AS)
        ours, peer = Caller(application, SIGNED_IN_AS), Caller(peer_application(), SIGNED_IN_AS)
        say("list and endpoint beside their peers")
        listed, endpoint = (side_by_side(ours, peer, place) for place in (LIST, ENDPOINT))
        say(f"growing to {needs:,} needs, orders and tasks")
        city.grow(needs)
        analyse()
        usernames = [username for username, *_rest in ROLES]
        found = {
            "benchmark": "pages",
            "engine": engine,
            "needs": needs,
            "list_ratio": listed["ratio"],
            "list_per_second": listed["per_second"],
            "list_peer_per_second": listed["peer_per_second"],
            "json_ratio": endpoint["ratio"],
            "json_per_second": endpoint["per_second"],
            "json_peer_per_second": endpoint["peer_per_second"],
            **large_pages(application, {role: username for username, _code, role in ROLES}),
            **count_queries(application, usernames),
            "allowed": ALLOWED,
        }
        close()
    return found


def large_pages(application: Application, roles: dict[str, str]) -> dict[str, Any]:
    """The 95th percentiles of home, search and list with all needs in the database."""
    say("home, search and list pages")
    homes, busy, searches, lists = {}, {}, {}, {}
    for role, username in roles.items():
        caller = Caller(application, username)
        homes[role], busy[role] = cold(caller, ["/"], HOME_REQUESTS)
        searches[role], _busy = cold(caller, [f"/search/?q={quote(text)}" for text in SEARCHES], SEARCH_REQUESTS)
        lists[role], _busy = cold(caller, [LIST, f"{LIST}?page=3", f"{LIST}?sort=-amount"], LIST_REQUESTS)
    return {
        "home_p95_ms": homes,
        "home_p95_ms_worst": max(homes.values()),
        "home_cpu_p95_ms": busy,
        "search_p95_ms": searches,
        "list_p95_ms": lists,
        "load_average": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def cold(caller: Caller, addresses: list[str], times: int) -> tuple[float, float]:
    """The 95th percentile over ``times`` requests, each of which has to count for itself; on the clock, and of CPU.

    The second is what this process worked (on SQLite the database, too): it does not grow with what else the machine does.
    """
    for address in addresses:
        caller.timed(address)
    seconds, busy = [], []
    for turn in range(times):
        forget_counts()
        began = time.process_time()
        seconds.append(caller.timed(addresses[turn % len(addresses)]))
        busy.append(time.process_time() - began)
    return p95(seconds), p95(busy)


def analyse() -> None:
    """Let the database look at its tables, as a city's own does every night."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def close() -> None:
    """Let go of the database."""
    from django.db import connections

    connections.close_all()


@contextlib.contextmanager
def home_on(engine: str) -> Iterator[Path]:
    """A folder for a home, its database on the engine; both are thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        if engine == "sqlite":
            os.environ.pop("JINMAI_DATABASE", None)
            yield Path(folder) / "home"
            return
        from tests.backends.engines import PostgresEngine, ThrowAwayCluster

        cluster = None
        server = os.environ.get("JINMAI_TEST_POSTGRES", "")
        if not server:
            cluster = ThrowAwayCluster()
            cluster.start()
            server = cluster.url
        database = PostgresEngine(server, f"jinmai_bench_{os.getpid()}")
        try:
            database.create()
            os.environ["JINMAI_DATABASE"] = database.url()
            yield Path(folder) / "home"
        finally:
            close()
            database.drop()
            if cluster is not None:
                cluster.stop()


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    asked.add_argument("--needs", type=int, default=100_000)
    chosen = asked.parse_args()
    print(json.dumps(measure(chosen.engine, chosen.needs), ensure_ascii=False))


if __name__ == "__main__":
    main()
