"""Pages and API of the mechanism: the clerk, the office that was asked, the bank that promised, and who finds nothing."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import EvidenceRequest, Loan, Need, RenewalLetter
from jinmai.desks.financing.tests.test_criteria import ITEMS, ask, vouch
from jinmai.desks.financing.tests.test_order_story import draft, send
from jinmai.desks.financing.tests.test_renewal_letters import END, issue, lend
from jinmai.foundation.kernel.clock import Clock

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def on_the_day(city):
    with Clock.at(TODAY):
        yield


@pytest.fixture
def need(actor):
    made = draft(actor("xuan"))
    send(actor("xuan"), made, "p01")
    return made


def text_of(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_a_standard_is_asked_about_answered_and_vouched_for_in_the_browser(client_as, need):
    clerk, officer = client_as("shenyihe"), client_as("hanxue")
    place = f"/financing/needs/{need.pk}/criteria/"
    assert "没有数据" in text_of(clerk.get(place))
    sent = {"item": "good_credit", "organisation": "dep_tax|department.officer", "asked": "纳税信用级别、欠税"}
    assert clerk.post(f"{place}ask/", sent).status_code == 302
    request = EvidenceRequest.objects.get()
    listed = text_of(officer.get("/financing/evidence/"))
    assert need.organisation.name in listed and "180" not in listed
    told = text_of(officer.get(f"/financing/evidence/{request.pk}/"))
    assert "回复核实" in told and need.number not in told and "180.00" not in told
    refused = officer.post(f"/financing/evidence/{request.pk}/answer/", {"finding": "supports", "answer": ""})
    assert "请填写" in text_of(refused)
    done = officer.post(f"/financing/evidence/{request.pk}/answer/", {"finding": "supports", "answer": "纳税信用B级"})
    assert done.status_code == 302
    assert "纳税信用B级" in text_of(clerk.get(place))
    sent = {"item": "good_credit", "holds": "yes", "evidence": "市税务局回复", "request": str(request.pk)}
    assert clerk.post(f"{place}attest/", sent).status_code == 302
    assert need.attestations.get().request == request


def test_the_list_finds_needs_by_where_the_task_force_stands(client_as, actor, need):
    vouch(actor("shenyihe"), need, *ITEMS)
    actions.conclude_criteria(actor("shenyihe"), need, recommended=True)
    clerk = client_as("shenyihe")
    assert need.number in text_of(clerk.get("/financing/needs/?review=recommended"))
    assert need.number not in text_of(clerk.get("/financing/needs/?review=checking"))
    own = text_of(client_as("xuan").get(f"/financing/needs/{need.pk}/"))
    assert "五项标准" in own and "推荐" in own


def test_the_clerk_finds_what_ends_in_sixty_days_and_who_promised(client_as, actor):
    letter = issue(actor, lend(actor))
    clerk = client_as("shenyihe")
    name = letter.loan.order.need.organisation.name
    assert name not in text_of(clerk.get("/financing/renewals/?within=60"))
    with Clock.at(END - timedelta(days=45)):
        page = text_of(clerk.get("/financing/renewals/?within=60"))
        assert name in page and "已承诺" in page and "45 天" in page
        assert name not in text_of(clerk.get("/financing/renewals/?within=30"))
        assert name not in text_of(clerk.get("/financing/renewals/?within=60&promise=none"))
        assert name in text_of(clerk.get("/financing/loans/?within=60&promise=issued"))
        assert name not in text_of(client_as("t_clerk_xiling").get("/financing/renewals/?within=60"))


def test_a_letter_is_issued_and_kept_in_the_browser(client_as, actor):
    loan, bank = lend(actor), client_as("heying")
    sent = {"amount_fen": "150", "term_months": "12", "renew_by": str(END), "conditions": "按时付息"}
    assert bank.post(f"/financing/loans/{loan.pk}/letter/", sent).status_code == 302
    letter = RenewalLetter.objects.get()
    assert (letter.amount_fen, letter.conditions) == (150_000_000, "按时付息")
    assert "按时付息" in text_of(client_as("xuan").get(f"/financing/orders/{loan.order_id}/"))
    kept = bank.post(f"/financing/letters/{letter.pk}/keep/", {"kept_on": str(TODAY), "note": "续贷合同"})
    assert kept.status_code == 302
    letter.refresh_from_db()
    assert letter.status == "kept"


def test_others_find_nothing(client_as, actor, need):
    request = ask(actor("shenyihe"), need)
    letter = issue(actor, lend(actor))
    for username, place in (
        ("chengyue", f"/financing/evidence/{request.pk}/"),
        ("milan", f"/financing/evidence/{request.pk}/answer/"),
        ("t_clerk_xiling", f"/financing/needs/{need.pk}/criteria/"),
        ("t_clerk_xiling", f"/financing/evidence/{request.pk}/withdraw/"),
        ("t_manager_bank", f"/financing/letters/{letter.pk}/keep/"),
        ("t_manager_branch", f"/financing/loans/{letter.loan_id}/letter/"),
    ):
        assert client_as(username).get(place).status_code == 404, (username, place)


def test_a_zone_says_what_has_no_source(client_as):
    page = text_of(client_as("xuan").get("/financing/zones/zone_first_loan/"))
    assert "首贷专区" in page and "暂无来源" in page and "江畔税票贷" in page
    assert "供应链与政采专区" in text_of(client_as("milan").get("/financing/zones/"))
    assert client_as("xuan").get("/financing/zones/no-such-zone/").status_code == 404


def api(client, method, path, body=None):
    headers = {"Idempotency-Key": f"{method}{path}"}
    sent = {"content_type": "application/json", "data": json.dumps(body)} if body is not None else {}
    return getattr(client, method)(f"/api/v1/financing{path}", headers=headers, **sent)


def test_the_api_does_the_same(client_as, actor, need):
    clerk, officer, bank = client_as("shenyihe"), client_as("hanxue"), client_as("heying")
    asked = api(clerk, "post", f"/needs/{need.pk}/evidence", {"item": "good_credit", "organisation": "dep_tax", "asked": "级别"})
    assert asked.status_code == 201, asked.content
    found = api(officer, "get", "/evidence?status=asked").json()
    assert [one["number"] for one in found] == [asked.json()["number"]]
    answer = {"finding": "supports", "answer": "B级"}
    assert api(officer, "post", f"/evidence/{found[0]['id']}/answer", answer).json()["status"] == "answered"
    word = {"item": "good_credit", "holds": True, "evidence": "税务局回复"}
    told = api(clerk, "post", f"/needs/{need.pk}/attestations", word)
    assert told.status_code == 201 and told.json()["review"] == "checking"
    refused = api(clerk, "post", f"/needs/{need.pk}/conclusion", {"recommended": True})
    assert refused.status_code == 409 and refused.json()["code"] == "JM-FIN-064"
    firm = api(client_as("xuan"), "get", f"/needs/{need.pk}/criteria").json()
    assert {one["evidence"] for one in firm["standards"]} == {None}
    loan = lend(actor)
    letter = api(bank, "post", f"/loans/{loan.pk}/letter", {"amount_fen": "100000000", "term_months": 12})
    assert letter.status_code == 201, letter.content
    assert api(bank, "post", f"/letters/{letter.json()['id']}/keep", {"note": "合同"}).json()["status"] == "kept"
    with Clock.at(END - timedelta(days=10)):
        (row,) = api(bank, "get", "/renewals?within=15").json()
    assert (row["days_left"], row["letter"]["status"]) == (10, "kept")
    zones = api(client_as("xuan"), "get", "/zones").json()
    assert len(zones) == 8 and zones[0]["products"]
    assert Loan.objects.count() == 1 and Need.objects.get(pk=need.pk).review == "checking"
