"""The child: takes one request a line on standard input, answers one line on standard output.

Its address space is bounded before DuckDB is loaded, so a hostile file ends this process and nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from datetime import date
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel.errors import Words

ADDRESS_SPACE = 2 * (1 << 30)
#: With less than this left, a worker doesn't judge a file: a fresh one is asked.
LEAST_SPACE = 256 * (1 << 20)
TOO_LARGE = {"code": "JM-INT-004", "reason": Words("文件太大，内存不够"), "remedy": Words("请分成几个文件上传")}
UNREADABLE_FILE = {
    "code": "JM-INT-002",
    "reason": Words("文件的内容读不出来（结构不完整或已损坏）"),
    "remedy": Words("请在 Excel 或 WPS 里打开，另存为 xlsx 或 CSV 后再上传"),
}


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _answer(reader: Any, request: dict[str, Any]) -> dict[str, Any]:
    """One request's answer. Whatever a hostile file makes the parts stumble over, the file is refused in words."""
    from .reader import as_dict
    from .unpack import FileRefused

    try:
        found = _carried_out(reader, request)
    except FileRefused as refused:
        return {"refused": {"code": refused.code, "reason": refused.reason, "remedy": refused.remedy}}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # a panic of a part in another language is no Exception
        print(f"{type(problem).__name__}: {str(problem)[:500]}", file=sys.stderr, flush=True)
        if _for_want_of_memory(problem):
            return {"refused": TOO_LARGE, "last": True}
        reader.forget()
        return {"refused": UNREADABLE_FILE}
    return {"parsed": found if isinstance(found, dict) else as_dict(found)}


def _carried_out(reader: Any, request: dict[str, Any]) -> Any:
    path, folder = Path(request["path"]), Path(request["folder"])
    if request.get("task") == "look":
        return reader.look(path, folder)
    if request.get("task") == "inspect":
        from .inspection import inspect_file

        folder.mkdir(parents=True, exist_ok=True)
        return inspect_file(path, folder, request["name"])
    if request.get("task") == "return":
        return reader.give_back(path, folder, Path(request["rejects"]), int(request["heading_row"]))
    following = request.get("following")
    return reader.read(
        request["source"],
        path,
        folder,
        live=[(batch, file) for batch, file in request["live"]],
        following=Path(following[0]) if following else None,
        following_folder=Path(following[1]) if following else None,
        progress=lambda text, share: _say({"progress": text, "share": share}),
        mapping=request.get("mapping"),
        sample=bool(request.get("sample")),
        on=date.fromisoformat(request["on"]) if request.get("on") else None,
    )


def _for_want_of_memory(problem: BaseException) -> bool:
    """Whether the process, not the file, is at fault.

    Where little address space is left, want of it shows as anything: a module that can't be mapped, a thread that can't
    be started, a part that lacks half of its functions.
    """
    named = isinstance(problem, MemoryError) or any(part in type(problem).__name__ for part in ("OutOfMemory", "ArrowMemory"))
    return named or isinstance(problem, ImportError) or _space_left() < LEAST_SPACE


def _space_left() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return resource.getrlimit(resource.RLIMIT_AS)[0] - pages * resource.getpagesize()


def main() -> None:
    """Serve until standard input is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # Arrow's own allocator takes half of the address space at once
    from .reader import Reader

    reader = Reader()
    for line in sys.stdin:
        answer = _answer(reader, json.loads(line))
        _say(answer)
        if answer.get("last"):  # what was taken doesn't come back: the next file gets a fresh process
            return


if __name__ == "__main__":
    main()
