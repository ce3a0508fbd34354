"""What the fit is told besides the table: ``settings.yaml`` and ``alarms.yaml``, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

FOLDER = Path(__file__).parent


@cache
def settings() -> Any:
    """The business values of fitting, as attributes: ``settings().binning.most_bins``."""
    return _attributes(_read("settings.yaml"))


@cache
def alarm_limits() -> Any:
    """The thresholds of the leak alarms, as attributes."""
    return _attributes(_read("alarms.yaml"))


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def _attributes(given: Any) -> Any:
    if isinstance(given, dict):
        return SimpleNamespace(**{name: _attributes(value) for name, value in given.items()})
    return given
