"""The pages of intake: upload, receipt, rejected rows as a file, taking an import back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.intake.tests.files import GOOD, csv_text

pytestmark = pytest.mark.django_db
WRONG = ("E9001", "1009", "2020-02-30", "=1+1", "1.00", "0", "1.00", "有效发票")


def upload(client: Any, text: str, source: str = "invoices.output", name: str = "七月发票.csv") -> Any:
    file = SimpleUploadedFile(name, text.encode("gb18030"))
    return client.post(reverse("intake:import_files"), {"source": source, "file": file})


def newest() -> Receipt:
    return Receipt.objects.latest("at")


def test_upload_gives_a_receipt_with_its_rejected_rows(client_as: Any) -> None:
    client = client_as("linqiushi")
    assert "数据来源" in client.get(reverse("intake:import_files")).content.decode()
    answer = upload(client, csv_text([*GOOD, WRONG]))
    receipt = newest()
    assert answer.status_code == 302 and answer["Location"] == reverse("intake:receipt", args=[receipt.pk])
    page = client.get(answer["Location"]).content.decode()
    assert "七月发票.csv" in page and "不是日期" in page and "林秋实" in page
    listed = client.get(reverse("intake:receipt_list")).content.decode()
    assert "七月发票.csv" in listed and "有退回行" in listed
    rejects = client.get(reverse("intake:reject_list", args=[receipt.pk]), {"export": "csv"})
    assert "5,开票日期,2020-02-30,不是日期" in rejects.content.decode("utf-8-sig")
    sheet = client.get(reverse("intake:reject_list", args=[receipt.pk]), {"export": "xlsx"})
    assert sheet.status_code == 200 and sheet.content.startswith(b"PK")


def test_a_refused_file_keeps_the_form(client_as: Any) -> None:
    before = Receipt.objects.count()
    answer = upload(client_as("linqiushi"), csv_text(GOOD), source="invoices.input")
    assert answer.status_code == 422 and "它更像“销项发票”" in answer.content.decode()
    assert Receipt.objects.count() == before


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
