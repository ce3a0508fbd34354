"""The pages of intake: upload, receipt, rejected rows as a file, taking an import back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.intake.declarations import sources
from jinmai.foundation.intake.models import ImportDraft, Receipt
from jinmai.foundation.intake.tests.files import GOOD, HEADING, csv_text
from jinmai.foundation.intake.views import receipts
from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.jobs import run_until_empty
from jinmai.foundation.ui.models import ExportRecord

pytestmark = pytest.mark.django_db
WRONG = ("E9001", "1009", "2020-02-30", "=1+1", "1.00", "0", "1.00", "有效发票")


def upload(client: Any, text: str, source: str = "invoices.output", name: str = "七月发票.csv") -> Any:
    """Upload, the dry run with the columns as guessed, confirm, and the job that follows; the last page's answer."""
    begun = begin(client, [SimpleUploadedFile(name, text.encode("gb18030"))], source)
    address = begun["Location"]
    client.post(address, {"do": "source", "source": source})
    mapped = client.post(address, {"do": "map", **as_guessed(ImportDraft.objects.latest("created_at"))})
    if mapped.status_code != 302:
        return mapped
    confirmed = client.post(address, {"do": "confirm"})
    run_until_empty("test")
    return confirmed


def begin(client: Any, files: list[Any], source: str = "") -> Any:
    return client.post(reverse("intake:import_files"), {"source": source, "files": files})


def as_guessed(draft: ImportDraft) -> dict[str, str]:
    """The mapping form as the page fills it in."""
    positions = draft.mapping(0)["positions"]
    return {f"f0_{name}": str(place) for name, place in positions.items()}


def newest() -> Receipt:
    return Receipt.objects.latest("at")


def test_each_step_leads_to_the_next_and_to_a_receipt(client_as: Any) -> None:
    client = client_as("linqiushi")
    before = (Receipt.objects.count(), Batch.objects.count())
    assert "把文件拖到这里" in client.get(reverse("intake:import_files")).content.decode()
    begun = begin(client, [SimpleUploadedFile("七月发票.csv", csv_text([*GOOD, WRONG]).encode("gb18030"))])
    draft = ImportDraft.objects.get()
    address = reverse("intake:draft", args=[draft.pk])
    assert begun["Location"] == address and draft.source == "invoices.output"
    assert "最像" in client.get(address).content.decode()
    assert client.post(address, {"do": "source", "source": "invoices.output"})["Location"] == f"{address}?step=map"
    columns = client.get(f"{address}?step=map").content.decode()
    assert "企业代号" in columns and "E9001" in columns
    assert client.post(address, {"do": "map", **as_guessed(draft)})["Location"] == f"{address}?step=check"
    tried = client.get(address).content.decode()
    assert "将退回的行" in tried and "2020-02-30" in tried and "不是日期" in tried and "确认导入 3 行" in tried
    assert (Receipt.objects.count(), Batch.objects.count()) == before
    client.post(address, {"do": "confirm"})
    assert "排队中" in client.get(address).content.decode()
    assert run_until_empty("test") >= 1
    done = client.get(address).content.decode()
    assert "导入完成" in done and not draft.folder.exists()
    receipt = newest()
    page = client.get(reverse("intake:receipt", args=[receipt.pk])).content.decode()
    assert "七月发票.csv" in page and "不是日期" in page and "林秋实" in page
    listed = client.get(reverse("intake:receipt_list")).content.decode()
    assert "七月发票.csv" in listed and "有退回行" in listed
    rejects = client.get(reverse("intake:reject_list", args=[receipt.pk]), {"export": "csv"})
    assert "5,开票日期,2020-02-30,不是日期" in rejects.content.decode("utf-8-sig")
    sheet = client.get(reverse("intake:reject_list", args=[receipt.pk]), {"export": "xlsx"})
    assert sheet.status_code == 200 and sheet.content.startswith(b"PK")


def test_columns_of_other_names_are_mapped_by_hand(client_as: Any) -> None:
    client = client_as("linqiushi")
    heading = ("户号", "票号", "哪天", "对方", "净额", "税", "总额", "真假")
    begun = begin(client, [SimpleUploadedFile("a.csv", csv_text(GOOD, heading).encode())], "invoices.output")
    address = begun["Location"]
    page = client.get(f"{address}?step=map").content.decode()
    assert "还没有对应的必需列" in page and "户号" in page
    refused = client.post(address, {"do": "map", "f0_subject_key": "0"})
    assert refused.status_code == 422 and "还有必需的列没有对应" in refused.content.decode()
    names = [one.name for one in sources()["invoices.output"].fields]
    twice = {f"f0_{name}": "0" for name in names}
    assert "同一列对应了几项" in client.post(address, {"do": "map", **twice}).content.decode()
    client.post(address, {"do": "map", **{f"f0_{name}": str(place) for place, name in enumerate(names)}})
    client.post(address, {"do": "confirm"})
    run_until_empty("test")
    assert newest().accepted == 3 and newest().rejected == 0


def test_a_wrong_file_is_said_and_does_not_hold_the_others_up(client_as: Any) -> None:
    client = client_as("linqiushi")
    picture = SimpleUploadedFile("照片.xlsx", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20)
    begun = begin(client, [picture, SimpleUploadedFile("a.csv", csv_text(GOOD).encode())])
    address = begun["Location"]
    assert "这是图片（JPG），不是表格" in client.get(address).content.decode()
    draft = ImportDraft.objects.get()
    client.post(address, {"do": "map", **{f"f0_{name}": str(n) for name, n in draft.mapping(1)["positions"].items()}})
    client.post(address, {"do": "confirm"})
    run_until_empty("test")
    done = client.get(address).content.decode()
    assert "整份没有导入" in done and newest().accepted == 3
    only = begin(client, [SimpleUploadedFile("照片.xlsx", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20)])
    assert "都读不出表格" in client.get(only["Location"]).content.decode()


def test_giving_up_and_cancelling(client_as: Any) -> None:
    before = Receipt.objects.count()
    client = client_as("linqiushi")
    address = begin(client, [SimpleUploadedFile("a.csv", csv_text(GOOD).encode())])["Location"]
    assert "a.csv" in client.get(reverse("intake:import_files")).content.decode()  # waits to be gone on with
    draft = ImportDraft.objects.get()
    client.post(address, {"do": "abandon"})
    assert not draft.folder.exists() and "上传的文件已删除" in client.get(address).content.decode()
    address = begin(client, [SimpleUploadedFile("a.csv", csv_text(GOOD).encode())])["Location"]
    draft = ImportDraft.objects.latest("created_at")
    client.post(address, {"do": "map", **as_guessed(draft)})
    client.post(address, {"do": "confirm"})
    client.post(address, {"do": "cancel"})
    run_until_empty("test")
    assert "导入已取消" in client.get(address).content.decode() and Receipt.objects.count() == before
    client.post(address, {"do": "confirm"})
    run_until_empty("test")
    assert newest().accepted == 3


def test_a_file_of_another_source_is_not_taken_for_this_one(client_as: Any) -> None:
    before = Receipt.objects.count()
    answer = upload(client_as("linqiushi"), csv_text(GOOD), source="invoices.input")
    assert answer.status_code == 422 and "还有必需的列没有对应：销方单位代号" in answer.content.decode()
    assert Receipt.objects.count() == before


def test_the_sheet_goes_back_with_reasons(client_as: Any) -> None:
    client = client_as("linqiushi")
    upload(client, csv_text([*GOOD, WRONG]))
    back = client.get(reverse("intake:returned", args=[newest().pk]))
    lines = back.content.decode("gb18030").splitlines()
    assert back["X-Content-Type-Options"] == "nosniff" and back["Content-Disposition"].startswith("attachment")
    assert lines[0] == ",".join([*HEADING, "退回原因"]) and lines[1:4] == csv_text(GOOD).splitlines()[1:]
    assert lines[4] == "E9001,1009,2020-02-30,'=1+1,1.00,0,1.00,有效发票,开票日期：不是日期"
    upload(client, csv_text(GOOD[:1]), name="b.csv")
    assert client.get(reverse("intake:returned", args=[newest().pk])).status_code == 409  # nothing to mend


def _sheets(city: Any, client: Any) -> list[str]:
    """The page and the API that hand the newest receipt's sheet back."""
    upload(client, csv_text([*GOOD, WRONG]))
    key = newest().pk
    return [reverse("intake:returned", args=[key]), f"/api/v1/intake/receipts/{key}/returned"]


def test_each_sheet_that_goes_back_stands_in_the_register_and_in_the_audit(city: Any, client_as: Any) -> None:
    client = client_as("linqiushi")
    for times, address in enumerate(_sheets(city, client), 1):
        assert client.get(address).status_code == 200
        records = list(ExportRecord.objects.all())
        assert len(records) == times == AuditEntry.objects.filter(operation="ui.export_list", outcome="ok").count()
        record = records[0]
        assert (record.operation, record.title, record.file_kind) == ("intake.download_rejects", "退回原表", "csv")
        assert (record.row_count, record.list_path) == (newest().rows, reverse("intake:receipt", args=[newest().pk]))
        assert record.membership.user.username == "linqiushi" and record.conditions == {}


def test_control_a_sheet_that_is_not_booked_does_not_leave(city: Any, client_as: Any, monkeypatch: Any) -> None:
    def broken(*_arguments: Any, **_named: Any) -> None:
        raise Refusal("JM-XXX-000", "审计写不进去")

    client = client_as("linqiushi")
    addresses = _sheets(city, client)
    monkeypatch.setattr(receipts, "export_list", broken)
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 409 and "退回原因" not in answer.content.decode()


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "control"])
def test_sheets_that_go_back_are_counted_as_exports(
    city: Any, client_as: Any, monkeypatch: Any, counted: bool
) -> None:
    client = client_as("linqiushi")
    page, api = _sheets(city, client)
    limits = {name: throttle.Limit(name, 1 if name == "export" else 10**6, 10**9) for name in throttle.limits()}
    monkeypatch.setattr(throttle, "limits", lambda: limits)
    if not counted:
        monkeypatch.setattr(receipts.throttle, "refuse_too_many", lambda name, who: None)
    with throttle.switched_on():
        answers = [client.get(address) for address in (page, page, api)]
    assert [one.status_code for one in answers] == ([200, 429, 429] if counted else [200] * 3)
    if counted:
        assert all(int(one["Retry-After"]) > 0 for one in answers[1:])


def test_a_template_read_back_is_a_file_of_its_source(client_as: Any, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    client = client_as("linqiushi")
    for source in sources().values():
        content = client.get(reverse("intake:template", args=[source.name])).content
        book = openpyxl.load_workbook(io.BytesIO(content))
        assert book.sheetnames == ["数据", "示例", "说明"]
        filled, example = book["数据"], [cell.value for cell in book["示例"][2]]
        assert [cell.value for cell in book["示例"][1]] == [cell.value for cell in filled[1]]
        filled.append(example)
        book.save(tmp_path / "a.xlsx")
        address = begin(client, [SimpleUploadedFile("a.xlsx", (tmp_path / "a.xlsx").read_bytes())], source.name)["Location"]
        client.post(address, {"do": "map", **as_guessed(ImportDraft.objects.latest("created_at"))})
        assert ImportDraft.objects.latest("created_at").findings[0]["accepted"] == 1, source.name


def test_withdrawing(client_as: Any) -> None:
    client = client_as("linqiushi")
    upload(client, csv_text(GOOD))
    receipt = newest()
    address = reverse("intake:withdraw", args=[receipt.pk])
    assert "撤回原因" in client.get(address).content.decode()
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "来源有误"}).status_code == 302
    assert "批次已撤回" in client.get(reverse("intake:receipt", args=[receipt.pk])).content.decode()


def test_who_may_see_what(client_as: Any) -> None:
    upload(client_as("linqiushi"), csv_text(GOOD))
    receipt = newest()
    address = reverse("intake:receipt", args=[receipt.pk])
    assert client_as("zhouqiming").get(address).status_code == 200
    assert client_as("shenyihe").get(address).status_code == 404  # another organisation's receipt
    assert client_as("heying").get(address).status_code == 403
    assert client_as("shenyihe").get(reverse("intake:withdraw", args=[receipt.pk])).status_code == 403
    upload(client_as("shenyihe"), csv_text(GOOD[:1]), name="东汀.csv")
    assert "东汀.csv" in client_as("shenyihe").get(reverse("intake:receipt_list")).content.decode()


def test_a_file_name_is_no_path(client_as: Any, home: Any) -> None:
    upload(client_as("linqiushi"), csv_text(GOOD), name="../../evil.csv")
    assert newest().file_name == "evil.csv"
    assert not list(Path(home.path).rglob("*evil*"))


def test_a_file_of_no_named_source_is_looked_into(client_as: Any) -> None:
    """The page says what each file is, as ``jinmai inspect`` does, and repeats no cell of it there; a named source needs
    no look."""
    client = client_as("linqiushi")
    text = "某区名单,,\n名称,统一社会信用代码,金额\n" + "甲某某有限公司,9.11E+17,3\n" * 3
    begin(client, [SimpleUploadedFile("名单.csv", text.encode("gb18030"))])
    draft = ImportDraft.objects.latest("created_at")
    looked = draft.files[0]["inspected"]
    assert (looked["header_rows"], looked["rows"], looked["encoding"]) == (1, 3, "gb18030")
    assert "甲某某" not in str(looked)
    shown = client.get(reverse("intake:draft", args=[draft.pk])).content.decode()
    assert "这是什么样的表" in shown and "变成了科学计数法" in shown and "标题行上面有大标题" in shown
    client.cookies["django_language"] = "en"
    english = client.get(reverse("intake:draft", args=[draft.pk])).content.decode()
    assert "What kind of table this is" in english and "turned into scientific notation" in english
    assert "Column “" in english
    begin(client, [SimpleUploadedFile("名单.csv", text.encode())], "invoices.output")
    assert "inspected" not in ImportDraft.objects.latest("created_at").files[0]
