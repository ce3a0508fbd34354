"""An import killed at any moment leaves no row lost, none counted twice, and no child behind."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

ROWS = 60_000
KILLS = 4
COMMAND = [
    sys.executable,
    "-c",
    "from jinmai.cli import main; main()",
    "import",
    "--source",
    "invoices.output",
    "--json",
]


def _file(path: Path) -> Path:
    row = "E{},{},2020-01-{:02d},B{},100.00,13.00,113.00,有效发票\n"
    body = "".join(row.format(n % 97, n, n % 28 + 1, n % 13) for n in range(ROWS))
    path.write_text("企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n" + body, encoding="utf-8")
    return path


def _environment() -> dict[str, str]:
    named = ("JINMAI_HOME", "JINMAI_DATABASE", "DJANGO_SETTINGS_MODULE", "JINMAI_TEST_SETTINGS")
    return {name: value for name, value in os.environ.items() if name not in named}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without facts; each test takes a copy."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "empty.csv").write_bytes(b"")
    command = [*COMMAND, str(folder / "empty.csv"), "--home", str(folder / "home")]
    subprocess.run(command, env=_environment(), capture_output=True, check=False)
    return folder / "home"


def test_killed_anywhere_and_run_again(base: Path, tmp_path: Path) -> None:
    home, file = Path(shutil.copytree(base, tmp_path / "home")), _file(tmp_path / "a.csv")
    command = [*COMMAND, str(file), "--home", str(home)]
    chance = random.Random(20260101)
    for _ in range(KILLS):
        with subprocess.Popen(command, env=_environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as run:
            assert run.stderr is not None
            run.stderr.readline()  # reading has begun
            time.sleep(chance.uniform(0, 0.8))
            run.send_signal(signal.SIGKILL)
    said = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=True).stdout
    found = json.loads(said)
    assert found["rows"] == found["accepted"] + found["duplicates"] == ROWS
    kept = duckdb.connect().execute(
        f"SELECT count(*), count(DISTINCT row_key) FROM read_parquet('{_named_batch(home)}')"
    )
    assert kept.fetchone() == (ROWS, ROWS)
    again = json.loads(subprocess.run(command, env=_environment(), capture_output=True, text=True, check=True).stdout)
    assert again["accepted"] == 0 and again["batches"][0]["already_there"]


def test_two_at_once_count_each_row_once(base: Path, tmp_path: Path) -> None:
    home, file = Path(shutil.copytree(base, tmp_path / "home")), _file(tmp_path / "a.csv")
    command = [*COMMAND, str(file), "--home", str(home)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": _environment(), "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(2)]
    found = [json.loads(one.communicate()[0]) for one in running]
    assert sorted(one["accepted"] for one in found) == [0, ROWS]


def _named_batch(home: Path) -> Path:
    """The file of the one batch that the database names."""
    import sqlite3

    with sqlite3.connect(home / "jinmai.sqlite3") as database:
        ((path,),) = database.execute("SELECT path FROM analytics_batch").fetchall()
    return home / "facts" / path
