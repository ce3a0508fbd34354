"""The house as data, read from the import contracts in `pyproject.toml`: one order of rooms, kept in one place."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jinmai"


@cache
def contracts() -> dict[str, dict]:
    """Import contracts by id."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract for contract in configuration["tool"]["importlinter"]["contracts"]}


@cache
def rooms() -> tuple[str, ...]:
    """Packages from the top down: a room may know those after it."""
    ordered: list[str] = []
    for layer in contracts()["house"]["layers"]:
        inner = contracts().get(layer)
        if inner and inner["type"] == "layers":
            ordered += [f"jinmai.{layer}.{name}" for name in inner["layers"]]
        else:
            ordered.append(f"jinmai.{layer}")
    return tuple(ordered)


def room_of(module: str) -> str | None:
    """The room a dotted module name lies in; None outside the house (Django's own, say)."""
    return next((room for room in rooms() if module == room or module.startswith(room + ".")), None)


def may_know(knower: str, known: str) -> bool:
    """Whether module `knower` may know module `known`."""
    upper, lower = room_of(knower), room_of(known)
    if lower is None:
        return True
    if upper is None:
        return False
    if upper == "jinmai.cockpit" and lower.startswith("jinmai.desks."):
        return False
    return rooms().index(upper) <= rooms().index(lower)


def module_of(path: Path, source: Path = SOURCE) -> str:
    """Dotted name for a file beneath `source`."""
    parts = path.relative_to(source.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_files(*, tests: bool = False, migrations: bool = False) -> Iterator[Path]:
    """Python files of the package."""
    for path in sorted(SOURCE.rglob("*.py")):
        names = path.relative_to(SOURCE).parts
        if ("tests" in names and not tests) or ("migrations" in names and not migrations):
            continue
        yield path


def tracked_files() -> list[Path]:
    """What the repository holds; in a tree without git, everything but `.venv` and caches."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\0")
        files = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        away = {".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
        files = [path for path in ROOT.rglob("*") if not away & set(path.relative_to(ROOT).parts)]
    return [path for path in files if path.is_file()]


def public_definitions(path: Path) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes at the top of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
