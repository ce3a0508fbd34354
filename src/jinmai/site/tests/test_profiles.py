"""Profiles: their policies are dated and cited, settings follow from them, a fresh home has no account, passwords age."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from jinmai.foundation.kernel.access import actions, passwords
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.policy import declared, policy_of
from jinmai.foundation.kernel.errors import Broken, Refusal
from jinmai.foundation.kernel.home import PROFILES, create_home, open_home
from jinmai.site.profile import settings_of
from jinmai.site.serve import refuse_used_port
from tests.backends.small_city import PASSWORD
from tests.security.profiles import browser, under_profile

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
GOOD = ("Right-horse-battery-7", "Jinmai-Ceshi-2026a", "Zaixian.Duihe.88", "Yi-er-san-Si-5566", "Qiu-shi-Lin-7788",
        "Dong-ting-Hu-9900")  # fmt: skip


@pytest.fixture
def dengbao3(db: None) -> Iterator[None]:
    with under_profile("dengbao3"):
        yield


# ---------------------------------------------------------------- the policies


@pytest.mark.parametrize("profile", PROFILES)
def test_each_value_is_dated_and_cites_what_is_listed(profile):
    said, policy = declared(profile), policy_of(profile)
    assert policy.profile == profile and isinstance(said["checked_on"], date)
    assert all(isinstance(row["from"], date) for row in said["values"].values())
    cited = {row["cite"] for row in said["values"].values()} - {None}
    assert cited == set(said["cites"])


def test_level_three_says_what_the_assessor_looks_for():
    policy = policy_of("dengbao3")
    assert asdict(policy) | {
        "password_min_length": 10, "password_classes": 3, "password_days": 90, "password_history": 5,
        "first_password_changes": True, "lock_after": 5, "lock_minutes": 15, "lock_apart": True,
        "lock_account_after": None, "idle_minutes": 15, "session_hours": 12, "unused_days": 90,
        "tls": "always", "operations_off": ("site.api_docs", "site.api_document"),
    } == asdict(policy)  # fmt: skip
    assert all(row["cite"] for row in declared("dengbao3")["values"].values())
    asked = ("admin.audit", "bureau.director", "supervision.section_chief", "institution.manager", "district.clerk")
    assert all(policy.asks_factor_of(role) for role in asked) and not policy.asks_factor_of("firm.accountant")


def test_the_policy_in_force_is_a_page_with_its_basis(city):
    from jinmai.foundation.kernel.access.policy import labels

    assert set(labels()) == set(declared("dengbao3")["values"])
    page = city.client("ligong").get("/policy/").content.decode()
    assert "本平台取值" in page and "240 分钟" in page
    with under_profile("dengbao3"):
        client = browser()
        client.cookies = city.client("sungong").cookies
        page = client.get("/policy/").content.decode()
    assert "8.1.4.1" in page and "15 分钟" in page and "机构经理" in page
    assert city.client("heying").get("/policy/").status_code == 403


def test_settings_follow_from_the_profile(monkeypatch):
    monkeypatch.setenv("JINMAI_PLAIN_HTTP", "1")
    strict, closed = settings_of(policy_of("dengbao3")), settings_of(policy_of("standard"))
    assert strict["SESSION_COOKIE_SECURE"] and strict["SECURE_SSL_REDIRECT"] and strict["SECURE_HSTS_SECONDS"] > 0
    assert strict["AXES_LOCKOUT_PARAMETERS"] == ["username", "ip_address"]
    assert strict["AXES_COOLOFF_TIME"] == timedelta(minutes=15)
    assert not closed["SESSION_COOKIE_SECURE"], "a closed network without TLS may say so"
    monkeypatch.delenv("JINMAI_PLAIN_HTTP")
    assert settings_of(policy_of("standard"))["SESSION_COOKIE_SECURE"]


def test_level_three_turns_the_description_of_the_api_off(city):
    from jinmai.foundation.kernel.access.permissions import operations

    assert all(name in operations() for profile in PROFILES for name in policy_of(profile).operations_off)
    assert city.client("qiangong").get("/api-docs/openapi.json").status_code == 200
    with under_profile("dengbao3"):
        client = browser()
        client.cookies = city.client("qiangong").cookies
        for page in ("/api-docs/", "/api-docs/openapi.json"):
            assert client.get(page).status_code == 403
        assert "/api-docs/" not in client.get("/").content.decode()


def test_cookies_and_transport_of_level_three(dengbao3):
    client = browser()
    answer = client.get("/login/")
    assert answer["Strict-Transport-Security"].startswith("max-age=31536000")
    assert answer.cookies["jinmai_csrf"]["secure"] and answer.cookies["jinmai_csrf"]["httponly"]
    from django.test import Client

    assert Client().get("/login/").status_code == 301, "without TLS one is sent to it"
    assert Client().get("/healthz/").status_code == 200


def test_a_demo_beside_a_server_and_a_short_audit_are_refused(tmp_path):
    with pytest.raises(Broken, match="SQLite"):
        create_home(tmp_path / "demo", "demo", database="postgresql://server/real")
    assert not (tmp_path / "demo").exists()
    home = create_home(tmp_path / "standard", "standard")
    said = (home.path / "jinmai.toml").read_text(encoding="utf-8")
    (home.path / "jinmai.toml").write_text(f"{said}audit_days = 179\n", encoding="utf-8")
    with pytest.raises(Broken, match="180 days"):
        open_home(home.path)
    (home.path / "jinmai.toml").write_text(f"{said}audit_days = 180\n", encoding="utf-8")
    assert open_home(home.path).declared["audit_days"] == 180


# ---------------------------------------------------------------- passwords


def test_a_port_that_another_program_holds_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refusal) as refusal:
            refuse_used_port("127.0.0.1", port)
    assert refusal.value.code == "JM-SIT-010" and str(port) in refusal.value.reason
    refuse_used_port("127.0.0.1", port)  # the control: once it is free, nobody is refused


def refused(password: str, user: User | None = None) -> str:
    with pytest.raises(Refusal) as refusal:
        passwords.refuse_unfit(password, user)
    return refusal.value.code


@pytest.mark.parametrize("password", ["Short-1a", "onlysmallletters", "small-and-signs", "ALLCAPITALS2026", "1234567890"])
def test_level_three_wants_ten_characters_of_three_classes(dengbao3, password):
    assert refused(password) == "JM-ACC-020"


def test_control_a_good_password_passes(dengbao3):
    for password in GOOD:
        passwords.refuse_unfit(password)


def test_control_elsewhere_classes_are_not_asked_for(db):
    passwords.refuse_unfit("small-and-long-enough")


def test_the_last_five_passwords_are_barred(dengbao3):
    user = actions.register_user(Actor.platform(), username="lin", display_name="林", password=GOOD[0])
    for password in GOOD[1:]:
        passwords.refuse_unfit(password, user)
        passwords.set_password(user, password, must_change=False)
    assert [refused(password, user) for password in GOOD[1:]] == ["JM-ACC-021"] * 5
    passwords.refuse_unfit(GOOD[0], user)  # the sixth back may come again
    assert user.former_passwords.count() == 5


def test_one_time_passwords_fit_every_profile(db):
    for profile in PROFILES:
        with under_profile(profile):
            made = {passwords.one_time_password() for _turn in range(200)}
            for one in made:
                passwords.refuse_unfit(one)
    assert len(made) == 200


@pytest.fixture
def firm(city: Any) -> Iterator[Any]:
    with under_profile("dengbao3"):
        User.objects.update(last_login=MONDAY, password_set_at=MONDAY)
        yield city


def sign_in(client: Any, username: str, password: str = PASSWORD) -> Any:
    return client.post("/login/", {"username": username, "password": password})


def test_the_first_password_is_changed_before_anything_else(firm):
    User.objects.filter(username="xuan").update(must_change_password=True)
    with time_machine.travel(MONDAY, tick=False):
        client = browser()
        assert sign_in(client, "xuan")["Location"] == "/login/password/"
        assert "一次性口令" in client.get("/login/password/").content.decode() and client.get("/").status_code == 302
        again = client.post("/login/password/", {"password": PASSWORD, "again": PASSWORD})
        assert "JM-ACC-021" in again.content.decode(), "the one-time password itself is no new one"
        assert client.post("/login/password/", {"password": GOOD[0], "again": GOOD[0]})["Location"] == "/"
        assert client.get("/").status_code == 200 and sign_in(browser(), "xuan", GOOD[0])["Location"] == "/"


def test_a_password_is_good_for_ninety_days(firm):
    for days, place in ((90, "/"), (91, "/login/password/")):
        with time_machine.travel(MONDAY + timedelta(days=days), tick=False):
            User.objects.update(last_login=MONDAY + timedelta(days=days - 1))
            assert sign_in(browser(), "xuan")["Location"] == place
    with under_profile("standard"), time_machine.travel(MONDAY + timedelta(days=400), tick=False):
        assert sign_in(browser(), "xuan")["Location"] == "/", "the control: elsewhere passwords do not age"


def test_an_account_unused_for_ninety_days_is_disabled(firm):
    User.objects.update(last_seen_at=MONDAY, created_at=MONDAY)
    with time_machine.travel(MONDAY + timedelta(days=91), tick=False):
        client = browser()
        assert "JM-ACC-044" in sign_in(client, "xuan").content.decode()
        assert not User.objects.get(username="xuan").is_active and client.get("/").status_code == 302
        actions.enable_account(firm.actor("sungong"), user=User.objects.get(username="xuan"))
        assert sign_in(browser(), "xuan").status_code == 302
        found = actions.disable_unused(Actor.platform())
        assert "heying" in [user.username for user in found] and "xuan" not in [user.username for user in found]
    with under_profile("standard"):
        assert actions.disable_unused(Actor.platform()) == []


def test_unused_accounts_are_disabled_by_a_daily_job(firm):
    from jinmai.foundation.kernel.jobs import enqueue, run_next

    User.objects.exclude(username="qiangong").update(
        last_seen_at=MONDAY, created_at=MONDAY, last_login=MONDAY, password_set_at=MONDAY
    )
    with time_machine.travel(MONDAY + timedelta(days=91), tick=False):
        job = enqueue(Actor.platform(), "kernel.disable_unused", {}, title="停用久未使用的账号")
        run_next("test")
    job.refresh_from_db()
    assert job.result["inactive"] > 20 and not User.objects.get(username="heying").is_active


def test_a_reset_password_is_shown_once_ends_sessions_and_must_be_changed(city):
    import re

    victim, admin = city.client("heying"), city.client("qiangong")
    user = User.objects.get(username="heying")
    page = admin.post(f"/accounts/{user.pk}/password/").content.decode()
    password = re.search(r'<code class="secret">([^<]+)</code>', page)[1]
    assert password not in admin.get(f"/accounts/{user.pk}/").content.decode()
    assert victim.get("/").status_code == 302, "sessions elsewhere end"
    assert sign_in(browser(), "heying", password)["Location"] == "/login/password/"
    assert sign_in(browser(), "heying").status_code == 200, "the old one opens nothing"
    own = User.objects.get(username="qiangong")
    with pytest.raises(Refusal) as refusal:
        actions.reset_password(city.actor("qiangong"), user=own)
    assert refusal.value.code == "JM-ACC-022"


def test_states_of_accounts_are_told_as_they_are(city):
    actions.register_user(Actor.platform(), username="silent", display_name="未设", password=None)
    actions.register_user(Actor.platform(), username="fresh", display_name="新来", password=GOOD[0], one_time=True)
    for _turn in range(5):
        sign_in(browser(), "luosen", "wrong")
    page = city.client("sungong").get("/accounts/?export=csv")
    rows = {line.split(",")[1]: line for line in page.content.decode("utf-8-sig").splitlines()}
    told = {"silent": "未设置口令", "fresh": "待首次登录", "luosen": "已锁定", "t_disabled": "已停用", "heying": "可登录"}
    assert {name: state for name, state in told.items() if state in rows[name]} == told


def test_a_disabled_account_is_out_at_once(city):
    client, security = city.client("heying"), city.client("sungong")
    user = User.objects.get(username="heying")
    assert client.get("/").status_code == 200
    security.post(f"/accounts/{user.pk}/disable/")
    assert client.get("/").status_code == 302
    security.post(f"/accounts/{user.pk}/enable/")
    assert sign_in(browser(), "heying").status_code == 302


# ---------------------------------------------------------------- a fresh home


def test_a_fresh_home_has_no_account_and_makes_three_administrators_once(tmp_path):
    left_out = ("JINMAI_HOME", "DJANGO_SETTINGS_MODULE", "JINMAI_TEST_SETTINGS", "JINMAI_DATABASE")
    clean = {name: value for name, value in os.environ.items() if name not in left_out}
    program = [sys.executable, "-c", "from jinmai.cli import main; main()", "users", "create-admin", "--json"]
    command = [*program, "--home", str(tmp_path / "home"), "--profile", "dengbao3", "--system", "钱工"]
    first = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    made = json.loads(first.stdout)["created"]
    assert [one["role"] for one in made] == ["admin.system", "admin.security", "admin.audit"]
    assert made[0]["name"] == "钱工" and len({one["password"] for one in made}) == 3
    again = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert again.returncode == 2 and "accounts already" in again.stderr
    assert open_home(tmp_path / "home").profile == "dengbao3"
