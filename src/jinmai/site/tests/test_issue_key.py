"""Keys of institutions: issued by the security administrator, shown once, dead with their post."""

from __future__ import annotations

import re
from datetime import date, timedelta
from unittest import mock

import pytest
from django.urls import reverse

from jinmai.foundation.kernel.access import keys
from jinmai.foundation.kernel.access.actions import appoint, disable_account, disable_unused, dismiss, enable_account
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import ApiKey, ApiKeyQuerySet, Membership, User
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal
from jinmai.foundation.kernel.work.delegations import delegate_post, end_delegation

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/financing/orders"
SOON = timedelta(days=90)


@pytest.fixture
def issue(city):
    def made(post: str = "t_manager_branch", **more):
        given = {"membership": city.membership(post), "label": "信贷系统对接", "expires_on": date.today() + SOON}
        return keys.issue_key(city.actor("sungong"), **given | more)

    return made


def ask(client, key: str, path: str = ORDERS, **more):
    return client.get(path, headers={"authorization": f"Bearer {key}"}, **more)


def test_a_key_acts_as_its_post_and_leaves_its_prefix(issue, city, client):
    key = issue()
    assert re.fullmatch(r"jm_[0-9a-f]{8}_[\w-]{43}", key.shown)
    assert key.shown.split("_", 2)[2] not in ApiKey.objects.values_list("secret_digest", flat=True).get()
    answer = ask(client, key.shown)
    assert answer.status_code == 200, answer.content
    assert answer.json() == city.client("t_manager_branch").get(ORDERS).json()
    key.refresh_from_db()
    assert key.last_used_at is not None
    absent = client.post(
        f"{ORDERS}/00000000-0000-4000-8000-000000000000/accept", headers={"authorization": f"Bearer {key.shown}"}
    )
    assert absent.status_code == 404


def test_a_write_by_key_needs_no_csrf_token_and_is_audited_by_prefix(issue, city, send_order):
    from django.test import Client

    key, order = issue("heying"), send_order
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"{ORDERS}/{order.pk}/accept", headers={"authorization": f"Bearer {key.shown}"})
    assert answer.status_code == 200, answer.content
    entry = AuditEntry.objects.filter(operation="financing.accept_order").latest("id")
    assert entry.actor_name.endswith(f"jm_{key.prefix}")
    by_session = city.client("heying", enforce_csrf_checks=True).post(f"{ORDERS}/{order.pk}/papers/complete")
    assert (by_session.status_code, by_session.json()["code"]) == (403, "JM-API-403")


@pytest.fixture
def send_order(city):
    from jinmai.desks.financing.actions import draft_need, submit_need
    from jinmai.desks.financing.models import ProductVersion

    firm = city.actor("xuan")
    need = draft_need(
        firm, amount_fen=100_000_00, term_months=12, purpose="日常周转", contact_name="许安", contact_phone="13800000000"
    )
    version = ProductVersion.objects.in_force(Clock.today()).get(product__code="p01")
    submit_need(firm, need, versions=[version], to_pool=False, consent=True, consent_until=date.today() + SOON)
    return need.orders.get()


@pytest.mark.parametrize("how", ["unknown", "mangled", "revoked", "expired", "dismissed", "disabled"])
def test_what_does_not_hold_is_answered_alike(issue, city, client, how):
    key = issue()
    shown = key.shown
    if how == "unknown":
        shown = f"jm_00000000_{'a' * 43}"
    elif how == "mangled":
        shown = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    elif how == "revoked":
        keys.revoke_key(city.actor("sungong"), key=key)
    elif how == "expired":
        ApiKey.objects.filter(pk=key.pk).update(expires_on=date.today() - timedelta(days=2))
    elif how == "dismissed":
        dismiss(city.actor("sungong"), membership=key.membership)
    else:
        key.membership.user.is_active = False
        key.membership.user.save()
    answer = ask(client, shown)
    assert (answer.status_code, answer.json()["code"]) == (401, "JM-API-401")
    assert answer.content == ask(client, "nothing like a key").content
    assert answer["WWW-Authenticate"].startswith("Bearer")
    with_session = ask(city.client("heying"), shown)
    assert with_session.status_code == 401, "a key that doesn't hold isn't helped by a session"


def issue_to(city, post):
    given = {"label": "信贷系统对接", "expires_on": date.today() + SOON}
    return keys.issue_key(city.actor("sungong"), membership=post, **given).shown


def give_again(city, post):
    return appoint(city.actor("sungong"), user=post.user, organisation=post.organisation, role=post.role)


@pytest.mark.parametrize("how", ["disabled", "unused"])
def test_the_keys_of_a_disabled_account_stay_dead_when_it_is_enabled_again(issue, city, client, how, monkeypatch):
    key, other = issue("heying"), issue("luosen")
    user = key.membership.user
    if how == "disabled":
        disable_account(city.actor("sungong"), user=user)
    else:
        long_ago = Clock.true_now() - timedelta(days=400)
        User.objects.filter(pk=user.pk).update(
            created_at=long_ago, last_seen_at=long_ago, last_login=long_ago, password_set_at=long_ago
        )
        monkeypatch.setattr("jinmai.foundation.kernel.access.actions.accounts.policy", lambda: mock.Mock(unused_days=90))
        assert user in disable_unused(Actor.platform())
    assert ask(client, key.shown).status_code == 401
    enable_account(city.actor("sungong"), user=user)
    assert ask(client, key.shown).status_code == 401
    assert ask(client, issue_to(city, key.membership)).status_code == 200, "the control: a new key works again"
    assert ask(client, other.shown).status_code == 200, "the control: a colleague's key was left alone"


def test_control_keys_left_standing_would_live_again(issue, city, client, monkeypatch):
    monkeypatch.setattr(ApiKeyQuerySet, "end", lambda rows: 0)
    key = issue("heying")
    disable_account(city.actor("sungong"), user=key.membership.user)
    enable_account(city.actor("sungong"), user=key.membership.user)
    assert ask(client, key.shown).status_code == 200


@pytest.mark.parametrize("ended", ["dismissed", "by-its-day"])
def test_a_leavers_key_stays_dead_when_the_post_is_given_again(issue, city, client, ended):
    key = issue("heying")
    assert ask(client, key.shown).status_code == 200
    if ended == "dismissed":
        dismiss(city.actor("sungong"), membership=key.membership)
    else:
        Membership.objects.filter(pk=key.membership_id).update(until=Clock.today() - timedelta(days=1))
    assert ask(client, key.shown).status_code == 401
    again = give_again(city, key.membership)
    assert again.pk == key.membership_id and ask(client, key.shown).status_code == 401
    assert ask(client, issue_to(city, again)).status_code == 200, "the control: the post itself has its rights again"


def test_control_a_post_that_goes_on_keeps_its_key(issue, city, client):
    key = issue("heying")
    give_again(city, key.membership)
    assert ask(client, key.shown).status_code == 200


@pytest.fixture
def colleague(city):
    """Somebody with another post at the branch, to whom the account manager's can be lent."""
    user, branch = User.objects.get(username="luosen"), city.membership("heying").organisation
    appoint(city.actor("sungong"), user=user, organisation=branch, role="institution.approver")
    return user


@pytest.mark.parametrize("ended", ["taken-back", "by-its-day", "with-its-owner"])
def test_a_delegates_key_stays_dead_when_the_post_is_lent_again(city, client, colleague, ended):
    chief = city.membership("heying")
    until = Clock.today() + timedelta(days=9)
    lent = delegate_post(Actor.of(chief), to=colleague, until=until)
    key = issue_to(city, lent)
    assert ask(client, key).status_code == 200
    if ended == "taken-back":
        end_delegation(Actor.of(chief), lent)
    elif ended == "by-its-day":
        Membership.objects.filter(pk=lent.pk).update(until=Clock.today() - timedelta(days=1))
    else:
        dismiss(city.actor("sungong"), membership=chief)
        chief = give_again(city, chief)
        assert not Membership.objects.live(Clock.today()).filter(pk=lent.pk).exists(), "nor does the loan itself"
    assert ask(client, key).status_code == 401
    again = delegate_post(Actor.of(chief), to=colleague, until=until)
    assert again.pk == lent.pk and ask(client, key).status_code == 401
    assert ask(client, issue_to(city, again)).status_code == 200


@pytest.mark.parametrize("ended", ["dismissed", "taken-back"])
def test_control_without_the_revoking_the_old_key_would_be_back(issue, city, client, colleague, ended):
    with mock.patch.object(ApiKeyQuerySet, "end", lambda _keys: 0):
        if ended == "dismissed":
            key = issue("heying")
            shown = key.shown
            dismiss(city.actor("sungong"), membership=key.membership)
            give_again(city, key.membership)
        else:
            chief = city.actor("heying")
            lent = delegate_post(chief, to=colleague, until=Clock.today())
            shown = issue_to(city, lent)
            end_delegation(chief, lent)
            delegate_post(chief, to=colleague, until=Clock.today())
        assert ask(client, shown).status_code == 200


def test_a_narrowed_key_does_no_more(issue, client):
    key = issue(operations=["financing.list_orders"])
    assert ask(client, key.shown).status_code == 200
    other = ask(client, key.shown, "/api/v1/financing/pool")
    assert (other.status_code, other.json()["code"]) == (403, "JM-ACC-065")


def test_who_may_not_issue(issue, city):
    for other in ("qiangong", "dingyiming", "linqiushi"):
        with pytest.raises(NotAllowed):
            keys.issue_key(
                city.actor(other), membership=city.membership("heying"), label="x", expires_on=date.today() + SOON
            )
    wrong = {
        "JM-ACC-060": {"membership": city.membership("xuan")},
        "JM-ACC-061": {"expires_on": date.today() + timedelta(days=400)},
        "JM-ACC-062": {"operations": ["kernel.appoint"]},
        "JM-ACC-063": {"label": " "},
    }
    for code, change in wrong.items():
        with pytest.raises(Refusal, match=code):
            issue(**change)


def test_a_manager_revokes_the_own_institutions_only(issue, city):
    own = issue("dingyiming")
    with pytest.raises(NotFound):
        keys.revoke_key(city.actor("t_manager_ml"), key=own)
    keys.revoke_key(city.actor("dingyiming"), key=own)
    with pytest.raises(Refusal, match="JM-ACC-064"):
        keys.revoke_key(city.actor("qiangong"), key=own)


def test_the_page_shows_a_key_once(city, client_as):
    admin = client_as("sungong")
    new = reverse("site:key_new")
    once = re.search(r'name="idempotency_key" value="([^"]+)"', admin.get(new).content.decode()).group(1)
    form = {
        "membership": city.membership("dingyiming").pk,
        "label": "信贷系统对接",
        "expires_on": str(date.today() + SOON),
        "idempotency_key": once,
    }
    shown = admin.post(new, form)
    secret = re.search(r"jm_[0-9a-f]{8}_[\w-]{43}", shown.content.decode()).group(0)
    assert "no-store" in shown["Cache-Control"]
    again = admin.post(new, form, follow=True)
    assert secret not in again.content.decode() and ApiKey.objects.count() == 1
    key = ApiKey.objects.get()
    for who, page in (("qiangong", "site:key_list"), ("sungong", "site:key_list"), ("dingyiming", "site:own_keys")):
        listed = client_as(who).get(reverse(page))
        assert key.prefix in listed.content.decode() and secret not in listed.content.decode(), who
    assert client_as("t_manager_ml").get(reverse("site:key", args=[key.pk])).status_code == 404
    assert client_as("qiangong").get(new).status_code == 403
    client_as("qiangong").post(reverse("site:key_revoke", args=[key.pk]))
    assert ApiKey.objects.get().revoked_at is not None


def test_the_pages_about_the_api_open(client_as, client):
    docs = client_as("t_manager_branch").get(reverse("site:api_docs"))
    assert docs.status_code == 200 and "financing_decide_order" in docs.content.decode()
    document = client_as("t_manager_branch").get(reverse("site:api_document")).json()
    assert document["openapi"].startswith("3.1")
    assert client.get(reverse("site:api_docs")).status_code == 302
    listed = client.get(reverse("site:refusals")).content.decode()
    assert "JM-CON-001" in listed and "JM-API-429" in listed
    assert client.get("/errors/JM-CON-001/").status_code == 200
    assert client.get("/errors/JM-XXX-999/").status_code == 404


def test_keys_from_the_terminal(city, home):
    import json

    from typer.testing import CliRunner

    from jinmai.cli import app

    def jinmai(*words: str, code: int = 0) -> dict:
        run = CliRunner().invoke(app, ["keys", *words, "--home", str(home.path), "--json"])
        assert run.exit_code == code, run.output
        return json.loads(run.stdout.splitlines()[-1])

    until = str(date.today() + SOON)
    made = jinmai("issue", "heying", "--label", "信贷系统", "--until", until, "--only", "financing.list_orders")
    assert re.fullmatch(r"jm_[0-9a-f]{8}_[\w-]{43}", made["key"])
    (listed,) = jinmai("list")["keys"]
    assert (listed["prefix"], listed["state"]) == (made["prefix"], "live") and made["key"] not in json.dumps(listed)
    assert jinmai("revoke", made["prefix"])["revoked"]
    assert jinmai("list")["keys"][0]["state"] == "revoked"
    assert jinmai("issue", "xuan", "--label", "x", "--until", until, code=2)["code"] == "JM-ACC-066"
    assert jinmai("revoke", "00000000", code=2)["code"] == "JM-KER-404"
