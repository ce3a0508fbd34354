"""``jinmai demo --check``: serve a city, sign in as each of the cast, open every page, and follow figures to their rows.

It talks to the real server over HTTP, as a browser would, and reports what a person would stumble over.
"""

from __future__ import annotations

import csv
import html
import http.cookiejar
import io
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 30
START_SECONDS = 60
LINKS_PER_LIST = 2
DRILLDOWNS_PER_ROLE = 30
NAVIGATION = re.compile(r'<nav class="side".*?</nav>', re.DOTALL)
ROWS = re.compile(r'data-url="([^"]+)"')
BUTTON = re.compile(r'<a class="button" href="(/cockpit/table/[^"]*)"')
LINKED_CELL = re.compile(r'<td[^>]*><a href="(/[^"?#]+)"')
FIGURE = re.compile(r'<a href="(/cockpit/rows/\?[^"]+)">([\d,.]+)</a>')
BAR = re.compile(
    r'<a href="(/cockpit/rows/\?[^"]*reason_name[^"]+)">[^<]+</a></th>.*?<td class="num">([\d,]+)</td>', re.DOTALL
)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
TITLE = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
#: What no page may show: traces, unfilled templates, untranslated names.
STAINS = ("Traceback", "{{", "{%", "DoesNotExist", "&lt;bound method", "Server Error")


@dataclass
class Visitor:
    """One signed-in member of the cast."""

    base: str
    username: str
    opener: urllib.request.OpenerDirector = field(init=False)
    jar: http.cookiejar.CookieJar = field(init=False)

    def __post_init__(self) -> None:
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path)))

    def sign_in(self, password: str) -> bool:
        """Sign in as a person does, with the form's token; whether it got in."""
        token = TOKEN.search(self.get("/login/")[1])
        form = {"username": self.username, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        request = urllib.request.Request(
            urllib.parse.urljoin(self.base, "/login/"), urllib.parse.urlencode(form).encode(), {"Referer": self.base}
        )
        status, text = self._open(request)
        return status == 200 and NAVIGATION.search(text) is not None

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read().decode("utf-8", "replace")
        except OSError as problem:
            return 0, str(problem)


@dataclass
class Findings:
    """What the walk found."""

    roles: int = 0
    pages: int = 0
    drilldowns: int = 0
    problems: list[str] = field(default_factory=list)

    def page(self, visitor: Visitor, path: str) -> str:
        """Open a page and note what is wrong with it."""
        status, text = visitor.get(path)
        self.pages += 1
        if status != 200:
            self.problems.append(f"{visitor.username} {path}: {status}")
        for stain in STAINS:
            if stain in text:
                self.problems.append(f"{visitor.username} {path}: shows {stain!r}")
        return text


def navigation_of(text: str) -> list[str]:
    """The addresses in a page's navigation."""
    found = NAVIGATION.search(text)
    return list(dict.fromkeys(html.unescape(link) for link in re.findall(r'href="([^"]+)"', found[0]))) if found else []


def details_of(text: str) -> list[str]:
    """The first pages that a list leads to."""
    links = [*ROWS.findall(text), *LINKED_CELL.findall(text)][:LINKS_PER_LIST] + BUTTON.findall(text)
    return list(dict.fromkeys(html.unescape(link) for link in links))


def walk_as(visitor: Visitor, findings: Findings) -> None:
    """Open every page of the navigation, what its lists lead to, and the rows of every cockpit figure."""
    findings.roles += 1
    seen: set[str] = set()
    for path in navigation_of(findings.page(visitor, "/")):
        if path in seen:
            continue
        seen.add(path)
        text = findings.page(visitor, path)
        for detail in details_of(text):
            if detail not in seen:
                seen.add(detail)
                follow_figures(visitor, findings.page(visitor, detail), findings)
        follow_figures(visitor, text, findings)


def follow_figures(visitor: Visitor, text: str, findings: Findings) -> None:
    """Each cockpit figure opens its rows; the rows' page carries the figure, and its rows add up to it."""
    for link, shown in [*FIGURE.findall(text), *BAR.findall(text)][:DRILLDOWNS_PER_ROLE]:
        path = html.unescape(link)
        rows = findings.page(visitor, path)
        findings.drilldowns += 1
        title = TITLE.search(rows)
        if title is None or shown.strip() not in title[1]:
            findings.problems.append(f"{visitor.username} {path}: the rows do not carry the figure {shown}")
            continue
        check_sum(visitor, path, shown.strip(), title[1].split()[-1], findings)


def check_sum(visitor: Visitor, path: str, shown: str, unit: str, findings: Findings) -> None:
    """The rows, exported as seen and counted again here, give the figure."""
    status, sheet = visitor.get(f"{path}&export=csv")
    rows = list(csv.DictReader(io.StringIO(sheet.removeprefix("\ufeff")))) if status == 200 else []
    counted = recount(rows, unit)
    if status != 200 or counted != shown.replace(",", ""):
        findings.problems.append(f"{visitor.username} {path}: the figure is {shown}, its rows give {counted}")


def recount(rows: list[dict[str, str]], unit: str) -> str:
    """What the exported rows add up to in the figure's unit, computed plainly and apart from the measures.

    >>> rows = [{"企业": "甲", "放款额（万元）": "30.00"}, {"企业": "甲", "放款额（万元）": "12.50"}]
    >>> recount(rows, "笔"), recount(rows, "户"), recount(rows, "万元")
    ('2', '1', '42.50')
    """
    if unit == "户":
        return str(len({row["企业"] for row in rows}))
    if unit in ("万元", "亿元"):
        total = sum(Decimal(row[head] or 0) for row in rows for head in row if head.endswith("（万元）"))
        return str((total / (10_000 if unit == "亿元" else 1)).quantize(Decimal("0.01"), ROUND_HALF_UP))
    if unit == "天":
        days = [int(row[head]) for row in rows for head in row if head.endswith("（天）") and row[head]]
        return str((2 * sum(days) + len(days)) // (2 * len(days))) if days else "—"
    return str(len(rows))


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(home: Path, port: int) -> subprocess.Popen[bytes]:
    """Serve the home in a process of its own and wait until it answers."""
    command = [
        sys.executable,
        "-c",
        "from jinmai.cli import main; main()",
        "serve",
        "--home",
        str(home),
        "--port",
        str(port),
    ]
    log = (home / "log" / "check-server.log").open("wb")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=2):
                return server
        except OSError:
            time.sleep(0.2)
    server.kill()
    raise OSError("the server did not answer; see log/check-server.log in the home")


def walk(home: Path) -> dict[str, Any]:
    """Serve ``home`` and walk it as each of the cast; ``{"roles","pages","drilldowns","errors","problems","seconds"}``."""
    from jinmai.site.demo.build import read_logins

    started = time.perf_counter()
    findings = Findings()
    port = free_port()
    server = start_server(home, port)
    try:
        for username, _name, password in read_logins(home):
            visitor = Visitor(f"http://127.0.0.1:{port}", username)
            if visitor.sign_in(password):
                walk_as(visitor, findings)
            else:
                findings.problems.append(f"{username}: cannot sign in")
    finally:
        server.terminate()
        server.wait(20)
    if not findings.drilldowns:
        findings.problems.append("no figure led to its rows")
    return {
        "roles": findings.roles,
        "pages": findings.pages,
        "drilldowns": findings.drilldowns,
        "errors": len(findings.problems),
        "problems": findings.problems[:30],
        "seconds": round(time.perf_counter() - started, 1),
    }
