"""Importing: what is read right, what is rejected row by row, what is refused as a whole; nothing counted twice."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation import analytics
from jinmai.foundation.analytics.backends import duckdb as engine
from jinmai.foundation.analytics.manifests import relations
from jinmai.foundation.analytics.models import Batch
from jinmai.foundation.intake import child
from jinmai.foundation.intake.actions import GivenFile, import_files, withdraw_import
from jinmai.foundation.intake.declarations import sources
from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.intake.parsing.normalise import problems
from jinmai.foundation.intake.template_sheet import wanted
from jinmai.foundation.intake.tests.files import GOOD, HEADING, csv_text, write_csv
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import NotAllowed, Refusal
from jinmai.foundation.kernel.subjects.models import Identifier, Subject

pytestmark = pytest.mark.django_db
LAST_DAY = date(2020, 12, 31)
BOUGHT = tuple(heading.replace("购方", "销方") for heading in HEADING)


def bring(source: str, *paths: Path) -> list[Receipt]:
    outcome = import_files(Actor.platform(), source, [GivenFile(path, path.name) for path in paths])
    if outcome.refused:
        raise outcome.refused[0][1]
    return outcome.receipts


def sold(manifest: Any = None) -> list[tuple[Any, ...]]:
    """All rows of the output invoices, sorted."""
    batches = (manifest or analytics.manifest()).batches
    names, rows = engine.collect(
        engine.run(relations(["invoices_output"], batches, LAST_DAY), "SELECT * FROM invoices_output")
    )
    return sorted(rows)


@pytest.fixture(scope="module", autouse=True)
def _end_child() -> Any:
    yield
    child.stop()


class TestReading:
    def test_good_rows_land_exactly(self, home: Any, tmp_path: Path) -> None:
        (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv"))
        assert (receipt.rows, receipt.accepted, receipt.rejected, receipt.duplicates) == (3, 3, 0, 0)
        assert sold()[1] == (
            "cumcm2020:E9001", "1002", date(2020, 1, 6), "B2", -5050, -656, -5706, "valid",
        )  # fmt: skip

    @pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16"])
    def test_encodings(self, home: Any, tmp_path: Path, encoding: str) -> None:
        expected = self._landed(tmp_path, "plain.csv", csv_text(GOOD).encode())
        assert self._landed(tmp_path, "other.csv", csv_text(GOOD).encode(encoding)) == expected

    def test_gz_and_windows_line_ends(self, home: Any, tmp_path: Path) -> None:
        expected = self._landed(tmp_path, "plain.csv", csv_text(GOOD).encode())
        other = gzip.compress(csv_text(GOOD).replace("\n", "\r\n").encode("gbk"), mtime=0)
        assert self._landed(tmp_path, "other.csv.gz", other) == expected

    @pytest.mark.parametrize(
        ("place", "written"),
        [
            (0, "Ｅ９００１"),
            (0, "\u3000E9001 "),
            (2, "2020年1月5日"),
            (2, "20200105"),
            (2, "2020/1/5"),
            (2, "2020.1.5"),
            (2, "43835"),
            (2, "２０２０－０１－０５"),
            (2, "2020-01-05 00:00:00"),
            (4, "１００．００"),
            (4, "￥100.00"),
            (4, "100.000"),
            (4, "1e2"),
            (7, " 有效发票 "),
            (7, "\u3000有效发票"),
        ],
    )
    def test_ways_of_writing_read_as_the_same_row(self, home: Any, tmp_path: Path, place: int, written: str) -> None:
        expected = self._landed(tmp_path, "plain.csv", csv_text(GOOD[:1]).encode())
        row = [*GOOD[0][:place], written, *GOOD[0][place + 1 :]]
        assert self._landed(tmp_path, "other.csv", csv_text([row]).encode()) == expected

    @pytest.mark.parametrize("written", ["1,200.25", "１，２００．２５", "1 200.25"])
    def test_thousand_separators(self, home: Any, tmp_path: Path, written: str) -> None:
        row = [*GOOD[2][:4], written, "0", written, GOOD[2][7]]
        bring("invoices.output", write_csv(tmp_path / "a.csv", [row]))
        assert sold()[0][4:7] == (120025, 0, 120025)

    def _landed(self, folder: Path, name: str, content: bytes) -> str:
        """The digest of what lands from a file of this content."""
        path = folder / name
        path.write_bytes(content)
        (receipt,) = bring("invoices.output", path)
        assert receipt.rejected == 0, list(receipt.rejects())
        return receipt.batch.digest

    def test_totals_rows_are_left_out_and_said(self, home: Any, tmp_path: Path) -> None:
        total = ("合 计：", "", "", "", "1249.75", "6.44", "1256.19", "")
        (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv", [*GOOD, total]))
        assert (receipt.rows, receipt.accepted, receipt.rejected, receipt.totals) == (3, 3, 0, 1)
        assert "第 5 行" in receipt.notes[-1]

    def test_title_blank_lines_and_ragged_rows(self, home: Any, tmp_path: Path) -> None:
        text = "某区销项发票明细表,,\n\n" + csv_text(GOOD[:2]) + "\n" + ",".join(GOOD[2]) + ",多出来的\nE9009,2001\n"
        path = tmp_path / "a.csv"
        path.write_text(text, encoding="utf-8")
        (receipt,) = bring("invoices.output", path)
        assert (receipt.accepted, receipt.rejected) == (3, 1)
        (reject,) = receipt.rejects()
        assert (reject["row"], reject["column"], reject["reason"]) == (8, "开票日期", "缺少必填内容")

    def test_spreadsheet(self, home: Any, tmp_path: Path) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(HEADING)
        for row in GOOD:
            sheet.append([row[0], int(row[1]), date.fromisoformat(row[2]), row[3], *map(float, row[4:7]), row[7]])
        book.save(tmp_path / "a.xlsx")
        expected = self._landed(tmp_path, "plain.csv", csv_text(GOOD).encode())
        (receipt,) = bring("invoices.output", tmp_path / "a.xlsx")
        assert receipt.batch.digest == expected and receipt.repeated

    def test_unknown_keys_make_provisional_subjects(self, home: Any, tmp_path: Path) -> None:
        bring("invoices.output", write_csv(tmp_path / "a.csv", [("E7777", *GOOD[0][1:])]))
        subject = Identifier.objects.get(scheme="cumcm2020", value="E7777").subject
        assert subject.provisional and subject.origin == Subject.Origin.REAL_ANONYMOUS

    def test_firms_get_their_names(self, home: Any, tmp_path: Path) -> None:
        rows = [("E1", "某某电器有限公司", "A", "否"), ("E2", "某某商贸公司", "D", "是")]
        path = write_csv(tmp_path / "f.csv", rows, heading=("企业代号", "企业名称", "信誉评级", "是否违约"))
        bring("firms", path)
        assert Identifier.objects.get(value="E2").subject.name == "某某商贸公司"


class TestSubjectsOfAWithdrawnImport:
    """A name that only a withdrawn import brought stands in no list; one that others know stays."""

    def _aside(self) -> set[str]:
        return set(Identifier.objects.filter(subject__set_aside=True).values_list("value", flat=True))

    def _two(self, tmp_path: Path) -> tuple[Receipt, Receipt]:
        (first,) = bring("invoices.output", write_csv(tmp_path / "a.csv", [(firm, *GOOD[0][1:]) for firm in ("E71", "E72")]))
        (second,) = bring("invoices.input", write_csv(tmp_path / "b.csv", [("E72", *GOOD[1][1:])], heading=BOUGHT))
        return first, second

    def test_those_that_nothing_else_names_are_set_aside_and_come_back(self, home: Any, tmp_path: Path) -> None:
        first, second = self._two(tmp_path)
        withdraw_import(Actor.platform(), first, reason="来源有误")
        assert self._aside() == {"E71"}
        withdraw_import(Actor.platform(), second, reason="来源有误")
        assert self._aside() == {"E71", "E72"}
        bring("invoices.output", tmp_path / "a.csv")
        assert self._aside() == set()

    def test_a_registered_one_stays(self, home: Any, tmp_path: Path) -> None:
        first, _ = self._two(tmp_path)
        Subject.objects.filter(identifiers__value="E71").update(provisional=False)
        withdraw_import(Actor.platform(), first, reason="来源有误")
        assert self._aside() == set()

    def test_one_with_another_code_stays(self, home: Any, tmp_path: Path) -> None:
        first, _ = self._two(tmp_path)
        Identifier.objects.create(
            subject=Subject.objects.get(identifiers__value="E71"), scheme="uscc", value="91310000000000000X"
        )
        withdraw_import(Actor.platform(), first, reason="来源有误")
        assert self._aside() == set()


class TestRejecting:
    @pytest.mark.parametrize(
        ("place", "written", "column", "reason"),
        [
            (0, "", "企业代号", "缺少必填内容"),
            (2, "2020-02-30", "开票日期", "不是日期"),
            (2, "昨天", "开票日期", "不是日期"),
            (2, "17-07-18", "开票日期", "日期早于 1994-01-01"),
            (4, "壹佰", "金额", "不是金额"),
            (4, "100.005", "金额", "金额多于两位小数"),
            (4, "１００.００５", "金额", "金额多于两位小数"),
            (5, "12.99", "价税合计", "金额与税额之和不等于价税合计（金额 100.00 + 税额 12.99，价税合计 113.00）"),
            (7, "未知", "发票状态", "不是已知的取值（有效发票、作废发票）"),
        ],
    )
    def test_each_wrong_row_is_named_and_the_rest_kept(
        self, home: Any, tmp_path: Path, place: int, written: str, column: str, reason: str
    ) -> None:
        wrong = [*GOOD[0][:place], written, *GOOD[0][place + 1 :]]
        (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv", [GOOD[1], wrong, GOOD[2]]))
        assert (receipt.rows, receipt.accepted, receipt.rejected) == (3, 2, 1)
        (reject,) = receipt.rejects()
        assert (reject["row"], reject["column"], reject["reason"]) == (3, column, reason)
        if place == 4:
            assert reject["value"] == written

    def test_no_invoice_is_dated_after_the_day_of_its_import(self, home: Any, tmp_path: Path) -> None:
        today = date(2026, 3, 2)
        days = [today + timedelta(days=number) for number in (-1, 0, 1, 400)]
        rows = [(*GOOD[0][:1], str(number), day.isoformat(), *GOOD[0][3:]) for number, day in enumerate(days)]
        with Clock.at(datetime.combine(today, time(23, 30), LEGAL_ZONE)):
            (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv", rows))
        assert (receipt.accepted, receipt.rejected) == (2, 2)
        assert [(one["row"], one["reason"]) for one in receipt.rejects()] == [
            (4, "日期晚于 2026-03-02"), (5, "日期晚于 2026-03-02"),
        ]  # fmt: skip
        assert "不晚于导入当日" in wanted(sources()["invoices.output"].field("happened_on"))

    def test_control_a_field_without_that_bound_takes_any_day(self) -> None:
        declared = sources()["invoices.output"]
        unbound = replace(declared, fields=tuple(replace(one, latest="") for one in declared.fields))
        bounds = [[one for one in problems(source, LAST_DAY) if "晚于" in one.reason] for source in (declared, unbound)]
        assert [len(found) for found in bounds] == [1, 0]
        assert not [one for one in problems(declared) if "晚于" in one.reason]

    def test_sums_are_exact_to_the_fen(self, home: Any, tmp_path: Path) -> None:
        rows = [("E1", "1", "2020-01-01", "B", "0.10", "0.20", "0.30", "有效发票")]
        (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv", rows))
        assert receipt.accepted == 1  # in floating point 0.1 + 0.2 is not 0.3


class TestRefusing:
    def _refused(self, source: str, path: Path) -> str:
        before = (Batch.objects.count(), Receipt.objects.count(), Subject.objects.count())
        with pytest.raises(Refusal) as refused:
            bring(source, path)
        assert before == (Batch.objects.count(), Receipt.objects.count(), Subject.objects.count())
        return str(refused.value)

    def test_wrong_source_says_what_is_missing_and_what_it_looks_like(self, home: Any, tmp_path: Path) -> None:
        said = self._refused("invoices.input", write_csv(tmp_path / "a.csv"))
        assert "缺少列 销方单位代号" in said and "销项发票" in said and "JM-INT-003" in said

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "JM-INT-001"),
            (b"\n \n", "JM-INT-001"),
            (gzip.compress(b"", mtime=0), "JM-INT-001"),
            (",".join(HEADING).encode() + b"\n", "JM-INT-001"),
            (b"%PDF-1.7 ...", "JM-INT-002"),
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "JM-INT-002"),
            (b"PK\x03\x04 not a workbook", "JM-INT-002"),
            (gzip.compress(csv_text(GOOD).encode(), mtime=0)[:-30], "JM-INT-002"),
            ("今天开会讨论了融资问题。\n大家都很高兴。\n".encode(), "JM-INT-002"),
            (csv_text([(*GOOD[0], "1.00")], (*HEADING, "金额")).encode(), "JM-INT-005"),
        ],
    )
    def test_files_that_cannot_be_taken(self, home: Any, tmp_path: Path, content: bytes, code: str) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(content)
        assert code in self._refused("invoices.output", path)

    def test_unknown_source_and_absent_file(self, home: Any, tmp_path: Path) -> None:
        assert "JM-INT-006" in self._refused("invoices.sideways", write_csv(tmp_path / "a.csv"))
        assert "JM-INT-007" in self._refused("invoices.output", tmp_path / "nowhere.csv")

    def test_one_bad_file_does_not_lose_the_others(self, home: Any, tmp_path: Path) -> None:
        (tmp_path / "empty.csv").write_bytes(b"")
        paths = [
            write_csv(tmp_path / "a.csv", GOOD[:1]),
            tmp_path / "empty.csv",
            write_csv(tmp_path / "b.csv", GOOD[1:]),
        ]
        outcome = import_files(Actor.platform(), "invoices.output", [GivenFile(path, path.name) for path in paths])
        assert [name for name, _ in outcome.refused] == ["empty.csv"]
        assert sum(receipt.accepted for receipt in outcome.receipts) == 3

    def test_a_child_that_dies_is_replaced(self, home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bring("invoices.output", write_csv(tmp_path / "a.csv", GOOD[:1]))
        assert child._child is not None
        child._child._process.kill()
        child._child._process.wait()
        bring("invoices.output", write_csv(tmp_path / "b.csv", GOOD[1:]))
        assert len(sold()) == 3

    def test_permission(self, actor: Any, tmp_path: Path) -> None:
        given = [GivenFile(write_csv(tmp_path / "a.csv"), "a.csv")]
        with pytest.raises(NotAllowed):
            import_files(actor("heying"), "invoices.output", given)
        assert import_files(actor("linqiushi"), "invoices.output", given).receipts[0].actor_name == "林秋实"
        assert AuditEntry.objects.filter(operation="intake.import_files", outcome="ok").exists()


class TestCountingOnce:
    def test_repeats_within_a_file(self, home: Any, tmp_path: Path) -> None:
        again = [*GOOD[0][:7], "有效发票  "]
        (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv", [*GOOD, again, GOOD[1]]))
        assert (receipt.accepted, receipt.duplicates) == (3, 2)

    def test_second_import_accepts_nothing(self, home: Any, tmp_path: Path) -> None:
        (first,) = bring("invoices.output", write_csv(tmp_path / "a.csv"))
        digest = analytics.manifest().digest
        (second,) = bring("invoices.output", write_csv(tmp_path / "b.csv"))
        assert (second.rows, second.accepted, second.duplicates, second.repeated) == (3, 0, 3, True)
        assert second.batch == first.batch and analytics.manifest().digest == digest and len(sold()) == 3

    def test_any_order_gives_the_same_facts(self, home: Any, tmp_path: Path) -> None:
        a = write_csv(tmp_path / "a.csv", GOOD[:2])
        b = write_csv(tmp_path / "b.csv", GOOD[1:])
        found = []
        for order in ((a, b), (b, a)):
            receipts = bring("invoices.output", *order)
            assert [receipt.accepted for receipt in receipts] == [2, 1]
            found.append((sold(), analytics.manifest().digest))
            for receipt in reversed(receipts):
                withdraw_import(Actor.platform(), receipt, reason="换个顺序再来")
        assert found[0] == found[1] and len(found[0][0]) == 3

    def test_rows_in_another_order_are_the_same_content(self, home: Any, tmp_path: Path) -> None:
        (first,) = bring("invoices.output", write_csv(tmp_path / "a.csv"))
        (second,) = bring("invoices.output", write_csv(tmp_path / "b.csv", tuple(reversed(GOOD))))
        assert second.batch == first.batch


class TestTakingBack:
    def test_withdrawing_readmits_rows_that_later_batches_share(self, home: Any, tmp_path: Path) -> None:
        (first,) = bring("invoices.output", write_csv(tmp_path / "a.csv", GOOD[:2]))
        early = analytics.manifest()
        (second,) = bring("invoices.output", write_csv(tmp_path / "b.csv", GOOD[1:]))
        (third,) = bring("invoices.output", write_csv(tmp_path / "c.csv", GOOD[2:]))
        assert (second.accepted, third.accepted) == (1, 0)
        withdraw_import(Actor.platform(), first, reason="来源有误")
        assert [row[1] for row in sold()] == ["1002", "1003"]  # 1002 was the withdrawn batch's, and b's as well
        assert len(sold(early)) == 2 and early.withdrawn == [first.batch]  # the earlier manifest still reads it
        (again,) = bring("invoices.output", tmp_path / "a.csv")
        assert (again.accepted, again.duplicates) == (1, 1) and len(sold()) == 3
        withdraw_import(Actor.platform(), second, reason="来源有误")
        assert len(sold()) == 3  # now from a and c

    def test_refusals(self, home: Any, tmp_path: Path) -> None:
        (receipt,) = bring("invoices.output", write_csv(tmp_path / "a.csv"))
        with pytest.raises(Refusal, match="JM-ANA-002"):
            withdraw_import(Actor.platform(), receipt, reason=" ")
        withdraw_import(Actor.platform(), receipt, reason="来源有误")
        with pytest.raises(Refusal, match="JM-ANA-001"):
            withdraw_import(Actor.platform(), receipt, reason="再来一次")


class TestCrashing:
    def test_a_crash_before_the_commit_leaves_nothing_counted(
        self, home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from jinmai.foundation.analytics import landing

        path = write_csv(tmp_path / "a.csv")
        with monkeypatch.context() as broken:
            broken.setattr("jinmai.foundation.intake.actions.Receipt.objects.create", _crash)
            with pytest.raises(RuntimeError):
                bring("invoices.output", path)
        assert not Batch.objects.exists() and len(list(home.facts.glob("invoices_output/*.parquet"))) == 1
        monkeypatch.setattr(landing, "STALE_SECONDS", -1)
        (receipt,) = bring("invoices.output", path)
        assert receipt.accepted == 3
        assert len(list(home.facts.glob("invoices_output/*.parquet"))) == 1  # the orphan was swept


def _crash(**_fields: Any) -> None:
    raise RuntimeError("the machine stopped here")
