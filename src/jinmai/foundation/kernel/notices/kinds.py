"""What people are told about (通知种类), and the fixed sentence each of them sends outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import Broken

DECLARED = Path(__file__).parent / "kinds.yaml"
SIGNATURE = "【金脉】"  # Chinese only: the filed text of a short message
CLOSING = "，请登录平台查看。"  # Chinese only: the same


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice: its name on the screen, and what an outside message may say of it."""

    name: str
    label: str
    text: str

    @property
    def words(self) -> str:
        """The label in the reader's language."""
        return _(self.label)

    @property
    def message(self) -> str:
        """The whole outside message: the same for everybody, so that it holds nobody's data."""
        return f"{SIGNATURE}{self.text}{CLOSING}"


@cache
def notice_kinds() -> Mapping[str, NoticeKind]:
    """Every declared kind by name."""
    content = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    return {name: NoticeKind(name, row["label"], row["text"]) for name, row in content.items()}


def kind_named(name: str) -> NoticeKind:
    """A declared kind; one that nobody declared is broken code."""
    try:
        return notice_kinds()[name]
    except KeyError:
        raise Broken(f"notice kind {name!r} stands in no kinds.yaml") from None
