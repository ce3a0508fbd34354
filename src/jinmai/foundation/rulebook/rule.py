"""A rule (规则): an id, a kind, and values dated and cited."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

KINDS = ("parameter", "table", "ladder", "checklist", "scorecard", "calendar")
STATUSES = ("binding", "guidance", "local", "example")
STATUS_WORDS = {"binding": "强制", "guidance": "指导", "local": "地方", "example": "示例"}
CITED_FIELDS = ("document", "url", "number", "article", "issued")


@dataclass(frozen=True)
class Citation:
    """Where it is written (依据): document, address where it was read, number, article, day of issue.

    What nobody has seen is ``None`` and listed in the value's ``unverified``.
    """

    document: str
    url: str
    number: str | None = None
    article: str | None = None
    issued: date | None = None

    def to_json(self) -> dict[str, Any]:
        """The citation as a decision stores it and a page shows it."""
        issued = self.issued.isoformat() if self.issued else None
        return {
            "document": self.document,
            "url": self.url,
            "number": self.number,
            "article": self.article,
            "issued": issued,
        }

    def __str__(self) -> str:
        number = f"（{self.number}）" if self.number else ""
        return f"《{self.document}》{number}{self.article or ''}"


@dataclass(frozen=True)
class DatedValue:
    """What a rule says from a day on; ``since`` is ``None`` when that day is unknown, then ``not_before`` may bound it.

    ``status`` is the value's own, because a city's value may stand beside the shared ones. ``written`` is the value as
    the file has it, for display and digest.
    """

    since: date | None
    value: Any
    written: Any
    status: str
    cite: Citation | None
    unverified: tuple[str, ...] = ()
    confirmed: bool = True
    not_before: date | None = None
    origin: str = ""

    @property
    def starts(self) -> date:
        """The first day on which it may be used."""
        return self.since or self.not_before or date.min


@dataclass(frozen=True)
class Case:
    """A test a lawyer can write (用例): given figures, the outcome to expect, on a day."""

    given: dict[str, Any]
    expect: Any
    on: date | None = None
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of the rulebook, with all its dated values, oldest first.

    ``beneath`` is the shared rule that a city laid its values over.
    """

    id: str
    kind: str
    label: str
    unit: str | None
    status: str
    checked_on: date
    values: tuple[DatedValue, ...]
    cases: tuple[Case, ...] = ()
    notes: str = ""
    file: str = ""
    desk: str = ""
    overrides: str | None = None
    because: str = ""
    tighter: str | None = None
    beneath: Rule | None = None

    def value_on(self, on: date) -> DatedValue | None:
        """The value in force on ``on``, or ``None`` when none is yet."""
        begun = [dated for dated in self.values if dated.starts <= on]
        return begun[-1] if begun else None

    def until(self, dated: DatedValue) -> date | None:
        """The day from which another value replaces ``dated``, or ``None``."""
        later = [other.starts for other in self.values if other.starts > dated.starts]
        return min(later, default=None)

    @property
    def digest(self) -> str:
        """SHA-256 over everything the rule says."""
        return digest_of([self.id, self.kind, self.unit, [_content(dated) for dated in self.values]])


@dataclass(frozen=True)
class RuleValue:
    """What a rule says on a day: the value in base units or as its kind's object, and where it is written."""

    rule: Rule = field(repr=False)
    dated: DatedValue = field(repr=False)
    on: date

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.rule.id

    @property
    def kind(self) -> str:
        """The rule's kind."""
        return self.rule.kind

    @property
    def label(self) -> str:
        """The rule's name in the officer's words."""
        return self.rule.label

    @property
    def unit(self) -> str | None:
        """The unit of a parameter."""
        return self.rule.unit

    @property
    def value(self) -> Any:
        """A parameter in base units, or a Table, Ladder, Checklist, Scorecard or HolidayYear."""
        return self.dated.value

    @property
    def cite(self) -> Citation | None:
        """Where it is written; ``None`` for an example."""
        return self.dated.cite

    @property
    def citation(self) -> dict[str, Any] | None:
        """The citation as JSON, with the rule's id, or ``None`` for an example."""
        return {"rule": self.id, **self.dated.cite.to_json()} if self.dated.cite else None

    @property
    def status(self) -> str:
        """binding, guidance, local or example: an example looks like one wherever it was used."""
        return self.dated.status

    @property
    def since(self) -> date | None:
        """The day it came into force; ``None`` when unknown."""
        return self.dated.since

    @property
    def confirmed(self) -> bool:
        """Whether somebody has read it; an unconfirmed value is shown as provisional."""
        return self.dated.confirmed

    @property
    def unverified(self) -> tuple[str, ...]:
        """The fields of the citation that nobody has seen."""
        return self.dated.unverified

    @property
    def digest(self) -> str:
        """SHA-256 of this value and its citation: what a decision stores."""
        return digest_of([self.id, self.kind, self.unit, _content(self.dated)])


def _content(dated: DatedValue) -> list[Any]:
    cite = dated.cite.to_json() if dated.cite else None
    return [dated.since, dated.not_before, dated.written, dated.status, cite, list(dated.unverified), dated.confirmed]


def digest_of(content: Any) -> str:
    """SHA-256 of the one JSON text of ``content``."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
