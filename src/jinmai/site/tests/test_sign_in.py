"""Signing in, the lock after five wrong passwords, switching posts, passwords, and where one may be sent on to."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from jinmai.foundation.kernel.access import actions
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.organisations.models import Organisation

pytestmark = pytest.mark.django_db
PASSWORD = "right-horse-battery"


@pytest.fixture
def person() -> User:
    platform = Actor.platform()
    made = actions.register_user(platform, username="lin-test", display_name="林秋实", password=PASSWORD)
    for code, name, role in (
        ("bureau-test", "市地方金融管理局", "bureau.section_chief"),
        ("taskforce-test", "东汀区工作专班", "district.clerk"),
    ):
        organisation = Organisation.objects.create(code=code, name=name, kind="bureau", path=f"/{code}/")
        actions.appoint(platform, user=made, organisation=organisation, role=role)
    return made


def sign_in(client: Client, password: str, **extra: str):
    return client.post("/login/", {"username": "lin-test", "password": password, **extra})


@pytest.fixture
def signed_in(person: User, client: Client) -> Client:
    assert sign_in(client, PASSWORD).status_code == 302
    return client


def test_a_stranger_is_sent_to_the_login_page(client):
    answer = client.get("/tasks/")
    assert answer.status_code == 302 and answer["Location"] == "/login/?next=/tasks/"


def test_right_password_opens_the_workbench_and_is_witnessed(signed_in):
    page = signed_in.get("/").content.decode()
    assert "工作台" in page and "林秋实" in page and "融资服务科科长" in page
    assert AuditEntry.objects.filter(operation="site.sign_in", chain="bureau-test").count() == 1


def test_wrong_password_says_so_and_keeps_the_account_name(person, client):
    answer = sign_in(client, "wrong")
    assert answer.status_code == 200
    assert "账号或口令不正确" in answer.content.decode() and "lin-test" in answer.content.decode()


def test_the_fifth_wrong_password_locks_even_the_right_one(person, client):
    statuses = [sign_in(client, "wrong").status_code for _turn in range(5)]
    assert statuses == [200, 200, 200, 200, 429]
    locked = sign_in(client, PASSWORD)
    assert locked.status_code == 429 and "账号已锁定" in locked.content.decode()


def test_control_four_wrong_passwords_do_not_lock(person, client):
    for _turn in range(4):
        sign_in(client, "wrong")
    assert sign_in(client, PASSWORD).status_code == 302


@override_settings(AXES_ENABLED=False)
def test_control_without_the_lock_the_right_password_would_open(person, client):
    for _turn in range(5):
        sign_in(client, "wrong")
    assert sign_in(client, PASSWORD).status_code == 302


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(person, client, elsewhere):
    assert sign_in(client, PASSWORD, next=elsewhere)["Location"] == "/"


def test_one_is_sent_on_to_a_page_of_this_site(person, client):
    assert sign_in(client, PASSWORD, next="/tasks/")["Location"] == "/tasks/"


def test_switching_posts_changes_role_and_session(signed_in, person):
    before = signed_in.session.session_key
    other = person.memberships.get(role="district.clerk")
    assert signed_in.post("/switch/", {"membership": other.pk}).status_code == 302
    assert "专班干事" in signed_in.get("/").content.decode()
    assert signed_in.session.session_key != before


def test_nobody_switches_to_another_persons_post(signed_in):
    stranger = actions.register_user(Actor.platform(), username="other", display_name="他人", password=PASSWORD)
    post = actions.appoint(
        Actor.platform(),
        user=stranger,
        organisation=Organisation.objects.get(code="bureau-test"),
        role="bureau.director",
    )
    assert signed_in.post("/switch/", {"membership": post.pk}).status_code == 404
    assert "局长" not in signed_in.get("/").content.decode()


def test_password_is_changed_only_with_the_old_one(signed_in, client, person):
    new = "a-longer-new-password"
    wrong = signed_in.post("/password/", {"current": "wrong", "password": new, "again": new})
    assert "JM-SIT-001" in wrong.content.decode()
    weak = signed_in.post("/password/", {"current": PASSWORD, "password": "short", "again": "short"})
    assert weak.status_code == 200
    assert signed_in.post("/password/", {"current": PASSWORD, "password": new, "again": new}).status_code == 302
    assert signed_in.get("/").status_code == 200
    person.refresh_from_db()
    assert person.check_password(new)


def test_signing_out_ends_the_session(signed_in):
    assert signed_in.post("/logout/").status_code == 302
    assert signed_in.get("/").status_code == 302
    assert signed_in.get("/logout/").status_code == 405


def test_a_form_from_elsewhere_is_refused(person):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/login/", {"username": "lin-test", "password": PASSWORD})
    assert answer.status_code == 403 and "页面已过期" in answer.content.decode()


def test_an_account_without_a_post_is_told_whom_to_ask(client):
    actions.register_user(Actor.platform(), username="lin-test", display_name="无岗", password=PASSWORD)
    sign_in(client, PASSWORD)
    answer = client.get("/")
    assert answer.status_code == 403 and "没有有效岗位" in answer.content.decode()


def test_chinese_is_spoken_whatever_the_browser_wishes(client):
    answer = client.get("/login/", headers={"accept-language": "en-GB"})
    assert answer["Content-Language"] == "zh-hans"
    client.post("/language/", {"language": "en", "next": "/login/"})
    assert client.get("/login/")["Content-Language"] == "en"


def test_health_is_public(client):
    assert client.get("/healthz/").json() == {"ok": True}


def test_unknown_addresses_have_a_page(client):
    answer = client.get("/nowhere/")
    assert answer.status_code == 404 and "没有找到" in answer.content.decode()
    assert client.get("/api/v1/nowhere")["Content-Type"] == "application/problem+json"


def test_a_fault_of_ours_has_a_page_and_shows_no_trace(client, monkeypatch):
    from jinmai.site.views import signing

    client.raise_request_exception = False
    monkeypatch.setattr(signing, "SignInForm", lambda data: 1 / 0)
    answer = client.get("/login/")
    assert answer.status_code == 500
    assert "平台出了故障" in answer.content.decode() and "ZeroDivision" not in answer.content.decode()
