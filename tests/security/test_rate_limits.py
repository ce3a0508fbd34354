"""S13: how often may be asked, counted across workers: per account, address, key and export; bulk queries are told."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.access.api_problems import TooMany
from jinmai.foundation.kernel.access.throttle import RULE, Limit
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from tests.reliability.racing import WON, race
from tests.security.profiles import under_profile

#: A window that no test lives to see the end of.
LONG = 10**9
WORKERS, TOLERANCE = 3, 0.05


def only(**limits: int) -> Any:
    """These limits, in so long a window, and no others."""
    rows = dict.fromkeys(throttle.limits(), 10**8) | limits
    return mock.patch.object(throttle, "limits", lambda: {name: Limit(name, most, LONG) for name, most in rows.items()})


# ---------------------------------------------------------------- the count itself


def ask_often(manner: str, times: int) -> int:
    """One worker asks so often; returns how often it was let through."""
    own: Counter[str] = Counter()

    def alone(key: str, window: int, by: int = 1) -> int:
        own[key] += by
        return own[key]

    let = 0
    patched = mock.patch.object(throttle, "count", alone if manner == "alone" else throttle.count)
    with throttle.switched_on(), only(account=500), patched:
        for _ in range(times):
            try:
                throttle.refuse_too_many("account", manner)
                let += 1
            except TooMany as refused:
                assert refused.retry_after > 0
    return let


def _let_through(manner: str) -> int:
    outcomes = race(ask_often, [manner] * WORKERS, [400])
    assert {outcome.said for outcome in outcomes} == {WON}, outcomes
    return sum(outcome.value for outcome in outcomes)


@pytest.mark.django_db(transaction=True)
def test_three_workers_hold_one_limit(db, say):
    let = _let_through("together")
    say({"workers": WORKERS, "asked": 1200, "limit": 500, "let_through": let})
    assert 500 * (1 - TOLERANCE) <= let <= 500


@pytest.mark.django_db(transaction=True)
def test_control_workers_that_count_alone_let_three_times_as_much_through(db, say):
    let = _let_through("alone")
    say({"limit": 500, "let_through": let})
    assert let > 500 * (1 + TOLERANCE)


@pytest.mark.django_db
def test_the_window_ends(db):
    with throttle.switched_on(), mock.patch.object(throttle, "limits", lambda: {"account": Limit("account", 2, 60)}):
        with mock.patch.object(throttle.time, "time", lambda: 6_000_000_010.0):
            for _ in range(2):
                throttle.refuse_too_many("account", "w")
            with pytest.raises(TooMany) as refused:
                throttle.refuse_too_many("account", "w")
            throttle.refuse_too_many("account", "another")
        assert 50 <= refused.value.retry_after <= 52
        with mock.patch.object(throttle.time, "time", lambda: 6_000_000_061.0):
            throttle.refuse_too_many("account", "w")


def test_the_limits_are_rule_data_and_a_citys_are_its_own(tmp_path):
    shared = throttle._read(str(tmp_path / "none.yaml"))
    assert set(shared) == {"account", "address", "api_key", "failed_key", "export", "credit_query"}
    city = tmp_path / RULE.name
    city.write_text("values: [{value: {rows: [{name: export, words: x, most: 5, seconds: 60}]}}]", "utf-8")
    assert throttle._read(str(city)) == shared | {"export": Limit("export", 5, 60)}


# ---------------------------------------------------------------- pages and API


@pytest.mark.django_db
def test_an_account_is_refused_on_pages_and_on_the_api_alike(client_as):
    client = client_as("heying")
    with throttle.switched_on(), only(account=3):
        assert [client.get("/tasks/").status_code for _ in range(4)] == [200, 200, 200, 429]
        page, answer = client.get("/tasks/"), client.get("/api/v1/financing/orders")
        assert int(page["Retry-After"]) > 0 and "请求过于频繁" in page.content.decode()
        assert (answer.status_code, answer.json()["code"]) == (429, "JM-API-429")
        assert int(answer["Retry-After"]) > 0 and answer["Content-Type"].startswith("application/problem+json")
        assert client.get("/healthz/").status_code == 200
        assert client_as("luosen").get("/tasks/").status_code == 200, "a colleague is not refused"


@pytest.mark.django_db
def test_exports_and_addresses_have_limits_of_their_own(client_as, client):
    with throttle.switched_on(), only(export=1, address=6):
        firms = "/financing/orders/?export=csv"
        assert [client_as("heying").get(firms).status_code for _ in range(2)] == [200, 429]
        assert client_as("heying").get("/financing/orders/").status_code == 200
        assert [client.get("/login/").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert client.get("/login/", REMOTE_ADDR="10.0.0.9").status_code == 200


@pytest.mark.django_db
def test_behind_a_proxy_each_client_has_a_limit_of_its_own(client):
    def ask(path: str, forwarded: str, **headers: str) -> int:
        """One request as our proxy passes it on: its own address is the peer's, the client's the last entry."""
        return client.get(path, REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": forwarded, **headers}).status_code

    key = {"authorization": f"Bearer jm_00000000_{'x' * 43}"}
    with under_profile("test", proxies=1), throttle.switched_on(), only(address=9, failed_key=3):
        orders = "/api/v1/financing/orders"
        assert [ask(orders, "203.0.113.7", **key) for _ in range(4)] == [401, 401, 401, 429]
        assert ask(orders, "203.0.113.8", **key) == 401, "another client's guesses are its own"
        assert [ask("/login/", "203.0.113.7") for _ in range(6)] == [200] * 5 + [429]
        assert ask("/login/", "203.0.113.8") == 200, "another client is not refused"
        spoofed = [ask("/login/", f"198.51.100.{number}, 203.0.113.7") for number in range(3)]
        assert spoofed == [429] * 3, "what a client writes further left is its own words"
        assert ask(orders, "198.51.100.9, 203.0.113.7", **key) == 429


@pytest.mark.django_db
def test_control_without_the_proxy_told_all_clients_are_one(client):
    """What the number of proxies is for: without it the proxy's own address is counted for everybody."""
    with throttle.switched_on(), only(address=2):
        clients = [{"x-forwarded-for": f"203.0.113.{number}"} for number in range(3)]
        assert [client.get("/login/", headers=one).status_code for one in clients] == [200, 200, 429]


@pytest.mark.django_db
def test_keys_that_do_not_hold_are_refused_for_a_while(city, client):
    from tests.security.with_keys import issue

    good = issue(city, "heying").shown
    headers = {"authorization": f"Bearer jm_00000000_{'x' * 43}"}
    with throttle.switched_on(), only(failed_key=3, api_key=2):
        found = [client.get("/api/v1/financing/orders", headers=headers).status_code for _ in range(5)]
        assert found == [401, 401, 401, 429, 429]
        own = {"authorization": f"Bearer {good}"}
        found = [client.get("/api/v1/financing/orders", headers=own).status_code for _ in range(3)]
        assert found == [200, 200, 429], "a key that holds is not shut out by others' guesses"


@pytest.mark.django_db
def test_queries_above_the_daily_norm_are_told_to_the_auditors_once(city):
    from jinmai.foundation.kernel.notices.models import Notice
    from tests.security.test_consent_door import FIELDS, TODAY, consented, read

    with Clock.at(TODAY), only(credit_query=3):
        consent, auditor = consented(city), city.membership("ligong")
        for number in range(6):
            read(city.actor("heying"), consent.subject, fields=FIELDS)
            told = Notice.objects.filter(membership=auditor, kind="credit_norm").count()
            assert told == (number >= 3), number


# ---------------------------------------------------------------- three served workers


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lay_over(path: Path, **limits: int) -> None:
    """A city's own limits, as a rule file of its overlay: the shared one with other numbers."""
    rule = yaml.safe_load(RULE.read_text(encoding="utf-8")) | {"overrides": "request_limits", "because": "测试"}
    for row in rule["values"][0]["value"]["rows"]:
        row |= {"most": limits.get(row["name"], 10**6), "seconds": LONG}
    path.write_text(yaml.safe_dump(rule, allow_unicode=True), "utf-8")


@pytest.fixture
def served(city: Any, tmp_path: Path, transactional_db: None) -> Any:
    """The site as it is served, by three worker processes, under a city whose limits are small."""
    home, small = current_home(), tmp_path / "example"
    shutil.copytree(home.city.folder, small)
    _lay_over(small / "rules" / RULE.name, address=200, account=120, api_key=100, failed_key=20, export=5)
    port = _free_port()
    program = (
        "import sys; from granian import Granian; from granian.constants import Interfaces;"
        "Granian('jinmai.site.wsgi:application', address='127.0.0.1', port=int(sys.argv[1]), interface=Interfaces.WSGI,"
        " workers=3, blocking_threads=1, websockets=False, log_level='error').serve()"
    )
    environment = os.environ | {"JINMAI_HOME": str(home.path), "JINMAI_LIMITS": "1", "JINMAI_CITY": str(small)}
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen([sys.executable, "-c", program, str(port)], env=environment, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(port, server, tmp_path / "log")
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _wait_until_it_answers(port: int, server: Any, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            if _get(port, "/healthz/")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace"))


def _get(port: int, path: str, source: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """One request on a connection of its own, so that any worker may take it; from one of this machine's addresses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    wait = answer.getheader("Retry-After") or ""
    connection.close()
    return answer.status, wait


def _session(city: Any, username: str) -> str:
    from django.conf import settings

    return f"{settings.SESSION_COOKIE_NAME}={city.client(username).cookies[settings.SESSION_COOKIE_NAME].value}"


@pytest.mark.django_db(transaction=True)
def test_the_served_workers_hold_the_limits_together(city, served, say):
    from tests.security.with_keys import issue

    key = issue(city, "heying").shown
    cookie, colleague = _session(city, "heying"), _session(city, "luosen")
    asked = {
        "failed_key": (20, "/api/v1/financing/products", {"Authorization": f"Bearer jm_00000000_{'x' * 43}"}, 401),
        "api_key": (100, "/api/v1/financing/products", {"Authorization": f"Bearer {key}"}, 200),
        "export": (5, "/financing/products/?export=csv", {"Cookie": colleague}, 200),
        "account": (120, "/financing/reasons/", {"Cookie": cookie}, 200),
        "address": (200, "/login/", {}, 200),
    }
    found: dict[str, Any] = {}
    for number, (name, (most, path, headers, fine)) in enumerate(asked.items(), 2):
        answers = [_get(served, path, f"127.0.0.{number}", **headers) for _ in range(int(most * 1.3) + 3)]
        statuses = Counter(status for status, _ in answers)
        found[name] = {"limit": most, "let_through": statuses[fine], "refused": statuses[429]}
        assert set(statuses) == {fine, 429}, (name, statuses)
        assert all(re.fullmatch("[1-9][0-9]*", wait) for status, wait in answers if status == 429)
        assert most * (1 - TOLERANCE) <= statuses[fine] <= most, (name, statuses)
    say(found)
