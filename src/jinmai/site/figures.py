"""The workbench's figures (我的三个数字): chosen by role, each with unit, definition and the rows behind it."""

from __future__ import annotations

from typing import Any

from jinmai.foundation.kernel.access.actor import Actor


def figures_for(actor: Actor) -> list[dict[str, Any]]:
    """At most three figures for the actor's role."""
    return []
