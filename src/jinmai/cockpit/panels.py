"""Which measures stand where, from ``panels.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def panels() -> dict[str, Any]:
    """The panels as declared."""
    return yaml.safe_load((Path(__file__).parent / "panels.yaml").read_text(encoding="utf-8"))


def named_measures() -> list[str]:
    """Every measure a panel names."""
    declared = panels()
    entries = [*declared["strip"], *declared["funnel"], declared["tiles"], declared["reasons"]]
    names = {entry["measure"] for entry in entries} | {entry["beside"] for entry in entries if "beside" in entry}
    return sorted(names | set(declared["months"]) | set(declared["table"]) | {declared["days"]})
