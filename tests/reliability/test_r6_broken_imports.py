"""R6: broken files, by the thousand, read in the limited child: each one is answered for, whatever it does to the child.

``JINMAI_SEED`` repeats a run. The reading needs no database, so the many run once; a few tens go through the whole
import on each engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import time_machine

from jinmai.foundation.intake import child
from jinmai.foundation.intake.parsing import spreadsheets
from jinmai.foundation.intake.parsing.worker import TOO_LARGE
from jinmai.foundation.kernel.errors import Refusal
from tests.reliability import malformed
from tests.reliability.malformed import SOURCE, BrokenFile, broken_files, good_ods, good_xls

SEED = int(os.environ.get("JINMAI_SEED", "20261122"))
MOST_RSS_MB = 300
SMALL_FILE = 1 << 20
ENGINE = os.environ.get("JINMAI_TEST_DATABASE", "sqlite")


class Told:
    """What became of the files so far."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.counts: Counter[str] = Counter()
        self.unanswered: list[str] = []
        self.lost_rows: list[str] = []
        self.most_rss = 0
        self.heaviest = ""
        self.died_of: Counter[str] = Counter()
        self.dead: list[str] = []

    def figures(self) -> dict[str, Any]:
        ordered = sorted(self.seconds)
        return {
            "seed": SEED,
            "files": len(ordered),
            **{name: self.counts[name] for name in ("refused", "taken", "with_reason", "rows_rejected", "deaths", "worker_replaced")},
            "deaths_unanswered": len(self.unanswered),
            "p50_ms": round(1000 * ordered[len(ordered) // 2], 1),
            "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)], 1),
            "max_ms": round(1000 * ordered[-1], 1),
            "max_rss_mb": self.most_rss // 1024,
        }


def read_all(files: Iterable[BrokenFile], folder: Path) -> Told:
    """Every file as the import asks for it: a worker worn out by earlier files is replaced and asked again."""
    told = Told()
    child.stop()
    try:
        for number, file in enumerate(files):
            if child._child is None or not child._child.alive or child._child.asked >= child.FILES_PER_WORKER:
                _ask(child, _warm(folder), folder)
            path = folder / file.name
            path.write_bytes(file.content)
            place = folder / f"out{number}"
            worker = child._child
            _forget_peak(worker)
            started = time.perf_counter()
            answer = _ask(child, path, place)
            told.seconds.append(time.perf_counter() - started)
            if not worker.alive:
                planned = getattr(answer.get("refused"), "reason", "") == TOO_LARGE["reason"]
                replaced = planned or "refused" not in answer
                told.counts["worker_replaced" if replaced else "deaths"] += 1
                told.died_of[file.damage] += 1
                if not replaced:
                    told.dead.append(f"{file.name} ({file.damage}): {answer['refused']}")
            elif len(file.content) <= SMALL_FILE:
                told.most_rss, told.heaviest = max((told.most_rss, told.heaviest), (_peak(worker), f"{file.name} ({file.damage})"))
            _judge(told, file, answer, place)
            path.unlink()
            shutil.rmtree(place, ignore_errors=True)
    finally:
        child.stop()
    return told


def _warm(folder: Path) -> Path:
    path = folder / "warm.csv"
    path.write_text("企业代号\n", encoding="utf-8")
    return path


def _ask(worker: Any, path: Path, place: Path) -> dict[str, Any]:
    place.mkdir(parents=True, exist_ok=True)
    request = {"task": "read", "source": SOURCE, "path": str(path), "folder": str(place), "live": [], "following": None}
    try:
        return worker.ask(request, lambda text, share: None)
    except Refusal as refusal:
        return {"refused": refusal}
    except Exception as problem:  # an answer nobody can read is none
        return {"unanswered": repr(problem)}


def _judge(told: Told, file: BrokenFile, answer: dict[str, Any], place: Path) -> None:
    where = f"{file.name} ({file.damage})"
    if "unanswered" in answer:
        told.unanswered.append(f"{where}: {answer['unanswered']}")
        return
    if "refused" in answer:
        told.counts["refused"] += 1
        refusal = answer["refused"]
        told.counts["with_reason"] += bool(refusal.code and refusal.reason and refusal.remedy)
        if file.good:
            told.lost_rows.append(f"{where}: {refusal}, though {file.good} rows are good")
        return
    told.counts["taken"] += 1
    lines = (place / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    rejects = [json.loads(line) for line in lines]
    named = all(one["row"] > 0 and one["column"] and one["reason"] for one in rejects)
    adds_up = answer["rows"] == answer["accepted"] + answer["rejected"] + answer["duplicates"]
    told.counts["with_reason"] += named and adds_up and len(rejects) == answer["rejected"]
    told.counts["rows_rejected"] += answer["rejected"]
    if file.good is not None and answer["accepted"] + answer["duplicates"] < file.good:
        told.lost_rows.append(f"{where}: {answer['accepted']} of {file.good} good rows; {rejects[:4]}")


def _forget_peak(worker: child.Child) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{worker._process.pid}/clear_refs").write_text("5")


def _peak(worker: child.Child) -> int:
    """Resident kB at most since the peak was forgotten."""
    with contextlib.suppress(OSError, StopIteration):
        status = Path(f"/proc/{worker._process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    return 0


def _expect_all_answered(told: Told, say: Any) -> None:
    figures = told.figures()
    say(figures | ({"died_of": dict(told.died_of)} if told.died_of else {}))
    assert not told.unanswered, told.unanswered[:5]
    assert figures["with_reason"] == figures["files"]
    assert not told.lost_rows, f"{len(told.lost_rows)}: " + "\n".join(told.lost_rows[:12])
    assert not told.dead, told.dead
    assert 0 < figures["max_rss_mb"] <= MOST_RSS_MB, told.heaviest


def test_two_thousand_broken_files_are_each_answered_for(tmp_path: Path, say: Any) -> None:
    many = (900, 900, 200) if ENGINE == "sqlite" else (20, 20, 10)  # the reading asks no database
    _expect_all_answered(read_all(broken_files(SEED, *many), tmp_path), say)


@pytest.mark.long
def test_twenty_two_thousand_broken_files_are_each_answered_for(tmp_path: Path, say: Any) -> None:
    _expect_all_answered(read_all(broken_files(SEED + 1, 10_000, 10_000, 2_000), tmp_path), say)


def test_the_same_seed_makes_the_same_files_on_another_day() -> None:
    files = list(broken_files(7, 200, 30, 20))
    malformed._good_workbook.cache_clear()
    with time_machine.travel("2031-05-06", tick=False):
        assert list(broken_files(7, 200, 30, 20)) == files


@pytest.mark.django_db
def test_broken_files_go_through_the_whole_import(home: Any, tmp_path: Path, say: Any) -> None:
    """Receipts, rejects and batches agree for whatever lands; a file that can't be taken takes nothing with it."""
    from jinmai.foundation.analytics.models import Batch
    from jinmai.foundation.intake.actions import GivenFile, import_files
    from jinmai.foundation.kernel.access.actor import Actor

    counts: Counter[str] = Counter()
    for file in broken_files(SEED + 2, 14, 18, 8):
        path = tmp_path / file.name
        path.write_bytes(file.content)
        before = Batch.objects.count()
        outcome = import_files(Actor.platform(), SOURCE, [GivenFile(path, file.name)])
        counts["files"] += 1
        if outcome.refused:
            counts["refused"] += 1
            assert Batch.objects.count() == before and outcome.refused[0][1].reason
            continue
        (receipt,) = outcome.receipts
        counts["rows_rejected"] += receipt.rejected
        assert len(list(receipt.rejects())) == receipt.rejected
        assert receipt.rows == receipt.accepted + receipt.rejected + receipt.duplicates
    say(dict(counts))


@pytest.mark.django_db
def test_no_broken_upload_is_a_fault_of_the_server(client_as: Any, say: Any) -> None:
    """Uploaded, looked at, mapped as guessed and tried: never an HTTP 500."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.urls import reverse

    from jinmai.foundation.intake.models import ImportDraft

    client = client_as("linqiushi")
    answers: Counter[int] = Counter()
    for file in broken_files(SEED + 3, 12, 14, 6):
        upload = SimpleUploadedFile(file.name, file.content)
        begun = client.post(reverse("intake:import_files"), {"files": [upload], "source": SOURCE})
        answers[begun.status_code] += 1
        if begun.status_code != 302:
            assert not file.content
            continue
        draft = ImportDraft.objects.latest("created_at")
        fields = {f"f0_{name}": str(place) for name, place in draft.mapping(0)["positions"].items()}
        for data in (None, {"do": "map", **fields}, {"do": "check"}, {"do": "confirm"}):
            answer = client.get(begun["Location"]) if data is None else client.post(begun["Location"], data)
            answers[answer.status_code] += 1
            assert answer.status_code in (200, 302, 422), (file.name, file.damage)
    say({"answers": dict(answers)})


# ---------------------------------------------------------------- controls


def _unguarded(setup: str, path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The worker with something taken away, asked about one file."""
    request = {"task": "read", "source": SOURCE, "path": str(path), "folder": str(folder), "live": [], "following": None}
    code = f"import sys, io; {setup}; sys.stdin = io.StringIO({json.dumps(request) + chr(10)!r}); worker.main()"
    command = [sys.executable, "-c", f"from jinmai.foundation.intake.parsing import worker; {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _far_cell(folder: Path) -> Path:
    from tests.reliability.malformed import SHEET, _replaced

    path = folder / "far.xlsx"
    path.write_bytes(_replaced(SHEET, b'r="A3"', b'r="XFD1048576"'))
    return path


def test_control_without_the_look_beforehand_the_worker_dies(tmp_path: Path) -> None:
    """A cell in the last corner: refused by the look; without it the reader's allocation ends the process."""
    path = _far_cell(tmp_path)
    guarded = _unguarded("pass", path, tmp_path / "a")
    assert '"JM-INT-004"' in guarded.stdout and guarded.returncode == 0
    dead = _unguarded(
        "from jinmai.foundation.intake.parsing import unpack; unpack.inspect_archive = lambda given: []",
        path,
        tmp_path / "b",
    )
    assert dead.returncode != 0 and not dead.stdout


def _huge_xls(folder: Path) -> Path:
    """A workbook of the older form whose sheet says that it reaches over four thousand million rows."""
    content = bytearray(good_xls())
    place = content.index(b"\x00\x02\x0e\x00")  # DIMENSIONS: first and last row, first and last column
    content[place + 4 : place + 16] = struct.pack("<IIHH", 0, 0xFFFFFFFE, 0, 0xFFFE)
    path = folder / "huge.xls"
    path.write_bytes(bytes(content))
    return path


def test_control_without_the_trial_an_old_workbook_ends_the_worker(tmp_path: Path) -> None:
    """Its reader asks for the memory that the file claims and is ended for it, not refused."""
    path = _huge_xls(tmp_path)
    guarded = _unguarded("pass", path, tmp_path / "a")
    assert '"JM-INT-002"' in guarded.stdout and guarded.returncode == 0
    dead = _unguarded(
        "from jinmai.foundation.intake.parsing import unpack; unpack.refuse_deadly = lambda given: None", path, tmp_path / "b"
    )
    assert dead.returncode < 0 and not dead.stdout


def test_an_old_workbook_with_one_far_cell_is_refused_before_it_takes_the_memory(tmp_path: Path) -> None:
    """Control: without the trial's limit the trial itself reads the sheet and takes many times what the file holds."""
    content = bytearray(good_xls())
    place = content.index(b"\x03\x02\x0e\x00")  # the first NUMBER: row, column, ...
    content[place + 4 : place + 8] = struct.pack("<HH", 0xFFFF, 0xFF)
    path = tmp_path / "far.xls"
    path.write_bytes(bytes(content))
    guarded = _unguarded("pass", path, tmp_path / "a")
    assert guarded.returncode == 0 and ('"JM-INT-004"' in guarded.stdout or '"JM-INT-002"' in guarded.stdout), guarded
    measure = "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)"
    free = [sys.executable, "-I", "-c", f"{spreadsheets.OPEN}\n{measure}", str(path), str(64 << 30)]
    assert int(subprocess.run(free, capture_output=True, text=True, check=True, timeout=60).stdout) > MOST_RSS_MB


def test_a_trial_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(good_xls())
    spreadsheets.refuse_deadly(path)
    monkeypatch.setattr(spreadsheets, "OPEN", "import time; time.sleep(60)")
    monkeypatch.setattr(spreadsheets, "OPEN_SECONDS", 0.2)
    with pytest.raises(spreadsheets.WorkbookRefused, match="损坏"):
        spreadsheets.refuse_deadly(path)


def test_columns_formatted_far_to_the_right_are_left_out_and_filled_ones_refused(tmp_path: Path) -> None:
    """Whole rows formatted to the last column are common; what stands in a thousandth column is no table."""
    import xlsxwriter

    for last, expected in (("", 3), ("x", None)):
        path = tmp_path / f"wide{last}.xlsx"
        book = xlsxwriter.Workbook(str(path))
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        for row in range(5):
            sheet.write_row(row, 0, ["甲", "乙", "丙"])
            (sheet.write_string if last else sheet.write_blank)(row, 16_383, last, bold)
        book.close()
        if expected:
            _, _, rows = spreadsheets.first_sheet(path)
            assert [len(row) for row in rows] == [expected] * 5
        else:
            with pytest.raises(spreadsheets.WorkbookRefused, match="16384 列"):
                spreadsheets.first_sheet(path)


def test_control_without_the_catch_a_broken_file_goes_unanswered(tmp_path: Path) -> None:
    """The older forms stop the reader in ways of its own; without the catches around it the worker ends unanswered."""
    for number in range(64, 600, 8):
        path = tmp_path / "a.xls"
        content = bytearray(good_xls())
        content[number : number + 8] = b"\xff" * 8
        path.write_bytes(bytes(content))
        guarded = _unguarded("pass", path, tmp_path / "a") if number == 64 else None
        assert guarded is None or guarded.returncode == 0
        dead = _unguarded(
            "from jinmai.foundation.intake.parsing import unpack, spreadsheets;"
            "spreadsheets._in_words = lambda problem: (_ for _ in ()).throw(problem);"
            "worker._answer = lambda reader, request: {'parsed': vars(worker._carried_out(reader, request))}",
            path,
            tmp_path / "b",
        )
        if dead.returncode != 0 and not dead.stdout:
            return
    pytest.fail("no broken workbook ended the worker: the catch would not be needed")


def test_a_worker_that_falls_silent_is_ended_and_answered_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "SILENT_SECONDS", 0.3)
    with contextlib.closing(child.Child()) as worker:
        worker._process.send_signal(19)  # stopped, as if caught in an endless loop
        answer = _ask(worker, _warm(tmp_path), tmp_path / "out")
        assert answer["refused"].code == "JM-INT-004" and not worker.alive


def test_a_worn_worker_is_replaced_and_the_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends over a good file after it has read others: the file is asked once more of a fresh one."""
    good = tmp_path / "good.ods"
    good.write_bytes(good_ods())
    child.stop()
    try:
        assert "refused" not in _ask(child, good, tmp_path / "first")
        worn = child._child
        worn._process.kill()
        worn._process.wait()
        with monkeypatch.context() as patch:  # as if it had died while it read, not before
            patch.setattr(child.Child, "alive", property(lambda self: self._process.poll() is None or self.asked == 1))
            answer = _ask(child, good, tmp_path / "second")
        assert "refused" not in answer and child._child is not worn
        control = child.Child()  # asked by itself, nobody asks again
        control._process.kill()
        control._process.wait()
        assert _ask(control, good, tmp_path / "third")["refused"].code == "JM-INT-004"
    finally:
        child.stop()


def test_good_tables_of_the_older_forms_are_read(tmp_path: Path) -> None:
    with contextlib.closing(child.Child()) as worker:
        for name, content in (("a.xls", good_xls()), ("a.ods", good_ods())):
            (tmp_path / name).write_bytes(content)
            assert _ask(worker, tmp_path / name, tmp_path / name.replace(".", "_"))["accepted"] == 24
