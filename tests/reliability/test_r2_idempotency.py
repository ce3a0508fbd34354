"""R2: one key, one effect, one answer — whatever is repeated, mixed up, in flight or killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import threading
from collections import Counter
from datetime import date, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.signals import post_save

from jinmai.desks.financing.models import Need
from jinmai.foundation.kernel.access import api_once
from jinmai.foundation.kernel.access.actions import forget_answers
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api_once import HEADER
from jinmai.foundation.kernel.access.models import IdempotencyKey
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.action import ACTIONS
from jinmai.foundation.kernel.clock import Clock
from tests.reliability.racing import WON, race
from tests.security.surface import api_operations, doors
from tests.security.test_csrf import address, somebody_who_may

NEEDS = "/api/v1/financing/needs"
BODY = {
    "amount_fen": "100000000",
    "term_months": 12,
    "purpose": "日常周转",
    "contact_name": "联系人",
    "contact_phone": "13800000000",
}
#: Rows that keep the books of a deed and are nobody's noun.
BOOKKEEPING = {
    "AuditEntry", "AuditHead", "IdempotencyKey", "RateWindow", "Session", "Event", "Task", "DueClock", "CaseEvent",
    "CaseSeries", "Notice", "OutboundMessage", "OutboxRow", "AccessRecord", "RuleUse", "DecisionUse",
}  # fmt: skip


def post(client: Any, path: str, body: Any, key: str = "") -> Any:
    headers = {HEADER: key} if key else {}
    return client.post(path, json.dumps(body), "application/json", headers=headers)


def creating() -> list[Any]:
    """Every API operation that makes something, from the running code."""
    return list({one.view_func: one for one in api_operations() if one.view_func.creates}.values())


def doors_of(found: list[Any]) -> list[Any]:
    """Where they stand."""
    handlers = {one.view_func.__name__ for one in found}
    named = {one.view_func.operation for one in found}
    return [
        door
        for door in doors()
        if door.is_api and door.methods == ("POST",) and door.operation in named and door.name.removeprefix("api:") in handlers
    ]


# ---------------------------------------------------------------- every creating POST


@pytest.mark.django_db
def test_every_creating_post_requires_a_key_of_at_most_255(city, say):
    asked = set()
    for door in doors_of(creating()):
        client = city.client(somebody_who_may(door))
        absent, longest = post(client, address(door), {}), post(client, address(door), {}, "k" * 256)
        assert (absent.status_code, absent.json()["code"]) == (400, "JM-IDM-004"), door
        assert (longest.status_code, longest.json()["code"]) == (400, "JM-IDM-002"), door
        assert post(client, address(door), {}, "k" * 255).status_code != 400, door
        for wrong in ("", "with space", "键", "tab\tbed"):
            answer = client.post(address(door), "{}", "application/json", headers={HEADER: wrong})
            assert (answer.status_code, answer.json()["code"]) == (400, "JM-IDM-002"), (door, wrong)
        asked.add((door.operation, door.name))
    say({"creating_posts": len(creating()), "covered": len(asked)})
    assert len(asked) == len(creating()) >= 7


def test_an_action_that_creates_is_a_route_that_creates():
    """What an action declares and what its route declares agree; a route that answers 201 creates."""
    for one in api_operations():
        verb = ACTIONS.get(one.view_func.operation)
        if "POST" in one.methods and (201 in one.response_models or verb is not None and verb.creates):
            assert one.view_func.creates, one.view_func.operation


@pytest.mark.django_db
def test_what_makes_a_noun_is_declared_as_creating(city):
    """The whole line is walked over the API while every insert is watched: no other POST makes a row of a noun."""
    made: dict[str, set[str]] = {}
    under_way = [""]

    def noted(sender: Any, created: bool, **_: Any) -> None:
        if created and under_way[0] and sender.__name__ not in BOOKKEEPING:
            made.setdefault(under_way[0], set()).add(sender.__name__)

    def call(username: str, operation: str, path: str, body: Any = None) -> Any:
        client = city.client(username)
        under_way[0] = operation
        answer = post(client, f"/api/v1/{path}", body or {}, str(uuid4()))
        under_way[0] = ""
        assert answer.status_code < 300, (operation, answer.content.decode())
        return answer.json()

    post_save.connect(noted)
    try:
        _walk(call, city)
    finally:
        post_save.disconnect(noted)
    declared = {one.view_func.operation for one in creating()}
    assert {"financing.draft_need", "financing.submit_need", "financing.decide_order"} <= set(made)
    assert set(made) <= declared, {name: made[name] for name in set(made) - declared}


def _walk(call: Any, city: Any) -> None:
    until = str(date.today() + timedelta(days=90))
    need = call("xuan", "financing.draft_need", "financing/needs", BODY)["id"]
    send = {"products": ["p01"], "consent": True, "consent_until": until}
    call("xuan", "financing.submit_need", f"financing/needs/{need}/submit", send)
    order = next(one for one in city.client("heying").get("/api/v1/financing/orders").json() if one["status"] == "sent")
    at = f"financing/orders/{order['id']}"
    call("heying", "financing.accept_order", f"{at}/accept")
    call("heying", "financing.record_contact", f"{at}/contact", {"note": "已联系"})
    call("heying", "financing.record_visit", f"{at}/visit", {"note": "已走访"})
    call("heying", "financing.request_papers", f"{at}/papers/request", {"papers": "流水"})
    call("xuan", "financing.supply_papers", f"{at}/papers/supply")
    call("heying", "financing.papers_complete", f"{at}/papers/complete")
    terms = {"granted": True, "amount_fen": "50000000", "rate": "0.04", "term_months": 12}
    call("luosen", "financing.decide_order", f"{at}/decide", terms)
    call("xuan", "financing.accept_terms", f"{at}/terms/accept")
    paid = {"contract_number": "借1", "disbursed_fen": "50000000", "disbursed_on": str(date.today())}
    loan = call("heying", "financing.record_disbursement", f"{at}/disburse", paid)["loans"][0]["id"]
    call("heying", "financing.verify_first_time", f"financing/loans/{loan}/verify", {"first_time": True})
    consent = {"receiver": "bank_city_jp", "purpose": "credit_assessment", "fields": ["sales_12m"],
               "starts_on": str(date.today()), "ends_on": until}  # fmt: skip
    granted = call("xuan", "kernel.grant_consent", "credit/consents", consent)["id"]
    call("xuan", "kernel.revoke_consent", f"credit/consents/{granted}/revoke")
    other = call("xuan", "financing.draft_need", "financing/needs", BODY)["id"]
    pooled = {"to_pool": True, "consent": True, "consent_until": until}
    call("xuan", "financing.submit_need", f"financing/needs/{other}/submit", pooled)
    free = city.client("dingyiming").get("/api/v1/financing/pool").json()[0]["id"]
    call("dingyiming", "financing.take_order", f"financing/orders/{free}/take", {})


# ---------------------------------------------------------------- one key at a time


@pytest.mark.django_db
def test_a_repeat_gets_the_same_answer_and_leaves_no_second_effect(client_as):
    client, key = client_as("xuan"), str(uuid4())
    first, again = (post(client, NEEDS, BODY, key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content and first["Content-Type"] == again["Content-Type"]
    assert again["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first
    assert Need.objects.count() == 1


@pytest.mark.django_db
def test_another_content_under_the_same_key_is_refused(client_as):
    client, key = client_as("xuan"), str(uuid4())
    assert post(client, NEEDS, BODY, key).status_code == 201
    for path, body in ((NEEDS, BODY | {"term_months": 6}), ("/api/v1/credit/consents", BODY)):
        mixed = post(client, path, body, key)
        assert (mixed.status_code, mixed.json()["code"]) == (422, "JM-IDM-001")
    assert Need.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_of_another_tenant_is_another_key(client_as):
    key = str(uuid4())
    made = [post(client_as(firm), NEEDS, BODY, key) for firm in ("xuan", "t_firm_xiling")]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] != made[1].json()["id"]
    assert Need.objects.count() == 2


@pytest.mark.django_db
def test_what_failed_does_not_burn_the_key(client_as):
    """Neither a wrong body nor a refusal nor a fault of ours keeps anything under the key."""
    client, key = client_as("xuan"), str(uuid4())
    assert post(client, NEEDS, BODY | {"term_months": 0}, key).status_code == 422
    assert post(client, NEEDS, BODY | {"nobody_named_this": 1}, key).status_code == 422
    client.raise_request_exception = False
    with mock.patch("jinmai.desks.financing.actions.draft_need", side_effect=RuntimeError("planted")):
        assert post(client, NEEDS, BODY, key).status_code == 500
    assert not IdempotencyKey.objects.exists()
    assert post(client, NEEDS, BODY, key).status_code == 201
    need = Need.objects.get()
    send, key = f"{NEEDS}/{need.pk}/submit", str(uuid4())
    until = str(date.today() + timedelta(days=90))
    without = {"products": ["p01"], "consent": False, "consent_until": until}
    assert post(client, send, without, key).status_code == 409
    assert post(client, send, without | {"consent": True}, key).status_code == 200


@pytest.mark.django_db
def test_a_refused_repeat_is_still_witnessed(client_as):
    from jinmai.foundation.kernel.audit.models import AuditEntry

    client = client_as("xuan")
    need = post(client, NEEDS, BODY, str(uuid4())).json()["id"]
    body = {"products": ["p01"], "consent": False, "consent_until": str(date.today() + timedelta(days=90))}
    assert post(client, f"{NEEDS}/{need}/submit", body, str(uuid4())).status_code == 409
    assert AuditEntry.objects.filter(operation="financing.submit_need", outcome="refused").count() == 1


# ---------------------------------------------------------------- many at once

_clients: dict[str, Any] = {}


def send_once(who: tuple[str, str, str], key: str) -> tuple[int, str]:
    """One contestant sends its need under the round's key; says the status and the id it was told."""
    from tests.backends.small_city import City

    username, manner, purpose = who
    if username not in _clients:
        _clients[username] = City().client(username, raise_request_exception=False)
    body = BODY | {"note": purpose}
    if manner == "without":
        with mock.patch.object(api_once, "answer_once", lambda request, actor, name, key, respond: respond()):
            answer = post(_clients[username], NEEDS, body, key)
    else:
        answer = post(_clients[username], NEEDS, body, key)
    return answer.status_code, answer.json().get("id", answer.json().get("code", ""))


def _many(clients: int, keys: int, manner: str, purposes: int = 1) -> dict[str, Any]:
    contestants = [("xuan", manner, f"说明{number % purposes}") for number in range(clients)]
    rounds = [f"{manner}-{purposes}-{number}" for number in range(keys)]
    outcomes = race(send_once, contestants, rounds)
    assert {outcome.said for outcome in outcomes} == {WON}, {outcome.said for outcome in outcomes}
    by_key: dict[int, set[str]] = {}
    for outcome in outcomes:
        if outcome.value[0] == 201:
            by_key.setdefault(outcome.round, set()).add(outcome.value[1])
    return {
        "clients": clients,
        "keys": keys,
        "effects": Need.objects.count(),
        "answers": dict(Counter(str(outcome.value[0]) for outcome in outcomes)),
        "keys_with_two_answers": sum(len(ids) > 1 for ids in by_key.values()),
        "keys_answered": len(by_key),
    }


def _check(found: dict[str, Any], *, mixed: bool) -> None:
    allowed = {"201"} | ({"409"} if connection.vendor == "postgresql" else set()) | ({"422"} if mixed else set())
    assert found["effects"] == found["keys"] == found["keys_answered"], found
    assert found["keys_with_two_answers"] == 0 and set(found["answers"]) <= allowed, found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("purposes", [1, 2], ids=["same body", "mixed bodies"])
def test_effects_are_as_many_as_keys(city, say, purposes):
    found = _many(6, 12, "kept", purposes)
    say(found)
    _check(found, mixed=purposes > 1)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("purposes", [1, 2], ids=["same body", "mixed bodies"])
def test_effects_are_as_many_as_keys_with_24_clients(city, say, purposes):
    found = _many(24, 100, "kept", purposes)
    say(found)
    _check(found, mixed=purposes > 1)


@pytest.mark.django_db(transaction=True)
def test_control_without_the_kept_answer_repeats_are_doubled(city, say):
    found = _many(4, 4, "without")
    say(found)
    assert found["effects"] > found["keys"]


def hold(started: Any, go_on: Any) -> None:
    """Another process that holds a key in flight until it is told to go on."""
    from django.db import connections

    from tests.backends.small_city import City

    connections.close_all()
    real = api_once._claim

    def claim_and_wait(actor: Any, key: str) -> None:
        real(actor, key)
        started.set()
        go_on.wait(30)

    with mock.patch.object(api_once, "_claim", claim_and_wait):
        assert post(City().client("xuan"), NEEDS, BODY, "in-flight").status_code == 201
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_key_in_flight_is_told_so_on_postgresql_and_waited_for_on_sqlite(city):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.ready"])
    started, go_on = context.Event(), context.Event()
    client = city.client("xuan")
    connection.close()
    other = context.Process(target=hold, args=(started, go_on), daemon=True)
    other.start()
    assert started.wait(60)
    if connection.vendor == "postgresql":
        waiting = post(client, NEEDS, BODY, "in-flight")
        assert (waiting.status_code, waiting.json()["code"]) == (409, "JM-IDM-003")
        assert post(client, NEEDS, BODY, "another-key").status_code == 201, "only that key is held"
        go_on.set()
        other.join(60)
    else:
        threading.Timer(1.0, go_on.set).start()  # the repeat waits for the first one's transaction
    answer = post(client, NEEDS, BODY, "in-flight")
    other.join(60)
    assert (answer.status_code, answer["Idempotency-Replayed"]) == (201, "true")


# ---------------------------------------------------------------- killed between effect and answer


def die(moment: str, key: str) -> None:
    """A worker that is killed: before the commit, or after it and before anybody was answered."""
    from django.db import connections

    from tests.backends.small_city import City

    connections.close_all()
    client = City().client("xuan")
    if moment == "before the commit":
        with mock.patch.object(
            api_once.IdempotencyKey.objects, "create", side_effect=lambda **_: os.kill(os.getpid(), signal.SIGKILL)
        ):
            post(client, NEEDS, BODY, key)
    else:
        post(client, NEEDS, BODY, key)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_kill_between_effect_and_answer_leaves_one_effect(city, moment):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.ready"])
    client, key = city.client("xuan"), str(uuid4())
    connection.close()
    worker = context.Process(target=die, args=(moment, key), daemon=True)
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    kept = moment == "after the commit"
    assert Need.objects.count() == (1 if kept else 0), "effect and answer are committed together, or neither"
    answer = post(client, NEEDS, BODY, key)
    assert answer.status_code == 201 and ("Idempotency-Replayed" in answer) is kept
    assert Need.objects.get().pk.hex == answer.json()["id"].replace("-", "")


@pytest.mark.django_db
def test_an_answer_past_its_days_is_forgotten_and_its_effect_is_not_repeated(city):
    client, key = city.client("xuan"), str(uuid4())
    assert post(client, NEEDS, BODY, key).status_code == 201
    assert forget_answers(Actor.platform()) == 0, "what is young stays"
    assert post(client, NEEDS, BODY, key)["Idempotency-Replayed"] == "true"
    days = timedelta(days=policy().answer_days)
    IdempotencyKey.objects.filter(key=key).update(created_at=Clock.true_now() - days + timedelta(minutes=1))
    assert forget_answers(Actor.platform()) == 0
    assert post(client, NEEDS, BODY, key)["Idempotency-Replayed"] == "true"
    IdempotencyKey.objects.filter(key=key).update(created_at=Clock.true_now() - days - timedelta(minutes=1))
    unswept = post(client, NEEDS, BODY, key)
    assert (unswept.status_code, unswept.json()["code"]) == (409, "JM-IDM-005"), "nor before the daily job has come by"
    assert forget_answers(Actor.platform()) == 1
    late = post(client, NEEDS, BODY, key)
    assert (late.status_code, late.json()["code"]) == (409, "JM-IDM-005") and Need.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_an_answer_kept_in_a_second_transaction_doubles_after_a_kill(city):
    """The effect committed first and the answer kept after it: the kill in between leaves an effect that is repeated."""
    client, key = city.client("xuan"), str(uuid4())
    with mock.patch.object(api_once, "answer_once", lambda request, actor, name, key, respond: respond()):
        assert post(client, NEEDS, BODY, key).status_code == 201  # killed here, before its answer was kept
    assert post(client, NEEDS, BODY, key).status_code == 201
    assert Need.objects.count() == 2


# ---------------------------------------------------------------- forms


@pytest.mark.django_db
def test_every_form_that_creates_carries_a_hidden_key(planted_city, say):
    """Each page whose action creates shows a form with a key of its own; pressing twice is in the desks' tests."""
    from tests.security.test_authorization_matrix import ACCOUNTS, kind_of

    city, planted = planted_city
    seen, without = [], []
    for door in doors():
        verb = ACTIONS.get(door.operation or "")
        if door.is_api or verb is None or not verb.creates:
            continue
        roles = operations()[door.operation].roles
        things = planted.of(kind_of(door, door.kwargs[0]) or "") if door.kwargs else [None]
        for thing in things:
            for who in (name for name, (_, role) in ACCOUNTS.items() if role in roles and not name.startswith("t_")):
                place = door.path(dict.fromkeys(door.kwargs, thing.key)) if thing else door.path({})
                page = city.client(who, raise_request_exception=False).get(place)
                if page.status_code == 200 and b"<form" in page.content:
                    seen.append(door.operation)
                    if not re.search(rb'name="idempotency_key" value="[^"]{8,}"', page.content):
                        without.append(str(door))
                    break
            if door.operation in seen:
                break
    say({"forms": len(seen), "without": without})
    assert seen and not without
