"""A bank's own system works through the API, over a live server and with a key, from the list to the money."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation.kernel.audit.models import AuditEntry

BANK = Path(__file__).with_name("stand_in_bank.py")
POST = "dingyiming"  # a manager's post: accepts, decides and disburses


@pytest.fixture
def bank(live_server, city):
    """The stand-in, with a key that the security administrator issued."""
    from jinmai.foundation.kernel.access.keys import issue_key

    key = issue_key(
        city.actor("sungong"),
        membership=city.membership(POST),
        label="信贷系统对接",
        expires_on=date.today() + timedelta(days=90),
    )

    def runs(task: str, *rest: str, key_shown: str = key.shown) -> dict[str, Any]:
        command = [sys.executable, "-I", str(BANK), live_server.url, key_shown, task, *rest]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    runs.key = key
    return runs


def orders_to_the_post(city: Any, how_many: int) -> list[Any]:
    """Needs of two firms, each sent to a product of the post's institution."""
    from jinmai.desks.financing.actions import draft_need, submit_need
    from jinmai.desks.financing.models import ProductVersion

    institution = city.membership(POST).organisation
    version = ProductVersion.objects.in_force(date.today()).filter(product__institution=institution).first()
    assert version is not None
    made = []
    for number in range(how_many):
        firm = city.actor(("xuan", "t_firm_xiling", "t_firm_dongting")[number % 3])
        need = draft_need(
            firm,
            amount_fen=1_000_000_00,
            term_months=12,
            purpose="日常周转",
            contact_name="联系人",
            contact_phone="13800000000",
            note=f"第 {number} 笔",
        )
        until = date.today() + timedelta(days=90)
        submit_need(firm, need, versions=[version], to_pool=False, consent=True, consent_until=until)
        made.append(need.orders.get())
    return made


@pytest.mark.django_db(transaction=True)
def test_a_bank_works_its_orders_through_the_api(bank, city, say):
    from jinmai.desks.financing.actions import accept_terms
    from jinmai.desks.financing.models import Decision, Loan, Order, RefusalReason

    orders = orders_to_the_post(city, 5)
    reason = RefusalReason.objects.order_by("pk").first().pk
    lived = bank("work", reason)
    assert lived["listed"] == len(orders), "paged two by two, and none was lost"
    assert (lived["cuts"], lived["replays"]) == (2, 2), "each lost answer was given again"
    lent, refused = Order.objects.get(pk=lived["lent"]), Order.objects.get(pk=lived["refused"])
    assert (lent.status, refused.status, refused.decision.reason_id) == ("decided_granted", "decided_refused", reason)
    assert Decision.objects.count() == 2
    accept_terms(_firm_of(city, lent), lent)
    paid = bank("disburse", str(lent.pk))
    assert (paid["loans"], paid["replays"], paid["second"]) == (1, 1, "JM-FIN-019"), paid
    assert Loan.objects.filter(order=lent).count() == 1
    by_key = AuditEntry.objects.filter(actor_name__endswith=f"jm_{bank.key.prefix}")
    deeds = list(by_key.filter(outcome="ok").values_list("operation", flat=True))
    assert deeds.count("financing.record_disbursement") == 1 and deeds.count("financing.accept_order") == 2
    say(lived | {"disburse": paid, "audited_by_key": by_key.count()})


def _firm_of(city: Any, order: Any) -> Any:
    from tests.backends.small_city import CAST, STRANGERS

    for username, _, _, role in CAST + STRANGERS:
        if role == "firm.accountant" and city.membership(username).organisation.subject_id == order.need.subject_id:
            return city.actor(username)
    raise AssertionError("no accountant of that firm")


@pytest.mark.django_db(transaction=True)
def test_control_without_the_kept_answer_a_lost_answer_is_no_success(bank, city, monkeypatch):
    """With the safeguard off, the repeat after the cut is a second deed, and the bank sees a refusal it can't explain."""
    from jinmai.foundation.kernel.access import api_once

    orders_to_the_post(city, 2)
    monkeypatch.setattr(api_once, "answer_once", lambda request, actor, name, key, respond: respond())
    with pytest.raises(AssertionError, match="JM-FIN-010"):
        bank("work", "r01")


@pytest.mark.django_db(transaction=True)
def test_a_revoked_key_ends_the_banks_day(bank, city):
    from jinmai.foundation.kernel.access.keys import revoke_key

    revoke_key(city.actor("sungong"), key=bank.key)
    with pytest.raises(AssertionError, match="401 JM-API-401"):
        bank("work", "r01")
