"""Signing in through others: a real OpenID Connect server in its own process, and the licence's stand-in."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

import conftest
from jinmai.foundation.kernel import outgoing
from jinmai.foundation.kernel.access import actions, logins
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.logins.oidc import OidcLogin
from jinmai.foundation.kernel.access.models import LoginIdentity, User
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.errors import Broken, Refusal
from jinmai.foundation.kernel.subjects.models import Identifier
from jinmai.site.demo.licence import Licence, LicenceStandIn
from tests.backends.engines import free_port
from tests.security.oidc_server import PASSWORD
from tests.security.profiles import browser, under_profile

CLIENT, SECRET = "jinmai-test", "a-secret-of-this-test-only"
BACK = "http://testserver/login/back/"
BACKS = f"{BACK} {BACK.replace('http', 'https')}"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The provider's origin; it is a process of its own with a Django of its own."""
    folder, port = tmp_path_factory.mktemp("provider"), free_port()
    command = [sys.executable, "-m", "tests.security.oidc_server", str(folder), str(port), CLIENT, SECRET, BACKS]
    left_out = ("DJANGO_SETTINGS_MODULE", "JINMAI_HOME")
    clean = {name: value for name, value in os.environ.items() if name not in left_out}
    server = subprocess.Popen(command, cwd=conftest.ROOT, env=clean, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None and server.stdout.readline() == "ready\n"
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(10)


def way(provider: str, **more: Any) -> dict[str, Any]:
    return {"kind": "oidc", "name": "zwfw", "label": "政务服务统一认证", "issuer": f"{provider}/o",
            "client_id": CLIENT, "secret_file": "keys/zwfw.secret", **more}  # fmt: skip


@pytest.fixture
def on(home: Any, city: Any, provider: str) -> Iterator[str]:
    """The test's home with the provider on; ``heying`` is its ``zhang``."""
    (home.path / "keys" / "zwfw.secret").write_text(f"{SECRET}\n", encoding="utf-8")
    user = User.objects.get(username="heying")
    actions.link_identity(Actor.platform(), user=user, provider="zwfw", external_id="1")
    with under_profile("test", logins=[way(provider)], outgoing={"allow": [provider]}):
        yield provider


def leave(client: Client) -> str:
    answer = client.get("/login/to/?to=zwfw&next=/tasks/")
    assert answer.status_code == 302
    return answer["Location"]


def over_there(place: str, person: str) -> str:
    """What a person does at the provider, by plain HTTP; the address that the provider sends the browser back to."""
    back = parse_qs(urlsplit(place).query)["redirect_uri"][0]
    with requests.Session() as there:
        page = there.get(place, timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        form = {"username": person, "password": PASSWORD, "csrfmiddlewaretoken": token[1] if token else ""}
        answer = there.post(page.url, data=form, timeout=10, allow_redirects=False)
        answer = there.get(f"{urlsplit(place).scheme}://{urlsplit(place).netloc}{answer.headers['Location']}",
                           timeout=10, allow_redirects=False)  # fmt: skip
        assert answer.headers["Location"].startswith(back), answer.text[:300]
        return answer.headers["Location"].partition("testserver")[2]


def refused(answer: Any, code: str) -> bool:
    return code in answer.content.decode() and answer.status_code >= 400


# ---------------------------------------------------------------- OpenID Connect


@pytest.mark.django_db
def test_a_linked_person_comes_in_through_the_provider(on):
    client = Client()
    place = leave(client)
    asked = parse_qs(urlsplit(place).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    answer = client.get(over_there(place, "zhang"))
    assert answer.status_code == 302 and answer["Location"] == "/tasks/"
    assert "何盈" in client.get("/tasks/").content.decode()
    assert AuditEntry.objects.filter(operation="site.sign_in", outcome="ok").exists()


@pytest.mark.django_db
def test_a_stranger_is_refused_and_gets_no_account(on):
    accounts, client = User.objects.count(), Client()
    answer = client.get(over_there(leave(client), "li"))
    assert refused(answer, "JM-ACC-040") and "不会自动开账号" in answer.content.decode()
    assert User.objects.count() == accounts and client.get("/").status_code == 302
    actions.link_identity(Actor.platform(), user=User.objects.get(username="luosen"), provider="zwfw", external_id="2")
    again = Client()  # the control: linked, the same person comes in
    assert again.get(over_there(leave(again), "li")).status_code == 302


@pytest.mark.django_db
def test_a_disabled_account_stays_out(on):
    User.objects.filter(username="heying").update(is_active=False)
    client = Client()
    assert refused(client.get(over_there(leave(client), "zhang")), "JM-ACC-040")


@pytest.mark.django_db
def test_a_forged_way_back_is_refused(on):
    client = Client()
    back = over_there(leave(client), "zhang")
    assert refused(client.get(re.sub(r"state=[^&]+", "state=forged", back)), "JM-ACC-041")
    assert client.get(back)["Location"] == "/login/", "what was kept counts once"
    assert Client().get(back)["Location"] == "/login/", "another browser never left"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["verifier", "nonce", "redirect_uri"])
def test_what_was_kept_must_fit_what_comes_back(on, name):
    client = Client()
    back = over_there(leave(client), "zhang")
    session = client.session
    session["way_out"]["kept"][name] = "something-else-that-is-long-enough-to-be-a-verifier-of-43-letters"
    session.save()
    assert refused(client.get(back), "JM-ACC-041")


@pytest.mark.django_db
def test_a_code_opens_once(on):
    client = Client()
    back = over_there(leave(client), "zhang")
    kept = client.session["way_out"]
    assert client.get(back).status_code == 302
    thief = Client()
    thief.get("/login/")
    session = thief.session
    session["way_out"] = kept
    session.save()
    thief.cookies["jinmai_session"] = session.session_key
    assert refused(thief.get(back), "JM-ACC-041")


def forged(provider: str, monkeypatch: pytest.MonkeyPatch, key: Any, **changed: Any) -> Any:
    """The adapter's answer to a token of the test's own making; the provider's published key is ``KEY``."""
    header = changed.pop("header", {"alg": "RS256", "kid": "k"})
    now = int(time.time())
    claims = {"iss": f"{provider}/o", "aud": CLIENT, "sub": "1", "nonce": "n", "iat": now, "exp": now + 60} | changed
    algorithms = ["RS256", "HS256", "none"]
    token = jwt.encode(header, {k: v for k, v in claims.items() if v is not None}, key, algorithms=algorithms)
    adapter = logins.named("zwfw")
    assert isinstance(adapter, OidcLogin)
    keys = {"keys": [KEY.as_dict(private=False)]}
    published = outgoing.Answer(200, {}, json.dumps(keys).encode())
    monkeypatch.setattr("jinmai.foundation.kernel.outgoing.get", lambda url, **_named: published)
    monkeypatch.setattr(OidcLogin, "discover", lambda self: {"jwks_uri": "https://provider.example/keys"})
    return adapter._claims({"id_token": token}, "n")


KEY = RSAKey.generate_key(2048, parameters={"kid": "k"})


@pytest.mark.django_db
def test_control_a_token_that_fits_is_taken(on, monkeypatch):
    assert forged(on, monkeypatch, KEY)["sub"] == "1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [{"iss": "https://evil.example"}, {"aud": "another-client"}, {"exp": 1}, {"nonce": "another"}, {"nonce": None},
     {"sub": None}, {"iat": None}, {"azp": "another-client"}, {"key": "other"}, {"key": "none"}, {"key": "shared"}],
    ids=lambda changed: "-".join(map(str, next(iter(changed.items())))).replace("https://", ""),
)  # fmt: skip
def test_a_forged_token_is_refused(on, monkeypatch, changed):
    kind = changed.pop("key", "") if "key" in changed else ""
    changed = dict(changed)
    key: Any = KEY
    if kind == "other":
        key = RSAKey.generate_key(2048, parameters={"kid": "k"})
    elif kind == "none":
        key, changed["header"] = OctKey.generate_key(256), {"alg": "none", "kid": "k"}
    elif kind == "shared":
        key, changed["header"] = OctKey.generate_key(256), {"alg": "HS256", "kid": "k"}
    with pytest.raises(Refusal) as refusal:
        forged(on, monkeypatch, key, **changed)
    assert refusal.value.code == "JM-ACC-041"


@pytest.mark.django_db
def test_a_provider_that_calls_itself_something_else_is_refused(home, city, provider):
    named = way(provider) | {"issuer": f"{provider}/o/"}
    with under_profile("test", logins=[named], outgoing={"allow": [provider]}):
        answer = Client().get("/login/to/?to=zwfw")
        assert answer.status_code >= 400 and re.search(r"JM-(ACC-041|OUT-003)", answer.content.decode())


@pytest.mark.django_db
def test_a_provider_inside_that_the_home_does_not_name_is_not_asked(home, city, provider):
    from jinmai.foundation.kernel.access.logins import oidc

    oidc._discovered.clear()
    with under_profile("test", logins=[way(provider)]):
        assert refused(Client().get("/login/to/?to=zwfw"), "JM-OUT-001")


@pytest.mark.django_db
def test_the_second_factor_is_ours_to_ask_unless_the_home_trusts_theirs(on):
    for trusts, place in ((False, "/login/enrol/"), (True, "/tasks/")):
        with under_profile("dengbao3", logins=[way(on, trusts_factor=trusts)]):
            client = browser()
            assert client.get(over_there(leave(client), "zhang"))["Location"] == place


# ---------------------------------------------------------------- the licence


@pytest.fixture
def licence(home: Any, city: Any) -> Iterator[LicenceStandIn]:
    """The stand-in, with the licence of 许安's firm and one of a firm that is not here."""
    (home.path / "keys" / "licence.secret").write_text(SECRET, encoding="utf-8")
    subject = city.organisation("firm_dongting_jm").subject
    uscc = subject.identifiers.filter(scheme="uscc").values_list("value", flat=True).first()
    if uscc is None:
        uscc = "91310000MA1K35U95Q"
        Identifier.objects.create(subject=subject, scheme="uscc", value=uscc)
    shown = [Licence(uscc, "东汀精密机械有限公司", "许安"), Licence("91310000MA1K35XX0A", "别处的公司", "某人")]
    stand_in = LicenceStandIn(CLIENT, SECRET, shown)
    stand_in.start()
    said = {"kind": "licence", "name": "licence", "label": "电子营业执照", "service": stand_in.origin,
            "app_id": CLIENT, "secret_file": "keys/licence.secret"}  # fmt: skip
    with under_profile("test", logins=[said], outgoing={"allow": [stand_in.origin]}):
        yield stand_in
    stand_in.stop()


def scan(client: Client, number: int) -> str:
    place = client.get("/login/to/?to=licence")["Location"]
    page = requests.get(place, timeout=10)
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text.split("<button")[0]))
    answer = requests.post(f"{urlsplit(place).scheme}://{urlsplit(place).netloc}/scanned",
                           data={**form, "licence": str(number)}, timeout=10, allow_redirects=False)  # fmt: skip
    return answer.headers["Location"].removeprefix("http://testserver")


@pytest.mark.django_db
def test_a_firm_scans_and_comes_back_as_its_accountant(licence):
    client = Client()
    assert "电子营业执照" in client.get("/login/").content.decode()
    assert client.get(scan(client, 0)).status_code == 302
    page = client.get("/").content.decode()
    assert "许安" in page


@pytest.mark.django_db
def test_a_firm_without_an_account_here_is_told_whom_to_ask(licence):
    client = Client()
    answer = client.get(scan(client, 1))
    assert refused(answer, "JM-ACC-043") and "工作专班" in answer.content.decode()
    assert client.get("/").status_code == 302


@pytest.mark.django_db
def test_a_ticket_is_of_one_browser_and_counts_once(licence):
    client = Client()
    back = scan(client, 0)
    assert Client().get(back)["Location"] == "/login/"
    forged_back = re.sub(r"ticket=[^&]+", "ticket=forged", back)
    assert refused(client.get(forged_back), "JM-ACC-041")
    another = Client()
    fresh = scan(another, 0)
    kept = another.session["way_out"]
    assert another.get(fresh).status_code == 302
    thief = Client()
    thief.get("/login/")
    session = thief.session
    session["way_out"] = kept
    session.save()
    thief.cookies["jinmai_session"] = session.session_key
    assert refused(thief.get(fresh), "JM-ACC-041")


@pytest.mark.django_db
def test_an_answer_that_is_not_signed_counts_for_nothing(licence, monkeypatch):
    monkeypatch.setattr(
        LicenceStandIn, "redeem",
        lambda self, asked: {"uscc": self.licences[0].uscc, "name": "x", "holder": "x", "sign": "0" * 64},
    )  # fmt: skip
    client = Client()
    assert refused(client.get(scan(client, 0)), "JM-ACC-041")


# ---------------------------------------------------------------- which ways are on


@pytest.mark.django_db
def test_which_ways_are_on_is_the_homes(db):
    assert list(logins.offered()) == ["password"]
    with under_profile("test", passwords=False, logins=[way("https://login.example")]):
        assert list(logins.offered()) == ["zwfw"]
        page = Client().get("/login/").content.decode()
        assert "政务服务统一认证" in page and 'name="password"' not in page
        assert Client().post("/login/", {"username": "x", "password": "y"}).status_code == 200
    for wrong in ([{"kind": "magic", "name": "m"}], [way("https://x.example", colour="red")], [way("x"), way("x")]):
        with under_profile("test", logins=wrong), pytest.raises(Broken):
            logins.offered()
    with under_profile("test", passwords=False), pytest.raises(Broken):
        logins.offered()


@pytest.mark.django_db
def test_one_outside_id_is_one_accounts(city):
    first, second = User.objects.get(username="heying"), User.objects.get(username="luosen")
    actions.link_identity(Actor.platform(), user=first, provider="zwfw", external_id="1")
    with pytest.raises(Refusal) as refusal:
        actions.link_identity(Actor.platform(), user=second, provider="zwfw", external_id="1")
    assert refusal.value.code == "JM-ACC-023"
    held = LoginIdentity.objects.get()
    with pytest.raises(Refusal):
        actions.unlink_identity(Actor.platform(), user=second, identity=held.pk)
    actions.unlink_identity(Actor.platform(), user=first, identity=held.pk)
    assert not LoginIdentity.objects.exists()


def test_the_provider_is_no_part_of_the_platform():
    from django.conf import settings

    assert "oauth2_provider" not in settings.INSTALLED_APPS and Path(__file__).with_name("oidc_server.py").exists()
