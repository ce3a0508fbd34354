"""S4: guessing, telling accounts apart, fixing sessions, replaying codes, clocks that step back; each with its control."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.models import Session
from django.test import Client, override_settings
from django_otp.oath import TOTP

from jinmai.foundation.kernel.access import actions, lockout, second_factor
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.policy import policy, policy_of
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation
from tests.reliability.racing import REFUSED, WON, race
from tests.security.profiles import browser, under_profile

PASSWORD = "Right-horse-battery-7"
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # nine in the morning in Shanghai


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def dengbao3(db: None) -> Iterator[None]:
    with under_profile("dengbao3"):
        yield


def account(username: str, role: str = "firm.accountant", kind: str = "firm", password: str | None = PASSWORD) -> User:
    """An account with one post, past its first sign-in."""
    user = actions.register_user(Actor.platform(), username=username, display_name=username, password=password)
    place, _ = Organisation.objects.get_or_create(
        code=f"{kind}-of-test", defaults={"name": f"{kind} of test", "kind": kind, "path": f"/{kind}-of-test/"}
    )
    actions.appoint(Actor.platform(), user=user, organisation=place, role=role)
    User.objects.filter(pk=user.pk).update(must_change_password=False)
    return User.objects.get(pk=user.pk)


def sign_in(client: Any, username: str, password: str = PASSWORD) -> Any:
    return client.post("/login/", {"username": username, "password": password})


def is_in(client: Any) -> bool:
    return client.get("/").status_code == 200


def with_app(user: User) -> second_factor.SealedTotp:
    """Give an account an app, as enrolling does, without using up a code."""
    device = second_factor.begin_totp(user)
    second_factor.SealedTotp.objects.filter(pk=device.pk).update(confirmed=True)
    device.confirmed = True
    return device


def code_of(device: second_factor.SealedTotp, steps: int = 0) -> str:
    """The code that the app shows now, or some steps from now."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() + steps * device.step
    return f"{totp.token():06d}"


# ---------------------------------------------------------------- guessing


def guess(accounts: int, guesses: int, addresses: int) -> tuple[int, int, set[str]]:
    """Guess at accounts in turn from many addresses, the right password among the guesses; (in, locked, names in)."""
    names = [f"victim-{number}" for number in range(accounts)]
    clients = [browser(f"198.51.{number // 250}.{number % 250 + 1}") for number in range(addresses)]
    right_at = guesses // accounts // 2
    got_in, locked, who = 0, 0, set()
    for turn in range(guesses):
        name, round_ = names[turn % accounts], turn // accounts
        answer = sign_in(clients[turn % addresses], name, PASSWORD if round_ == right_at else f"guess-{round_}")
        got_in += answer.status_code == 302
        locked += answer.status_code == 429
        if answer.status_code == 302:
            who.add(name)
    return got_in, locked, who


def count_checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that is really compared."""
    compared: list[str] = []
    plain = User.check_password
    monkeypatch.setattr(User, "check_password", lambda self, raw: compared.append(self.username) or plain(self, raw))
    return compared


def run_guesses(monkeypatch: pytest.MonkeyPatch, say: Any, accounts: int, guesses: int, addresses: int) -> None:
    said = policy()
    limit = said.lock_account_after or said.lock_after
    for number in range(accounts):
        account(f"victim-{number}")
    compared = count_checks(monkeypatch)
    got_in, locked, _who = guess(accounts, guesses, addresses)
    most = max(compared.count(name) for name in set(compared))
    found = {"guesses": guesses, "accounts": accounts, "addresses": addresses, "successes": got_in, "locked": locked}
    say({said.profile: found | {"most_compared_for_one_account": most}})
    assert (got_in, most) == (0, limit)
    assert locked >= guesses - limit * accounts


@pytest.fixture(params=["standard", "dengbao3"])
def in_production(request: pytest.FixtureRequest, db: None) -> Iterator[None]:
    with under_profile(request.param):
        yield


def test_five_hundred_guesses_from_many_addresses_open_nothing(in_production, monkeypatch, say):
    run_guesses(monkeypatch, say, accounts=10, guesses=500, addresses=100)


@pytest.mark.long
def test_ten_thousand_guesses_open_nothing(in_production, monkeypatch, say):
    run_guesses(monkeypatch, say, accounts=20, guesses=10_000, addresses=2_500)


def test_control_without_the_lock_the_guesses_open_every_account(dengbao3):
    for number in range(3):
        account(f"victim-{number}")
    with override_settings(AXES_ENABLED=False):
        got_in, locked, who = guess(accounts=3, guesses=60, addresses=20)
    assert (got_in, locked, who) == (3, 0, {"victim-0", "victim-1", "victim-2"})


def test_control_without_the_account_limit_guesses_from_many_addresses_open_every_account(db, monkeypatch):
    """Profile standard with the count of pairs alone: no address ever has five failures."""
    for number in range(3):
        account(f"victim-{number}")
    pairs_only = replace(policy_of("standard"), lock_account_after=None)
    monkeypatch.setattr(lockout, "policy", lambda: pairs_only)
    with under_profile("standard"):
        got_in, locked, _who = guess(accounts=3, guesses=150, addresses=100)
    assert (got_in, locked) == (3, 0)


def test_one_address_locks_nobody_out_elsewhere_but_four_do_for_half_an_hour(db):
    account("lin")

    def fail(address: str, times: int) -> list[int]:
        return [sign_in(browser(address), "lin", "wrong").status_code for _turn in range(times)]

    with under_profile("standard"), time_machine.travel(MONDAY, tick=False) as clock:
        assert fail("192.0.2.1", 30) == [200] * 4 + [429] * 26
        assert lockout.locked_usernames() == {"lin"}, "for that address"
        assert sign_in(browser("203.0.113.9"), "lin").status_code == 302, "the person is elsewhere, and not locked out"
        for number in (1, 2, 3, 4):
            assert fail(f"192.0.2.{number}", 5) == [200] * 4 + [429]
        locked = sign_in(browser("203.0.113.9"), "lin")
        assert locked.status_code == 429 and "请 30 分钟后再试" in locked.content.decode()
        assert sign_in(browser("192.0.2.77"), "nobody", "wrong").status_code == 200, "only this account"
        clock.shift(timedelta(minutes=29, seconds=59))
        assert sign_in(browser("203.0.113.9"), "lin").status_code == 429
        clock.shift(timedelta(seconds=2))
        assert sign_in(browser("203.0.113.9"), "lin").status_code == 302


def test_a_lock_by_many_addresses_is_seen_and_ended_by_the_security_administrator(city):
    for number in range(20):
        sign_in(browser(f"192.0.2.{number + 1}"), "heying", "wrong")
    user = User.objects.get(username="heying")
    assert sign_in(browser("203.0.113.9"), "heying", "ceshi-Mima-2026").status_code == 429
    security = city.client("sungong")
    assert "已锁定" in security.get(f"/accounts/{user.pk}/").content.decode()
    assert security.post(f"/accounts/{user.pk}/unlock/").status_code == 302
    assert sign_in(browser("203.0.113.9"), "heying", "ceshi-Mima-2026").status_code == 302


def test_the_fifth_failure_locks_the_account_from_everywhere_for_fifteen_minutes(dengbao3):
    account("lin")
    with time_machine.travel(MONDAY, tick=False) as clock:
        statuses = [sign_in(browser(f"192.0.2.{number}"), "lin", "wrong").status_code for number in range(1, 6)]
        assert statuses == [200, 200, 200, 200, 429]
        assert sign_in(browser("203.0.113.9"), "lin").status_code == 429
        clock.shift(timedelta(minutes=14, seconds=59))
        assert sign_in(browser("203.0.113.9"), "lin").status_code == 429
        clock.shift(timedelta(seconds=2))
        assert sign_in(browser("203.0.113.9"), "lin").status_code == 302


def test_the_fifth_failure_locks_the_address_for_every_account(dengbao3):
    account("lin")
    for number in range(5):
        sign_in(browser("192.0.2.66"), f"somebody-{number}", "wrong")
    assert sign_in(browser("192.0.2.66"), "lin").status_code == 429
    assert sign_in(browser("192.0.2.67"), "lin").status_code == 302


def test_a_good_account_does_not_wash_an_address_clean(dengbao3):
    account("lin"), account("accomplice")
    for _turn in range(4):
        sign_in(browser("192.0.2.66"), "lin", "wrong")
    assert sign_in(browser("192.0.2.66"), "accomplice").status_code == 302
    assert sign_in(browser("192.0.2.66"), "lin", "wrong").status_code == 429


def test_control_with_axes_own_reset_it_would(dengbao3):
    account("lin"), account("accomplice")
    with override_settings(AXES_RESET_ON_SUCCESS=True):
        for _turn in range(4):
            sign_in(browser("192.0.2.66"), "lin", "wrong")
        assert sign_in(browser("192.0.2.66"), "accomplice").status_code == 302
        assert sign_in(browser("192.0.2.66"), "lin", "wrong").status_code == 200


def test_a_lock_is_seen_and_ended_by_the_security_administrator(city):
    for _turn in range(5):
        sign_in(browser(), "heying", "wrong")
    user = User.objects.get(username="heying")
    security, system = city.client("sungong"), city.client("qiangong")
    assert "已锁定" in security.get(f"/accounts/{user.pk}/").content.decode()
    assert system.post(f"/accounts/{user.pk}/unlock/").status_code == 403
    assert security.post(f"/accounts/{user.pk}/unlock/").status_code == 302
    assert sign_in(browser(), "heying", "ceshi-Mima-2026").status_code == 302


def test_the_address_is_what_our_own_proxy_saw(db):
    from django.test import RequestFactory

    from jinmai.foundation.kernel.access.lockout import client_address

    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "1.1.1.1, 203.0.113.7"})
    assert client_address(request) == "10.0.0.1"
    with under_profile("test", proxies=1):
        assert client_address(request) == "203.0.113.7"
    with under_profile("test", proxies=3):
        assert client_address(request) == "10.0.0.1"


def test_an_ipv6_client_that_changes_its_address_stays_counted(city):
    """Its network counts; a client of another network is free."""
    for turn in range(5):
        sign_in(Client(REMOTE_ADDR=f"2001:db8:1:2::{turn + 1:x}"), "heying", "wrong")
    right = "ceshi-Mima-2026"
    assert sign_in(Client(REMOTE_ADDR="2001:db8:1:2:ffff::9"), "heying", right).status_code != 302
    assert sign_in(Client(REMOTE_ADDR="2001:db8:1:3::9"), "heying", right).status_code == 302


# ---------------------------------------------------------------- telling accounts apart


def body_of(answer: Any, username: str) -> tuple[int, str]:
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    return answer.status_code, text.replace(username, "NAME")


def test_unknown_disabled_passwordless_and_wrong_are_told_the_same(dengbao3):
    account("known"), account("disabled"), account("passwordless", password=None)
    User.objects.filter(username="disabled").update(is_active=False)
    tries = {"known": "wrong", "disabled": PASSWORD, "passwordless": PASSWORD, "nobody": PASSWORD}
    told = {
        body_of(sign_in(browser(f"192.0.2.{number}"), name, password), name)
        for number, (name, password) in enumerate(tries.items(), 1)
    }
    assert len(told) == 1 and next(iter(told))[0] == 200
    locked = {
        body_of([sign_in(browser(f"192.0.2.{number}"), name, password) for _turn in range(5)][-1], name)
        for number, (name, password) in enumerate(tries.items(), 11)
    }
    assert len(locked) == 1 and next(iter(locked))[0] == 429


def test_failures_are_witnessed_alike_and_name_no_password(dengbao3):
    account("known")
    for name in ("known", "nobody"):
        sign_in(browser(), name, "wrong")
    rows = AuditEntry.objects.filter(operation="site.sign_in", outcome="refused")
    assert rows.count() == 2 and {row.code for row in rows} == {"JM-ACC-042"}


ARGON = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


def test_a_password_is_hashed_once_whether_the_account_exists_or_not(dengbao3, monkeypatch):
    with override_settings(PASSWORD_HASHERS=ARGON):
        account("known"), account("passwordless", password=None)
        hashed: list[str] = []
        for name in ("encode", "verify"):
            plain = getattr(Argon2PasswordHasher, name)

            def counted(self: Any, *given: Any, plain: Any = plain, name: str = name) -> Any:
                hashed.append(name)
                return plain(self, *given)

            monkeypatch.setattr(Argon2PasswordHasher, name, counted)
        counts = []
        for number, name in enumerate(("known", "passwordless", "nobody"), 1):
            hashed.clear()
            sign_in(browser(f"192.0.2.{number}"), name, "wrong")
            counts.append(len(hashed))
    assert counts == [1, 1, 1]


@pytest.mark.long
def test_the_median_time_tells_no_account_from_none(dengbao3, say):
    with override_settings(PASSWORD_HASHERS=ARGON, AXES_FAILURE_LIMIT=10_000):
        account("known")
        took: dict[str, list[float]] = {"known": [], "nobody": []}
        clients = {name: browser(f"192.0.2.{number}") for number, name in enumerate(took, 1)}
        for turn in range(160):
            name = ("known", "nobody")[turn % 2]
            started = time.perf_counter()
            sign_in(clients[name], name, "wrong")
            took[name].append(time.perf_counter() - started)
    known, nobody = median(took["known"][5:]), median(took["nobody"][5:])
    gap = abs(known - nobody) / max(known, nobody)
    say({"median_ms_known": round(known * 1e3, 2), "median_ms_nobody": round(nobody * 1e3, 2), "gap": round(gap, 4)})
    assert gap < 0.10


# ---------------------------------------------------------------- sessions


def session_of(client: Any) -> str:
    return client.cookies["jinmai_session"].value


def test_signing_in_leaves_no_session_that_was_there_before(db):
    account("lin")
    client = browser()
    client.post("/language/", {"language": "en", "next": "/login/"})
    fixed = client.session
    fixed["planted"] = "by somebody else"
    fixed.save()
    client.cookies["jinmai_session"] = fixed.session_key
    sign_in(client, "lin")
    assert session_of(client) != fixed.session_key and "planted" not in client.session
    assert not Session.objects.filter(pk=fixed.session_key).exists()
    thief = browser("203.0.113.5")
    thief.cookies["jinmai_session"] = fixed.session_key
    assert not is_in(thief)


def test_each_step_up_gives_the_session_a_new_id(db):
    user = account("lin")
    device = with_app(user)
    client = browser()
    sign_in(client, "lin")
    half = session_of(client)
    assert not is_in(client), "the password alone is not enough"
    client.post("/login/factor/", {"code": code_of(device)})
    whole = session_of(client)
    assert is_in(client) and whole != half
    thief = browser("203.0.113.5")
    thief.cookies["jinmai_session"] = half
    assert not is_in(thief)


def test_switching_the_post_gives_the_session_a_new_id(db):
    user = account("lin", "bureau.section_chief", "bureau")
    place = Organisation.objects.create(code="second", name="second", kind="bureau", path="/second/")
    other = actions.appoint(Actor.platform(), user=user, organisation=place, role="bureau.director")
    client = browser()
    sign_in(client, "lin")
    before = session_of(client)
    client.post("/switch/", {"membership": other.pk})
    assert session_of(client) != before and not Session.objects.filter(pk=before).exists()


def test_proving_again_gives_the_session_a_new_id(db):
    account("lin")
    client = browser()
    sign_in(client, "lin")
    before = session_of(client)
    assert client.post("/security/confirm/", {"proof": "wrong"}).status_code == 200
    assert client.post("/security/confirm/", {"proof": PASSWORD}).status_code == 302
    assert session_of(client) != before


def test_signing_out_clears_session_cookie_and_browser(db):
    account("lin")
    client = browser()
    sign_in(client, "lin")
    key = session_of(client)
    answer = client.post("/logout/")
    assert not Session.objects.filter(pk=key).exists()
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert answer.cookies["jinmai_session"]["max-age"] == 0


def test_a_session_ends_when_idle_for_fifteen_minutes(dengbao3):
    account("lin")
    client = browser()
    with time_machine.travel(MONDAY, tick=False) as clock:
        sign_in(client, "lin")
        clock.shift(timedelta(minutes=15))
        assert is_in(client)
        clock.shift(timedelta(minutes=15, seconds=1))
        assert client.get("/").status_code == 302
        assert "为安全起见已退出" in client.get("/login/").content.decode()


def test_a_session_ends_after_twelve_hours_of_work(dengbao3):
    account("lin")
    client = browser()
    with time_machine.travel(MONDAY, tick=False) as clock:
        sign_in(client, "lin")
        for _turn in range(72):
            clock.shift(timedelta(minutes=10))
            assert is_in(client)
        clock.shift(timedelta(seconds=1))
        assert not is_in(client)


def test_control_the_demo_lets_one_idle_for_longer(db):
    account("lin")
    client = browser()
    with time_machine.travel(MONDAY, tick=False) as clock:
        sign_in(client, "lin")
        clock.shift(timedelta(minutes=30))
        assert is_in(client)


def test_a_clock_that_steps_back_gives_no_session_a_second_life(dengbao3):
    account("lin")
    client = browser()
    with time_machine.travel(MONDAY, tick=False):
        sign_in(client, "lin")
    with time_machine.travel(MONDAY - timedelta(seconds=10), tick=False):
        assert is_in(client), "ten seconds are a clock being set right"
    with time_machine.travel(MONDAY - timedelta(days=1), tick=False):
        assert not is_in(client)


# ---------------------------------------------------------------- codes


def test_a_code_opens_once(db):
    user = account("lin")
    device = with_app(user)
    code = code_of(device)
    assert second_factor.check_code(user, code) == "totp"
    assert second_factor.check_code(user, code) == ""


def test_control_without_the_remembered_step_a_code_opens_twice(db):
    user = account("lin")
    device = with_app(user)
    code = code_of(device)
    assert second_factor.check_code(user, code) == "totp"
    second_factor.SealedTotp.objects.filter(user=user).update(
        last_t=-1, throttling_failure_count=0, throttling_failure_timestamp=None
    )
    assert second_factor.check_code(user, code) == "totp"


def test_no_code_is_revived_by_a_clock_that_steps_back(db):
    user = account("lin")
    device = with_app(user)
    with time_machine.travel(MONDAY, tick=False) as clock:
        earlier, now = code_of(device, -2), code_of(device)
        assert second_factor.check_code(user, now) == "totp"
        for back in (30, 60, 90):
            clock.move_to(MONDAY - timedelta(seconds=back))
            second_factor.SealedTotp.objects.filter(user=user).update(
                throttling_failure_count=0, throttling_failure_timestamp=None
            )
            assert second_factor.check_code(user, now) == ""
            second_factor.SealedTotp.objects.filter(user=user).update(
                throttling_failure_count=0, throttling_failure_timestamp=None
            )
            assert second_factor.check_code(user, earlier) == ""


def test_a_recovery_code_opens_once_and_is_kept_as_a_digest(db):
    from django_otp.plugins.otp_static.models import StaticToken

    user = account("lin")
    with_app(user)
    codes = second_factor.make_codes(user)
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(codes) == 10 and not kept & {code.replace("-", "") for code in codes}
    assert second_factor.check_code(user, codes[3].lower().replace("-", " ")) == "recovery"
    assert second_factor.check_code(user, codes[3]) == ""
    assert second_factor.codes_left(user) == 9


def test_the_secret_of_an_app_lies_encrypted_in_the_database(db):
    device = with_app(account("lin"))
    assert len(device.key) == 80 and device.bin_key.hex() not in device.key
    changed = ("0" if device.key[40] != "0" else "1").join((device.key[:40], device.key[41:]))
    from cryptography.exceptions import InvalidTag

    with pytest.raises(InvalidTag):
        second_factor.unseal(changed)


def test_five_wrong_codes_lock_like_five_wrong_passwords(dengbao3):
    user = account("lin")
    device = with_app(user)
    client = browser()
    sign_in(client, "lin")
    for _turn in range(5):
        client.post("/login/factor/", {"code": "000000" if code_of(device) != "000000" else "111111"})
    assert not is_in(client)
    assert sign_in(browser("203.0.113.5"), "lin").status_code == 429


def try_code(_who: Any, what: tuple[int, str]) -> None:
    """One of several who send the same code."""
    if not second_factor.check_code(User.objects.get(pk=what[0]), what[1]):
        raise Refusal("JM-ACC-038", "…")


def try_code_unguarded(_who: Any, what: tuple[int, str]) -> None:
    """The control: the app's row is read without a lock, as django-otp does by itself."""
    device = second_factor.SealedTotp.objects.get(user_id=what[0], confirmed=True)
    time.sleep(0.05)  # as long as any page takes between reading and writing
    if not device.verify_token(what[1]):
        raise Refusal("JM-ACC-038", "…")


def rounds_of(accounts: int, prefix: str) -> list[tuple[int, str]]:
    made = []
    for number in range(accounts):
        user = account(f"{prefix}-{number}")
        device = with_app(user)
        code = second_factor.make_codes(user)[0] if number % 2 else code_of(device, 1)
        made.append((user.pk, code))
    return made


@pytest.mark.django_db(transaction=True)
def test_of_many_who_send_one_code_at_once_one_gets_in(say):
    outcomes = race(try_code, range(8), rounds_of(10, "racer"))
    winners = [sum(one.said == WON for one in outcomes if one.round == turn) for turn in range(10)]
    faults = [one.said for one in outcomes if one.said not in (WON, REFUSED)]
    say({"processes": 8, "codes": 10, "winners": sum(winners), "faults": len(faults)})
    assert winners == [1] * 10 and not faults


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_one_code_lets_several_in():
    rounds = [one for one in rounds_of(6, "racer") if one[1].isdecimal()]
    outcomes = race(try_code_unguarded, range(8), rounds)
    assert sum(one.said == WON for one in outcomes) > len(rounds)
