"""Operations in an officer's words (操作名称): no code name on a Chinese screen."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from django.utils.translation import gettext as _


@cache
def declared() -> dict[str, str]:
    """Operation → words, from ``words.yaml``."""
    return yaml.safe_load((Path(__file__).parent / "words.yaml").read_text(encoding="utf-8"))


def verb_words(operation: str) -> str:
    """The operation in words; one that has none yet is called 办理."""
    return _(declared().get(operation, "办理"))
