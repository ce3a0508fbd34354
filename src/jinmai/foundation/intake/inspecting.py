"""The parent's end of ``jinmai inspect``: any file is told about, none is believed, none is read in this process.

No Django, no home: the parsing child reads each file under its limits (2 GB of address space, sizes when unpacked).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel.errors import Refusal, Words

from . import child


def inspect_files(files: Sequence[Path], say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """``{"files": […], "failed"}``: what each file is; one that can't be read as a table is counted as failed and says
    why among its problems. Refuses with JM-INT-007 where not one of the files is there."""
    if not any(file.is_file() for file in files):
        raise _absent(files[0])
    found = []
    for file in files:
        say(Words("%(name)s：正在查看", name=file.name))
        found.append(inspect_one(file, file.name))
    failed = sum(one.pop("failed") for one in found)
    return {"files": found, "failed": failed}


def inspect_one(file: Path, name: str) -> dict[str, Any]:
    """One file's findings under the name its owner gave it, each problem as a sentence; ``failed`` is a boolean."""
    from .parsing.findings import sentence

    found = look_into(file, name)
    return found | {"problems": [sentence(one) for one in found["problems"]]}


def look_into(file: Path, name: str) -> dict[str, Any]:
    """The same with each problem in its parts: ``where``, ``rows``, ``what``, ``remedy``, ``code``."""
    from .parsing.inspection import refused_file

    try:
        if not file.is_file():
            raise _absent(file)
        with tempfile.TemporaryDirectory() as folder:
            request = {"task": "inspect", "path": str(file.resolve()), "folder": folder, "name": name}
            return child.ask(request, lambda text, share: None)
    except Refusal as refusal:
        return refused_file(name, "unknown", refusal.code, refusal.reason, refusal.remedy)


def _absent(file: Path) -> Refusal:
    return Refusal("JM-INT-007", Words("找不到文件“%(name)s”", name=file.name), "请核对路径")


def told(found: dict[str, Any]) -> str:
    """One file's findings as lines to read in a terminal."""
    lines = [
        f"{found['file']}：{found['format']}，{found['encoding'] or '—'}，"
        + Words("标题 %(headings)d 行，数据 %(rows)d 行", headings=found["header_rows"], rows=found["rows"])
    ]
    for one in found["columns"]:
        unit = f"（{one['unit']}）" if one["unit"] else ""
        lines.append(f"  {one['name']}：{one['type']}{unit}")
    if found["closest_source"]:
        lines.append("  " + Words("像来源 %(source)s", source=found["closest_source"]))
    return "\n".join([*lines, *(f"  ！{problem}" for problem in found["problems"])])
