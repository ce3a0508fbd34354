"""``jinmai inspect``: any table is told about; none makes it stumble."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jinmai.cli import app
from jinmai.foundation.intake.inspecting import inspect_files, inspect_one, told
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.ids import uscc_check_character
from tests.reliability.malformed import broken_files

ROOT = Path(__file__).parents[5]
SEED = int(os.environ.get("JINMAI_SEED", "20261123"))
SHAPE = {
    "file": str, "format": str, "encoding": (str, type(None)), "header_rows": int, "rows": int, "columns": list,
    "code_columns": list, "name_columns": list, "valid_code_share": (float, type(None)),
    "closest_source": (str, type(None)), "problems": list,
}  # fmt: skip


def code(number: int) -> str:
    """A right credit code."""
    body = f"91110105MA{number:07d}"
    return body + uscc_check_character(body)


def firms(rows: int = 12) -> list[list[str]]:
    return [
        [str(n), code(n), f"测试{n}号商贸有限公司", f"2024-01-{n % 28 + 1:02d}", f"{n * 1000}.50"]
        for n in range(1, rows + 1)
    ]


HEADING = ["序号", "统一社会信用代码", "企业名称", "成立日期", "注册资本(万元)"]


def written(path: Path, rows: list[list[str]], encoding: str = "utf-8", separator: str = ",") -> Path:
    path.write_bytes("".join(separator.join(row) + "\n" for row in rows).encode(encoding))
    return path


def inspected(path: Path) -> dict[str, Any]:
    found = inspect_one(path, path.name)
    assert not found["failed"], found["problems"]
    return found


def check_shape(found: dict[str, Any]) -> None:
    assert list(found) == ["files", "failed"] and type(found["failed"]) is int
    for one in found["files"]:
        assert list(one) == list(SHAPE)
        assert all(isinstance(one[name], kind) for name, kind in SHAPE.items()), one
        assert type(one["rows"]) is int and type(one["header_rows"]) is int
        assert all(list(column) == ["name", "type", "unit"] for column in one["columns"])
        names = [column["name"] for column in one["columns"]]
        assert len(set(names)) == len(names) and set(one["code_columns"] + one["name_columns"]) <= set(names)
        assert all(isinstance(problem, str) and "：" in problem and "。" in problem for problem in one["problems"])
        json.dumps(one, ensure_ascii=False).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_plain_table(tmp_path: Path, encoding: str, separator: str) -> None:
    path = written(tmp_path / ("a.csv" if separator == "," else "a.tsv"), [HEADING, *firms()], encoding, separator)
    found = inspected(path)
    assert (found["format"], found["encoding"]) == ("csv" if separator == "," else "tsv", encoding)
    assert (found["header_rows"], found["rows"], found["problems"]) == (1, 12, [])
    kinds = [(one["type"], one["unit"]) for one in found["columns"]]
    assert kinds == [("serial", None), ("code", None), ("firm_name", None), ("date", None), ("money", "万元")]
    assert (found["code_columns"], found["name_columns"]) == (["统一社会信用代码"], ["企业名称"])
    assert found["valid_code_share"] == 1.0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "big5"])
def test_encodings_without_a_mark(tmp_path: Path, encoding: str) -> None:
    rows = [["編號", "企業名稱", "金額"], *([str(n), f"臺灣第{n}電子股份有限公司", "12"] for n in range(9))]
    found = inspected(written(tmp_path / "a.csv", rows, encoding))
    assert (found["encoding"], found["rows"], found["columns"][1]["name"]) == (encoding, 9, "企業名稱")
    control = [["序号", "名称"], *([str(n), "鑫淼堃犇"] for n in range(9))]  # rare characters, and yet GB18030
    assert inspected(written(tmp_path / "b.csv", control, "gb18030"))["encoding"] == "gb18030"


@pytest.mark.parametrize(
    ("heading", "cells", "kind", "unit"),
    [
        ("所属月份", ["2024-01", "2024年2月", "202403"], "month", None),
        ("年度", ["2023", "2024", "2025"], "year", None),
        ("罚款金额", ["100.00", "1,250.50", "3.10"], "money", "元"),
        ("贷款余额（亿元）", ["1.2", "3", "4"], "money", "亿元"),
        ("投资额", ["3万元", "12万元", "4.5万元"], "money", "万元"),
        ("同比增长率", ["12.5%", "3%", "-4%"], "percent", "%"),
        ("从业人数（人）", ["12", "30", "7"], "count", "人"),
        ("土地面积（平方米）", ["12.5", "30", "7"], "number", "平方米"),
        ("联系电话", ["010-66001234", "13800138000", "66001234"], "phone", None),
        ("身份证号", ["11010119900307299X", "110101********1234", "110101********5678"], "id_card", None),
        ("法定代表人", ["甲某", "乙某", "丙某"], "person_name", None),
        ("决定书文号", ["京罚〔2024〕1号", "京罚〔2024〕2号", "京罚〔2024〕3号"], "other_code", None),
        ("股票代码", ["000001", "600000", "300750"], "other_code", None),
        ("是否上市", ["是", "否", "是"], "bool", None),
        ("处罚机关", ["某市税务局", "某区市场监督管理局", "某区消防救援支队"], "office_name", None),
        ("注册地址", ["某路 1 号院", "某街 2 号", "某里 3 号楼"], "address", None),
        ("备注", ["", " ", ""], "empty", None),
        ("情况", ["这一户的经营情况正常", "那一户已经迁出本区", "第三户正在办理注销"], "text", None),
    ],
)
def test_types_and_units(tmp_path: Path, heading: str, cells: list[str], kind: str, unit: str | None) -> None:
    rows = [["企业名称", heading], *([f"测试{n}有限公司", f'"{cell}"'] for n, cell in enumerate(cells))]
    column = inspected(written(tmp_path / "a.csv", rows))["columns"][1]
    assert (column["type"], column["unit"]) == (kind, unit)


def test_titles_units_two_lines_sections_totals_and_notes(tmp_path: Path) -> None:
    rows = [
        ["某区融资情况表", "", "", "", ""],
        ["", "", "", "", "单位：万元"],
        ["序号", "企业名称", "统一社会信用代码", "贷款", ""],
        ["", "", "", "金额", "余额"],
        ["一、制造业", "", "", "", ""],
        *([str(n), f"测试{n}有限公司", code(n), str(n * 10), str(n * 5)] for n in range(1, 9)),
        ["序号", "企业名称", "统一社会信用代码", "金额", "余额"],
        *([str(n), f"测试{n}有限公司", code(n), str(n * 10), str(n * 5)] for n in range(9, 15)),
        ["", "", "", "", ""],
        ["合 计", "", "", "1050", "525"],
        ["注：以上数据截至月末", "", "", "", ""],
    ]
    found = inspected(written(tmp_path / "a.csv", rows))
    assert (found["header_rows"], found["rows"]) == (2, 14)
    assert [one["name"] for one in found["columns"]] == ["序号", "企业名称", "统一社会信用代码", "金额", "余额"]
    assert [one["unit"] for one in found["columns"]] == [None, None, None, "万元", "万元"]
    said = "\n".join(found["problems"])
    for words in ("第 1、2 行：标题行上面", "第 3、4 行：列名占 2 行", "第 5 行：是分段的小标题", "第 14 行：重复了列名",
                  "第 22 行：是合计行", "第 23 行：是表格下面的说明"):  # fmt: skip
        assert words in said, words


def test_a_last_row_with_only_a_name_is_data(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", [HEADING, *firms(), ["", "", "测试99号商贸有限公司", "", ""]])
    assert inspected(path)["rows"] == 13
    control = written(tmp_path / "b.csv", [HEADING, *firms(), ["制表人某某", "", "", "", ""]])
    assert inspected(control)["rows"] == 12


def test_groups_above_their_columns(tmp_path: Path) -> None:
    rows = [
        ["机构", "2023年", "", "2024年", ""],
        ["", "户数", "金额", "户数", "金额"],
        *(["甲担保有限公司", "1", "2", "3", "4"],) * 3,
    ]
    found = inspected(written(tmp_path / "a.csv", rows))
    assert (found["header_rows"], found["rows"]) == (2, 3)
    assert [one["name"] for one in found["columns"]] == [
        "机构",
        "2023年/户数",
        "2023年/金额",
        "2024年/户数",
        "2024年/金额",
    ]
    control = [
        ["机构", "2023年", ""],
        ["甲", "好", "多"],
        ["乙", "坏", "少"],
        ["丙", "好", "少"],
    ]  # a heading left blank
    assert inspected(written(tmp_path / "b.csv", control))["header_rows"] == 1


def test_what_does_not_fit_is_told_with_its_place(tmp_path: Path) -> None:
    rows = [[*HEADING, "金额", "金额", "", "备用"], *([*row, "1", "2", "x", ""] for row in firms(20))]
    rows[3][1] = "9.11101E+17"
    rows[4][1] = "911101050000000000"
    rows[5][1] = code(5)[:-1] + ("0" if code(5)[-1] != "0" else "1")
    rows[6][3] = "2024/1/6"
    rows[7][3] = "去年"
    rows[8][4] = "约三千"
    rows[9][4] = "9000元"
    rows[10] += ["多出的"]
    rows[11] = rows[11][:4]
    rows.append(rows[1])
    text = "".join(",".join(row) + "\n" for row in rows) + '21,"没有收尾,甲,2024-01-01,1,1,2,x,\n'
    content = text.encode("utf-8").replace("测试12号".encode(), "测试12号".encode("gb18030"))
    (tmp_path / "a.xls").write_bytes(content)
    found = inspected(tmp_path / "a.xls")
    assert (found["format"], found["encoding"], found["rows"]) == ("csv", "mixed", 22)
    said = "\n".join(found["problems"])
    for words in (
        "整个文件：文件名的后缀与内容不符，内容其实是 csv。请把后缀改为 .csv", "整个文件：编码混杂", "第 11 行：比列名多出",
        "第 12 行：比列名少了", "第 23 行：引号没有收尾", "1 行与前面的行逐格相同", "“金额”这一列：同一个列名出现不止一次",
        "第 1 行：第 8 列没有列名", "“备用”这一列：整列是空的", "“统一社会信用代码”这一列第 4 行：变成了科学计数法",
        "“统一社会信用代码”这一列第 5 行：后几位成了 0", "“统一社会信用代码”这一列第 6、23", "“成立日期”这一列：日期有 2 种写法",
        "“成立日期”这一列第 8 行：不是日期", "“注册资本(万元)”这一列第 9 行：不是数字", "“注册资本(万元)”这一列第 10 行：数字后面带了单位",
    ):  # fmt: skip
        assert words in said, f"{words}\n{said}"
    assert 0 < found["valid_code_share"] < 1


def test_no_cell_of_a_table_is_repeated(tmp_path: Path) -> None:
    """Free text may name people: findings hold headings, places and counts."""
    secret = "张某某之妻李某某"
    rows = [
        ["姓名", "日期", "金额", "代码"],
        *([secret, secret, "1", secret] for _ in range(3)),
        *(["甲", "2024-01-01", "2", code(1)] for _ in range(9)),
    ]
    found = inspected(written(tmp_path / "a.csv", rows))
    assert found["problems"] and secret not in json.dumps(found, ensure_ascii=False)


def test_a_file_without_headings_shows_none_of_its_cells(tmp_path: Path) -> None:
    found = inspected(written(tmp_path / "a.csv", firms()))
    assert (found["header_rows"], found["rows"], found["code_columns"]) == (0, 12, ["列2"])
    assert any("没有列名" in problem for problem in found["problems"])


def test_a_record_broken_by_line_ends_is_put_together(tmp_path: Path) -> None:
    content = "a,b,c,d\n1,2,3,x\n4,fi\nve\nsix,7,y\n8,9,10,z\n11,12,13,\n14,15,16,\n"
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    found = inspected(tmp_path / "a.csv")
    assert found["rows"] == 5 and any("第 3 行：一条记录断成了几行" in problem for problem in found["problems"])


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c,d\n"
        + "甲,2,3,4\n" * 9
        + "乙,5\n丙,7,8\n丁,8,1\n戊,9,1\n己,1,1\n",  # most short lines don't add up to rows
        "a,b,c,d\n" + "1,2,3,4\n" * 9 + "4,5\n6,7,8\n",  # they do, and yet begin with a number as every row does
        "a,b,c\n" + "甲,2,3\n" * 9 + "乙,5\n丙,7\n",  # any two would add up in a narrow table
        "a,b,c,d\n甲,2,3,4\n乙,5\n丙,7,8\n",  # short lines are the rule
    ],
)
def test_control_rows_without_their_last_cells_are_not_put_together(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    found = inspected(tmp_path / "a.csv")
    assert found["rows"] == content.count("\n") - 1 and any(
        "比列名少了单元格" in problem for problem in found["problems"]
    )


def test_workbooks(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [["名单"], HEADING, *firms()]:
        sheet.append(row)
    sheet.merge_cells("A1:E1")
    sheet.merge_cells("C4:C6")
    book.create_sheet("第二张").append(["x"])
    book.save(tmp_path / "a.csv")
    found = inspected(tmp_path / "a.csv")
    assert (found["format"], found["encoding"], found["rows"], found["header_rows"]) == ("xlsx", None, 12, 1)
    said = "\n".join(found["problems"])
    assert "第 4 行：有 1 处合并单元格" in said and "内容其实是 xlsx" in said and "只读取了工作表" in said
    (tmp_path / "b.xlsx.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    assert inspected(tmp_path / "b.xlsx.gz")["rows"] == 12


def test_a_web_page_under_a_spreadsheets_ending(tmp_path: Path) -> None:
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in [HEADING, *firms()])
    page = f"<html><head><style>td{{}}</style></head><body><table><tr><td colspan=5>名单</td></tr>{cells}</table></body></html>"
    (tmp_path / "a.xls").write_bytes(page.encode("gb18030"))
    found = inspected(tmp_path / "a.xls")
    assert (found["format"], found["encoding"], found["rows"]) == ("html", "gb18030", 12)
    assert found["code_columns"] == ["统一社会信用代码"] and any("是网页" in problem for problem in found["problems"])
    rows = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{c}</Data></Cell>' for c in row) + "</Row>"
        for row in [HEADING, *firms()]
    )
    start = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table>'
    xml = f"{start}{rows}</Table></Worksheet></Workbook>"
    (tmp_path / "b.xls").write_text(xml, encoding="utf-8")
    found = inspected(tmp_path / "b.xls")
    assert (found["format"], found["rows"], found["name_columns"]) == ("xml", 12, ["企业名称"])


def test_parquet_and_arff(tmp_path: Path) -> None:
    columns = dict(zip(HEADING, map(list, zip(*firms(), strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "a.arff").write_text("@relation a\n@attribute x numeric\n@data\n1\n2\n", encoding="utf-8")
    found = inspected(tmp_path / "a.parquet")
    assert (found["format"], found["rows"], found["code_columns"]) == ("parquet", 12, ["统一社会信用代码"])
    assert (inspected(tmp_path / "a.arff")["format"], inspected(tmp_path / "a.arff")["rows"]) == ("arff", 2)


def test_the_source_it_resembles(tmp_path: Path, data_dir: Path) -> None:
    for file, source in (
        ("sme_invoices/f1_output_invoices.csv.gz", "invoices.output"),
        ("sme_invoices/附件3_银行贷款年利率与客户流失率.xlsx", "rate_churn"),
        ("government_tables/市交通委-汽车租赁企业信用评价结果数据.csv.gz", "gov.rental_credit"),
        ("government_tables/税收行政处罚信息.csv.gz", "gov.tax_penalties"),
        ("government_tables/经营异常企业信息.csv.gz", None),
        ("credit/polish_1year.arff.gz", None),
    ):
        assert inspected(data_dir / file)["closest_source"] == source, file
    control = [["统一社会信用代码", "企业名称"], *([row[1], row[2]] for row in firms())]
    assert inspected(written(tmp_path / "a.csv", control))["closest_source"] is None


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.csv", b"", "empty"), ("a.csv", b" \r\n\n", "empty"), ("a.xls", bytes(range(256)) * 9, "binary"),
        ("a.xlsx", b"%PDF-1.7\n\x00", "pdf"), ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "gz"),
        ("a.xls", b"<html><body>nothing</body></html>", "html"),
    ],
)  # fmt: skip
def test_what_is_no_table(tmp_path: Path, name: str, content: bytes, form: str) -> None:
    (tmp_path / name).write_bytes(content)
    found = inspect_one(tmp_path / name, name)
    assert (found["failed"], found["format"], found["encoding"], found["rows"], len(found["problems"])) == (
        True,
        form,
        None,
        0,
        1,
    )


def test_prose_is_told_from_a_table_and_blank_lines_keep_the_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("这是一段话，没有表格。\n第二行也是。\n", encoding="utf-8")
    assert any("不像表格" in problem for problem in inspected(tmp_path / "a.csv")["problems"])
    (tmp_path / "b.csv").write_text("a,b\n1,2\n\n3,4\n,\n合计,6\n", encoding="utf-8")
    found = inspected(tmp_path / "b.csv")
    assert found["rows"] == 2 and any("第 6 行：是合计行" in problem for problem in found["problems"])


# ---------------------------------------------------------------- against the published tables


def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("inspect_tables", ROOT / "benchmarks" / "inspect_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_against_the_index(found: dict[str, Any]) -> None:
    """The index takes line 1 for the heading of every table, blank lines for rows, and words about firms for names;
    where it is right, so is inspect, and each difference has its reason."""
    tables, agree = found["tables"], found["agree_with_index"]
    assert tables > 50 and found["unexplained"] == []
    assert agree["columns"] == tables
    assert agree["rows"] >= 0.55 * tables  # the others have their reason, each of them
    assert agree["code_columns"] >= 0.98 * tables
    assert agree["name_columns"] >= 0.85 * tables
    reasons = found["differences"]
    assert not any("read as text" in name for name in reasons), reasons
    published = found["as_published"]
    assert published["encoding"] == published["format"] == published["rows"] == published["files"] > 0


def test_every_third_published_table(data_dir: Path) -> None:
    check_against_the_index(benchmark().measure(data_dir / "government_tables", every=3, published_every=9))


@pytest.mark.long
def test_every_table_as_its_authority_published_it(data_dir: Path) -> None:
    found = benchmark().measure(data_dir / "government_tables")
    check_against_the_index(found)
    assert found["tables"] == 161 and found["as_published"]["files"] >= 155


# ---------------------------------------------------------------- hostile files


def hurt(chance: random.Random, number: int) -> tuple[str, bytes]:
    """A small proper file of some form with something done to its bytes, or rubbish; the same for the same seed."""
    stream = io.BytesIO()
    pq.write_table(pa.table({"代码": [code(1), code(2)], "数": [1.5, None]}), stream)
    text = "".join(",".join(row) + "\n" for row in [HEADING, *firms(5)])
    page = f"<table><tr><td>{'</td><td>'.join(HEADING)}</td></tr><tr><td>1</td><td>2</table>"
    rubbish = bytes(chance.randrange(256) for _ in range(chance.randrange(3000)))
    forms = [
        ("csv", text.encode()), ("csv", text.encode("gb18030")), ("tsv", text.encode("utf-16")),
        ("csv", text.encode("big5", "replace")), ("csv.gz", gzip.compress(text.encode())), ("csv", rubbish),
        ("parquet", stream.getvalue()), ("xls", page.encode()), ("xlsx", b"PK\x03\x04" + rubbish[:200]),
        ("arff", b"@relation a\n@attribute x numeric\n@attribute y string\n@data\n1,'a'\n2,b\n"),
        ("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), ("parquet", b"PAR1" + rubbish),
    ]  # fmt: skip
    ending, content = chance.choice(forms)
    whole = bytearray(content)
    for _ in range(chance.choice((0, 1, 3, 20))):
        if whole:
            place = chance.randrange(len(whole))
            whole[place : place + chance.choice((0, 1, 9))] = bytes(
                chance.randrange(256) for _ in range(chance.choice((0, 1, 5)))
            )
    cut = whole[: chance.randrange(len(whole) + 1)] if chance.random() < 0.3 else whole
    return f"f{number}.{ending}", bytes(cut)


def check_hostile(folder: Path, each: int) -> None:
    chance = random.Random(SEED)
    files = [(one.name, one.content) for one in broken_files(SEED, each, each, each)]
    files += [hurt(chance, number) for number in range(2 * each)]
    failed = 0
    for name, content in files:
        path = folder / name
        path.write_bytes(content)
        found = inspect_files([path])
        check_shape(found)
        assert found["failed"] == 0 or found["files"][0]["problems"], name
        assert found["files"][0]["format"] != "unknown", name  # the child stumbled over something of ours
        failed += found["failed"]
        path.unlink()
    assert 0 < failed < len(files)


def test_hundreds_of_broken_files(tmp_path: Path) -> None:
    check_hostile(tmp_path, 40)


@pytest.mark.long
def test_thousands_of_broken_files(tmp_path: Path) -> None:
    check_hostile(tmp_path, 700)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (201 << 20))
    with gzip.open(tmp_path / "b.csv.gz", "wb") as out:
        for _ in range(210):
            out.write(b"a,b\n" * (1 << 18))
    for name in ("a.xlsx", "b.csv.gz"):
        found = inspect_one(tmp_path / name, name)
        assert found["failed"] and "JM-INT-004" in found["problems"][0], found


# ---------------------------------------------------------------- the command


def test_the_command(tmp_path: Path) -> None:
    good = written(tmp_path / "好.csv", [HEADING, *firms()])
    (tmp_path / "empty.csv").touch()
    program = "from jinmai.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", str(good), "--json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    check_shape(json.loads(done.stdout))
    bad = CliRunner().invoke(
        app, ["inspect", str(good), str(tmp_path / "empty.csv"), str(tmp_path / "absent.csv"), "--json"]
    )
    assert bad.exit_code == 1
    found = json.loads(bad.stdout)
    check_shape(found)
    assert found["failed"] == 2 and [one["rows"] for one in found["files"]] == [12, 0, 0]
    assert "JM-INT-001" in found["files"][1]["problems"][0] and "JM-INT-007" in found["files"][2]["problems"][0]
    none = CliRunner().invoke(app, ["inspect", str(tmp_path / "absent.csv"), "--json"])
    assert none.exit_code == 2 and json.loads(none.stdout)["code"] == "JM-INT-007"
    assert len(list(tmp_path.iterdir())) == 2  # nothing was left beside the files


def test_in_a_terminal(tmp_path: Path) -> None:
    found = inspected(written(tmp_path / "a.xls", [HEADING, *firms()]))
    text = told(found)
    assert "标题 1 行，数据 12 行" in text and "注册资本(万元)：money（万元）" in text and "！整个文件" in text


def test_reading_boots_no_django_and_needs_no_home(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", [HEADING, *firms()])
    program = (
        "import sys; from pathlib import Path; from jinmai.foundation.intake.parsing.inspection import inspect_file;"
        f"print(inspect_file(Path({str(path)!r}), Path({str(tmp_path)!r}))['rows'], 'django' in sys.modules);"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told, peak = done.stdout.splitlines()
    assert told == "12 False" and int(peak) < 300 * 1024  # KiB


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(Refusal, match="JM-INT-007"):
        inspect_files([Path("nowhere.csv")])
