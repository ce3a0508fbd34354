"""The thin line in Chromium: a need, its products clause by clause, a bank that takes it, a loan, the figure it makes.

Told as the people of the city would: by what stands on the screen. Every step is done with the mouse and the
keyboard; the browser's console must stay silent, so nothing breaks the content security policy.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.backends.small_city import PASSWORD

pytestmark = pytest.mark.browser

PHONE = "13812345678"


class Visitor:
    """One person at one browser window."""

    def __init__(self, browser: Any, address: str, username: str) -> None:
        self.context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.address = address
        self.sign_in(username)

    def sign_in(self, username: str) -> None:
        self.page.goto(self.address)
        self.page.get_by_label("账号").fill(username)
        self.page.get_by_label("口令").fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        self.page.get_by_role("navigation", name="主导航").wait_for()

    def go(self, *names: str) -> None:
        """Along the navigation and the links of the page."""
        for place, name in enumerate(names):
            inside = self.page.get_by_role("navigation", name="主导航") if place == 0 else self.page.get_by_role("main")
            with self.page.expect_navigation():
                inside.get_by_role("link", name=name, exact=place == 0).first.click()

    def press(self, name: str) -> None:
        """A button or a link that looks like one, in the page itself."""
        main = self.page.get_by_role("main")
        button = main.get_by_role("button", name=name, exact=True).or_(main.get_by_role("link", name=name, exact=True))
        with self.page.expect_navigation():  # what follows, here or in another window, finds the deed done
            button.first.click()

    def sees(self, text: str | re.Pattern[str]) -> bool:
        return bool(self.page.get_by_role("main").get_by_text(text).count())

    def must_see(self, text: str | re.Pattern[str]) -> None:
        self.page.get_by_role("main").get_by_text(text).first.wait_for()

    def leave(self) -> None:
        self.context.close()
        silent = [text for text in self.complaints if "403 (Forbidden)" not in text]
        assert not silent, silent


@pytest.fixture
def visit(browser, live_server, city):
    """``visit("xuan")`` opens a window signed in as that member of the cast."""
    visitors: list[Visitor] = []

    def open_window(username: str) -> Visitor:
        visitors.append(Visitor(browser, live_server.url, username))
        return visitors[-1]

    yield open_window
    for visitor in visitors:
        visitor.context.close()


def write_need(firm: Visitor) -> None:
    """许安 writes down what money is needed; only the firm sees it."""
    firm.go("我的需求", "写一笔需求")
    page = firm.page
    page.get_by_label("需要多少").fill("180")
    page.get_by_label("用多久").fill("12")
    page.get_by_label("用来做什么").select_option(label="采购原材料")
    page.get_by_label("能提供的担保").select_option(label="信用")
    page.get_by_label("联系人").fill("许安")
    page.get_by_label("联系电话").fill(PHONE)
    firm.press("保存，看哪些产品合适")


def compare_products(firm: Visitor) -> None:
    """The self-check: every clause in one of four states, with the figure and what is lacking."""
    firm.must_see("自查不留痕，机构看不到本页")
    offer = firm.page.get_by_role("main").locator("details", has_text="江畔税票贷").first
    if offer.get_attribute("open") is None:
        offer.locator("summary").click()
    offer.get_by_text("近12个月开票不少于200万元").wait_for()
    offer.get_by_role("cell", name="满足", exact=True).first.wait_for()
    offer.get_by_text("机构自查").first.wait_for()


def send_to_bank(firm: Visitor) -> str:
    """The firm chooses one product, agrees, and sends; returns the order's number."""
    firm.page.get_by_label("选择江畔税票贷").check()
    firm.press("提交给所选 1 家")
    firm.must_see("江畔银行东汀支行")
    firm.press("提交")
    firm.must_see("尚未同意授权")
    firm.page.get_by_role("checkbox", name=re.compile("本企业同意")).check()
    firm.press("提交")
    firm.must_see("已提交，机构将按时限联系")
    return firm.page.get_by_role("main").get_by_role("link", name=re.compile("^对〔")).first.inner_text()


def test_from_a_need_to_a_figure_and_back(visit, say):
    firm = visit("xuan")
    write_need(firm)
    compare_products(firm)
    number = send_to_bank(firm)

    bank = visit("heying")
    bank.go("融资对接", number)
    bank.must_see("东汀精密机械有限公司")
    assert not bank.sees(PHONE), "the contact shows before the order is accepted"
    bank.press("受理")
    bank.must_see(PHONE)
    bank.press("查看企业信用画像（企业已授权，每次查看都留痕）")
    bank.must_see("近12个月")
    sheet = bank.page.url
    bank.go("融资对接", number)
    bank.press("确认材料齐全")

    approver = visit("luosen")
    approver.go("融资对接", number)
    approver.press("作出授信决定")
    approver.page.get_by_label("同意授信").check()
    approver.page.get_by_label("授信额").fill("150")
    approver.page.get_by_label("年化利率").fill("4.35")
    approver.press("作出授信决定")
    approver.must_see("已授信")
    approver.leave()

    firm.go("办理进度", number)
    firm.must_see("4.35%")
    firm.press("接受授信条件")
    firm.must_see("企业已接受")

    bank.go("融资对接", number)
    bank.press("登记放款")
    bank.page.get_by_label("合同号或借据号").fill("借2026-0001")
    bank.page.get_by_label("放款额").fill("150")
    bank.press("登记放款")
    bank.must_see("借2026-0001")

    chief = visit("linqiushi")
    chief.go("驾驶舱")
    chief.page.get_by_role("main").get_by_role("link", name=re.compile("放款")).first.click()
    chief.must_see("东汀精密机械有限公司")
    chief.must_see("150.00")
    chief.leave()

    firm.go("查阅记录")
    firm.must_see("江畔银行东汀支行")
    firm.must_see("何盈")
    firm.go("授权与查阅", "撤回授权")
    firm.press("确认撤回")
    firm.must_see("已撤回对“江畔银行”的授权，立即生效")

    bank.page.goto(sheet)
    bank.must_see("不能查阅")
    assert not bank.sees("近12个月"), "figures stand on the page of a refused read"
    firm.go("查阅记录")
    firm.page.get_by_role("cell", name="已拒绝").first.wait_for()
    say({"windows": 4, "complaints": len(firm.complaints + bank.complaints)})
    firm.leave()
    bank.leave()


def test_an_inline_script_would_be_refused(visit):
    """Control: the policy is in force, and the silence of the console means something."""
    firm = visit("xuan")
    firm.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert firm.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in firm.complaints)
