"""Three published government tables of different shape and encoding, and small look-alikes of each.

The files under JINMAI_DATA keep the text; each test gives it back the form it was published in (``INDEX.csv`` names it):
GB18030 CSV, UTF-8 CSV with a byte order mark, a workbook with a title row under the ending .csv.
"""

from __future__ import annotations

import csv
import gzip
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation import analytics
from jinmai.foundation.analytics.backends import duckdb as engine
from jinmai.foundation.analytics.manifests import relations
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.intake.declarations import sources
from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.intake.parsing.headings import ranked
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.ids import check_uscc
from jinmai.foundation.kernel.subjects.models import Identifier

pytestmark = pytest.mark.django_db
TAX = ("gov.tax_penalties", "税收行政处罚信息")
RENTAL = ("gov.rental_credit", "市交通委-汽车租赁企业信用评价结果数据")
TECH = ("gov.tech_sme", "东城区科技型中小企业名单汇总信息（2022年度）(1)")
GOOD_CODE = "91350100M000100Y43"


def bring(source: str, path: Path) -> Receipt:
    outcome = import_files(Actor.platform(), source, [GivenFile(path, path.name)])
    if outcome.refused:
        raise outcome.refused[0][1]
    return outcome.receipts[0]


def landed(table: str) -> list[dict[str, Any]]:
    """All rows of a fact table."""
    found = engine.run(
        relations([table], analytics.manifest(tables=[table]).batches, date(2030, 1, 1)), f"SELECT * FROM {table}"
    )
    names, rows = engine.collect(found)
    return [dict(zip(names, row, strict=True)) for row in rows]


def rows_of(data_dir: Path, name: str) -> list[list[str]]:
    """A published table's rows as the data folder keeps them."""
    text = gzip.decompress((data_dir / "government_tables" / f"{name}.csv.gz").read_bytes()).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def as_csv(path: Path, rows: list[list[str]], encoding: str) -> Path:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def as_workbook(path: Path, rows: list[list[str]]) -> Path:
    """A workbook; the blank headings that a data frame names ``Unnamed`` are blank again."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path.with_suffix(".made")))
    sheet = book.add_worksheet()
    for number, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write_string(number, column, "" if cell.startswith("Unnamed") else cell)
    book.close()
    path.with_suffix(".made").rename(path)
    return path


@pytest.mark.data
class TestPublished:
    def test_tax_penalties_in_gb18030(self, home: Any, data_dir: Path, tmp_path: Path, say: Any) -> None:
        rows = rows_of(data_dir, TAX[1])
        receipt = bring(TAX[0], as_csv(tmp_path / "税收行政处罚信息.csv", rows, "gb18030"))
        wrong = sum(not check_uscc(row[0].strip()).valid for row in rows[1:])
        say({"table": TAX[0], "rows": receipt.rows, "accepted": receipt.accepted, "rejected": receipt.rejected})
        assert (receipt.rows, receipt.rejected) == (len(rows) - 1, wrong)
        assert {one["reason"] for one in receipt.rejects()} == {
            "不是统一社会信用代码：应为 18 位", "统一社会信用代码的校验位不对",
        }  # fmt: skip
        facts = landed("tax_penalties")
        assert len(facts) == receipt.accepted == receipt.rows - wrong - receipt.duplicates
        assert {len(one["subject_key"]) for one in facts} == {len("uscc:") + 18}
        fines = [one["fine_fen"] for one in facts if one["fine_fen"] is not None]
        assert fines and all(isinstance(one, int) for one in fines)
        columns = set(facts[0])
        assert not columns & {"处罚事由", "案件名称", "处罚结果"} and "未使用的列" in " ".join(receipt.notes)

    def test_credit_grades_in_utf8_with_a_mark(self, home: Any, data_dir: Path, tmp_path: Path, say: Any) -> None:
        rows = rows_of(data_dir, RENTAL[1])
        receipt = bring(RENTAL[0], as_csv(tmp_path / "汽车租赁.csv", rows, "utf-8-sig"))
        say({"table": RENTAL[0], "rows": receipt.rows, "accepted": receipt.accepted, "rejected": receipt.rejected})
        assert (receipt.rows, receipt.rejected) == (len(rows) - 1, 2)
        facts = landed("rental_credit")
        assert {one["grade"] for one in facts} == {"excellent", "good", "pass", "fail", "A", "B", "C", "none"}
        assert {one["year"] for one in facts} == {2019, 2023, 2024}

    def test_technology_firms_in_a_workbook_under_a_title(
        self, home: Any, data_dir: Path, tmp_path: Path, say: Any
    ) -> None:
        rows = rows_of(data_dir, TECH[1])
        receipt = bring(TECH[0], as_workbook(tmp_path / "科技型中小企业.csv", rows))
        say({"table": TECH[0], "rows": receipt.rows, "accepted": receipt.accepted, "rejected": receipt.rejected})
        assert (receipt.rows, receipt.accepted, receipt.rejected) == (len(rows) - 2, len(rows) - 2, 0)
        assert receipt.heading_row == 2 and {one["year"] for one in landed("tech_sme")} == {2022}
        assert Identifier.objects.filter(scheme="uscc", subject__name=rows[2][2]).exists()

    def test_each_is_guessed_from_its_headings(self, data_dir: Path) -> None:
        for source, name in (TAX, RENTAL, TECH):
            top = [(number, cells) for number, cells in enumerate(rows_of(data_dir, name)[:10], start=1)]
            best, guess = ranked(sources().values(), top)[0]
            assert best.name == source and guess.fits


class TestLookAlikes:
    HEADING = ["纳税人识别号", "纳税人名称", "行政处罚文号", "案件名称", "处罚类别", "罚款金额", "处罚机构", "处罚日期"]

    def _row(self, code: str = GOOD_CODE, fine: str = "34770.5", day: str = "2020/9/24") -> list[str]:
        return [code, "某某商贸有限公司", f"某税罚{code}", "某某-发票违法", "一般程序处罚", fine, "某市税务局", day]

    def test_codes_are_checked_by_their_last_character(self, home: Any, tmp_path: Path) -> None:
        codes = {
            GOOD_CODE: "",
            GOOD_CODE.lower(): "",
            f"　{GOOD_CODE} ": "",
            "110105675090462": "不是统一社会信用代码：应为 18 位",
            "91350100M000100Y44": "统一社会信用代码的校验位不对",
            "91350100I000100Y43": "不是统一社会信用代码：有不该出现的字符",
            "9.11E+17": "不是统一社会信用代码：应为 18 位",
            "": "缺少必填内容",
        }
        rows = [self._row(code) for code in codes]
        receipt = bring(TAX[0], as_csv(tmp_path / "a.csv", [self.HEADING, *rows], "gbk"))
        rejected = {one["row"]: one["reason"] for one in receipt.rejects()}
        expected = {row: reason for row, reason in enumerate(codes.values(), start=2) if reason}
        assert rejected == expected
        assert {one["subject_key"] for one in landed("tax_penalties")} == {f"uscc:{GOOD_CODE}"}

    def test_the_engine_and_the_kernel_agree_on_every_code(self) -> None:
        import duckdb

        from jinmai.foundation.intake.parsing.normalise import MACROS
        from jinmai.foundation.kernel.ids import USCC_ALPHABET

        con = duckdb.connect()
        con.execute(MACROS)
        codes = [GOOD_CODE[:17] + last for last in USCC_ALPHABET] + ["", "1", GOOD_CODE + "1", "９" * 18, "O" * 18]
        for code in codes:
            (said,) = con.execute("SELECT jm_uscc_wrong(?)", [code]).fetchone() or ("",)
            assert said == check_uscc(code).reason, code

    def test_an_empty_fine_is_unknown_and_a_date_with_a_time_is_its_day(self, home: Any, tmp_path: Path) -> None:
        rows = [self.HEADING, self._row(fine="", day="2021/9/3 10:21")]
        bring(TAX[0], as_csv(tmp_path / "a.csv", rows, "gb18030"))
        (fact,) = landed("tax_penalties")
        assert (fact["fine_fen"], fact["happened_on"]) == (None, date(2021, 9, 3))

    def test_a_grade_nobody_declared_is_rejected(self, home: Any, tmp_path: Path) -> None:
        rows = [["企业名称", "等级", "所属区域", "年度", "统一社会信用代码"]]
        rows += [["甲", "中(B)", "朝阳", "2023年", GOOD_CODE], ["乙", "五星", "朝阳", "2023", GOOD_CODE]]
        receipt = bring(RENTAL[0], as_csv(tmp_path / "a.csv", rows, "utf-8-sig"))
        assert receipt.accepted == 1 and "不是已知的取值" in next(receipt.rejects())["reason"]
        assert landed("rental_credit")[0]["grade"] == "B"

    def test_a_workbook_with_a_title_and_a_total(self, home: Any, tmp_path: Path) -> None:
        rows = [["某区科技型中小企业名单（2022年）", "", "", ""], ["序号", "年度", "单位名称", "统一社会信用代码"]]
        rows += [["1", "2022年", "某某科技有限公司", GOOD_CODE], ["合计", "", "1", ""]]
        receipt = bring(TECH[0], as_workbook(tmp_path / "a.csv", rows))
        assert (receipt.rows, receipt.accepted, receipt.totals) == (1, 1, 1)
