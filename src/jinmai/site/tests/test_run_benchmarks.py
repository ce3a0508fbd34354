"""``jinmai bench``: finds a checkout's benchmarks, relays their line, and says plainly when it can't or when a goal is missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jinmai.cli import app
from jinmai.site import bench


@pytest.fixture
def benchmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench, "BENCHMARKS", tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, dict]:
    answer = CliRunner().invoke(app, ["bench", *arguments, "--json"])
    return answer.exit_code, json.loads(answer.stdout)


def write(folder: Path, found: dict) -> None:
    (folder / "pages.py").write_text(f"print('noise')\nprint({json.dumps(json.dumps(found))})\n", encoding="utf-8")


def test_the_real_benchmarks_are_where_it_looks():
    assert all((bench.BENCHMARKS / f"{name}.py").is_file() for name in bench.NAMES)


def test_the_line_is_relayed_and_judged(benchmarks):
    write(benchmarks, {"list_ratio": 0.7, "allowed": {"list_ratio": 0.6}})
    assert run("pages") == (0, {"list_ratio": 0.7, "allowed": {"list_ratio": 0.6}, "missed": []})
    write(benchmarks, {"home_p95_ms": {"a": 10, "b": 900}, "allowed": {"home_p95_ms": 300}})
    code, found = run("pages")
    assert (code, found["missed"]) == (1, ["home_p95_ms"])


@pytest.mark.parametrize(
    ("name", "code"), [("nothing", "JM-CLI-010"), ("pages", "JM-CLI-011"), ("import", "JM-CLI-011")]
)
def test_what_is_not_there_is_said(benchmarks, name, code):
    status, found = run(name)
    assert (status, found["code"]) == (2, code)


def test_one_that_breaks_off_is_said(benchmarks):
    (benchmarks / "pages.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    status, found = run("pages")
    assert (status, found["code"]) == (2, "JM-CLI-012")
