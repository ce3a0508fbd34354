"""Import contracts hold, and each of them fails when it is broken once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .house import ROOT, SOURCE, contracts, rooms

# contract → (module, import) pairs, each of which must make it fail
BREAKS = {
    "house": [
        ("foundation/kernel/zz_control.py", "import jinmai.desks.parties"),
        ("cockpit/zz_control.py", "import jinmai.site"),
        ("drawer/__init__.py", ""),
    ],
    "desks": [
        ("desks/parties/zz_control.py", "import jinmai.desks.credit"),
        ("desks/credit/zz_control.py", "import jinmai.desks.financing"),
        ("desks/drawer/__init__.py", ""),
    ],
    "foundation": [
        ("foundation/kernel/zz_control.py", "import jinmai.foundation.ui"),
        ("foundation/rulebook/zz_control.py", "import jinmai.foundation.intake"),
        ("foundation/analytics/zz_control.py", "import jinmai.foundation.rulebook"),
        ("foundation/drawer/__init__.py", ""),
    ],
    "cockpit": [("cockpit/zz_control.py", "from jinmai.desks import financing")],
    "formulas": [
        ("desks/credit/formulas.py", "from django.utils import timezone"),
        ("desks/financing/formulas.py", "import duckdb"),
        ("desks/parties/formulas.py", "from jinmai.foundation.kernel.clock import Clock"),
    ],
    "pure_kernel": [("foundation/kernel/money.py", "from django.db import models")],
    "one_read_door": [
        ("desks/credit/zz_control.py", "import duckdb"),
        ("cockpit/zz_control.py", "import pyarrow.parquet"),
        ("site/zz_control.py", "import ibis"),
        ("foundation/rulebook/zz_control.py", "import polars"),
    ],
}


def lint(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the package beneath `root` with the project's own contracts."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()",
         "--config", str(ROOT / "pyproject.toml"), "--no-cache", *arguments],
        cwd=root, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's Python files, without tests, in a folder of their own."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(
        SOURCE,
        root / "src" / "jinmai",
        ignore=lambda folder, names: [
            name for name in names if name in {"tests", "migrations", "__pycache__", "static", "templates"}
            or (Path(folder) / name).is_file() and not name.endswith(".py")
        ],
    )  # fmt: skip
    return root


def test_contracts_hold():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(contracts())} kept, 0 broken" in result.stdout


def test_every_contract_has_a_control():
    assert set(BREAKS) == set(contracts())


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [(contract, module, line) for contract, breaks in BREAKS.items() for module, line in breaks],
)
def test_contract_fails_when_broken(copied_tree: Path, contract: str, module: str, line: str):
    path = copied_tree / "src" / "jinmai" / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    new_folder = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    try:
        path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
        result = lint(copied_tree, "--contract", contract)
    finally:
        if new_folder:
            shutil.rmtree(path.parent)
        elif before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout


def test_read_door_contract_names_every_other_room():
    """A new room must be put behind the read door, or beside it on purpose."""
    behind = contracts()["one_read_door"]["source_modules"]
    open_rooms = {room for room in rooms() if not any(room == name or room.startswith(name + ".") for name in behind)}
    assert open_rooms == {"jinmai.foundation.analytics", "jinmai.foundation.intake"}
