"""The parent's end of the drawing child: one short-lived process a request, killed when it takes too long."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import Refusal

PROGRAM = Path(__file__).with_name("drawing.py")
SECONDS = 40


def ask(verb: str, path: Path, kind: str, **wanted: Any) -> dict[str, Any]:
    """Have the child inspect, preview or stamp a file; refuses what can't be read (JM-DOC-005, JM-DOC-006)."""
    request = {"verb": verb, "path": str(path), "kind": kind, **wanted}
    try:
        ran = subprocess.run(  # noqa: S603 – our own program, no shell, the file's name is ours
            [sys.executable, "-I", str(PROGRAM)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        answer = json.loads(ran.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        answer = {"unfit": "broken"}
    if "unfit" in answer:
        raise _refusal(answer["unfit"])
    return dict(answer["done"])


def _refusal(why: str) -> Refusal:
    if why == "active":
        return Refusal(
            "JM-DOC-005",
            _("文件里带有会自动执行的内容（脚本、内嵌文件或外部程序）"),
            _("请打印成普通 PDF 后再上传"),
        )
    if why == "encrypted":
        return Refusal("JM-DOC-006", _("PDF 设了口令或权限保护，无法查验"), _("请去掉口令后再上传"))
    if why == "large":
        return Refusal("JM-DOC-006", _("文件页数或像素太多，无法查验"), _("请拆成几个文件，或降低扫描分辨率"))
    return Refusal("JM-DOC-006", _("文件已损坏，打不开"), _("请在本机打开确认无误后重新上传"))
