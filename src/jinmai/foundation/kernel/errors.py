"""Refusals: what happened, why, and what to do, under a stable code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A verb, a read or an import said no (拒绝办理).

    ``code`` is stable (``JM-FIN-012``) and leads to a page; ``reason`` says what happened and why, ``remedy`` what to
    do; ``citation`` names the document when a rule refused.

    >>> str(Refusal("JM-FIN-012", "对接单已被其他机构受理", "请到待抢池另选一笔"))
    '对接单已被其他机构受理。请到待抢池另选一笔（JM-FIN-012）'
    """

    status = 409

    def __init__(self, code: str, reason: str, remedy: str = "", citation: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, reason, remedy)
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.citation = dict(citation) if citation else None

    def __str__(self) -> str:
        sentence = self.reason.rstrip("。")
        if self.remedy:
            sentence = f"{sentence}。{self.remedy.rstrip('。')}"
        return f"{sentence}（{self.code}）"


class NotAllowed(Refusal):
    """The actor's role does not hold this operation (无此权限)."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is not this actor's to see: the two answers are the same (查无此项)."""

    status = 404

    def __init__(
        self,
        code: str = "JM-KER-404",
        reason: str = "没有找到，或不在您的查看范围内",
        remedy: str = "请核对编号，或从列表重新进入",
    ) -> None:
        super().__init__(code, reason, remedy)


class Broken(RuntimeError):
    """A declaration is wrong, so Jinmai does not start: one clear sentence for the engineer."""
