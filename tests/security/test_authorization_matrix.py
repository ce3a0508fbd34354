"""S1: every operation that exists × every kind of actor × every owner's object × method, over the running site.

Operations are found in the code (``surface``); who may see which object is written down a second time (``planted``).
A door that names no operation, or takes a kwarg nobody plants an object for, fails, so that nothing new is forgotten.
"""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookies import SimpleCookie
from itertools import islice
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pypdf
import pytest
from django.db import transaction
from django.test import Client, RequestFactory

from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.errors import Broken, NotAllowed
from tests.security.papers import archive, written_pdf
from tests.security.planted import ACCOUNTS, SHUT_OUT, Planted, Thing, kind_of
from tests.security.surface import UNSAFE, Door, api_handlers, doors

ANONYMOUS = "anonymous"
ACTORS = (ANONYMOUS, *ACCOUNTS)

#: Creating requests need a key; each cell is undone, so that one serves them all.
ONCE = {"Idempotency-Key": "matrix"}
#: A sheet is refused for want of a consent, in those words, and the refusal stands in the firm's book.
BY_CONSENT = "sheet"
#: Variants of a page without kwargs: its downloads, and its search.
VARIANTS = ("", "export=xlsx", "export=csv", f"q={quote('测试')}")
#: Pages that show one thing named in the query.
NAMED_IN_QUERY = {
    "cockpit:rows": "measure=loans_count&", "cockpit:table": "measure=needs_count&", "api:list_renewals": "within=3660&",
}  # fmt: skip
#: Acts whose answer rightly shows the actor what it was not shown before.
DISCLOSING = {"financing.accept_order", "financing.take_order"}


def not_there(thing: Thing) -> Any:
    """A key of the same form that names nothing."""
    if isinstance(thing.key, UUID):
        return UUID("00000000-0000-4000-8000-000000000000")
    return 999_999_999 if isinstance(thing.key, int) else "no-such-thing-here"


@dataclass
class Matrix:
    """Asks every cell and keeps what went wrong."""

    city: Any
    planted: Planted
    stop_at_first: bool = False
    whole: bool = False
    cells: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    _clients: dict[str, Client] = field(default_factory=dict)
    _cookies: dict[str, str] = field(default_factory=dict)
    _absent: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    _states: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._states = {one.label: one.state() for one in self.planted.untouched}

    def client(self, actor: str) -> Client:
        """The actor's client with the cookies it signed in with: an answer that signs out is undone, too."""
        if actor not in self._clients:
            client = Client(raise_request_exception=False)
            if actor != ANONYMOUS:
                client = self.city.client(actor, raise_request_exception=False)
            self._clients[actor], self._cookies[actor] = client, client.cookies.output()
        client = self._clients[actor]
        client.cookies = SimpleCookie(self._cookies[actor].replace("Set-Cookie: ", ""))
        return client

    def walk(self, actors: Iterable[str], everything: Iterable[Door]) -> None:
        for door in everything:
            for actor in actors:
                for method in door.methods:
                    places = self._places(door, actor, method)
                    if not (self.whole or _holds(actor, door)):  # the role is refused before anything is looked up
                        places = islice(places, 1)
                    for thing, path in places:
                        self._cell(door, actor, method, thing, path)
                        if self.leaks and self.stop_at_first:
                            return

    def _places(self, door: Door, actor: str, method: str) -> Iterator[tuple[Thing | None, str]]:
        if not door.kwargs:
            for variant in VARIANTS if method == "GET" else ("",):
                query = NAMED_IN_QUERY.get(door.name, "") + variant
                yield None, door.path({}) + (f"?{query}" if query else "")
            for thing in self.planted.of("bulk_run") if method == "GET" else ():
                if thing.label == door.path({}):
                    yield thing, f"{door.path({})}?bulk={thing.key}"
            return
        things = self.planted.of(kind_of(door, door.kwargs[0]) or "")
        for thing in things:
            yield thing, door.path(dict.fromkeys(door.kwargs, thing.key))

    def _ask(self, actor: str, method: str, path: str, door: Door) -> Any:
        """One request in a savepoint of its own: a deed is looked at and undone."""
        client = self.client(actor)
        with transaction.atomic():
            asks_api = door.is_api and method != "GET"
            sent = {"content_type": "application/json", "data": door.body, "headers": ONCE} if asks_api else {}
            answer = getattr(client, method.lower())(path, **sent)
            answer.all_bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if method in UNSAFE:
                self._look_for_deeds(actor, f"{method} {path} as {actor}: {answer.status_code}")
            transaction.set_rollback(True)
        return answer

    def _cell(self, door: Door, actor: str, method: str, thing: Thing | None, path: str) -> None:
        self.cells["cells"] += 1
        answer = self._ask(actor, method, path, door)
        where = f"{method} {path} as {actor}: {answer.status_code}"
        if answer.status_code >= 500:
            self.leaks.append(f"{where} is a fault")
        if not (door.operation in DISCLOSING and method in UNSAFE and thing and actor in thing.seen_by):
            self._look_for_canaries(actor, answer, where)
        if door.public:
            self.cells["public"] += 1
        elif actor == ANONYMOUS or actor in SHUT_OUT:
            self._expect_shut_out(door, answer, where)
        elif not _holds(actor, door):
            self.cells["not the role's"] += 1
            if answer.status_code not in {403, 405}:  # the role is asked before the body is read
                self.leaks.append(f"{where}, though the role does not hold {door.operation}")
        else:
            self._expect_by_sight(door, actor, method, thing, answer, path)

    def _expect_shut_out(self, door: Door, answer: Any, where: str) -> None:
        self.cells["shut out"] += 1
        to_login = answer.status_code == 302 and "/login/" in answer.headers["Location"]
        if not to_login and answer.status_code not in (401, 403, 405):
            self.leaks.append(f"{where}, though nobody is signed in with a post")

    def _expect_by_sight(
        self, door: Door, actor: str, method: str, thing: Thing | None, answer: Any, path: str
    ) -> None:
        where = f"{method} {path} as {actor}: {answer.status_code}"
        if answer.status_code == 405:
            self.cells["other method"] += 1
        elif thing is None or actor in thing.seen_by:
            self.cells["own"] += 1
            refused = {403, 404} if method == "GET" or (thing and actor in thing.acted_on_by) else {403}
            if answer.status_code in refused and not (thing and method in UNSAFE):
                self.leaks.append(f"{where}, though it is the actor's to see")
        else:
            self.cells["not theirs"] += 1
            if thing.kind == BY_CONSENT and answer.status_code in (403, 409):
                self.cells["no consent"] += 1
            elif answer.status_code != 404:
                self.leaks.append(f"{where}, though {thing.kind} {thing.label} is not the actor's to see")
            elif _plain(answer.all_bytes, thing.key) != self._body_of_nothing(door, actor, method, thing, path):
                self.leaks.append(f"{where} tells apart what is not yours and what is not there")

    def _body_of_nothing(self, door: Door, actor: str, method: str, thing: Thing, path: str) -> bytes:
        key = (str(door), actor, f"{method} {thing.kind}")
        if key not in self._absent:
            nothing = not_there(thing)
            answer = self._ask(actor, method, path.replace(str(thing.key), str(nothing)), door)
            assert answer.status_code == 404, f"{door} for what is not there: {answer.status_code}"
            self._absent[key] = _plain(answer.all_bytes, nothing)
        return self._absent[key]

    def _look_for_deeds(self, actor: str, where: str) -> None:
        """What the actor may not change is as it was planted, before the deed is undone."""
        for one in self.planted.untouched:
            if actor not in one.acted_on_by and one.state() != self._states[one.label]:
                self.leaks.append(f"{where} changed what is not the actor's: {one.label}")

    def _look_for_canaries(self, actor: str, answer: Any, where: str) -> None:
        text = _unpacked(answer.all_bytes)
        self.cells["bytes"] += len(text)
        for canary in self.planted.canaries:
            if canary.text.encode() in text and actor not in canary.seen_by:
                self.leaks.append(f"{where} holds {canary.text!r}")


def _holds(actor: str, door: Door) -> bool:
    """Whether the actor has a live post whose role holds the door's operation; anybody may open a public door."""
    if door.public:
        return True
    if actor == ANONYMOUS or actor in SHUT_OUT:
        return False
    return ACCOUNTS[actor][1] in operations()[door.operation or ""].roles


def _unpacked(content: bytes) -> bytes:
    """The bytes as served; of a workbook or an archive every part in it too, of a PDF what its pages and its title say, of
    JSON its texts without escapes."""
    if content[:1] in (b"{", b"["):
        return content + _read_json(content)
    if content[:5] == b"%PDF-":
        return content + _written_in(content)
    if content[:2] != b"PK":
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return content + b"".join(_unpacked(book.read(name)) for name in book.namelist())


def _read_json(content: bytes) -> bytes:
    try:
        return json.dumps(json.loads(content), ensure_ascii=False).encode()
    except ValueError:
        return b""


@lru_cache(maxsize=256)
def _written_in(pdf: bytes) -> bytes:
    book = pypdf.PdfReader(io.BytesIO(pdf))
    said = [page.extract_text() for page in book.pages] + [str(value) for value in (book.metadata or {}).values()]
    return "\n".join(said).encode()


def _plain(content: bytes, key: Any) -> bytes:
    """The body without what differs in every answer: the token, and the address that was asked for."""
    content = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", content)
    content = re.sub(rb'(content|data-token|X-CSRFToken&quot;: &quot;)="[A-Za-z0-9]{64}"', b"", content)
    for form in (str(key), quote(str(key))):
        content = content.replace(form.encode(), b"KEY")
    return content


# ---------------------------------------------------------------- the tests


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of refusals are meant here; none of them needs a line in the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
def test_every_door_names_a_listed_operation(planted_city):
    listed = operations()
    assert not [str(door) for door in doors() if door.operation not in listed and not _ninjas_own(door)]


@pytest.mark.django_db
def test_every_kwarg_has_something_planted(planted_city):
    _, planted = planted_city
    forgotten = [
        f"{door} takes {kwarg!r}"
        for door in doors()
        for kwarg in door.kwargs
        if not planted.of(kind_of(door, kwarg) or "")
    ]
    assert not forgotten, "plant an object for each and name its kind in KINDS"


@pytest.mark.django_db
def test_a_sheet_goes_back_to_those_who_mend_it_and_to_nobody_else(planted_city):
    """The matrix walks a receipt that has rejected rows: its returned sheet is an answer there, not a refusal."""
    city, planted = planted_city
    answers = {}
    for actor in ("linqiushi", "shenyihe", "t_clerk_xiling", "zhouqiming", "ligong"):
        client = city.client(actor)
        answers[actor] = [
            client.get(address).status_code
            for thing in planted.of("receipt")
            if "金丝雀" in thing.label and "撤回" not in thing.label
            for address in (f"/intake/receipts/{thing.key}/returned/", f"/api/v1/intake/receipts/{thing.key}/returned")
        ]
    assert answers["linqiushi"] == answers["shenyihe"] == [200, 200]
    assert answers["t_clerk_xiling"] == [404, 404]
    assert answers["zhouqiming"] == answers["ligong"] == [403, 403]


def _walk(planted_city: Any, actor: str, say: Any, *, whole: bool) -> None:
    matrix = Matrix(*planted_city, whole=whole)
    matrix.walk([actor], [door for door in doors() if door.operation])
    say({"actor": actor, "doors": len(doors())} | dict(matrix.cells) | {"leaks": len(matrix.leaks)})
    assert not matrix.leaks, "\n".join(matrix.leaks[:40])


@pytest.mark.django_db
@pytest.mark.parametrize("actor", ACTORS)
def test_nobody_reaches_what_is_not_theirs(planted_city, actor, say):
    """Every cell where the role holds the operation; one object a door where it does not."""
    _walk(planted_city, actor, say, whole=False)


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("actor", ACTORS)
def test_nobody_reaches_what_is_not_theirs_in_the_whole_matrix(planted_city, actor, say):
    _walk(planted_city, actor, say, whole=True)


@pytest.mark.django_db
def test_an_api_handler_is_not_called_for_a_role_without_the_operation(planted_city):
    """Behind the reading of the body stands the same guard: each handler, called as each role that does not hold it."""
    city, _ = planted_city
    asked = 0
    for name, handler in api_handlers():
        for actor in (city.actor(username) for username in ACCOUNTS if username not in SHUT_OUT):
            if actor.role not in operations()[name].roles:
                request = RequestFactory().post("/api/v1/")
                request.actor, request.user = actor, None
                with pytest.raises(NotAllowed):
                    handler(request)
                asked += 1
    assert asked or not api_handlers()


# ---------------------------------------------------------------- controls


@pytest.mark.django_db
def test_control_a_role_let_in_everywhere_is_noticed(planted_city, monkeypatch):
    """With the operation's roles taken out of the question, the matrix sees it."""
    from jinmai.foundation.kernel.access import pages, permissions

    monkeypatch.setattr(pages, "require", lambda actor, name: permissions.operation_named(name))
    matrix = Matrix(*planted_city, stop_at_first=True)
    matrix.walk(["qiangong", "t_firm_xiling"], [door for door in doors() if door.operation])
    assert matrix.leaks


def test_control_a_canary_that_the_api_answers_in_escapes_is_found():
    """An answer of the API is ASCII; its texts are looked at as they are read."""
    content = json.dumps([{"firm": "金丝雀企业"}]).encode()
    assert "金丝雀企业".encode() not in content and "金丝雀企业".encode() in _unpacked(content)
    assert _unpacked(b"{% no JSON") == b"{% no JSON"


@pytest.mark.django_db
def test_control_a_canary_on_the_page_of_a_pdf_is_found(planted_city):
    """Its bytes don't hold it, packed as they are; it is found in an archive, too, and in what the gate serves."""
    city, planted = planted_city
    page = written_pdf("CANARY-WAI")
    for content in (page, archive({"a.pdf": page})):
        assert b"CANARY-WAI" not in content
        assert b"CANARY-WAI" in _unpacked(content)
    (thing,) = [thing for thing in planted.of("document") if thing.label == "外"]
    answer = city.client("linqiushi").get(f"/documents/{thing.key}/download/")
    served = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert b"CANARY-WAI" not in served
    assert b"CANARY-WAI" in _unpacked(served)


@pytest.mark.django_db
def test_control_an_operation_without_a_row_stops_start_up(planted_city):
    from django.urls import path

    from jinmai.foundation.kernel.access.pages import page
    from jinmai.site.startup import reachable, refuse_unlisted

    def unnamed(request: Any) -> None: ...

    named = page("financing.nobody_declared_this")(unnamed)
    for view in (unnamed, named):
        with pytest.raises(Broken):
            refuse_unlisted([*reachable(), *reachable([path("unlisted/", view)])])
    refuse_unlisted(reachable())


def _ninjas_own(door: Door) -> bool:
    return door.name in ("api:openapi-json", "api:api-root", "api:openapi-view")
