"""How large and how long (文件限额): the shared limits, over which a city may lay its own ``documents.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import yaml

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.home import current_home


@dataclass(frozen=True)
class Limits:
    """What the gate takes in; sizes in bytes, ``keep_days`` in natural days."""

    max_bytes: int
    max_pdf_pages: int
    max_image_pixels: int
    max_unpacked_bytes: int
    max_unpacked_ratio: int
    max_archive_entries: int
    keep_days: int


def limits() -> Limits:
    """The limits of this home's city."""
    city = current_home().city
    return _read(city.folder)


@cache
def _read(folder: Path) -> Limits:
    shared = yaml.safe_load(Path(__file__).with_name("limits.yaml").read_text(encoding="utf-8"))
    own_file = folder / "documents.yaml"
    own = yaml.safe_load(own_file.read_text(encoding="utf-8")) if own_file.exists() else {}
    strangers = set(own) - {one.name for one in fields(Limits)}
    if strangers:
        raise Broken(f"documents.yaml names limits that nobody declared: {sorted(strangers)}")
    return Limits(**{**shared, **own})
