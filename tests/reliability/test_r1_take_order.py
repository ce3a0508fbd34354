"""R1 抢单: many institutions grab for one order at the same moment; exactly one gets it, on either engine.

Processes are set off by a barrier before each order. The control is the naive way (read, check, save): on PostgreSQL
it must hand at least half of the orders out twice, else this race proves nothing.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection

from jinmai.desks.financing.actions import draft_need, submit_need, take_order
from jinmai.desks.financing.models import Event, Order
from jinmai.foundation.kernel.access.actions import appoint
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.audit.chain import verify_chains
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation
from tests.reliability.racing import REFUSED, WON, Outcome, race

ORDERS = 200
#: In the default run; the long one sets 64 against each other.
TAKERS = {"sqlite": 8, "postgresql": 16}
CLIENTS = 16

pytestmark = pytest.mark.django_db(transaction=True)


def managers(number: int) -> list[Actor]:
    """Account managers of as many bank branches, each of its own; several of one branch where there are too few."""
    branches = list(Organisation.objects.filter(kind="bank", active=True).order_by("code"))
    actors = []
    for index in range(number):
        branch = branches[index % len(branches)]
        user = User.objects.create(username=f"t_taker_{index}", display_name=f"抢单{index}")
        membership = appoint(Actor.platform(), user=user, organisation=branch, role="institution.account_manager")
        actors.append(Actor.of(membership))
    return actors


def pool(city: Any, number: int) -> list[Any]:
    """As many needs in the open pool, written and sent by a firm."""
    accountant = city.actor("xuan")
    until = Clock.today() + timedelta(days=60)
    for index in range(number):
        need = draft_need(
            accountant,
            amount_fen=(index + 1) * 1_000_000,
            term_months=12,
            purpose="日常周转",
            contact_name="许安",
            contact_phone="13900000001",
        )
        submit_need(accountant, need, to_pool=True, consent=True, consent_until=until)
    return list(Order.objects.in_pool().order_by("number").values_list("pk", flat=True))


def take(actor: Actor, order: Any) -> None:
    take_order(actor, Order.objects.get(pk=order))


def take_naively(actor: Actor, order: Any) -> None:
    """The control: read, check, save, without a condition in the UPDATE."""
    found = Order.objects.get(pk=order)
    if not found.is_in_pool:
        raise Refusal("JM-FIN-012", "已被抢先")
    found.institution_id, found.status = actor.organisation_id, Order.Status.TAKEN
    found.taken_by_id, found.taken_at = actor.user_id, Clock.now()
    found.save()


def summary(orders: list[Any], outcomes: list[Outcome], seconds: float) -> dict[str, Any]:
    """Winners, doubles, unclaimed orders and errors of a race."""
    winners = Counter(outcome.round for outcome in outcomes if outcome.said == WON)
    return {
        "processes": len({outcome.process for outcome in outcomes}),
        "orders": len(orders),
        "attempts": len(outcomes),
        "winners": sum(1 for count in winners.values() if count == 1),
        "doubles": sum(1 for count in winners.values() if count > 1),
        "unclaimed": len(orders) - len(winners),
        "errors": sum(outcome.said not in (WON, REFUSED) for outcome in outcomes),
        "error_texts": sorted({outcome.said for outcome in outcomes} - {WON, REFUSED})[:3],
        "seconds": round(seconds, 1),
    }


def grab(city: Any, attempt: Any, takers: int) -> tuple[dict[str, Any], dict[Any, int | None]]:
    """Run the race; what it came to, and which organisation was told that it had won each order."""
    orders, actors = pool(city, ORDERS), managers(takers)
    started = time.perf_counter()
    outcomes = race(attempt, actors, orders)
    told = {orders[one.round]: actors[one.process].organisation_id for one in outcomes if one.said == WON}
    return summary(orders, outcomes, time.perf_counter() - started), told


def _exactly_one_each(found: dict[str, Any], told: dict[Any, int | None]) -> None:
    assert (found["winners"], found["doubles"], found["unclaimed"], found["errors"]) == (ORDERS, 0, 0, 0), found
    kept = dict(Order.objects.filter(pk__in=told).values_list("pk", "institution_id"))
    assert kept == told, "the database and the winner's answer disagree"
    assert Event.objects.filter(verb="take_order").count() == ORDERS
    assert verify_chains()["breaches"] == 0


def test_each_order_has_one_winner(city, say):
    found, told = grab(city, take, TAKERS[connection.vendor])
    say(found)
    _exactly_one_each(found, told)


@pytest.mark.long
def test_each_order_has_one_winner_of_64(city, say):
    found, told = grab(city, take, 64)
    say(found)
    _exactly_one_each(found, told)


def test_control_the_naive_way_hands_orders_out_twice(city, say):
    found, _ = grab(city, take_naively, TAKERS[connection.vendor])
    say({"control": "read, check, save"} | found)
    if connection.vendor == "postgresql":
        assert found["doubles"] >= ORDERS // 2
    else:
        assert found["doubles"] > 0


def test_one_winner_through_http(city, live_server, say):
    """Signed-in clients press 抢单 at the same moment; the page's own form, cookie and CSRF token are used."""
    orders = pool(city, 25)
    actors = managers(CLIENTS)
    address = urlsplit(live_server.url)
    barrier, answers, lock = threading.Barrier(CLIENTS), [], threading.Lock()
    cookies = [_cookie(actor) for actor in actors]

    def press(number: int) -> None:
        line = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        for index, order in enumerate(orders):
            barrier.wait(60)
            status = _post(line, f"/financing/orders/{order}/take/", cookies[number])
            with lock:
                answers.append((index, number, status))
        line.close()

    started = time.perf_counter()
    threads = [threading.Thread(target=press, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = Counter(Event.objects.filter(verb="take_order").values_list("order_id", flat=True))
    found = {
        "clients": CLIENTS,
        "orders": len(orders),
        "winners": sum(1 for order in orders if taken[order] == 1),
        "doubles": sum(1 for order in orders if taken[order] > 1),
        "unclaimed": sum(1 for order in orders if not taken[order]),
        "answers": dict(Counter(str(status) for _, _, status in answers)),
        "seconds": round(time.perf_counter() - started, 1),
    }
    say(found)
    assert (found["winners"], found["doubles"], found["unclaimed"]) == (len(orders), 0, 0)
    assert not [status for _, _, status in answers if status >= 500]


def _cookie(actor: Actor) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(pk=actor.user_id), backend=settings.AUTHENTICATION_BACKENDS[-1])
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def _post(line: http.client.HTTPConnection, path: str, session: str) -> int:
    from django.conf import settings

    token = "a" * 32
    body = urlencode({"csrfmiddlewaretoken": token})
    cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}"
    line.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies})
    answer = line.getresponse()
    answer.read()
    return answer.status
