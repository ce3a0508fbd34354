"""Any table through one door: every cell as written, whatever the file's form, encoding or ending."""

from __future__ import annotations

import gzip
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jinmai.foundation.intake.tables import read_table
from jinmai.foundation.kernel.errors import Refusal

ROWS = [
    ["代码", "名称", "金额"],
    ["007", "甲,公司", "1,234.50"],
    ["91350100M000100Y43", '乙"商行', ""],
    ["", "丙", "1e3"],
]
CSV = '代码,名称,金额\n007,"甲,公司","1,234.50"\n91350100M000100Y43,"乙""商行",\n,丙,1e3\n'
ARFF = (
    "% made by hand\n@RELATION firms\n@attribute 代码 string\n@attribute '名 称' {甲,乙}\n@ATTRIBUTE x numeric\n@DATA\n"
)


def texts(path: Path) -> list[list[str]]:
    table = read_table(path)
    columns = [table.text(name) for name in table.names]
    assert all(column.dtype == object and len(column) == table.rows for column in columns)
    return [list(table.names), *([column[row] for column in columns] for row in range(table.rows))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".xls"])
def test_text_is_kept_as_written(tmp_path: Path, encoding: str, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    content = CSV.encode(encoding)
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    assert texts(path) == ROWS


def test_tabs_titles_and_line_ends_in_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('某区名单\n\n代码\t名称\t金额\n007\t"甲\n公司"\t1\n008\t乙,a,b,c,d\n', encoding="utf-8")
    assert texts(path) == [["代码", "名称", "金额"], ["007", "甲\n公司", "1"], ["008", "乙,a,b,c,d", ""]]


def test_line_ends_in_headings_and_separators_in_cells_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('"名称\n（全称）",代码\n甲,1\n乙,2\n', encoding="utf-8")
    assert texts(path) == [["名称\n（全称）", "代码"], ["甲", "1"], ["乙", "2"]]
    book = openpyxl.Workbook()
    for row in (["名单"], ["一;二;三"], ["甲;乙;丙"], ["丁;戊;己"]):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    assert read_table(tmp_path / "b.xlsx").names == ("名单",)


def test_a_file_without_headings(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("1\t2021-03-11\t甲\n2\t2021-03-12\t乙\n", encoding="utf-8")
    assert texts(path) == [["列1", "列2", "列3"], ["1", "2021-03-11", "甲"], ["2", "2021-03-12", "乙"]]


def test_cells_beyond_the_headings_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3,4,5\n", encoding="utf-8")
    table = read_table(path)
    assert table.rows == 2 and any("第 3 行" in note for note in table.notes)


def test_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["代码", "日期", "金额", "金额"], ["007", datetime(2020, 1, 5), 3390939, 0.1]):
        book.active.append(row)
    book.save(tmp_path / "a.csv")  # an ending that isn't true
    assert texts(tmp_path / "a.csv") == [["代码", "日期", "金额", "金额 (2)"], ["007", "2020-01-05", "3390939", "0.1"]]


def test_parquet(tmp_path: Path) -> None:
    columns = {"代码": ["007", None], "金额": [100.0, 0.25], "数": [1, None], "日": [datetime(2020, 1, 5)] * 2}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet") == [
        ["代码", "金额", "数", "日"],
        ["007", "100", "1", "2020-01-05"],
        ["", "0.25", "", "2020-01-05"],
    ]
    pq.write_table(pa.table({"a": [[1, 2]]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and nothing else")
    for name in ("b", "c"):
        with pytest.raises(Refusal, match="JM-INT-002"):
            read_table(tmp_path / f"{name}.parquet")


def test_arff(tmp_path: Path) -> None:
    path = tmp_path / "a.arff.gz"
    path.write_bytes(gzip.compress((ARFF + "007, '甲, \\'一\\'', 1.50\n% between\n\n?,乙,?\n").encode()))
    assert texts(path) == [["代码", "名 称", "x"], ["007", "甲, '一'", "1.50"], ["", "乙", ""]]


@pytest.mark.parametrize(
    "content",
    [
        ARFF + "1,2\n",
        ARFF + "{0 1}\n",
        ARFF + "1,'2,3\n",
        ARFF.replace("@DATA", ""),
        ARFF.replace("numeric", ""),
        "@relation a\n@data\n",
        "@relation a\nhello\n",
    ],
)
def test_arff_that_breaks_its_own_rules_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.arff").write_text(content, encoding="utf-8")
    with pytest.raises(Refusal, match="ARFF.*JM-INT-002"):
        read_table(tmp_path / "a.arff")


def test_numbers(tmp_path: Path) -> None:
    written = [
        "1",
        "-2.5",
        "+3",
        "1e3",
        ".5",
        " 7 ",
        '"1,234.5"',
        "１２",
        "",
        "3万元",
        "12%",
        '"1,23"',
        "nan",
        "inf",
        "٣",
    ]
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"{cell},a\n" for cell in written), encoding="utf-8")
    numbers = read_table(path).numbers("x")
    assert numbers.dtype == np.float64
    assert numbers[:8].tolist() == [1, -2.5, 3, 1000, 0.5, 7, 1234.5, 12]
    assert all(math.isnan(value) for value in numbers[8:])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "JM-INT-001"),
        (b"\n \n", "JM-INT-001"),
        (b"%PDF-1.4\n\x00", "JM-INT-002"),
        (b"\x1f\x8b\x08rubbish", "JM-INT-002"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(Refusal, match=f"a.csv.*{code}"):
        read_table(tmp_path / "a.csv")
    with pytest.raises(Refusal, match="JM-INT-007"):
        read_table(tmp_path / "absent.csv")


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("代码,名称\n1,2\n", encoding="utf-8")
    with pytest.raises(Refusal, match="代码、名称.*JM-INT-008"):
        read_table(tmp_path / "a.csv").text("金额")


def test_published_files(data_dir: Path) -> None:
    """As many rows as the data's own description says."""
    for name, rows, columns in (
        ("sme_invoices/f1_input_invoices.csv.gz", 210_947, 8),
        ("credit/polish_1year.arff.gz", 7_027, 65),
        ("used_cars/mathorcup2021_a4_store_sales_10000.tsv.gz", 10_000, 6),
    ):
        table = read_table(data_dir / name)
        assert (table.rows, len(table.names)) == (rows, columns), name


def test_codes_are_the_text_again(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("n,x\nB,1\nA,2\nB,3\n,4\n", "utf-8")
    table = read_table(path)
    codes, texts = table.codes("n")
    assert texts.tolist() == ["B", "A", ""] and texts[codes].tolist() == table.text("n").tolist()
