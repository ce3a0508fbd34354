"""What a house keeps tidy: no forbidden drawers, no empty rooms, public words explained, no trace of a machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .house import ROOT, SOURCE, public_definitions, python_files, tracked_files

DRAWERS = {"utils", "util", "helpers", "helper", "common", "services", "service", "managers", "misc"}
LONGEST = 700  # lines a file may hold; longer ones are about two things

# Put together from pieces, so that this file doesn't find itself.
TRACES = {
    "a machine's path": r"(?<![\w.-])/(?:work/(?:main|shared)|root/|home/[a-z]+/|Users/|tmp/" + "j/)",
    "a package registry": "|".join(
        ["pypi" + r"\.org", "python" + r"hosted\.org", r"registry\.npm" + "js", "--(?:extra-)?index" + "-url"]
    ),
}
BINARY = {".png", ".jpg", ".ico", ".woff", ".woff2", ".xlsx", ".gz", ".parquet", ".mo", ".pdf"}


def traces(paths: list[Path], root: Path) -> list[str]:
    """Lines that name a machine's path or a package registry."""
    found = []
    for path in paths:
        if path.suffix in BINARY or path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for what, pattern in TRACES.items():
                if hit := re.search(pattern, line):
                    found.append(f"{path.relative_to(root)}:{number}: {what}: {hit[0]}")
    return found


def test_no_trace_of_a_machine_or_a_registry():
    assert traces(tracked_files(), ROOT) == []


def test_control_a_trace_is_found(tmp_path: Path):
    (tmp_path / "a.txt").write_text("see /work/" + "main/x\npip --index" + "-url x\n", encoding="utf-8")
    assert len(traces([tmp_path / "a.txt"], tmp_path)) == 2


def test_no_forbidden_drawers():
    found = [
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*")
        if path.stem in DRAWERS and (path.is_dir() or path.suffix == ".py") and "static" not in path.parts
    ]  # fmt: skip
    assert found == []


def is_empty(folder: Path) -> bool:
    """A package that holds nothing but `__init__` files."""
    return not any(
        path.is_file() and path.name != "__init__.py" and "__pycache__" not in path.parts for path in folder.rglob("*")
    )


def test_no_empty_packages():
    packages = {path.parent for path in SOURCE.rglob("__init__.py") if path.parent.name != "migrations"}
    empty = [str(folder.relative_to(SOURCE)) for folder in sorted(packages) if is_empty(folder)]
    assert empty == []


def test_control_an_empty_package_is_found(tmp_path: Path):
    (tmp_path / "__init__.py").touch()
    assert is_empty(tmp_path)


def test_every_room_says_what_it_is():
    silent = []
    for init in sorted(SOURCE.rglob("__init__.py")):
        if {"tests", "migrations", "management", "templatetags"} & set(init.relative_to(SOURCE).parts):
            continue
        if not ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))):
            silent.append(str(init.relative_to(SOURCE)))
    assert silent == []


def test_every_module_says_what_it_is():
    silent = [
        str(path.relative_to(SOURCE)) for path in python_files()
        if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]  # fmt: skip
    assert silent == []


def room_files(room: str) -> list[Path]:
    """The modules of a room of that name, in every package."""
    return [path for path in python_files() if path.stem == room or room in path.relative_to(SOURCE).parts[:-1]]


@pytest.mark.parametrize("room", ["formulas", "actions"])
def test_public_words_are_explained(room: str):
    files = room_files(room)
    assert files, f"no {room} found: the look is broken"
    silent = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"
        for path in files for node in public_definitions(path) if not ast.get_docstring(node)
    ]  # fmt: skip
    assert silent == []


def test_formulas_show_an_example():
    """A doctest that a reader can check in the head."""
    files = room_files("formulas")
    silent = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"
        for path in files for node in public_definitions(path)
        if isinstance(node, ast.FunctionDef) and ">>>" not in (ast.get_docstring(node) or "")
    ]  # fmt: skip
    assert silent == []


def test_files_are_short_enough_to_read_whole():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(tests=True)}
    longest = sorted(lengths.items(), key=lambda item: -item[1])[:5]
    print("\n".join(f"{count:5d} {path.relative_to(SOURCE)}" for path, count in longest))
    assert [str(path.relative_to(SOURCE)) for path, count in longest if count > LONGEST] == []


def test_locks_are_hashed_and_name_no_address():
    for lock in ("core", "all"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==[^\\\n]+(\\?)$", text, re.MULTILINE | re.IGNORECASE)
        assert len(pins) > 40, lock
        assert all(pins), f"{lock}.txt: a pin without a hash"
        assert "http" not in text, lock


def test_core_is_a_part_of_all():
    pins = {
        lock: set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))
        for lock in ("core", "all")
    }
    assert pins["core"] < pins["all"]
