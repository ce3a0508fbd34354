"""``jinmai demo --check``: serve a city, sign in as each of the cast, open every kind of page that its links lead to, and
follow figures to their rows. In another language than Chinese, what was not translated is reported too.

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
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from jinmai.site import own_words, untranslated

LANGUAGES = ("zh-hans", "en")
SOURCE_LANGUAGE = LANGUAGES[0]
TIMEOUT_SECONDS = 30
START_SECONDS = 60
#: How many pages of one kind each role opens: plain ones, and ones with a query.
EACH_KIND = 2
DRILLDOWNS_PER_ROLE = 30
NAVIGATION = re.compile(r'<nav class="side".*?</nav>', re.DOTALL)
LINKS = re.compile(r'(?:<a\b[^>]*?\shref|<tr\b[^>]*?\sdata-url|\shx-get)="(/[^"]*)"')
#: Where links lead that are no pages: files, and the way out.
NO_PAGE = re.compile(r"^/(static|logout)\b|[?&](export|format|download)=")
FIGURE = re.compile(r'<a href="(/cockpit/rows/\?[^"]+)">([\d,.]+)</a>')
BAR = re.compile(
    r'<a href="(/cockpit/rows/\?[^"]*(?:reason_name|per)=[^"]+)">(?:(?!</a>).)*</a></th>.*?<td class="num">([\d,]+)</td>', re.DOTALL
)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
TITLE = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
#: Texts that differ in their figures only are one text.
FIGURES = re.compile(r"\d[\d,.:-]*")
NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
#: What no page may show: traces, unfilled templates, untranslated names.
STAINS = ("Traceback", "{{", "{%", "DoesNotExist", "&lt;bound method", "Server Error")


@dataclass(frozen=True)
class Page:
    """What the server answered."""

    status: int
    text: str
    kind: str = "text/html"

    @property
    def is_page(self) -> bool:
        """Whether somebody reads it in the browser."""
        return self.kind.startswith("text/html")


@dataclass
class Visitor:
    """One signed-in member of the cast, reading in a language."""

    base: str
    username: str
    language: str = SOURCE_LANGUAGE
    opener: urllib.request.OpenerDirector = field(init=False)
    jar: http.cookiejar.CookieJar = field(init=False)

    def __post_init__(self) -> None:
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self._speak(self.language)

    def get(self, path: str) -> Page:
        """The page at an address."""
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path)))

    def sign_in(self, password: str) -> bool:
        """Sign in as a person does, with the form's token; whether it got in."""
        token = TOKEN.search(self.get("/login/").text)
        form = {"username": self.username, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        request = urllib.request.Request(
            urllib.parse.urljoin(self.base, "/login/"), urllib.parse.urlencode(form).encode(), {"Referer": self.base}
        )
        answer = self._open(request)
        return answer.status == 200 and NAVIGATION.search(answer.text) is not None

    @contextmanager
    def in_chinese(self) -> Iterator[None]:
        """Read in the source language for a moment."""
        self._speak(SOURCE_LANGUAGE)
        try:
            yield
        finally:
            self._speak(self.language)

    def _speak(self, language: str) -> None:
        from django.conf import settings

        host = urllib.parse.urlsplit(self.base).hostname or ""
        name = settings.LANGUAGE_COOKIE_NAME
        self.jar.set_cookie(
            http.cookiejar.Cookie(
                0, name, language, None, False, host, False, False, "/", True, False, None, True, None, None, {}
            )
        )

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self.opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                kind = answer.headers.get("Content-Type", "text/html")
                return Page(answer.status, answer.read().decode("utf-8", "replace"), kind)
        except urllib.error.HTTPError as problem:
            return Page(problem.code, problem.read().decode("utf-8", "replace"))
        except OSError as problem:
            return Page(0, str(problem))


@dataclass
class Findings:
    """What the walk found."""

    language: str = SOURCE_LANGUAGE
    roles: int = 0
    pages: int = 0
    drilldowns: int = 0
    kinds: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    #: Texts left in Chinese: how often, and where first.
    left: Counter[str] = field(default_factory=Counter)
    seen_at: dict[str, str] = field(default_factory=dict)
    #: Chinese that the program doesn't say itself and that no mark names as Chinese: the text, and where first.
    data: dict[str, str] = field(default_factory=dict)

    def page(self, visitor: Visitor, path: str) -> str:
        """Open a page and note what is wrong with it; a file has nothing to read."""
        answer = visitor.get(path)
        if answer.status != 200:
            self.problems.append(f"{visitor.username} {path}: {answer.status}")
        if not answer.is_page:
            return ""
        self.pages += 1
        self.kinds.add(kind_of(path))
        for stain in STAINS:
            if stain in answer.text:
                self.problems.append(f"{visitor.username} {path}: shows {stain!r}")
        if answer.status == 200 and self.language != SOURCE_LANGUAGE:
            self._read(visitor, path, answer.text)
        return answer.text

    def _read(self, visitor: Visitor, path: str, text: str) -> None:
        reading = untranslated.read(text)
        if reading.language.lower() != self.language and "<html" in text:
            self.problems.append(f"{visitor.username} {path}: is in {reading.language!r}, not in {self.language!r}")
        for text_left in reading.texts:
            if not own_words.says(text_left):  # the city's own names and texts stay as they are written
                self.data.setdefault(text_left, f"{visitor.username} {path}")
                continue
            left = FIGURES.sub("0", text_left)
            self.left[left] += 1
            self.seen_at.setdefault(left, f"{visitor.username} {path}")

    @property
    def errors(self) -> int:
        """How many things are wrong: problems, and texts that were not translated."""
        return len(self.problems) + len(self.left)


def kind_of(path: str) -> str:
    """Which kind of page an address is: its URL pattern, where the site has one.

    >>> kind_of("/no-such-room/12/"), kind_of("/no-such-room/0190e2c4-0000-7000-8000-0000000000aa/x/")
    ('/no-such-room/*/', '/no-such-room/*/x/')
    """
    from django.urls import Resolver404, resolve

    place = path.partition("?")[0]
    try:
        return str(resolve(place).route)
    except Resolver404:
        return NUMBERS.sub("*", place)


def navigation_of(text: str) -> list[str]:
    """The addresses in a page's navigation."""
    found = NAVIGATION.search(text)
    return links_of(found[0]) if found else []


def links_of(text: str) -> list[str]:
    """The pages that a page leads to, in its order."""
    links = (html.unescape(link).partition("#")[0] for link in LINKS.findall(text))
    return [link for link in dict.fromkeys(links) if not NO_PAGE.search(link)]


def walk_as(visitor: Visitor, findings: Findings) -> None:
    """From the home page follow links to some pages of every kind, and to the rows of every cockpit figure."""
    findings.roles += 1
    first = findings.page(visitor, "/")
    seen, followed = {"/", *navigation_of(first)}, set[str]()
    opened: Counter[tuple[str, bool]] = Counter()
    waiting = deque([("/", first)])
    waiting.extend((path, "") for path in navigation_of(first) if path != "/")
    while waiting:
        path, text = waiting.popleft()
        text = text or findings.page(visitor, path)
        follow_figures(visitor, text, findings, followed)
        for link in links_of(text):
            kind = (kind_of(link), "?" in link)
            if link in seen or link in followed or opened[kind] >= EACH_KIND:
                continue
            seen.add(link)
            opened[kind] += 1
            waiting.append((link, ""))


def follow_figures(visitor: Visitor, text: str, findings: Findings, followed: set[str]) -> None:
    """Each cockpit figure opens its rows; the rows' page carries the figure, and its rows add up to it."""
    with visitor.in_chinese():
        for link, shown in [*FIGURE.findall(text), *BAR.findall(text)]:
            path = html.unescape(link)
            if path in followed or len(followed) >= DRILLDOWNS_PER_ROLE:
                continue
            followed.add(path)
            findings.drilldowns += 1
            check_rows(visitor, path, shown.strip(), findings)


def check_rows(visitor: Visitor, path: str, shown: str, findings: Findings) -> None:
    """The page of the rows carries the figure; the rows, exported as seen and counted again here, give it."""
    rows = visitor.get(path)
    findings.pages += 1
    title = TITLE.search(rows.text)
    if rows.status != 200 or title is None or shown not in title[1]:
        findings.problems.append(f"{visitor.username} {path}: the rows do not carry the figure {shown}")
        return
    check_sum(visitor, path, shown, title[1].split()[-1], findings)


def check_sum(visitor: Visitor, path: str, shown: str, unit: str, findings: Findings) -> None:
    """The rows, exported as seen and counted again here, give the figure."""
    sheet = visitor.get(f"{path}&export=csv")
    if sheet.status != 200:
        why = " (the limit on exports, from an earlier walk of this home: wait an hour)" if sheet.status == 429 else ""
        findings.problems.append(f"{visitor.username} {path}: the rows cannot be exported: {sheet.status}{why}")
        return
    counted = recount(list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff")))), unit)
    if counted != shown.replace(",", ""):
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
        total = sum((Decimal(row[head] or 0) for row in rows for head in row if head.endswith("（万元）")), Decimal(0))
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


def walk(home: Path, language: str = SOURCE_LANGUAGE) -> dict[str, Any]:
    """Serve ``home`` and walk it as each of the cast in a language; what was counted, and ``errors`` with ``problems``."""
    from jinmai.site.demo.build import read_logins

    started = time.perf_counter()
    findings = Findings(language)
    port = free_port()
    server = start_server(home, port)
    try:
        for username, _name, password in read_logins(home):
            visitor = Visitor(f"http://127.0.0.1:{port}", username, language)
            if visitor.sign_in(password):
                walk_as(visitor, findings)
            else:
                findings.problems.append(f"{username}: cannot sign in")
    finally:
        server.terminate()
        server.wait(20)
    if not findings.drilldowns:
        findings.problems.append("no figure led to its rows")
    _say(findings)
    return {
        "lang": language,
        "roles": findings.roles,
        "pages": findings.pages,
        "distinct_pages": len(findings.kinds),
        "drilldowns": findings.drilldowns,
        "untranslated": len(findings.left),
        "data_left_unmarked": len(findings.data),
        "errors": findings.errors,
        "problems": findings.problems[:30],
        "seconds": round(time.perf_counter() - started, 1),
    }


def _say(findings: Findings) -> None:
    """Every problem and every text left in Chinese, on the standard error."""
    for problem in findings.problems:
        print(f"jinmai: {problem}", file=sys.stderr)
    for text, times in sorted(findings.left.items(), key=lambda one: (-one[1], one[0])):
        print(f"jinmai: untranslated, {times} times: {text}  ({findings.seen_at[text]})", file=sys.stderr)
    for text, place in findings.data.items():
        print(f"jinmai: not marked as Chinese: {text}  ({place})", file=sys.stderr)
