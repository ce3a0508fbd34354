"""LibreOffice as a reader of spreadsheets: files in, the formulas it found in them out."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

AT_ONCE = 200  # files in one call
FORMULA = re.compile(r'table:formula="([^"]*)"')


@dataclass(frozen=True)
class Read:
    """A file as LibreOffice read it: its cells with something in them, and the formulas among these."""

    label: str
    cells: int
    formulas: list[str]
    text: str


def read(program: str, files: Sequence[tuple[str, str, bytes]], place: Path) -> list[Read]:
    """Each file (label, ending, content), opened and written again as plain XML."""
    source, target = place / "files", place / "read"
    source.mkdir(parents=True), target.mkdir()
    paths = [source / f"{number:05}.{ending}" for number, (_label, ending, _content) in enumerate(files)]
    for path, (_label, _ending, content) in zip(paths, files, strict=True):
        path.write_bytes(content)
    for start in range(0, len(paths), AT_ONCE):
        subprocess.run(
            [program, f"-env:UserInstallation={(place / 'profile').as_uri()}", "--headless", "--convert-to", "fods",
             "--outdir", str(target), *map(str, paths[start : start + AT_ONCE])],
            check=True, capture_output=True, timeout=600,
        )  # fmt: skip
    return [_read(label, target / f"{path.stem}.fods") for path, (label, _e, _c) in zip(paths, files, strict=True)]


def _read(label: str, path: Path) -> Read:
    assert path.exists(), f"LibreOffice could not open {label}"
    text = path.read_text(encoding="utf-8")
    return Read(label, text.count("office:value-type="), FORMULA.findall(text), text)
