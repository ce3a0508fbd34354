"""The parsing child: no Django in it, bounded memory, bombs refused before they are unpacked."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jinmai.foundation.intake.parsing import spreadsheets
from jinmai.foundation.intake.parsing.unpack import FileRefused, unpack


def test_the_child_imports_no_django() -> None:
    code = (
        "import sys, jinmai.foundation.intake.parsing.reader, jinmai.foundation.intake.parsing.worker;"
        "print([name for name in sys.modules if name.split('.')[0] == 'django'])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_child_cannot_take_more_than_its_memory() -> None:
    code = (
        "import resource; from jinmai.foundation.intake.parsing import worker; import sys, io;"
        "sys.stdin = io.StringIO(''); worker.main();"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0] == worker.ADDRESS_SPACE);"
        "bytearray(3 << 30)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "True" and "MemoryError" in said.stderr


def test_a_small_file_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    row = "E1,{},2020-01-01,B1,100.00,13.00,113.00,有效发票\n"
    path.write_text(
        "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n"
        + "".join(row.format(n) for n in range(15_000)),
        encoding="utf-8",
    )
    code = (
        "from pathlib import Path; from jinmai.foundation.intake.parsing.reader import Reader;"
        f"Reader().read('invoices.output', Path({str(path)!r}), Path({str(tmp_path / 'out')!r}));"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 300 * 1024  # KiB


def test_a_sheet_that_unpacks_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    monkeypatch.setattr(spreadsheets, "DECLARED_LIMIT", 1_000_000)
    with pytest.raises(FileRefused) as refused:
        unpack(path, tmp_path / "plain.csv")
    assert refused.value.code == "JM-INT-004"
