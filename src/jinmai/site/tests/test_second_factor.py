"""The second factor as a person meets it: forced or chosen, app or passkey, recovery codes, loss, proving again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_otp.oath import TOTP
from playwright.sync_api import expect

from jinmai.foundation.kernel.access import actions, second_factor
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import FactorReset, PasskeyCredential, User
from jinmai.foundation.kernel.errors import Refusal
from tests.backends.small_city import PASSWORD
from tests.security.profiles import browser, under_profile

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def dengbao3(city: Any) -> Iterator[Any]:
    with under_profile("dengbao3"):
        User.objects.update(last_login=datetime.now(UTC), password_set_at=datetime.now(UTC))
        yield city


def sign_in(client: Client, username: str) -> Any:
    return client.post("/login/", {"username": username, "password": PASSWORD})


def code_for(user: User, *, confirmed: bool = True, steps: int = 0) -> str:
    device = second_factor.SealedTotp.objects.get(user=user, confirmed=confirmed)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06d}"


def enrol(client: Client, user: User) -> list[str]:
    """Set up an app through its pages; the recovery codes that the answer shows."""
    import re

    page = client.get("/security/totp/").content.decode()
    assert "data:image/svg+xml" in page
    done = client.post("/security/totp/", {"code": code_for(user, confirmed=False)})
    return re.findall(r"<li><code>([A-Z2-9-]+)</code></li>", done.content.decode())


@pytest.mark.parametrize("username", ["linqiushi", "shenyihe", "heying", "sungong"])
def test_posts_that_must_have_one_cannot_get_in_without(dengbao3, username):
    client = browser()
    assert sign_in(client, username)["Location"] == "/login/enrol/"
    assert client.get("/").status_code == 302 and client.get("/login/next/")["Location"] == "/login/enrol/"
    user = User.objects.get(username=username)
    assert len(enrol(client, user)) == 10
    assert client.get("/login/next/")["Location"] == "/"
    assert client.get("/").status_code == 200


def test_control_a_firm_need_not(dengbao3):
    client = browser()
    assert sign_in(client, "xuan")["Location"] == "/" and client.get("/").status_code == 200


def test_one_who_has_an_app_is_asked_each_time(city):
    client = Client()
    sign_in(client, "heying")
    user = User.objects.get(username="heying")
    codes = enrol(client, user)
    client.post("/logout/")
    again = Client()
    assert sign_in(again, "heying")["Location"] == "/login/factor/"
    assert "JM-ACC-038" in again.post("/login/factor/", {"code": "12 34 56"}).content.decode()
    assert again.get("/").status_code == 302
    assert again.post("/login/factor/", {"code": codes[0]})["Location"] == "/"
    assert again.get("/").status_code == 200
    page = again.get("/security/").content.decode()
    assert "已启用" in page and "还有 9 个没用过" in page


def test_a_half_open_door_closes_after_ten_minutes(city):
    user = User.objects.get(username="heying")
    device = second_factor.begin_totp(user)
    second_factor.SealedTotp.objects.filter(pk=device.pk).update(confirmed=True)
    client = Client()
    with time_machine.travel(MONDAY, tick=False) as clock:
        sign_in(client, "heying")
        clock.shift(timedelta(minutes=10, seconds=1))
        assert client.post("/login/factor/", {"code": code_for(user)})["Location"] == "/login/next/"
        assert client.get("/login/next/")["Location"] == "/login/"


def test_one_cannot_enrol_with_a_password_alone_when_a_factor_exists(city):
    """A stolen password must not be enough to set up a factor of the thief's own."""
    user = User.objects.get(username="heying")
    device = second_factor.begin_totp(user)
    second_factor.SealedTotp.objects.filter(pk=device.pk).update(confirmed=True)
    thief = Client()
    sign_in(thief, "heying")
    assert thief.get("/security/totp/").status_code == 302
    assert thief.post("/security/passkey/", "{}", content_type="application/json").status_code == 401
    assert thief.get("/login/enrol/").status_code == 302


def test_what_matters_is_asked_again_after_ten_minutes(city):
    client = city.client("sungong")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False):
        assert client.get("/security/totp/")["Location"].startswith("/security/confirm/")
        assert client.post("/security/codes/")["Location"].startswith("/security/confirm/")
        user = User.objects.get(username="heying")
        answer = client.post(f"/accounts/{user.pk}/factor/confirm/")
        assert answer["Location"].startswith("/security/confirm/")
        client.post("/security/confirm/", {"proof": PASSWORD})
        assert client.get("/security/totp/").status_code == 200


def test_the_last_factor_of_a_post_that_must_have_one_stays(dengbao3):
    user, actor = User.objects.get(username="heying"), dengbao3.actor("heying")
    device = second_factor.begin_totp(user)
    second_factor.SealedTotp.objects.filter(pk=device.pk).update(confirmed=True)
    with pytest.raises(Refusal) as refusal:
        actions.remove_factor(actor, user=user)
    assert refusal.value.code == "JM-ACC-032" and second_factor.has_factor(user)
    with under_profile("standard"):  # the control: where none is asked for, it may go
        actions.remove_factor(actor, user=user)
    assert not second_factor.has_factor(user)


def test_a_lost_factor_takes_two_administrators(city):
    user = User.objects.get(username="heying")
    device = second_factor.begin_totp(user)
    second_factor.SealedTotp.objects.filter(pk=device.pk).update(confirmed=True)
    system, security = city.client("qiangong"), city.client("sungong")
    confirm = f"/accounts/{user.pk}/factor/confirm/"
    assert security.post(f"/accounts/{user.pk}/factor/ask/", {"reason": "本人到场"}).status_code == 403
    assert "JM-ACC-035" in security.post(confirm, follow=True).content.decode()
    assert system.post(f"/accounts/{user.pk}/factor/ask/", {"reason": "本人持证件到场"}).status_code == 302
    assert system.post(confirm).status_code == 403 and second_factor.has_factor(user)
    assert "本人持证件到场" in security.get(f"/accounts/{user.pk}/").content.decode()
    assert security.post(confirm).status_code == 302 and not second_factor.has_factor(user)
    asked = FactorReset.objects.get()
    assert (asked.asked_by.username, asked.decided_by.username) == ("qiangong", "sungong")


def test_one_person_with_both_posts_cannot_do_it_alone(city):
    user = User.objects.get(username="heying")
    FactorReset.objects.create(user=user, asked_by=User.objects.get(username="sungong"), reason="自问自答")
    with pytest.raises(Refusal) as refusal:
        actions.confirm_factor_reset(city.actor("sungong"), user=user)
    assert refusal.value.code == "JM-ACC-036"


def test_anothers_passkey_is_not_there(city):
    theirs = PasskeyCredential.objects.create(
        user=User.objects.get(username="luosen"), credential_id="x", public_key=b"x", label="罗森的"
    )
    client = city.client("heying")
    for path, form in (("rename", {"label": "mine"}), ("", {})):
        place = "/security/passkey/rename/" if path else "/security/remove/"
        answers = [client.post(place, {"passkey": key, **form}) for key in (theirs.pk, 999_999_999)]
        assert [one.status_code for one in answers] == [404, 404]
    theirs.refresh_from_db()
    assert theirs.label == "罗森的"


# ---------------------------------------------------------------- passkeys, in Chromium


@pytest.fixture
def authenticator(browser_page: Any) -> Any:
    """A security key of Chromium's own making."""
    session = browser_page.context.new_cdp_session(browser_page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def fill_in(page: Any, base: str, username: str) -> None:
    page.goto(f"{base}/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.click("button[data-once]")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_passkey_is_added_used_renamed_and_removed(city, live_server, browser_page, authenticator):
    page, base = browser_page, live_server.url
    fill_in(page, base, "heying")
    page.goto(f"{base}/security/")
    page.fill("[data-label]", "支行电脑")
    page.click("[data-passkey=add] button")
    page.wait_for_url("**/security/codes/first/")
    page.click("button.primary:has-text('显示恢复码')")
    expect(page.locator(".codes li")).to_have_count(10)
    held = PasskeyCredential.objects.get()
    assert (held.label, held.user.username) == ("支行电脑", "heying")
    page.context.clear_cookies()
    fill_in(page, base, "heying")
    page.wait_for_url("**/login/factor/")
    page.click("[data-passkey=use] button")
    page.wait_for_url(f"{base}/")
    assert "何盈" in page.inner_text("header")
    held.refresh_from_db()
    assert held.last_used_at is not None and held.sign_count > 0
    page.goto(f"{base}/security/")
    page.fill(".table [name=label]", "家里电脑")
    with page.expect_navigation():
        page.click("text=改名")
    assert PasskeyCredential.objects.get().label == "家里电脑"
    page.on("dialog", lambda dialog: dialog.accept())
    page.click(".table >> text=移除")
    page.wait_for_selector("text=已移除")
    assert not PasskeyCredential.objects.exists() and page.complaints == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_copied_passkey_and_a_strange_one_are_refused(city, live_server, browser_page, authenticator):
    page, base = browser_page, live_server.url
    fill_in(page, base, "heying")
    page.goto(f"{base}/security/")
    page.click("[data-passkey=add] button")
    page.wait_for_url("**/security/codes/first/")
    PasskeyCredential.objects.update(sign_count=10_000)  # somebody used a copy of it elsewhere
    page.context.clear_cookies()
    fill_in(page, base, "heying")
    page.wait_for_url("**/login/factor/")
    page.click("[data-passkey=use] button")
    page.wait_for_selector(".problem:visible")
    assert "JM-ACC-037" in page.inner_text(".problem")
    assert Client().get("/").status_code == 302
    PasskeyCredential.objects.update(sign_count=0)  # the control: the same key, the count in order
    page.click("[data-passkey=use] button")
    page.wait_for_url(f"{base}/")


def test_a_challenge_counts_once_and_only_in_its_own_session(city):
    client = city.client("heying")
    PasskeyCredential.objects.create(
        user=User.objects.get(username="heying"), credential_id="eA", public_key=b"x", label="x"
    )
    place = "/login/factor/passkey/"
    asked = client.post(place, "{}", content_type="application/json")
    assert asked.status_code == 200 and "passkey_challenge" in client.session
    answer = client.post(place, '{"credential": {"id": "eA"}}', content_type="application/json")
    assert answer.status_code == 400 and "passkey_challenge" not in client.session
    assert client.post(place, '{"credential": "nonsense"}', content_type="application/json").status_code == 400
    assert client.post(place, "not json", content_type="application/json").status_code == 200
    assert Client().post(place, "{}", content_type="application/json").status_code == 401


def test_recovery_codes_alone_are_no_factor(city):
    with pytest.raises(Refusal) as refusal:
        actions.renew_recovery_codes(city.actor("heying"), user=User.objects.get(username="heying"))
    assert refusal.value.code == "JM-ACC-033"


def test_the_platform_resets_nobodys_factor():
    from jinmai.foundation.kernel.access.permissions import operations

    for verb in ("ask_factor_reset", "confirm_factor_reset"):
        assert Actor.platform().role not in operations()[f"kernel.{verb}"].roles
