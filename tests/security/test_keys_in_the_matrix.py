"""A key is its post and no more: over every API door, with every method, for every owner's object; a dead key is nobody."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.security.surface import Door, doors
from tests.security.test_authorization_matrix import ONCE, Matrix, kind_of
from tests.security.with_keys import issue, issue_dead

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
#: Posts of four institutions: account managers of two banks, an approver, two managers.
POSTS = ("heying", "luosen", "t_manager_bank", "dingyiming", "t_manager_ml")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Refusals are meant here; none of them needs a line in the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def with_key(shown: str) -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True, headers={"authorization": f"Bearer {shown}"})


class KeyMatrix(Matrix):
    """The matrix, walked with keys instead of sessions."""

    def client(self, actor: str) -> Client:
        if actor not in self._clients:
            self._clients[actor] = with_key(issue(self.city, actor).shown)
        return self._clients[actor]


def api_doors() -> list[Door]:
    return [door for door in doors() if door.is_api and door.operation]


@pytest.mark.django_db
@pytest.mark.parametrize("post", POSTS)
def test_a_banks_key_reaches_what_its_post_reaches_and_no_more(planted_city, post, say):
    matrix = KeyMatrix(*planted_city)
    matrix.walk([post], api_doors())
    say({"actor": f"key of {post}", "doors": len(api_doors())} | dict(matrix.cells) | {"leaks": len(matrix.leaks)})
    assert not matrix.leaks, "\n".join(matrix.leaks[:40])


def address_of(door: Door, planted: Any) -> str:
    """The door's address, of the first thing planted for it."""
    things = planted.of(kind_of(door, door.kwargs[0]) or "") if door.kwargs else []
    return door.path(dict.fromkeys(door.kwargs, things[0].key if things else 1))


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_dead_key_is_nobody_anywhere(planted_city, how, say):
    city, planted = planted_city
    client, told = with_key(issue_dead(city, "heying", how).shown), set()
    cells: Counter[int] = Counter()
    for door in api_doors():
        path = address_of(door, planted)
        for method in door.methods:
            answer = client.generic(method, path, "{}", "application/json", headers=ONCE)
            cells[answer.status_code] += 1
            told.add(answer.content)
    say({"actor": f"{how} key", "cells": cells.total(), "statuses": dict(cells)})
    assert set(cells) <= {401} and len(told) == 1


@pytest.mark.django_db
def test_a_key_opens_no_page(planted_city, say):
    """Pages are for people: a key without a session is sent to the login, whatever its post may do."""
    city, planted = planted_city
    client, opened = with_key(issue(city, "dingyiming").shown), []
    pages = [door for door in doors() if not door.is_api and not door.public and door.operation]
    for door in pages:
        answer = client.get(address_of(door, planted))
        if not (answer.status_code == 302 and "/login/" in answer.headers["Location"] or answer.status_code in (404, 405)):
            opened.append(f"{door}: {answer.status_code}")
    say({"pages": len(pages), "opened": len(opened)})
    assert not opened


@pytest.mark.django_db
def test_every_method_that_a_route_does_not_take_is_405_and_says_which_it_takes(planted_city, say):
    city, planted = planted_city
    client, wrong, asked = with_key(issue(city, "dingyiming").shown), [], 0
    taken: dict[str, set[str]] = {}
    for door in api_doors():
        taken.setdefault(door.route, set()).update(door.methods)
    for door in {door.route: door for door in api_doors()}.values():
        path = address_of(door, planted)
        for method in set(METHODS) - taken[door.route]:
            answer = client.generic(method, path, "{}", "application/json", headers=ONCE)
            asked += 1
            allowed = {one.strip() for one in answer.get("Allow", "").split(",")}
            if answer.status_code != 405 or allowed != taken[door.route]:
                wrong.append(f"{method} {path}: {answer.status_code} {answer.get('Allow')}")
            elif method != "HEAD" and answer.json()["code"] != "JM-API-405":
                wrong.append(f"{method} {path}: {answer.content[:80]!r}")
    say({"asked": asked, "wrong": len(wrong)})
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.django_db
def test_control_a_key_that_is_asked_for_nothing_is_noticed(planted_city, monkeypatch):
    """With the check of revocation and expiry removed, the dead key lives: the test above would see it."""
    from jinmai.foundation.kernel.access import keys

    city, _ = planted_city
    shown = issue_dead(city, "heying", "revoked").shown
    assert with_key(shown).get("/api/v1/financing/orders").status_code == 401
    monkeypatch.setattr(keys, "state_of", lambda key: "live")
    assert with_key(shown).get("/api/v1/financing/orders").status_code == 200
