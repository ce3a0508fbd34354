"""What stands beside a fact on the sheet (标注): in dispute, put right, the subject's own statement, repaired; by day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from jinmai.desks.credit.models import Objection, Repair
from jinmai.desks.credit.records import Line, record_tables
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.dates import months_after
from jinmai.foundation.rulebook import NotInForce, get


@dataclass(frozen=True)
class Mark:
    """What stands beside one fact on a day."""

    disputed: Objection | None = None
    upheld: Objection | None = None
    corrected: Objection | None = None
    repaired: Repair | None = None
    #: Cases still open on it, as far as its own firm and the offices are concerned.
    objection: Objection | None = None
    repair: Repair | None = None

    @property
    def statement(self) -> str:
        """The subject's own words (本人声明) beside a fact that stays."""
        return self.upheld.statement if self.upheld else ""


NOTHING = Mark()


@dataclass(frozen=True)
class Marks:
    """All marks of one subject on a day: by target, and by the batch that a correction came in."""

    by_target: dict[str, Mark] = field(default_factory=dict)
    by_batch: dict[int, Objection] = field(default_factory=dict)
    #: Every application for repair of the subject, whatever the day: what an institution is not shown rests on them.
    repairs: tuple[Repair, ...] = ()

    def of_figure(self, name: str) -> Mark:
        """What stands beside a figure."""
        return self.by_target.get(name, NOTHING)

    def of_record(self, line: Line) -> Mark:
        """What stands beside a record; one that a correction brought says so."""
        mark = self.by_target.get(line.target, NOTHING)
        corrected = self.by_batch.get(line.batch.number)
        return replace(mark, corrected=corrected) if corrected else mark


def day_of(moment: datetime | None) -> date | None:
    """The legal day of a moment."""
    return moment.astimezone(LEGAL_ZONE).date() if moment else None


def marks_of(subject_id: UUID, on: date) -> Marks:
    """The marks as they stood at the end of a day: what was taken up or decided later is not known yet."""
    marks: dict[str, Mark] = {}
    by_batch: dict[int, Objection] = {}
    for one in Objection.objects.filter(subject_id=subject_id).order_by("filed_at", "number"):
        told = _of_objection(marks.get(one.target, NOTHING), one, on)
        marks[one.target] = told
        if one.correction_batch is not None and _by(one.closed_at, on):
            by_batch[one.correction_batch] = one
    repairs = tuple(Repair.objects.filter(subject_id=subject_id).order_by("filed_at", "number"))
    for repair in repairs:
        marks[repair.target] = _of_repair(marks.get(repair.target, NOTHING), repair, on)
    return Marks(marks, by_batch, repairs)


def _by(moment: datetime | None, on: date) -> bool:
    day = day_of(moment)
    return day is not None and day <= on


def _of_objection(mark: Mark, one: Objection, on: date) -> Mark:
    if not _by(one.filed_at, on):
        return mark
    if not _by(one.closed_at, on):
        return replace(mark, objection=one, disputed=one if _by(one.accepted_at, on) else None)
    if one.status == Objection.Status.CORRECTED:
        return replace(mark, corrected=one)
    if one.status == Objection.Status.UPHELD and one.statement and _by(one.stated_at, on):
        return replace(mark, upheld=one)
    return mark


def _of_repair(mark: Mark, one: Repair, on: date) -> Mark:
    if not _by(one.filed_at, on):
        return mark
    if not _by(one.closed_at, on):
        return replace(mark, repair=one)
    return replace(mark, repaired=one) if one.status == Repair.Status.GRANTED else mark


def shown_to(actor: Actor, repairs: Iterable[Repair], lines: Iterable[Line]) -> tuple[Line, ...]:
    """The records this actor may be shown: to an institution none that is repaired, or published long enough, today.

    ``repairs`` are all of the subject's. Whatever day an institution asks for, a repaired record is shown, shared and
    used no more (修复后停止公示、共享和使用);
    the firm itself and the offices go on seeing it, marked.
    """
    listed, repairs = tuple(lines), tuple(repairs)
    if not actor.is_institution:
        return listed
    today = Clock.today()
    classed = sorted((one for one in repairs if one.seriousness), key=lambda one: one.attested_at or one.filed_at)
    gone = {one.target for one in repairs if one.status == Repair.Status.GRANTED}
    seriousness = {one.target: one.seriousness for one in classed}
    return tuple(
        line
        for line in listed
        if line.target not in gone and not _published_long_enough(line, seriousness.get(line.target, ""), today)
    )


def _published_long_enough(line: Line, seriousness: str, today: date) -> bool:
    """Whether the longest publication period (最长公示期) is over; a record nobody has classed has none."""
    rules = record_tables()[line.table].repair
    if rules is None or not seriousness or line.happened_on is None:
        return False
    try:
        row = get(rules.periods, on=today).value.row(**{"class": seriousness})
    except NotInForce:
        return False
    return months_after(line.happened_on, int(row["max_months"])) < today
