"""Every page of the desk opens for those who may and is not there for the others; what must not show does not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Need, Order, ProductVersion
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.notices.models import Notice

pytestmark = pytest.mark.django_db
PHONE = "13900000001"
FIRM = "东汀精密机械有限公司"


@pytest.fixture
def need(actor):
    return actions.draft_need(
        actor("xuan"), amount_fen=180_000_000, term_months=12, purpose="采购原材料", contact_name="许安",
        contact_phone=PHONE,
    )  # fmt: skip


def send(actor, need, *codes, pool=False):
    versions = ProductVersion.objects.in_force(Clock.today()).filter(product__code__in=codes)
    actions.submit_need(
        actor("xuan"), need, versions=list(versions), to_pool=pool, consent=True,
        consent_until=Clock.today() + timedelta(days=90),
    )  # fmt: skip
    return Order.objects.filter(need=need).order_by("number").last()


@pytest.mark.parametrize(
    ("username", "name"),
    [("xuan", "need_list"), ("xuan", "need_new"), ("xuan", "order_list"), ("xuan", "product_list"),
     ("linqiushi", "need_list"), ("linqiushi", "order_list"), ("shenyihe", "need_list"), ("shenyihe", "order_list"),
     ("linqiushi", "loan_list"), ("heying", "pool"), ("heying", "order_list"), ("luosen", "order_list"),
     ("dingyiming", "pool"), ("heying", "product_list"), ("heying", "reason_list"), ("guqinghe", "order_list")],
)  # fmt: skip
def test_lists_open(actor, client_as, need, username, name):
    send(actor, need, "p01", pool=True)
    for query in ("", "?export=csv", "?export=xlsx", "?q=东汀", "?group=due", "?sort=due"):
        answer = client_as(username).get(reverse(f"financing:{name}") + query)
        assert answer.status_code == 200, (username, name, query)


def test_the_self_check_leaves_no_trace_and_shows_the_four_states(client_as, need):
    page = client_as("xuan").get(reverse("financing:need_match", args=[need.pk]))
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("自查不留痕", "机构自查", "缺数据", "怎样才能满足", "江畔税票贷"):
        assert words in text
    assert not Order.objects.filter(need=need).exists()
    for name in ("heying", "linqiushi", "t_firm_xiling"):
        assert client_as(name).get(reverse("financing:need_match", args=[need.pk])).status_code in (403, 404)


def test_a_need_is_written_supplied_and_sent_on_pages(client_as, actor):
    client = client_as("xuan")
    form = client.get(reverse("financing:need_new")).context["form"]
    data = {"amount_fen": "180", "term_months": "12", "purpose": "采购原材料", "guarantee": "credit",
            "contact_name": "许安", "contact_phone": PHONE,
            "idempotency_key": form["idempotency_key"].value()}  # fmt: skip
    for _twice in range(2):
        answer = client.post(reverse("financing:need_new"), data)
        assert answer.status_code == 302
    need = Need.objects.get()
    figures = client.post(reverse("financing:need_figures", args=[need.pk]), {"asset_liability_ratio": "58.4"})
    assert figures.status_code == 302
    need.refresh_from_db()
    assert need.declared["asset_liability_ratio"]["value"] == 584_000_000
    version = ProductVersion.objects.in_force(Clock.today()).get(product__code="p01")
    submit = reverse("financing:submit_need", args=[need.pk])
    assert "江畔银行东汀支行" in client.get(submit, {"products": version.pk}).content.decode()
    refused = client.post(submit, {"products": version.pk, "months": "3"})
    assert refused.status_code == 200 and "JM-FIN-004" in refused.content.decode()
    assert client.post(submit, {"products": version.pk, "months": "3", "consent": "on"}).status_code == 302
    assert Order.objects.get(need=need).version == version
    assert client.get(reverse("financing:need_detail", args=[need.pk])).status_code == 200


def test_many_late_orders_are_urged_in_one_go_with_a_line_each(actor, client_as, need):
    send(actor, need, "p01")
    order = Order.objects.get(need=need)
    clerk = client_as("shenyihe")
    with pytest.raises(Refusal, match="JM-FIN-070"):
        actions.urge_order(actor("shenyihe"), order)
    late = Clock.now() + timedelta(days=20)
    with Clock.at(late):
        rows = {"bulk": "urge", "rows": [str(order.pk)]}
        asked = clerk.post("/financing/orders/", rows)
        assert "催办通知" in asked.text
        key = asked.text.split('name="key" value="')[1].split('"')[0]
        done = clerk.post("/financing/orders/", rows | {"confirmed": "1", "key": key}, follow=True)
        assert "已催办" in done.text
        (told,) = Notice.objects.visible_to(actor("heying")).filter(kind="order_urged")
        assert told.title.startswith(order.number) and told.url == f"/financing/orders/{order.pk}/"
        with pytest.raises(Refusal, match="JM-FIN-071"):
            actions.urge_order(actor("linqiushi"), order)
        with pytest.raises(Refusal):
            actions.urge_order(actor("heying"), order)
        assert "催办" in clerk.get(f"/financing/orders/{order.pk}/").text
    with Clock.at(late + timedelta(days=1)):
        actions.urge_order(actor("linqiushi"), order)
    assert Notice.objects.filter(kind="order_urged").count() == 2


def test_the_pool_page_names_nobody(actor, client_as, need):
    order = send(actor, need, pool=True)
    pages = [reverse("financing:pool"), reverse("financing:pool") + "?export=csv",
             reverse("financing:order_detail", args=[order.pk]), f"/api/v1/financing/orders/{order.pk}",
             "/api/v1/financing/pool"]  # fmt: skip
    for address in pages:
        answer = client_as("heying").get(address)
        body = str(answer.json()) if address.startswith("/api/") else answer.content.decode()
        assert order.number in body, address
        assert FIRM not in body and PHONE not in body and need.number not in body, address
    actions.take_order(actor("heying"), order)
    taken = client_as("heying").get(pages[2]).content.decode()
    assert FIRM in taken and PHONE not in taken
    actions.accept_order(actor("heying"), order)
    assert PHONE in client_as("heying").get(pages[2]).content.decode(), "the control: the contact shows once accepted"
    assert PHONE not in client_as("linqiushi").get(pages[2]).content.decode()
    assert client_as("t_manager_bank").get(pages[2]).status_code == 404


def test_an_institution_finds_no_pool_order_by_the_firms_name(actor, client_as, need):
    order = send(actor, need, pool=True)
    assert (
        order.number not in client_as("heying").get(reverse("financing:order_list"), {"q": "东汀精密"}).content.decode()
    )
    actions.take_order(actor("heying"), order)
    assert order.number in client_as("heying").get(reverse("financing:order_list"), {"q": "东汀精密"}).content.decode()


def test_the_whole_line_on_pages(actor, client_as, need):
    order = send(actor, need, "p01")

    def press(username, verb, **data):
        answer = client_as(username).post(reverse(f"financing:{verb}", args=[order.pk]), data)
        assert answer.status_code == 302, (verb, answer.content.decode())

    assert client_as("heying").get(reverse("financing:decline_order", args=[order.pk])).status_code == 200
    press("heying", "accept_order")
    press("heying", "record_contact", note="已通话")
    press("heying", "record_visit", note="看了车间")
    press("heying", "request_papers", papers="2025年度报表")
    press("xuan", "supply_papers", note="已上传")
    press("heying", "papers_complete")
    assert client_as("luosen").get(reverse("financing:decide_order", args=[order.pk])).status_code == 200
    press("luosen", "decide_order", outcome="granted", amount_fen="150", rate="4.1", term_months="12", guarantee="信用")
    press("xuan", "accept_terms")
    assert client_as("heying").get(reverse("financing:record_disbursement", args=[order.pk])).status_code == 200
    press("heying", "record_disbursement", contract_number="借1", disbursed_fen="150", disbursed_on=str(Clock.today()))
    order.refresh_from_db()
    loan = order.loans.get()
    assert order.decision.rate_e9 == 41_000_000
    verify = reverse("financing:verify_first_time", args=[loan.pk])
    assert client_as("heying").get(verify).status_code == 200
    assert client_as("heying").post(verify, {"answer": "yes"}).status_code == 302
    for username in ("xuan", "heying", "luosen", "linqiushi", "shenyihe", "zhouqiming"):
        page = client_as(username).get(reverse("financing:order_detail", args=[order.pk]))
        assert page.status_code == 200 and "4.10%" in page.content.decode(), username


def test_a_refused_verb_says_why_and_keeps_the_form(actor, client_as, need):
    order = send(actor, need, "p01")
    actions.accept_order(actor("heying"), order)
    answer = client_as("luosen").post(
        reverse("financing:decide_order", args=[order.pk]), {"outcome": "refused", "explanation": "材料不实"}
    )
    text = answer.content.decode()
    assert answer.status_code == 200 and "JM-FIN-018" in text and "材料不实" in text


def test_product_pages_say_who_can_know_each_figure(client_as):
    text = client_as("xuan").get(reverse("financing:product_detail", args=["p11"])).content.decode()
    assert "12个月中至少9个月有开票" in text and "2019-09-01" in text
    assert client_as("xuan").get(reverse("financing:product_detail", args=["p99"])).status_code == 404


def test_a_case_is_found_by_its_number(actor, client_as, need):
    order = send(actor, need, "p01")
    address = reverse("financing:by_number", args=[order.number])
    assert client_as("heying").get(address).url == reverse("financing:order_detail", args=[order.pk])
    assert client_as("t_manager_branch").get(address).status_code == 404


def test_the_api_walks_the_same_line(actor, client_as):
    import json

    def call(username, path, body=None, **headers):
        client = client_as(username)
        headers = {"idempotency_key": f"key-of-{path}"} | headers
        return client.post(f"/api/v1/financing/{path}", json.dumps(body or {}), "application/json", headers=headers)

    body = {"amount_fen": "180000000", "term_months": 12, "purpose": "采购原材料", "contact_name": "许安",
            "contact_phone": PHONE}  # fmt: skip
    assert call("xuan", "needs", body, idempotency_key="").status_code == 400, "a creating call needs its key"
    made = [call("xuan", "needs", body, idempotency_key="k-1").json() for _twice in range(2)]
    assert made[0]["id"] == made[1]["id"]
    need = made[0]["id"]
    answers = client_as("xuan").get(f"/api/v1/financing/needs/{need}/answers").json()
    assert {answer["product"] for answer in answers} >= {"p01", "p11", "p22"}
    until = str(date.today() + timedelta(days=90))
    sent = call("xuan", f"needs/{need}/submit", {"products": ["p01"], "consent": True, "consent_until": until})
    assert sent.status_code == 200, sent.content
    (order,) = client_as("heying").get("/api/v1/financing/orders").json()
    assert order["firm"] == FIRM and order["contact_phone"] is None
    accepted = call("heying", f"orders/{order['id']}/accept")
    assert accepted.json()["contact_phone"] == PHONE
    assert call("heying", f"orders/{order['id']}/papers/complete").status_code == 200
    decided = call("luosen", f"orders/{order['id']}/decide",
                   {"granted": True, "amount_fen": "100000000", "rate": "0.041", "term_months": 12})  # fmt: skip
    assert decided.json()["decision"]["rate"] == "0.041"
    extra = call("xuan", f"orders/{order['id']}/terms/decline", {"reason": "x", "status": "disbursed"})
    assert extra.status_code == 422
    assert call("xuan", f"orders/{order['id']}/terms/accept").status_code == 200
    paid = call("heying", f"orders/{order['id']}/disburse",
                {"contract_number": "借1", "disbursed_fen": "100000000", "disbursed_on": str(date.today())})  # fmt: skip
    assert paid.status_code == 201 and paid.json()["loans"][0]["first_time_verified"] is None
    assert client_as("xuan").get("/api/v1/financing/products").json()
