"""The watermark (水印): institution, person and time, burnt into every page shown and every PDF or image handed out."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock

#: Where the usual Chinese fonts lie; asked before ``fc-match``. A face's place in its file stands behind it.
FONTS = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
    ("/System/Library/Fonts/PingFang.ttc", 0),
    ("C:/Windows/Fonts/msyh.ttc", 0),
)


@cache
def chinese_font() -> tuple[str, int]:
    """A font of the system that holds Chinese, and its face; empty where there is none (no font is bundled)."""
    for name, face in FONTS:
        if Path(name).is_file():
            return name, face
    try:
        asked = ["fc-match", "-f", "%{file}|%{lang}|%{index}", ":lang=zh-cn"]
        found = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603
    except OSError:
        return "", 0
    name, languages, face = (found.split("|") + ["", ""])[:3]
    return (name, int(face or 0)) if "zh" in languages and Path(name).is_file() else ("", 0)


def words_for(actor: Actor) -> str:
    """Who sees it, for whom, when. Without a Chinese font the codes stand for the names: they say the same."""
    moment = Clock.true_now().astimezone(LEGAL_ZONE).strftime("%Y-%m-%d %H:%M")
    if chinese_font()[0]:
        return f"{actor.organisation_name}  {actor.name}  {moment}"
    return f"{actor.organisation_code}  #{actor.user_id}  {moment}"


def wanted(actor: Actor) -> dict[str, Any]:
    """What the drawing child needs to burn the watermark in."""
    font, face = chinese_font()
    return {"words": words_for(actor), "font": font, "font_index": face}
