"""Papers fit their A4 pages, say number, names and figures in text, and every print stands in the audit."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pypdf
import pytest

from jinmai.desks.financing import actions
from jinmai.desks.financing.models import Need, Order, RefusalReason
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.ui.formats import wan
from tests.security.papers import picture, upload

A4 = (595, 842)
PAPERS = ("print", "print/papers", "print/decision")
#: Width of the sheet's content at 96 dots an inch: what is wider would be cut off on paper.
SHEET_WIDTH = 794


def story(city: Any) -> tuple[Need, Order, Order]:
    """A firm's need, granted by one institution after a request for papers, refused by another."""
    from datetime import timedelta

    from jinmai.desks.financing.models import ProductVersion
    from jinmai.foundation.kernel.clock import Clock

    firm, manager, approver, lender = (city.actor(name) for name in ("xuan", "heying", "luosen", "dingyiming"))
    need = actions.draft_need(
        firm, amount_fen=3_000_000_00, term_months=12, purpose="采购原材料", note="按订单备料，回款周期约三个月。",
        contact_name="许安", contact_phone="13900000001",
    )  # fmt: skip
    versions = ProductVersion.objects.in_force(Clock.today()).filter(product__code__in=("p01", "p22"))
    actions.submit_need(
        firm, need, versions=list(versions), to_pool=False, consent=True,
        consent_until=Clock.today() + timedelta(days=90),
    )  # fmt: skip
    granted = need.orders.get(version__product__code="p01")
    refused = need.orders.get(version__product__code="p22")
    actions.accept_order(manager, granted)
    actions.request_papers(manager, granted, papers="1. 近六个月主要结算账户流水\n2. 与主要客户的购销合同；设备清单")
    actions.supply_papers(firm, granted)
    actions.papers_complete(manager, granted)
    actions.decide_order(approver, granted, granted=True, amount_fen=2_500_000_00, rate_e9=43_500_000, term_months=12)
    actions.accept_order(lender, refused)
    actions.request_papers(lender, refused, papers="纳税证明")
    actions.papers_complete(lender, refused)
    reason = RefusalReason.objects.exclude(repair_step="").first()
    actions.decide_order(lender, refused, granted=False, reason=reason.pk, explanation="近三个月有欠税记录")
    return need, Order.objects.get(pk=granted.pk), Order.objects.get(pk=refused.pk)


#: Radicals whose plain form Unicode gives in another script, or not at all.
RADICALS = str.maketrans({"戶": "户", "⻬": "齐", "⻓": "长", "⻔": "门", "⻚": "页", "⻋": "车", "⻅": "见", "⻉": "贝"})


def plain(text: str) -> str:
    """Without spaces; radicals that a PDF's font map stands in for characters are characters again."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).translate(RADICALS)


def printed(page: Any, client: Any, address: str) -> tuple[str, list[Any], dict[str, Any]]:
    """The paper as Chromium puts it on A4: its text, its pages, and how wide its content is."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:300]
    page.answers[address] = answer
    page.goto(f"http://papers.test{address}")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": SHEET_WIDTH - 174, "height": 1000})  # what the margins leave
    wide = page.evaluate(
        "() => ({content: document.scrollingElement.scrollWidth, room: document.scrollingElement.clientWidth})"
    )
    content = page.pdf(prefer_css_page_size=True, print_background=True)
    if os.environ.get("JINMAI_KEEP_PRINTS"):
        (Path(os.environ["JINMAI_KEEP_PRINTS"]) / f"{address.strip('/').replace('/', '-')}.pdf").write_bytes(content)
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return "".join(one.extract_text() for one in pages), list(pages), wide


@pytest.fixture
def paper_page(browser_page: Any) -> Any:
    """A browser page that is given what the test's own clients were answered: no server, nothing committed."""
    from django.contrib.staticfiles import finders

    browser_page.answers = {}

    def answer(route: Any) -> None:
        path = re.sub(r"^http://papers\.test", "", route.request.url)
        if path.startswith("/static/"):
            found = finders.find(path.partition("?")[0].removeprefix("/static/"))
            route.fulfill(path=found) if found else route.abort()
            return
        given = browser_page.answers[path]
        route.fulfill(status=given.status_code, body=given.content, headers=dict(given.headers))

    browser_page.route(re.compile(r"^http://papers\.test/"), answer)
    return browser_page


@pytest.mark.django_db
def test_each_paper_fits_a4_and_says_what_it_must(city: Any, client_as: Any, paper_page: Any, say: Any):
    need, granted, refused = story(city)
    firm = need.organisation.name
    limit = "30"
    expected = {
        f"/financing/needs/{need.pk}/print/": ("融资需求表", need.number, firm, wan(need.amount_fen), granted.number),
        f"/financing/orders/{granted.pk}/print/": (
            "融资对接单", granted.number, firm, granted.institution.name, wan(need.amount_fen), wan(2_500_000_00), limit,
        ),
        f"/financing/orders/{granted.pk}/print/papers/": (
            "补正材料通知书", granted.number, firm, "结算账户流水", "设备清单", "3. ", limit,
        ),
        f"/financing/orders/{granted.pk}/print/decision/": (
            "授信结果告知书", granted.number, "同意授信", wan(2_500_000_00), "4.35%",
        ),
        f"/financing/orders/{refused.pk}/print/decision/": (
            "授信结果告知书", refused.number, refused.decision.reason.code, refused.decision.reason.name,
            "近三个月有欠税记录", "反映",
        ),
    }  # fmt: skip
    sheets = 0
    for address, words in expected.items():
        text, pages, wide = printed(paper_page, client_as("xuan"), address)
        flat = plain(text)
        missing = [word for word in (*words, "许安", "打印", "依据") if plain(word) not in flat]
        assert not missing, (address, missing, text)
        assert wide["content"] <= wide["room"], (address, wide)
        assert 1 <= len(pages) <= 2
        for one in pages:
            assert (round(float(one.mediabox.width)), round(float(one.mediabox.height))) == A4
        sheets += len(pages)
    say({"papers": len(expected), "a4_pages": sheets, "too_wide": 0})
    assert not [said for said in paper_page.complaints if "Opener-Policy" not in said]  # the name has no TLS


@pytest.mark.django_db
def test_control_what_is_too_wide_is_noticed(city: Any, client_as: Any, paper_page: Any):
    need, _granted, _refused = story(city)
    Need.objects.filter(pk=need.pk).update(note="长" * 40)
    address = f"/financing/needs/{need.pk}/print/"
    printed(paper_page, client_as("xuan"), address)
    paper_page.evaluate("() => { document.querySelector('.paper-grid').style.width = '2000px'; }")
    found = paper_page.evaluate("() => [document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]")
    assert found[0] > found[1]


@pytest.mark.django_db
def test_a_print_is_an_export_and_stands_in_the_audit(city: Any, client_as: Any):
    need, granted, _refused = story(city)
    client = client_as("heying")
    before = AuditEntry.objects.filter(operation__startswith="financing.print_").count()
    for paper in PAPERS:
        text = client.get(f"/financing/orders/{granted.pk}/{paper}/").content.decode()
        entry = AuditEntry.objects.filter(operation__startswith="financing.print_").order_by("-pk").first()
        assert entry.object_ref == f"financing.order:{granted.pk}"
        assert (entry.actor_name, entry.outcome) == ("何盈", "ok")
        assert entry.digest[:12].upper() in text  # the check code on the paper leads to the entry
    assert AuditEntry.objects.filter(operation__startswith="financing.print_").count() == before + 3
    assert client_as("t_manager_bank").get(f"/financing/orders/{granted.pk}/print/").status_code == 404
    assert client_as("xuan").get(f"/financing/needs/{need.pk}/print/").status_code == 200
    assert AuditEntry.objects.filter(operation="financing.print_order", actor_name="测试他行经理", outcome="ok").count() == 0


@pytest.mark.django_db
def test_an_order_without_them_has_no_notice_to_print(city: Any, client_as: Any):
    story(city)
    fresh = actions.draft_need(
        city.actor("xuan"), amount_fen=100_000_00, term_months=6, purpose="日常周转", contact_name="许安",
        contact_phone="13900000001",
    )  # fmt: skip
    from datetime import timedelta

    from jinmai.desks.financing.models import ProductVersion
    from jinmai.foundation.kernel.clock import Clock

    version = ProductVersion.objects.in_force(Clock.today()).get(product__code="p01")
    actions.submit_need(
        city.actor("xuan"), fresh, versions=[version], consent=True, consent_until=Clock.today() + timedelta(days=30)
    )
    order = fresh.orders.get()
    for paper, code in (("papers", "JM-FIN-041"), ("decision", "JM-FIN-042")):
        answer = client_as("xuan").get(f"/financing/orders/{order.pk}/print/{paper}/")
        assert (answer.status_code, code in answer.content.decode()) == (409, True)


@pytest.mark.django_db
def test_papers_of_a_need_are_listed_for_those_who_may_see_them(city: Any, client_as: Any):
    from jinmai.foundation.kernel.documents.actions import hand_in

    need, granted, _refused = story(city)
    hand_in(city.actor("xuan"), upload=upload("执照.png", picture("PNG")), to=need, kind="licence")
    assert "执照.png" in client_as("heying").get(f"/financing/orders/{granted.pk}/print/").content.decode()
    assert "执照.png" not in client_as("guqinghe").get(f"/financing/needs/{need.pk}/print/").content.decode()
    assert {"financing.print_need", "financing.read_paper"} <= set(operations())
