"""A city's overlay: its values over the shared ones, as package data or a folder named by ``JINMAI_CITY``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation.kernel.errors import Broken

PACKAGED = Path(__file__).parents[2] / "cities"


@dataclass(frozen=True)
class City:
    """One city's files (区划、机构、产品、规则)."""

    name: str
    folder: Path

    @classmethod
    def named(cls, name: str) -> City:
        """The packaged city of that name, or the city in the folder that ``name`` is a path of."""
        folder = PACKAGED / name
        if not folder.is_dir():
            folder = Path(name)
        if not folder.is_dir():
            raise Broken(f"no city overlay {name!r}: neither a packaged city nor a folder")
        return cls(folder.name, folder)

    def read(self, filename: str) -> Any:
        """The parsed YAML file of this city, or ``None`` where the city has none."""
        path = self.folder / filename
        if not path.exists():
            return None
        return yaml.safe_load(path.read_text(encoding="utf-8"))
