"""What a reader keeps of a list: views of one's own and shared ones, chosen columns; every export is booked."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.models import Task
from jinmai.foundation.ui import actions
from jinmai.foundation.ui.models import ExportRecord, ListChoice, SavedView

pytestmark = pytest.mark.django_db
TASKS = "/tasks/"
BANK = "bank_city_jp_dongting"


def give_tasks(*titles: str, role: str = "institution.account_manager", code: str = BANK) -> list[Task]:
    """Tasks of a bank's account managers."""
    return [
        Task.objects.create(
            subject_ref="x:1", title=title, verb="financing.accept_order", role=role,
            organisation=Organisation.objects.get(code=code), url="/tasks/",
        )
        for title in titles
    ]  # fmt: skip


@pytest.fixture
def heying(city: Any, client_as: Any) -> Any:
    give_tasks("甲件", "乙件")
    return client_as("heying")


def colleague(city: Any) -> Any:
    """A second account manager of the same branch, signed in."""
    from jinmai.foundation.kernel.access.models import Membership

    post = city.membership("t_manager_branch")
    Membership.objects.filter(pk=post.pk).update(organisation=Organisation.objects.get(code=BANK))
    return city.client("t_manager_branch")


def save(client: Any, name: str, query: str = "?q=甲", **more: str) -> Any:
    return client.post(f"{TASKS}{query}", {"keep": "save", "name": name, **more})


def text(client: Any, address: str = TASKS) -> str:
    return client.get(address, follow=True).content.decode()


def test_a_view_keeps_conditions_order_and_columns_and_opens_again(heying):
    answer = save(heying, "甲类", "?q=甲&sort=-title&columns=title,due_on")
    view = SavedView.objects.get()
    assert (view.name, view.filters, view.sort, view.columns) == ("甲类", {"q": "甲"}, "-title", ["title", "due_on"])
    shown = text(heying, answer["Location"])
    assert "甲件" in shown and "乙件" not in shown
    assert shown.index("事项</a>") < shown.index("时限</a>")
    assert AuditEntry.objects.filter(operation="ui.save_view", outcome="ok").count() == 1


def test_a_name_is_refused_when_empty_long_or_taken_and_the_list_stays(heying):
    save(heying, "甲类")
    for name, code in (("", "JM-UI-001"), ("名" * 31, "JM-UI-001"), ("甲类", "JM-UI-002")):
        answer = save(heying, name)
        assert answer.status_code == 409 and code in answer.content.decode()
        assert "甲件" in answer.content.decode()
    assert SavedView.objects.count() == 1


def test_too_many_views_are_refused(heying, monkeypatch):
    monkeypatch.setattr(actions, "MOST_VIEWS", 1)
    save(heying, "一")
    assert "JM-UI-003" in save(heying, "二").content.decode()


def test_a_default_view_opens_the_list_and_can_be_left(heying):
    save(heying, "甲类", default="on")
    assert heying.get(TASKS).status_code == 302
    assert "乙件" not in text(heying) and "乙件" in text(heying, f"{TASKS}?view=all")
    assert f'href="{TASKS}?view=all"' in text(heying)  # the way out is on the page
    heying.post(TASKS, {"keep": "default"})
    assert "乙件" in text(heying)


def test_renamed_and_deleted_by_its_author(heying):
    save(heying, "甲类", default="on")
    view = SavedView.objects.get()
    heying.post(TASKS, {"keep": "rename", "saved": view.pk, "name": "甲等"})
    view.refresh_from_db()
    assert view.name == "甲等"
    heying.post(TASKS, {"keep": "delete", "saved": view.pk})
    assert not SavedView.objects.exists() and ListChoice.objects.get().default_view is None
    entry = AuditEntry.objects.get(operation="ui.delete_view")
    assert entry.object_ref == f"ui.savedview:{view.pk}"


def test_a_private_view_is_nobody_elses_and_a_shared_one_is_the_organisations(heying, city, client_as):
    save(heying, "私用视图")
    save(heying, "共用视图", "?q=乙", shared="on")
    other = colleague(city)
    assert "共用视图" in text(other) and "私用视图" not in text(other)
    strangers = [client_as(name) for name in ("luosen", "t_manager_bank", "linqiushi")]
    assert all("共用视图" not in text(one) and "私用视图" not in text(one) for one in strangers)
    private, shared = SavedView.objects.get(name="私用视图"), SavedView.objects.get(name="共用视图")
    for keep in ("rename", "share", "delete"):  # not the colleague's to change, and not there for a stranger
        assert other.post(TASKS, {"keep": keep, "saved": shared.pk, "name": "改"}).status_code == 404
    assert other.post(TASKS, {"keep": "default", "saved": private.pk}).status_code == 404
    assert other.post(TASKS, {"keep": "default", "saved": shared.pk}).status_code == 302
    heying.post(TASKS, {"keep": "share", "saved": shared.pk, "shared": "0"})
    assert "甲件" in text(other) and "共用视图" not in text(other)  # taken back: the list opens unfiltered again


def test_columns_are_remembered_in_their_order_for_this_post_alone(heying, city):
    heying.post(TASKS, {"keep": "columns", "columns": ["title", "due_on", "nonsense"]})
    heads = list(csv.reader(io.StringIO(heying.get(f"{TASKS}?export=csv").content.decode("utf-8-sig"))))[0]
    assert heads == ["事项", "时限"]
    assert ListChoice.objects.get().columns == ["title", "due_on"]
    assert "要做的事" in text(colleague(city))
    heying.post(TASKS, {"keep": "columns"})
    assert "要做的事</th>" in text(heying)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_export_is_booked_with_basis_and_rows(heying, kind):
    assert heying.get(f"{TASKS}?q=甲&columns=title&export={kind}").status_code == 200
    record = ExportRecord.objects.get()
    assert (record.operation, record.purpose, record.level) == ("site.tasks", "work", "C2")
    assert (record.row_count, record.columns, record.conditions) == (1, ["title"], {"事项": "甲"})
    assert (record.membership.user.username, record.file_kind, record.list_path) == ("heying", kind, TASKS)
    entry = AuditEntry.objects.get(operation="ui.export_list")
    assert (entry.chain, entry.object_ref) == (BANK, f"ui.exportrecord:{record.pk}")
    assert "甲" not in "".join(map(str, AuditEntry.objects.filter(pk=entry.pk).values_list()[0]))


def test_control_an_export_that_is_not_booked_does_not_leave(heying, monkeypatch):
    from jinmai.foundation.kernel.errors import Refusal
    from jinmai.foundation.ui.lists import exporting

    def broken(*_arguments: Any, **_named: Any) -> None:
        raise Refusal("JM-XXX-000", "审计写不进去")

    monkeypatch.setattr(exporting.actions, "export_list", broken)
    answer = heying.get(f"{TASKS}?export=csv")
    assert answer.status_code == 409 and "甲件" not in answer.content.decode()


def test_too_long_a_list_is_not_exported(heying, monkeypatch):
    from jinmai.foundation.ui.lists import exporting

    monkeypatch.setattr(exporting, "MOST_ROWS", 1)
    answer = heying.get(f"{TASKS}?export=csv")
    assert answer.status_code == 409 and "JM-UI-006" in answer.content.decode()
    assert not ExportRecord.objects.exists()


def test_a_large_count_is_kept_for_a_moment_and_only_for_the_same_question(heying, monkeypatch):
    from jinmai.foundation.ui.lists import counting

    monkeypatch.setattr(counting, "LARGE", 2)
    monkeypatch.setattr(counting, "_kept", {})
    assert "共 2 行" in text(heying)
    give_tasks("丙件")
    assert "共 2 行" in text(heying) and "共 1 行" in text(heying, f"{TASKS}?q=丙")
    monkeypatch.setattr(counting, "_kept", {})
    assert "共 3 行" in text(heying)
