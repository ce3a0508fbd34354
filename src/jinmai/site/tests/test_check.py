"""``demo --check`` sees what a person would stumble over: each fault put into a small site is reported, none invented."""

from __future__ import annotations

import doctest
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jinmai.site import check
from jinmai.site.check import Findings, Visitor, walk_as

NAVIGATION = '<nav class="side"><a href="/">首页</a><a href="/cockpit/">驾驶舱</a><a href="/list/">清单</a></nav>'
PAGES = {
    "/": (200, NAVIGATION),
    "/cockpit/": (200, '<a href="/cockpit/rows/?measure=needs_count">2</a>'),
    "/cockpit/rows/?measure=needs_count": (200, "<h1>融资需求 · 2 笔</h1>"),
    "/cockpit/rows/?measure=needs_count&export=csv": (200, "案号\nN1\nN2\n"),
    "/list/": (200, '<tr data-url="/thing/1/"><td>甲</td></tr>'),
    "/thing/1/": (200, "<h1>甲</h1>"),
}


@pytest.fixture
def small_site() -> Iterator[tuple[str, dict[str, tuple[int, str]]]]:
    """A site of six pages; the test changes what they answer."""
    pages = dict(PAGES)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  the standard library's name
            status, text = pages.get(self.path, (404, "没有"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()


def walked(base: str) -> Findings:
    findings = Findings()
    walk_as(Visitor(base, "linqiushi"), findings)
    return findings


def test_a_sound_site_has_no_errors(small_site):
    found = walked(small_site[0])
    assert (found.problems, found.pages, found.drilldowns) == ([], 6, 1)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/list/", (500, "错误"), "500"),
        ("/thing/1/", (404, "没有"), "404"),
        ("/thing/1/", (200, "Traceback (most recent call last)"), "Traceback"),
        ("/thing/1/", (200, "{{ firm.name }}"), "{{"),
        ("/cockpit/rows/?measure=needs_count", (200, "<h1>融资需求 · 3 笔</h1>"), "do not carry the figure"),
        ("/cockpit/rows/?measure=needs_count&export=csv", (200, "案号\nN1\n"), "its rows give 1"),
    ],
)
def test_each_fault_is_reported(small_site, path, answer, said):
    base, pages = small_site
    pages[path] = answer
    problems = walked(base).problems
    assert len(problems) == 1 and said in problems[0]


def test_the_recount_is_its_own():
    assert doctest.testmod(check).failed == 0
    assert check.recount([{"授信额（万元）": "12000.00"}, {"授信额（万元）": ""}], "亿元") == "1.20"
    days = [{"材料齐全到决定（天）": text} for text in ("1", "2", "")]
    assert check.recount(days, "天") == "2" and check.recount([], "天") == "—"
