"""The reference of refusals keeps up with the code."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_reference", PLACE / "build.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_code_has_its_place_on_the_page(build):
    written = set(re.findall(r"^### (JM-\S+)$", (PLACE / "refusals.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert written == set(build.collected()), "run `make reference`"


def test_codes_in_docstrings_exist(build):
    """A docstring that promises a refusal names a code that the code can raise."""
    promised = {
        (path.relative_to(ROOT).as_posix(), code)
        for path in build.SOURCE.rglob("*.py")
        if "tests" not in path.parts
        for code in build.CODE.findall(path.read_text(encoding="utf-8"))
    }
    raised = set(build.collected())
    invented = {"JM-FIN-012"} - raised  # the example in `errors`
    assert sorted((path, code) for path, code in promised if code not in raised | invented) == []


def test_words_are_read_from_a_call(build, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(build, "SOURCE", tmp_path / "jinmai")
    path = tmp_path / "jinmai" / "room.py"
    path.parent.mkdir()
    path.write_text('raise Refusal("JM-XX-001", _("差 %(gap)s 万元") % {}, f"请{name}补")\nCODE = "JM-XX-002"\n', "utf-8")
    assert [(one.code, build.elided(one.reason), one.remedy) for one in build.raised_in(path)] == [
        ("JM-XX-001", "差 … 万元", "请…补"),
        ("JM-XX-002", "", ""),
    ]
