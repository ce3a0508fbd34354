"""The two stories in Chromium: an objection from the sheet to the correction, a repair from the sheet to the decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jinmai.desks.credit.models import Objection, Repair
from jinmai.desks.credit.tests.penalties import bring_penalties, days_ago, name_by_code
from tests.security.papers import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Desk:
    """One browser that one person after the other sits down at."""

    def __init__(self, page: Any, address: str, client_as: Any) -> None:
        self.page, self.address, self.client_as = page, address, client_as

    def sit(self, username: str, path: str) -> None:
        """That person, signed in, at a page."""
        self.page.context.clear_cookies()
        cookies = self.client_as(username).cookies.items()
        self.page.context.add_cookies(
            [{"name": name, "value": one.value, "url": self.address} for name, one in cookies]
        )
        answer = self.page.goto(f"{self.address}{path}")
        assert answer.ok, (username, path, answer.status)

    def follow(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("link", name=name, exact=True).first.click()

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("button", name=name, exact=True).first.click()

    def sees(self, text: str) -> None:
        self.page.get_by_role("main").get_by_text(text).first.wait_for()

    def row(self, text: str) -> Any:
        return self.page.locator(".records li").filter(has_text=text)

    def fits(self) -> None:
        """Neither at the desk nor on a phone is the page wider than its screen."""
        for width, height in ((390, 844), (1366, 768)):
            self.page.set_viewport_size({"width": width, "height": height})
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
def desk(city: Any, live_server: Any, browser_page: Any, client_as: Any) -> Desk:
    name_by_code(city)
    bring_penalties(city, ("示税罚〔2026〕1号", "500.00", days_ago(200)), ("示税罚〔2026〕2号", "800.00", days_ago(50)))
    return Desk(browser_page, live_server.url, client_as)


def test_an_objection_from_the_sheet_to_the_correction(desk: Desk, browser_page: Any, tmp_path: Path) -> None:
    paper = tmp_path / "决定书.png"
    paper.write_bytes(picture("PNG"))
    desk.sit("xuan", "/credit/own/")
    desk.fits()
    with desk.page.expect_navigation():
        desk.row("1号").get_by_role("link", name="提出异议").click()
    desk.sees("示税罚〔2026〕1号")
    desk.page.get_by_label("异议理由").fill("决定书载明罚款五十元")
    desk.press("提出异议")
    desk.sees("已提出异议，请在本页上传证明材料")
    desk.page.set_input_files("input[type=file]", str(paper))
    desk.press("上传")
    desk.sees("证明材料")
    case = Objection.objects.get()
    here = f"/credit/objections/{case.pk}/"
    desk.sit("linqiushi", here)
    desk.press("受理")
    desk.sees("存在异议")
    desk.sit("hanxue", here)
    desk.follow("核实答复")
    desk.page.get_by_label("有误，予以更正").check()
    desk.page.get_by_label("书面答复").fill("经核对决定书，登记有误")
    desk.press("核实答复")
    desk.sees("没有填写改正后的内容")
    desk.page.get_by_label("罚款金额").fill("50")
    desk.press("核实答复")
    desk.sees("罚款金额改为 50.00 元")
    desk.fits()
    desk.sit("xuan", "/credit/own/")
    assert "已更正" in desk.row("1号").inner_text() and "50.00 元" in desk.row("1号").inner_text()
    assert "500.00" not in desk.row("1号").inner_text()
    assert [said for said in browser_page.complaints if "422" not in said] == []


def test_a_repair_from_the_sheet_to_the_decision(desk: Desk, browser_page: Any) -> None:
    desk.sit("xuan", "/credit/own/")
    with desk.page.expect_navigation():
        desk.row("1号").get_by_role("link", name="申请修复").click()
    desk.page.get_by_label("义务履行完毕日期").fill(str(days_ago(30)))
    desk.page.get_by_label("履行情况").fill("罚款已缴清")
    desk.press("申请修复")
    desk.sees("已提交修复申请")
    desk.sees("待部门认定")
    case = Repair.objects.get()
    here = f"/credit/repairs/{case.pk}/"
    desk.sit("hanxue", here)
    desk.follow("认定")
    desk.page.get_by_label("一般").check()
    for place in (0, 1):
        desk.page.get_by_label("是", exact=True).nth(place).check()
    desk.page.get_by_label("认定依据").fill("缴款书已核")
    desk.press("认定修复条件")
    desk.sit("linqiushi", here)
    desk.follow("作出决定")
    desk.sees("最短公示期已届满：满足")
    desk.page.get_by_label("准予修复").check()
    desk.page.get_by_label("理由").fill("四项条件全部满足")
    desk.press("作出修复决定")
    desk.sees("停止公示、共享和使用")
    desk.fits()
    desk.sit("xuan", "/credit/own/")
    assert "已修复" in desk.row("1号").inner_text()
    assert "申请修复" in desk.row("2号").inner_text() and "申请修复" not in desk.row("1号").inner_text()
    assert browser_page.complaints == []
