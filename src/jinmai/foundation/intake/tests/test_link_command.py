"""``jinmai link``: its CSV, its one JSON line, its refusals; bad keys and chains of names are said; the published pairs."""

from __future__ import annotations

import csv
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation.kernel.ids import uscc_check_character


@pytest.fixture
def link(tmp_path: Path):
    """Run the command; exit code, its one JSON line, the rows it wrote."""

    def run(*options: Any) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
        from typer.testing import CliRunner

        from jinmai.cli import app

        out = tmp_path / "out.csv"
        out.unlink(missing_ok=True)
        done = CliRunner().invoke(app, ["link", *(str(one) for one in options), "--out", str(out), "--json"])
        assert done.stdout.count("\n") == 1, done.output
        rows = list(csv.DictReader(out.read_text("utf-8").splitlines())) if out.exists() else []
        return done.exit_code, json.loads(done.stdout), rows

    return run


def code(number: int) -> str:
    """A credit code with the right check character."""
    body = f"91510000MA6L{number:05d}"
    return body + uscc_check_character(body)


def table(path: Path, heading: str, *rows: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join([heading, *rows]) + "\n", encoding=encoding)
    return path


def pairs_of(rows: list[dict[str, str]]) -> set[tuple[int, int, str]]:
    return {(int(row["row_a"]), int(row["row_b"]), row["decision"]) for row in rows}


# ---------------------------------------------------------------- what comes out


def test_codes_decide_first_and_names_where_a_code_is_missing(link, tmp_path):
    a = table(
        tmp_path / "a.csv",
        "企业名称,统一社会信用代码",
        f"东汀精密机械有限公司,{code(1)}",
        f"西陵商贸有限公司,{code(2)}",
        "江畔（东汀）物流有限公司,",
    )
    b = table(
        tmp_path / "b.csv",
        "单位名称,信用代码",
        f"旧名字有限公司,{code(1)}",
        f"西陵商贸有限公司,{code(9)}",
        "江畔(东汀)物流有限责任公司,",
        encoding="gb18030",
    )
    status, told, rows = link(a, b)
    assert status == 0
    assert pairs_of(rows) == {(0, 0, "link"), (2, 2, "link")}  # one name under two codes is two firms
    assert {one["kind"] for one in told["problems"]} == {"codes_differ"}
    assert told["columns"]["b"]["name"] == "单位名称" and (told["links"], told["rows_a"], told["rows_b"]) == (2, 3, 3)


@pytest.mark.parametrize(
    ("left", "right", "decision"),
    [
        ("东汀（精密）机械有限公司", "东汀(精密)机械有限公司", "link"),
        ("东汀精密机械有限公司", "东汀精密机械有限责任公司", "link"),
        ("ＡＢＣ东汀精密机械有限公司", "ABC 东汀精密机械有限公司", "link"),
        ("东汀精密机械有限公司", "西陵水产养殖有限公司", "none"),
        ("东汀精密机械有限公司", "东汀精密机械有限公司第二分公司", "none"),
        ("北京东汀精密机械有限公司", "上海东汀精密机械有限公司", "none"),
    ],
)
def test_what_names_say(link, tmp_path, left, right, decision):
    _, _, rows = link("--pairs", table(tmp_path / "p.csv", "name_l,name_r", f"{left},{right}"))
    assert [row["decision"] for row in rows] == [decision]


def test_pairs_keep_their_order_and_codes_and_labels_decide_nothing(link, tmp_path):
    names = [
        ("东汀精密机械有限公司", "东汀精密机械有限责任公司"),
        ("西陵商贸有限公司", "江畔物流有限公司"),
        ("", "甲有限公司"),
    ]
    plain = table(tmp_path / "p.csv", "name_l,name_r", *(",".join(pair) for pair in names))
    status, told, rows = link("--pairs", plain)
    assert status == 0 and [row["row"] for row in rows] == ["0", "1", "2"] and "precision" not in told
    assert [row["decision"] for row in rows] == ["link", "none", "none"] and told["problems"][0]["kind"] == "no_key"
    lying = table(
        tmp_path / "q.csv", "uscc_l,uscc_r,name_l,name_r,match", f"{code(1)},{code(2)},{names[0][0]},{names[0][1]},0",
        f"{code(3)},{code(3)},{names[1][0]},{names[1][1]},1", f"{code(4)},{code(4)},,甲有限公司,1",
    )  # fmt: skip
    _, told, again = link("--pairs", lying)
    assert again == rows and (told["precision"], told["recall"]) == (0.0, 0.0)


def test_the_same_tables_give_the_same_file_whatever_the_form(link, tmp_path):
    rows = [f"企业{place:03d}科技有限公司,{code(place)}" for place in range(50)]
    a = table(tmp_path / "a.csv", "企业名称,统一社会信用代码", *rows)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(a.read_bytes(), mtime=0))
    assert link(a, a)[2] == link(packed, a)[2] and len(link(a, packed)[2]) == 50


# ---------------------------------------------------------------- former names


def test_a_chain_of_renames_is_followed_and_a_circle_is_not(link, tmp_path):
    a = table(
        tmp_path / "a.csv",
        "企业名称,曾用名",
        "丙丙精密科技有限公司,乙乙精密科技有限公司",
        "戊戊商贸有限公司,己己商贸有限公司",
        "己己商贸有限公司,戊戊商贸有限公司",
    )
    renames = table(tmp_path / "r.csv", "原名称,现名称", "甲甲精密科技有限公司,乙乙精密科技有限公司")
    b = table(tmp_path / "b.csv", "企业名称", "甲甲精密科技有限公司", "戊戊商贸有限公司")
    _, told, rows = link(a, b, "--renames", renames)
    assert (0, 0, "link") in pairs_of(rows)
    assert "rename_cycle" in {one["kind"] for one in told["problems"]}
    _, _, without = link(a, b)
    assert (0, 0, "link") not in pairs_of(without)  # the control: without the chain they are two names


def test_a_name_with_two_later_names_is_not_followed(link, tmp_path):
    a = table(tmp_path / "a.csv", "企业名称", "乙乙精密科技有限公司", "丙丙水产养殖有限公司")
    b = table(tmp_path / "b.csv", "企业名称", "甲甲矿业有限公司")
    renames = table(
        tmp_path / "r.csv",
        "原名称,现名称",
        "甲甲矿业有限公司,乙乙精密科技有限公司",
        "甲甲矿业有限公司,丙丙水产养殖有限公司",
    )
    _, told, rows = link(a, b, "--renames", renames)
    assert rows == [] and [one["kind"] for one in told["problems"]] == ["rename_fork"]


# ---------------------------------------------------------------- bad keys


def test_bad_keys_are_said_with_their_rows(link, tmp_path):
    a = table(
        tmp_path / "a.csv", "企业名称,统一社会信用代码,备注",
        ",,不详", f"东汀精密机械有限公司,{code(1)},", f"西陵水产养殖有限公司,{code(1)},",
        f"江畔物流有限公司,{code(2)},", f"江畔物流有限公司,{code(3)},", "苇塘医药有限公司,91510000MA6L00000X,",
    )  # fmt: skip
    b = table(tmp_path / "b.csv", "企业名称,统一社会信用代码", f"苇塘医药有限公司,{code(4)}")
    _, told, rows = link(a, b)
    kinds = {one["kind"]: one for one in told["problems"]}
    assert set(kinds) == {"no_key", "code_unusable", "code_two_firms", "firm_two_codes"}
    assert kinds["no_key"]["rows"] == [0] and kinds["code_unusable"]["rows"] == [5]
    assert kinds["code_two_firms"]["rows"] == [1, 2] and kinds["firm_two_codes"]["rows"] == [3, 4]
    assert pairs_of(rows) == {(5, 0, "link")}  # a code that is none decides nothing


@pytest.mark.parametrize(
    ("content", "options", "refused"),
    [
        ("金额,数量\n1,2\n", (), "JM-INT"),
        ("企业名称\n甲有限公司\n", ("--name-a", "没有这一列"), "JM-INT-008"),
    ],
)
def test_refusals(link, tmp_path, content, options, refused):
    a = tmp_path / "a.csv"
    a.write_text(content, encoding="utf-8")
    status, told, rows = link(a, table(tmp_path / "b.csv", "企业名称", "甲有限公司"), *options)
    assert status == 2 and told["code"].startswith(refused) and rows == []


def test_two_tables_or_pairs_are_asked_for(link, tmp_path):
    a = table(tmp_path / "a.csv", "企业名称", "甲有限公司")
    assert link(a)[1]["code"] == link(a, a, "--pairs", a)[1]["code"] == "JM-INT-031"
    assert link(a, tmp_path / "absent.csv")[0] == 2


# ---------------------------------------------------------------- how right it is


@pytest.mark.data
def test_the_labelled_pairs(link, data_dir):
    status, told, rows = link("--pairs", data_dir / "linkage" / "cn_uscc" / "pairs_dev.csv")
    print({name: told[name] for name in ("rows", "links", "reviews", "precision", "recall", "f1", "seconds")})
    assert status == 0 and len(rows) == told["rows"] == 3378
    assert told["f1"] >= 0.70 and told["precision"] >= 0.97


@pytest.mark.data
def test_one_real_table_to_another_by_name_alone(link, data_dir, tmp_path):
    """Two departments' lists of firms; the codes are kept aside and tell how right the names were."""
    path = data_dir / "linkage" / "cn_uscc" / "uscc_name_table_triples_dev.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tables: dict[str, dict[str, str]] = {}
    for row in rows:
        tables.setdefault(row["file"], {})[row["uscc"]] = row["name"]
    one, other = "海淀区中关村高新技术企业库", "安全生产许可证信息"
    files = []
    for place, start in zip("ab", (one, other), strict=True):
        (name,) = (name for name in tables if name.startswith(start))
        shuffled = sorted(tables[name].items())
        random.Random(place).shuffle(shuffled)
        lines = (f"{text.replace(',', '，')},{key}" for key, text in shuffled)
        files.append(table(tmp_path / f"{place}.csv", "企业名称,统一社会信用代码", *lines))
    _, told, _ = link(*files, "--by-name")
    print({name: told[name] for name in ("rows_a", "rows_b", "links", "precision", "recall", "f1")})
    assert told["f1"] >= 0.95
