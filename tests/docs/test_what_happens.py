"""What the page on faults promises is held by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "what-happens-when.md"


def test_each_line_names_a_test_that_exists():
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith(("|---", "| When"))]
    assert len(lines) >= 25
    named, folder = [], ""
    for line in lines:
        cell = line.rsplit("|", 2)[1].strip()
        for name in re.findall(r"`([^`]+)`", cell):
            place = name if "/" in name else f"{folder}/{name}"
            folder = place.rsplit("/", 1)[0]
            named.append(place if place.startswith("tests/") else f"src/jinmai/{place}")
        assert cell == "same" or "`" in cell, line
    assert not [place for place in named if not (ROOT / place).exists()]
