"""``codes check`` against codes that were published."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from jinmai.foundation.intake.codes import check_column
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.ids import check_uscc


def test_agrees_on_every_published_code(data_dir: Path) -> None:
    path = data_dir / "codes" / "uscc_real_dev.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        assert check_uscc(row["uscc"]).valid == (row["uscc_checksum_ok"] == "True"), row
    found = check_column(path, "uscc")
    assert found["rows"] == len(rows)
    assert found["valid"] == sum(row["uscc_checksum_ok"] == "True" for row in rows)
    assert found["valid"] + found["invalid"] + found["blank"] == found["rows"]
    assert sum(found["reasons"].values()) == found["invalid"]


def test_counts_each_reason(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    codes = ["91350100M000100Y43", "91350100M000100Y44", "91350100M000100I43", "123", " ", " 91350100M000100Y43 "]
    path.write_text("名称,统一社会信用代码\n" + "".join(f"甲,{code}\n" for code in codes), encoding="gb18030")
    assert check_column(path, "统一社会信用代码") == {
        "rows": 6,
        "valid": 2,
        "invalid": 3,
        "blank": 1,
        "reasons": {"alphabet": 1, "check_character": 1, "length": 1},
    }
    with pytest.raises(Refusal, match="JM-INT-008"):
        check_column(path, "uscc")
