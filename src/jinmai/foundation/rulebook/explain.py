"""Explain (逐条说明): one subject against a condition, clause by clause, with what is short and who could supply it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from jinmai.foundation.kernel import errors
from jinmai.foundation.kernel.errors import Broken, Words
from jinmai.foundation.rulebook import operators
from jinmai.foundation.rulebook.condition import AllOf, Condition, Leaf, Node, NotOf, shown, written
from jinmai.foundation.rulebook.figures import Described, Figure, check_type
from jinmai.foundation.rulebook.operators import GAP, NEGATED, NO, ON_PAPER, UNKNOWN, WORDS, YES, compare, every, some
from jinmai.foundation.rulebook.thresholds import Bar, Resolve, bar_of, from_book
from jinmai.foundation.rulebook.units import dimension, is_numeric, show

State = Literal["met", "not_met", "missing", "institution"]
STATE_WORDS: Mapping[str, str] = {"met": "满足", "not_met": "不满足", "missing": "缺数据", "institution": "机构自查"}
WHO_WORDS: Mapping[str, str] = {"platform": "平台", "firm": "企业", "institution": "机构"}
NOBODY = Figure(None)


@dataclass(frozen=True)
class ClauseAnswer:
    """One clause answered (条款): ``gap`` and ``threshold`` in base units, ``gap`` positive when short by that much.

    ``op`` is what has to hold: a clause under a ``not`` shows the opposite comparison.
    """

    id: str
    measure: str
    label: str
    figure: Figure
    op: str
    threshold: Any
    unit: str
    gap: int | None
    answer: str
    who_can_know: str
    state: State
    text: str
    status: str | None
    citation: dict[str, Any] | None

    @property
    def op_in_words(self) -> str:
        """不低于, 不超过, 属于 …"""
        return ON_PAPER[self.op]

    @property
    def figure_shown(self) -> str:
        """The figure as an officer reads it; — when there is none."""
        return shown(self.figure.value, self.unit)

    @property
    def threshold_shown(self) -> str:
        """The threshold as an officer reads it."""
        return shown(self.threshold, self.unit)

    @property
    def gap_shown(self) -> str:
        """差 8.30 万元, or the margin 余 3 户; empty where words or truths are compared."""
        if self.gap is None:
            return ""
        gap = show(abs(self.gap), self.unit)
        return errors.shown(Words("差 %(gap)s", gap=gap) if self.gap > 0 else Words("余 %(gap)s", gap=gap))

    @property
    def state_in_words(self) -> str:
        """满足 / 不满足（差 8.30 万元） / 缺数据（企业可补） / 机构自查."""
        words = errors.shown(STATE_WORDS[self.state])
        if self.state == "not_met" and self.gap_shown:
            return errors.shown(Words("%(state)s（%(gap)s）", state=words, gap=self.gap_shown))
        if self.state != "missing":
            return words
        return errors.shown(Words("%(state)s（%(who)s可补）", state=words, who=WHO_WORDS[self.who_can_know]))

    def to_json(self) -> dict[str, Any]:
        """The clause as a command or the API prints it: numbers as exact decimal strings in ``unit``."""
        return {
            "id": self.id,
            "measure": self.measure,
            "figure": written(self.figure.value, self.unit),
            "op": self.op,
            "threshold": written(self.threshold, self.unit),
            "unit": self.unit,
            "gap": None if self.gap is None else written(self.gap, self.unit),
            "answer": self.answer,
            "who_can_know": self.who_can_know,
            "state": self.state,
            "status": self.status,
            "citation": self.citation,
        }


@dataclass(frozen=True, order=True)
class Distance:
    """How far from yes: clauses failed, clauses nobody knows, and how short by relative to the thresholds."""

    failed: int = 0
    unknown: int = 0
    shortfall: Fraction = Fraction(0)

    def __add__(self, other: Distance) -> Distance:
        return Distance(self.failed + other.failed, self.unknown + other.unknown, self.shortfall + other.shortfall)


@dataclass(frozen=True)
class NearestBranch:
    """Of an ``any`` that does not hold yet, the branch least far away and the clauses it still lacks (最近的一条路)."""

    branch: int
    clauses: tuple[str, ...]
    distance: Distance


@dataclass(frozen=True)
class Explanation:
    """The answer and every clause; ``distance`` orders nearest first, ``nearest`` names the branch to take.

    ``lacking`` are the clauses on the shortest way to yes (怎样才能满足): what would change the answer.
    """

    answer: str
    clauses: tuple[ClauseAnswer, ...]
    nearest: tuple[NearestBranch, ...]
    lacking: tuple[ClauseAnswer, ...]
    distance: Distance

    def clause(self, clause_id: str) -> ClauseAnswer:
        """The clause of that id."""
        return next(clause for clause in self.clauses if clause.id == clause_id)


@dataclass(frozen=True)
class _Way:
    """One part's answer and the shortest way from it to yes."""

    answer: int
    distance: Distance = Distance()
    lacking: tuple[ClauseAnswer, ...] = ()
    nearest: tuple[NearestBranch, ...] = ()


@dataclass
class _Walk:
    figures: Mapping[str, Figure]
    measures: Mapping[str, Described]
    on: date
    resolve: Resolve
    default: Bar
    clauses: list[ClauseAnswer] = field(default_factory=list)


def explain(
    condition: Condition,
    figures: Mapping[str, Figure],
    measures: Mapping[str, Described],
    on: date,
    *,
    resolve: Resolve = from_book,
    status: str | None = None,
    citation: dict[str, Any] | None = None,
) -> Explanation:
    """Why a subject fits a condition, or not, or why nobody can say yet (逐条说明).

    ``figures`` are in base units (money fen, ratios in billionths); a measure without a figure is unknown. ``measures``
    give labels and who could supply a figure; a clause's own ``who_can_know`` wins. ``on`` is the day on which
    referenced rules must be in force (else JM-RUL-004). ``status`` and ``citation`` belong to clauses whose threshold
    stands in the condition itself. The answer is the one ``evaluate`` gives for the same figures.

    >>> big = Condition.parse({"measure": "sales", "op": ">=", "value": "150", "unit": "万元"})
    >>> told = explain(big, {"sales": Figure(141_700_000)}, {}, date(2020, 2, 29))
    >>> told.answer, told.clauses[0].gap, told.clauses[0].state_in_words
    ('no', 8300000, '不满足（差 8.30 万元）')
    """
    walk = _Walk(figures, measures, on, resolve, Bar(None, status, citation))
    way = _visit(condition.root, walk, False)
    return Explanation(WORDS[way.answer], tuple(walk.clauses), way.nearest, way.lacking, way.distance)


def _visit(node: Node, walk: _Walk, negated: bool) -> _Way:
    if isinstance(node, Leaf):
        return _clause(node, walk, negated)
    if isinstance(node, NotOf):
        return _visit(node.part, walk, not negated)
    parts = [_visit(part, walk, negated) for part in node.parts]
    joined_by_all = isinstance(node, AllOf) is not negated
    return _all(parts) if joined_by_all else _any(parts)


def _all(parts: list[_Way]) -> _Way:
    return _Way(
        int(every(part.answer for part in parts)),
        sum((part.distance for part in parts), Distance()),
        tuple(clause for part in parts for clause in part.lacking),
        tuple(branch for part in parts for branch in part.nearest),
    )


def _any(parts: list[_Way]) -> _Way:
    answer = int(some(part.answer for part in parts))
    if answer == YES:
        return _Way(YES)
    index = min(range(len(parts)), key=lambda branch: parts[branch].distance)
    nearest = parts[index]
    own = NearestBranch(index, tuple(clause.id for clause in nearest.lacking), nearest.distance)
    return _Way(answer, nearest.distance, nearest.lacking, (own, *nearest.nearest))


def _clause(leaf: Leaf, walk: _Walk, negated: bool) -> _Way:
    bar = bar_of(leaf, walk.on, walk.resolve)
    figure = walk.figures.get(leaf.measure, NOBODY)
    check_type(figure.value, leaf.unit, leaf.measure)
    info = walk.measures.get(leaf.measure)
    if info is not None and dimension(info.unit) != dimension(leaf.unit):
        raise Broken(f"clause {leaf.id}: measure {leaf.measure} is in {info.unit}, not in {leaf.unit}")
    op = NEGATED[leaf.op] if negated else leaf.op
    known = figure.value is not None
    answer = int(compare(op, figure.value, bar.threshold, True, operators.COMPARE)) if known else UNKNOWN
    who = leaf.who_can_know or (info.who_can_know if info else "platform")
    gap = GAP[op](int(figure.value or 0), bar.threshold) if known and is_numeric(leaf.unit) else None
    told = ClauseAnswer(
        id=leaf.id,
        measure=leaf.measure,
        label=info.label if info else leaf.text or leaf.measure,
        figure=figure,
        op=op,
        threshold=bar.threshold,
        unit=leaf.unit,
        gap=gap,
        answer=WORDS[answer],
        who_can_know=who,
        state=_state(answer, who),
        text=leaf.text,
        status=bar.status or walk.default.status,
        citation=bar.citation or walk.default.citation,
    )
    walk.clauses.append(told)
    lacking = () if answer == YES else (told,)
    return _Way(answer, _distance(answer, gap, bar.threshold), lacking)


def _state(answer: int, who: str) -> State:
    if answer == UNKNOWN:
        return "institution" if who == "institution" else "missing"
    return "met" if answer == YES else "not_met"


def _distance(answer: int, gap: int | None, threshold: Any) -> Distance:
    if answer != NO:
        return Distance(unknown=int(answer == UNKNOWN))
    if gap is None:
        return Distance(1, 0, Fraction(1))
    size = max((abs(int(bound)) for bound in (threshold if isinstance(threshold, tuple) else (threshold,))), default=1)
    return Distance(1, 0, Fraction(gap, max(size, 1)))
