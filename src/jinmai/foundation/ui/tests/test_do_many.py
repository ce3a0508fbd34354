"""One verb on many rows: each by its own action, one refusal stops nothing, the table says what came of each."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Order
from jinmai.desks.financing.tests.test_order_story import draft, order_of, send
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.ui.lists import bulk
from jinmai.foundation.ui.models import BulkRun
from jinmai.foundation.ui.tests.test_keep_list import give_tasks

pytestmark = pytest.mark.django_db
ORDERS = "/financing/orders/"


@pytest.fixture
def three(city: Any) -> Any:
    """Three orders sent to 何盈's branch."""
    with Clock.at(date(2026, 11, 20)):
        needs = [draft(city.actor("xuan"), amount_wan=amount) for amount in (100, 110, 120)]
        for need in needs:
            send(city.actor("xuan"), need, "p01")
        yield [order_of(need) for need in needs]


def press(client: Any, rows: list[Any], **more: Any) -> Any:
    return client.post(ORDERS, {"bulk": "accept", "rows": [str(row.pk) for row in rows], **more})


def states(orders: list[Order]) -> list[str]:
    return [Order.objects.get(pk=order.pk).status for order in orders]


def test_it_asks_before_it_acts(three, client_as):
    answer = press(client_as("heying"), three)
    shown = answer.content.decode()
    assert answer.status_code == 200 and "选中 3 笔" in shown and three[0].number in shown
    assert states(three) == ["sent"] * 3


def test_one_refusal_does_not_stop_the_others(three, actor, client_as):
    actions.accept_order(actor("heying"), three[1])
    client = client_as("heying")
    answer = press(client, three, confirmed="1", key="k1")
    assert answer.status_code == 302 and states(three) == ["accepted"] * 3
    shown = client.get(answer["Location"]).content.decode()
    assert "办成 2 行，未办成 1 行" in shown and "JM-FIN-010" in shown
    run = BulkRun.objects.get()
    assert [line["outcome"] for line in run.lines] == ["done", "refused", "done"]
    accepted = AuditEntry.objects.filter(operation="financing.accept_order")
    assert (accepted.filter(outcome="ok").count(), accepted.filter(outcome="refused").count()) == (3, 1)


def test_control_in_one_transaction_a_refusal_would_undo_the_others(three, actor):
    from django.db import transaction

    from jinmai.foundation.kernel.errors import Refusal

    actions.accept_order(actor("heying"), three[1])
    with pytest.raises(Refusal), transaction.atomic():
        for order in three:
            actions.accept_order(actor("heying"), order)
    assert states(three) == ["sent", "accepted", "sent"]


def test_pressed_twice_it_is_done_once(three, client_as):
    client = client_as("heying")
    first = press(client, three, confirmed="1", key="k1")
    second = press(client, three, confirmed="1", key="k1")
    assert first["Location"] == second["Location"] and BulkRun.objects.count() == 1
    assert not AuditEntry.objects.filter(operation="financing.accept_order", outcome="refused").exists()


def test_all_that_the_filters_find_is_fixed_when_it_is_asked(three, client_as):
    answer = client_as("heying").post(f"{ORDERS}?q={three[0].number}", {"bulk": "accept", "all": "1"})
    shown = answer.content.decode()
    assert str(three[0].pk) in shown and str(three[1].pk) not in shown


def test_rows_of_others_are_not_there(three, client_as):
    client = client_as("t_manager_bank")
    answer = press(client, three, confirmed="1", key="k1")
    assert states(three) == ["sent"] * 3
    shown = client.get(answer["Location"]).content.decode()
    assert "办成 0 行，未办成 3 行" in shown and three[0].number not in shown
    assert client_as("heying").get(answer["Location"]).status_code == 404  # a result is its own reader's


def test_who_may_not_do_it_is_not_offered_it(three, client_as):
    assert 'value="accept"' in client_as("heying").get(ORDERS).content.decode()
    clerk = client_as("shenyihe")
    assert 'value="accept"' not in clerk.get(ORDERS).content.decode()
    assert press(clerk, three, confirmed="1", key="k1").status_code == 403
    assert clerk.post(ORDERS, {"bulk": "nothing", "rows": ["1"]}).status_code == 404
    assert states(three) == ["sent"] * 3


def test_none_too_many_and_nonsense_are_refused(three, client_as, monkeypatch):
    client = client_as("heying")
    assert "JM-UI-004" in press(client, []).content.decode()
    monkeypatch.setattr(bulk, "MOST_ROWS", 2)
    refused = press(client, three, confirmed="1", key="k1")
    assert refused.status_code == 409 and "JM-UI-007" in refused.content.decode()
    answer = client.post(ORDERS, {"bulk": "accept", "rows": ["no-key", "0"], "confirmed": "1", "key": "k2"})
    assert answer.status_code == 302 and states(three) == ["sent"] * 3


def test_a_fault_in_one_row_is_told_and_stops_nothing(three, client_as, monkeypatch):
    from jinmai.desks.financing.views import orders

    usual = orders.actions.accept_order

    def faulty(actor: Any, order: Any) -> Any:
        if order.pk == three[0].pk:
            raise ZeroDivisionError
        return usual(actor, order)

    monkeypatch.setattr(orders.actions, "accept_order", faulty)
    client = client_as("heying")
    answer = press(client, three, confirmed="1", key="k1")
    assert sorted(states(three)) == ["accepted", "accepted", "sent"]
    assert "系统出错" in client.get(answer["Location"]).content.decode()


def sign_in(page: Any, client: Any, live_server: Any) -> None:
    session = client.cookies["jinmai_session"].value
    page.context.add_cookies([{"name": "jinmai_session", "value": session, "url": live_server.url}])


def test_in_the_browser_rows_are_picked_by_key_and_done_at_once(client_as, live_server, browser_page):
    give_tasks("第一件", "第二件", "第三件")
    page = browser_page
    sign_in(page, client_as("heying"), live_server)
    page.goto(f"{live_server.url}/tasks/")
    claim = page.locator("form[data-bulk] button[value=claim]")
    assert claim.is_disabled()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    assert page.inner_text("[data-chosen]") == "2" and claim.is_enabled()
    page.keyboard.press("?")
    assert page.locator("dialog#keys").is_visible() and "选中或取消这一行" in page.inner_text("dialog#keys")
    page.keyboard.press("Escape")
    with page.expect_navigation():
        claim.click()
    assert "选中 2 件" in page.inner_text(".page-head")
    with page.expect_navigation():
        page.click("form .button.primary")
    assert "办成 2 行，未办成 0 行" in page.inner_text(".banner")
    with page.expect_navigation():
        page.click("text=回清单")
    page.click("summary:has-text('列（')")
    page.locator("[data-choice]", has_text="事项").locator("[data-move='-1']").click()
    page.locator("[data-choice]", has_text="何时交办").locator("input").uncheck()
    with page.expect_navigation():
        page.click("text=按所选列显示")
    heads = page.locator("thead th").all_inner_texts()
    assert [head.strip() for head in heads if head.strip()][:3] == [
        "时限",
        "事项",
        "要做的事",
    ] and "何时交办" not in heads
    page.click("summary:has-text('存为视图')")
    page.fill(".sheet input[name=name]", "本周的")
    page.check(".sheet input[name=default]")
    with page.expect_navigation():
        page.click("text=存下")
    assert page.locator("nav.views a", has_text="本周的").count() == 1
    assert page.complaints == []
