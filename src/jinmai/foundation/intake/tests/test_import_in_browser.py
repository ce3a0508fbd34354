"""The import wizard in Chromium: a good file, a bad one, a picture that calls itself a workbook; left and come back to.

``JINMAI_SHOTS=DIR`` keeps a picture of each step.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation.intake.tests.files import GOOD, HEADING, write_csv
from jinmai.foundation.kernel.jobs import run_until_empty
from tests.backends.small_city import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WRONG = [
    ("E9001", "1009", "2020-02-30", "B1", "1.00", "0", "1.00", "有效发票"),
    ("E9001", "1010", "2020-02-20", "B1", "一百", "0", "100.00", "有效发票"),
    ("E9002", "1011", "2020-02-21", "B1", "100.00", "13.00", "112.00", "有效发票"),
    ("E9002", "1012", "2020-02-22", "B1", "100.00", "13.00", "113.00", "红冲"),
]


class Screen:
    """One officer at the wizard."""

    def __init__(self, page: Any, address: str, username: str, shots: str = "") -> None:
        self.page, self.address, self.shots = page, address, shots
        page.goto(address)
        page.get_by_label("账号").fill(username)
        page.get_by_label("口令").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.get_by_role("navigation", name="主导航").wait_for()

    def upload(self, *paths: Path) -> None:
        self.page.goto(f"{self.address}/intake/import/")
        self.page.set_input_files("input[type=file]", [str(path) for path in paths])
        self.shot("1-upload-chosen")
        self.press("上传并查看")

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name).first.click()

    def sees(self, text: str) -> None:
        self.page.get_by_role("main").get_by_text(text).first.wait_for()

    def shot(self, name: str) -> None:
        if not self.shots:
            return
        for width, height in ((1366, 768), (390, 844)):
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.screenshot(path=f"{self.shots}/{name}-{width}.png", full_page=width == 390)
        self.page.set_viewport_size({"width": 1366, "height": 768})


@pytest.fixture
def screen(city: Any, live_server: Any, browser_page: Any) -> Screen:
    return Screen(browser_page, live_server.url, "linqiushi", os.environ.get("JINMAI_SHOTS", ""))


def test_a_file_with_bad_rows_from_upload_to_withdrawal(screen: Screen, browser_page: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "七月销项发票.csv", [*GOOD, *WRONG, GOOD[0]], encoding="gb18030")
    screen.page.goto(f"{screen.address}/intake/import/")
    screen.shot("0-upload")
    screen.upload(path)
    screen.sees("这是哪个来源的数据")
    screen.shot("2-source")
    screen.press("下一步：对应列")
    screen.sees("文件的哪一列是什么")
    screen.shot("3-map")
    screen.page.reload()
    screen.press("下一步：试运行")
    screen.sees("将退回的行")
    screen.shot("4-check")
    screen.page.reload()  # the file, its columns and what was found are still there
    screen.press("确认导入 3 行")
    screen.sees("排队中")
    screen.shot("5-queued")
    run_until_empty("test")
    screen.sees("导入完成")
    screen.shot("6-done")
    screen.page.get_by_role("link", name="看回执").click()
    screen.sees("下载带原因的原表")
    screen.shot("7-receipt")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("link", name="下载带原因的原表").click()
    lines = Path(download.value.path()).read_bytes().decode("gb18030").splitlines()
    assert download.value.suggested_filename == "七月销项发票_退回.csv"
    assert lines[0].endswith("退回原因") and sum("：" in line for line in lines[1:]) == 4
    screen.page.get_by_role("link", name="撤回导入").click()
    screen.page.get_by_label("撤回原因").fill("发送单位重复报送")
    screen.press("撤回")
    screen.sees("批次已撤回")
    screen.shot("8-withdrawn")
    assert browser_page.complaints == []


def test_columns_under_other_names_and_a_picture(screen: Screen, browser_page: Any, tmp_path: Path) -> None:
    picture = tmp_path / "照片.xlsx"
    picture.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 8)
    heading = ("户号", "票号", *HEADING[2:6], "总额", "备注")
    path = write_csv(tmp_path / "某区发票.csv", GOOD, heading=heading)
    screen.upload(picture, path)
    screen.sees("这是图片（JPG），不是表格")
    screen.shot("9-two-files")
    screen.page.get_by_label("销项发票").first.check()
    screen.press("下一步：对应列")
    screen.sees("还没有对应的必需列")
    screen.press("下一步：试运行")
    screen.sees("还有必需的列没有对应")
    screen.shot("10-map-missing")
    for label, column in (("企业代号", "户号"), ("发票号码", "票号"), ("价税合计", "总额"), ("发票状态", "备注")):
        screen.page.get_by_label(label, exact=True).select_option(label=column)
    screen.press("下一步：试运行")
    screen.press("确认导入 3 行")
    run_until_empty("test")
    screen.sees("整份没有导入")
    screen.shot("11-done-with-refused")
    screen.upload(picture)
    screen.sees("都读不出表格")
    screen.shot("12-only-picture")
    screen.page.goto(f"{screen.address}/intake/import/")
    screen.sees("没有办完的导入")
    screen.shot("13-waiting")
    assert [one for one in browser_page.complaints if "422" not in one] == []
