"""The core runs without extras: what an extra brings is imported at the point of use, never when a module loads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .house import SOURCE, python_files

EXTRAS = {
    "numba", "polars", "sklearn", "scipy", "pandas", "joblib",  # fast, fit and what they bring
    "pytest", "hypothesis", "playwright", "openpyxl", "time_machine", "mypy", "importlinter",  # dev
}  # fmt: skip


def loaded_at_once(nodes: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Imports that run when a module loads; those for type checkers and those that may fail are not among them."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from loaded_at_once([*node.body, *node.orelse])
        elif isinstance(node, ast.With | ast.ClassDef):
            yield from loaded_at_once(node.body)


def eager_extras(path: Path) -> list[str]:
    """Extras that a module needs to be loaded at all."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [f"{path.name}:{line} {name}" for line, name in loaded_at_once(tree.body) if name.split(".")[0] in EXTRAS]


def test_modules_load_without_extras():
    found = {str(path.relative_to(SOURCE)): eager for path in python_files() if (eager := eager_extras(path))}
    assert found == {}


def test_control_an_eager_extra_is_found(tmp_path: Path):
    path = tmp_path / "match.py"
    path.write_text("import numpy\nimport numba.core\n\ndef run():\n    import polars\n", encoding="utf-8")
    assert eager_extras(path) == ["match.py:2 numba.core"]
