"""``jinmai import``: a dry run lands nothing and names every bad row; the template of a source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.intake.tests.files import GOOD, write_csv

pytestmark = pytest.mark.django_db
WRONG = ("E9001", "1009", "2020-02-30", "B1", "1.00", "0", "1.00", "有效发票")


def run(home: Any, *words: str) -> Any:
    from jinmai.cli import app

    return CliRunner().invoke(app, ["import", *words, "--home", str(home.path), "--json"])


def test_a_dry_run_lands_nothing(home: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [*GOOD, WRONG])
    before = (Batch.objects.count(), Receipt.objects.count())
    answer = run(home, str(path), "--source", "invoices.output", "--dry-run")
    found = json.loads(answer.stdout)
    assert answer.exit_code == 0 and found["dry_run"] and (found["accepted"], found["rejected"]) == (3, 1)
    assert found["files"][0]["rejects"][0] == {
        "row": 5, "column": "开票日期", "value": "2020-02-30", "reason": "不是日期",
    }  # fmt: skip
    assert (Batch.objects.count(), Receipt.objects.count()) == before


def test_a_template(home: Any, tmp_path: Path) -> None:
    out = tmp_path / "t.xlsx"
    answer = run(home, "template", "gov.tech_sme", "--out", str(out))
    assert answer.exit_code == 0 and json.loads(answer.stdout)["columns"] == 4
    assert out.read_bytes().startswith(b"PK")
    assert run(home, "template", "nowhere", "--out", str(out)).exit_code != 0
