"""Every step of the import through the API: upload, map, try, confirm, receipt, rejects, sheet back, withdraw."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.intake.tests.files import GOOD, csv_text
from jinmai.foundation.kernel.jobs import run_until_empty

pytestmark = pytest.mark.django_db
WRONG = ("E9001", "1009", "2020-02-30", "B1", "1.00", "0", "1.00", "有效发票")
BASE = "/api/v1/intake"


def send(client: Any, address: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(BASE + address, body or {}, content_type="application/json", headers=once())


def once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def upload(client: Any, text: str, **more: str) -> Any:
    file = SimpleUploadedFile("七月发票.csv", text.encode("gb18030"))
    return client.post(f"{BASE}/drafts", {"files": [file], **more}, headers=once())


def test_from_upload_to_withdrawal(client_as: Any) -> None:
    client = client_as("linqiushi")
    begun = upload(client, csv_text([*GOOD, WRONG]))
    assert begun.status_code == 201, begun.content
    draft = begun.json()
    assert draft["source"] == "invoices.output" and draft["files"][0]["mapping"]["positions"]["invoice_no"] == 1
    place = f"/drafts/{draft['id']}"
    mapped = send(client, f"{place}/mapping", {"source": "invoices.output", "mappings": [draft["files"][0]["mapping"]]})
    assert mapped.json()["state"] == "mapped"
    tried = send(client, f"{place}/dry-run").json()
    assert tried["state"] == "checked" and tried["files"][0]["accepted"] == 3
    assert tried["files"][0]["rejects"] == [{"row": 5, "column": "开票日期", "value": "2020-02-30", "reason": "不是日期"}]
    assert send(client, f"{place}/confirm").json()["state"] == "confirmed"
    run_until_empty("test")
    landed = client.get(BASE + place).json()
    key = landed["files"][0]["receipt"]
    assert landed["state"] == "landed" and landed["progress_done"] <= landed["progress_total"]
    receipt = client.get(f"{BASE}/receipts/{key}").json()
    assert (receipt["accepted"], receipt["rejected"], receipt["withdrawn"]) == (3, 1, False)
    assert key in [one["id"] for one in client.get(f"{BASE}/receipts?source=invoices.output").json()]
    assert client.get(f"{BASE}/receipts/{key}/rejects").json() == tried["files"][0]["rejects"]
    assert "退回原因" in client.get(f"{BASE}/receipts/{key}/returned").content.decode("gb18030")
    withdrawn = send(client, f"/receipts/{key}/withdraw", {"reason": "重复报送"})
    assert withdrawn.json()["withdrawn"] and withdrawn.json()["withdrawn_reason"] == "重复报送"
    assert send(client, f"/receipts/{key}/withdraw", {"reason": "再撤一次"}).status_code == 409


def test_a_repeated_upload_is_one_draft(client_as: Any) -> None:
    client, key = client_as("linqiushi"), once()
    answers = []
    for _ in range(2):
        file = SimpleUploadedFile("a.csv", csv_text(GOOD).encode())
        answers.append(client.post(f"{BASE}/drafts", {"files": [file]}, headers=key))
    assert [one.status_code for one in answers] == [201, 201], answers[1].content
    assert answers[0].json()["id"] == answers[1].json()["id"]


def test_refusals_say_why(client_as: Any) -> None:
    client = client_as("linqiushi")
    draft = upload(client, "户号,票号\n1,2\n", source="invoices.output").json()
    refused = send(client, f"/drafts/{draft['id']}/dry-run").json()
    assert "缺少" in str(refused) or "还没有对应" in str(refused)
    assert send(client, f"/drafts/{draft['id']}/confirm").status_code == 409
    assert send(client, f"/drafts/{draft['id']}/mapping", {"source": "nowhere"}).json()["code"] == "JM-INT-006"
    assert client_as("shenyihe").get(f"{BASE}/drafts/{draft['id']}").status_code == 404
    assert client_as("heying").get(f"{BASE}/sources").status_code == 403
    before = Receipt.objects.count()
    given_up = client.delete(f"{BASE}/drafts/{draft['id']}", headers=once())
    assert given_up.json()["state"] == "abandoned" and Receipt.objects.count() == before
    assert client.get(f"{BASE}/drafts/{draft['id']}").status_code == 404


def test_sources_and_templates(client_as: Any) -> None:
    client = client_as("shenyihe")
    listed = {one["name"]: one for one in client.get(f"{BASE}/sources").json()}
    assert listed["gov.tax_penalties"]["level"] == "C2" and listed["gov.tax_penalties"]["keep_years"] == 5
    assert client.get(f"{BASE}/sources/gov.tech_sme/template").content.startswith(b"PK")
    assert client.get(f"{BASE}/sources/nothing/template").status_code == 404
