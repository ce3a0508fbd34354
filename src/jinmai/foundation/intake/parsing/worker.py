"""The child: takes one request a line on standard input, answers one line on standard output.

Its address space is bounded before DuckDB is loaded, so a hostile file ends this process and nothing else.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

ADDRESS_SPACE = 2 * (1 << 30)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _answer(reader: Any, request: dict[str, Any]) -> dict[str, Any]:
    from .reader import as_dict
    from .unpack import FileRefused

    following = request.get("following")
    try:
        parsed = reader.read(
            request["source"],
            Path(request["path"]),
            Path(request["folder"]),
            live=[(batch, path) for batch, path in request["live"]],
            following=Path(following[0]) if following else None,
            following_folder=Path(following[1]) if following else None,
            progress=lambda text: _say({"progress": text}),
        )
    except FileRefused as refused:
        return {"refused": {"code": refused.code, "reason": refused.reason, "remedy": refused.remedy}}
    except MemoryError:
        return {"refused": {"code": "JM-INT-004", "reason": "文件太大，内存不够", "remedy": "请分成几个文件上传"}}
    return {"parsed": as_dict(parsed)}


def main() -> None:
    """Serve until standard input is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    from .reader import Reader

    reader = Reader()
    for line in sys.stdin:
        _say(_answer(reader, json.loads(line)))


if __name__ == "__main__":
    main()
