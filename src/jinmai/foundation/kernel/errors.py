"""Refusals: what happened, why, and what to do, under a stable code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_translate: Callable[[str], str] = str


def speak_through(translate: Callable[[str], str]) -> None:
    """Let refusals be shown in the reader's language: ``translate`` is asked at the moment of showing."""
    global _translate
    _translate = translate


class Words(str):
    """A Chinese sentence with what was filled in kept apart, so that it can still be said in another language.

    >>> Words("第 %(row)s 行缺少“%(column)s”", row=3, column="金额")
    '第 3 行缺少“金额”'
    """

    template: str
    given: dict[str, Any]

    def __new__(cls, template: str, **given: Any) -> Words:
        words = super().__new__(cls, template % given)
        words.template, words.given = template, given
        return words

    def __reduce__(self) -> tuple[Any, ...]:
        return _words_again, (self.template, self.given)


def _words_again(template: str, given: dict[str, Any]) -> Words:
    return Words(template, **given)


def shown(text: str) -> str:
    """The sentence in the reader's language; Chinese where nobody translates."""
    if isinstance(text, Words):
        given = {name: shown(value) if isinstance(value, str) else value for name, value in text.given.items()}
        return _translate(text.template) % given
    return _translate(str(text)) if text else ""


class Refusal(Exception):
    """A verb, a read or an import said no (拒绝办理).

    ``code`` is stable (``JM-FIN-012``) and leads to a page; ``reason`` says what happened and why, ``remedy`` what to
    do, each a constant or ``Words`` and shown in the reader's language; ``citation`` names the document when a rule
    refused.

    >>> str(Refusal("JM-FIN-012", "对接单已被其他机构受理", "请到待抢池另选一笔"))
    '对接单已被其他机构受理。请到待抢池另选一笔（JM-FIN-012）'
    """

    status = 409

    def __init__(self, code: str, reason: str, remedy: str = "", citation: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, reason, remedy)
        self.code = code
        self._reason = reason
        self._remedy = remedy
        self.citation = dict(citation) if citation else None

    @property
    def reason(self) -> str:
        """What happened and why, in the reader's language."""
        return shown(self._reason)

    @property
    def remedy(self) -> str:
        """What to do, in the reader's language."""
        return shown(self._remedy)

    def __str__(self) -> str:
        parts = {"reason": self.reason.rstrip("。."), "remedy": self.remedy.rstrip("。."), "code": self.code}
        return _translate("%(reason)s。%(remedy)s（%(code)s）" if self._remedy else "%(reason)s（%(code)s）") % parts


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
