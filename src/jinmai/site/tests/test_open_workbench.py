"""The workbench and its neighbours, for every role of the cast."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.permissions import role_label
from jinmai.foundation.kernel.action import witness
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.models import Task
from jinmai.site import navigation
from jinmai.site.changes import own_deeds
from jinmai.site.figures import BY_ROLE
from jinmai.site.views.workbench import group_of
from jinmai.site.words import verb_words
from tests.backends.small_city import CAST

NAMES = [username for username, *_rest in CAST]


@pytest.mark.parametrize("username", NAMES)
def test_every_page_of_the_navigation_opens(client_as, actor, username):
    client = client_as(username)
    items = navigation.items_for(actor(username), "/")
    assert items and items[0]["current"]
    for item in items:
        answer = client.get(item["url"], follow=True)  # one opens with its own filter
        assert answer.status_code == 200, item
        text = answer.content.decode()
        assert 'aria-current="page"' in text and role_label(actor(username).role) in text


def give_task(title: str, due_on: date | None) -> Task:
    return Task.objects.create(
        subject_ref="site.test:1",
        title=title,
        verb="financing.accept_order",
        verb_label="受理",
        organisation=Organisation.objects.get(code="bank_city_jp_dongting"),
        role="institution.account_manager",
        due_on=due_on,
        url="/tasks/",
    )


def test_tasks_are_grouped_by_lateness(client_as):
    with Clock.at(date(2026, 11, 20)):
        give_task("早已到期的一件", date(2026, 11, 18))
        give_task("今天的一件", date(2026, 11, 20))
        give_task("后天的一件", date(2026, 11, 24))
        give_task("年底的一件", date(2026, 12, 31))
        text = client_as("heying").get("/").content.decode()
    places = [
        text.index(word)
        for word in ("已超期", "早已到期的一件", "今天的一件", "3 个工作日内", "后天的一件", "年底的一件")
    ]
    assert places == sorted(places)
    assert "超期 2 个工作日" in text and "2026年11月20日　星期五" in text


def test_tasks_of_others_do_not_show(client_as):
    give_task("何盈的一件", None)
    for stranger in ("luosen", "linqiushi", "xuan", "t_manager_bank"):
        client = client_as(stranger)
        assert "何盈的一件" not in client.get("/").content.decode()
        assert "何盈的一件" not in client.get("/tasks/").content.decode()
    assert "何盈的一件" in client_as("heying").get("/tasks/").content.decode()


@pytest.mark.parametrize(
    ("due", "group"),
    [(None, "later"), (date(2026, 11, 19), "late"), (date(2026, 11, 20), "today"), (date(2026, 11, 25), "soon"),
     (date(2026, 11, 26), "later")],
)  # fmt: skip
def test_group_of_a_due_day(due, group):
    assert group_of(due, date(2026, 11, 20)) == group


def test_figures_have_unit_and_definition_for_every_role_that_has_some(actor):
    from jinmai.site.figures import figures_for

    for username, _name, _organisation, role in CAST:
        figures = figures_for(actor(username))
        assert len(figures) == len(BY_ROLE.get(role, ()))
        assert all(figure.unit and figure.definition for figure in figures)


def test_late_orders_show_to_those_who_answer_for_them(actor):
    from jinmai.site.overdue import ANSWERABLE, overdue_orders

    for username, _name, _organisation, role in CAST:
        assert (overdue_orders(actor(username)) is not None) == (role in ANSWERABLE)


def test_own_deeds_are_told_by_time_and_without_clicks_on_lists(actor):
    hanxue = actor("hanxue")
    for minute, operation in enumerate(("kernel.attach_document", "ui.save_view", "financing.answer_evidence")):
        with Clock.at(datetime(2026, 11, 20, 12, 30 - minute, tzinfo=UTC)):
            witness(hanxue, operation=operation, object_ref="t:1", outcome="ok", digest="0" * 64)
    told = [line["verb"] for line in own_deeds(hanxue)]
    assert told == [verb_words("kernel.attach_document"), verb_words("financing.answer_evidence")]


def test_search_finds_what_one_may_see_and_nothing_else(client_as):
    firm = "西岭测试建材有限公司"
    assert firm in client_as("linqiushi").get("/search/?q=西岭测试").content.decode()
    assert firm in client_as("t_clerk_xiling").get("/search/?q=西岭测试").content.decode()
    for stranger in ("shenyihe", "xuan", "heying", "qiangong"):
        assert firm not in client_as(stranger).get("/search/?q=西岭测试").content.decode()
    assert "没有找到" in client_as("linqiushi").get("/search/?q=绝无此名").content.decode()


def test_accounts_are_opened_by_one_administrator_and_posted_by_another(client_as):
    typed = {"username": "new-clerk", "display_name": "新来的"}
    assert client_as("sungong").post("/accounts/new/", typed).status_code == 403
    made = client_as("qiangong").post("/accounts/new/", typed)
    assert made.status_code == 200 and "一次性口令" in made.content.decode()
    place = f"/accounts/{User.objects.get(username='new-clerk').pk}/"
    post = {"organisation": "district_dongting", "role": "district.clerk"}
    assert client_as("qiangong").post(place + "appoint/", post).status_code == 403
    assert client_as("sungong").post(place + "appoint/", post).status_code == 302
    page = client_as("sungong").get(place).content.decode()
    assert "东汀区融资协调工作专班" in page and "在岗" in page


def test_the_auditor_sees_what_left_as_a_file(client_as):
    auditor = client_as("ligong")
    assert "还没有人导出过清单" in auditor.get("/audit/exports/").content.decode()
    assert client_as("heying").get("/tasks/?q=甲&export=csv").status_code == 200
    page = auditor.get("/audit/exports/").content.decode()
    assert "何盈" in page and "我的待办" in page and "甲" in page and "CSV" in page
    assert "何盈" not in auditor.get("/audit/exports/?q=许安").content.decode()
    assert client_as("qiangong").get("/audit/exports/").status_code == 403


def test_audit_shows_refusals_in_words_and_verifies(client_as):
    client_as("sungong").post("/accounts/new/", {})
    auditor = client_as("ligong")
    assert auditor.get("/audit/?outcome=refused").status_code == 200
    assert "全部相符" in auditor.get("/audit/verify/").content.decode()


def test_the_head_office_comes_right_before_its_branches(client_as):
    text = client_as("qiangong").get("/organisations/?kind=bank").content.decode()
    assert text.index(">江畔银行<") < text.index("　江畔银行东汀支行")


@pytest.mark.browser
def test_keys_move_open_and_search(client_as, live_server, browser_page):
    for title in ("第一件", "第二件", "第三件"):
        give_task(title, None)
    session = client_as("heying").cookies["jinmai_session"].value
    browser_page.context.add_cookies([{"name": "jinmai_session", "value": session, "url": live_server.url}])
    browser_page.goto(f"{live_server.url}/tasks/")
    browser_page.keyboard.press("j")
    browser_page.keyboard.press("ArrowDown")
    assert "第二件" in browser_page.inner_text("tr.current")
    browser_page.keyboard.press("/")
    assert browser_page.evaluate("document.activeElement.id") == "search"
    browser_page.keyboard.press("Escape")
    browser_page.locator("h1").click()
    with browser_page.expect_download() as download:
        browser_page.keyboard.press("e")
    assert download.value.suggested_filename.endswith(".xlsx")
    browser_page.click("summary:has-text('添加条件')")
    browser_page.fill(".adder input[name=q]", "第三")
    with browser_page.expect_navigation():
        browser_page.click("text=应用条件")
    assert browser_page.locator("[data-list] tbody tr").count() == 1
    assert browser_page.url.endswith("/tasks/?q=%E7%AC%AC%E4%B8%89")
    assert browser_page.complaints == []
