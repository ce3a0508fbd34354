"""The credit sheet (企业信用画像): what a reader may see of one firm, read once through the door, and graded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from jinmai.desks.credit.basis import note_score
from jinmai.desks.credit.card import RULE
from jinmai.desks.credit.facts import catalogue
from jinmai.desks.credit.groups import GROUPS, RECORDS, all_fields, month_fields
from jinmai.desks.credit.marks import NOTHING, Mark, Marks, day_of, marks_of, shown_to
from jinmai.desks.credit.peers import Peers, Standing, peers_of
from jinmai.desks.credit.records import Line as RecordLine
from jinmai.desks.credit.records import lines_of, owner_of
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import Consent
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT, LABELS, OWN_RECORD, STATUTORY_DUTY
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.rulebook import NotInForce, RuleValue, Score, get, score, show

ABSENT = "缺数据"
#: What absence means, by how a measure's table speaks of firms.
ABSENT_UNKNOWN = "平台没有收到的为缺数据"
ABSENT_ZERO = "名单收到过、企业有统一社会信用代码而未列入的为零；名单没有收到过的为缺数据"
ABSENT_LISTED = "从未列入的没有这个数"
ABSENT_INVOICES = "平台没有收到这家企业发票的为缺数据；收到过而期内没有的，金额和个数为零"
WHO = {"platform": "平台数据源", "firm": "本企业", "institution": "机构"}


@dataclass(frozen=True)
class Line:
    """One figure as the sheet shows it: words, unit inside, definition, the day it stands for, source."""

    name: str
    label: str
    value: int | str | bool | None
    shown: str
    unit: str
    definition: str
    as_of: date
    source: str
    supplier: str
    department: str = ""
    batches: tuple[int, ...] = ()
    mark: Mark = NOTHING
    #: Where it stands among peers; what absence means and how long a history it needs, in words.
    standing: Standing | None = None
    absence: str = ""
    history: str = ""


@dataclass(frozen=True)
class Entry:
    """One single record on the sheet, and what stands beside it."""

    line: RecordLine
    mark: Mark


@dataclass(frozen=True)
class Section:
    """A group of figures; ``withheld`` says how many of it the consent doesn't cover."""

    slug: str
    label: Any
    lines: tuple[Line, ...]
    withheld: int


@dataclass(frozen=True)
class Month:
    """One month's net sales and purchases in fen; None where nothing is known."""

    label: str
    sales: int | None
    purchases: int | None


@dataclass(frozen=True)
class Grade:
    """The reference band (内部参考分档) and the rule it came from; ``note`` says why there is none."""

    score: Score | None
    rule: RuleValue | None
    note: str = ""

    @property
    def missing(self) -> int:
        """How many indicators were graded without a figure."""
        return sum(one.figure is None for one in self.score.indicators) if self.score else 0


@dataclass(frozen=True)
class Portrait:
    """The sheet of one firm on a day."""

    subject_id: UUID
    on: date
    purpose: str
    sections: tuple[Section, ...]
    months: tuple[Month, ...]
    grade: Grade
    manifest: str
    fields: tuple[str, ...]
    records: tuple[Entry, ...] = ()
    #: How many tables of records the consent doesn't cover.
    records_withheld: int = 0
    #: Under which consent an institution reads.
    consent: Consent | None = None
    #: The subject's number, the credit code before any other.
    code: str = ""


def purpose_of(actor: Actor) -> str:
    """The purpose (查阅目的) under which this actor opens a sheet."""
    if actor.is_firm:
        return OWN_RECORD
    return CREDIT_ASSESSMENT if actor.is_institution else STATUTORY_DUTY


def consents_for(actor: Actor, on: date, subject_id: Any = None) -> Any:
    """Live consents, fitting their seals, that the actor's institution, or its head office, holds; of one subject or all."""
    given = _given_to(actor, on)
    return (given if subject_id is None else given.filter(subject_id=subject_id)).sealed()


def _given_to(actor: Actor, on: date) -> Any:
    above = [int(part) for part in actor.organisation_path.split("/") if part]
    return Consent.objects.live(on).filter(receiver_id__in=above, purpose=CREDIT_ASSESSMENT)


def widest_consent(actor: Actor, subject_id: UUID) -> Consent | None:
    """The live consent of the subject that names the most fields; ``None`` for whoever needs none or has none."""
    if not actor.is_institution:
        return None
    held = _given_to(actor, Clock.today()).filter(subject_id=subject_id).sealed_list()
    return max(held, key=lambda one: len(set(one.fields) & set(all_fields())), default=None)


def no_basis(purpose: str) -> Refusal:
    """The door's own refusal, for a subject that the door couldn't even book."""
    return Refusal(
        "JM-CON-001",
        Words("没有以“%(purpose)s”为目的查阅这家企业数据的有效授权", purpose=LABELS[purpose]),
        "请由企业在“授权与查阅”中授权后再查；已撤回或到期的授权不能再用",
    )


def fields_for(actor: Actor, consent: Consent | None) -> list[str]:
    """The sheet's fields that this actor may ask for: all of them, or those of its widest live consent.

    Without a live consent an institution asks for all, so that the door refuses and books what was asked.
    """
    wanted = all_fields()
    if not actor.is_institution or consent is None:
        return wanted
    return [field for field in wanted if field in consent.fields] or wanted


def open_portrait(actor: Actor, subject_id: UUID, on: date, known: datetime | None = None) -> Portrait:
    """Read and grade the sheet of one firm, and keep which card graded it (JM-CON-001 without a live basis)."""
    portrait = draw(actor, subject_id, on, known)
    note_score(actor, portrait)
    return portrait


def draw(actor: Actor, subject_id: UUID, on: date, known: datetime | None = None) -> Portrait:
    """Read and grade the sheet of one firm; booked, and refused without a live basis (JM-CON-001).

    A subject that isn't there is refused in the same words as one that never agreed.
    """
    purpose = purpose_of(actor)
    consent = widest_consent(actor, subject_id)
    fields = fields_for(actor, consent)
    if not Subject.objects.filter(pk=subject_id).exists():
        raise no_basis(purpose)
    tables = [name for name in fields if name in RECORDS.fields]
    measures = [name for name in fields if name not in RECORDS.fields]
    if actor.is_institution:
        known = None  # what was known before is no way around what was put right since
    reading = analytics.read(
        actor, purpose, [subject_id], measures, on, known, records=tables, traced=not actor.is_institution
    )
    figures = reading.one()
    values = {name: figure.value for name, figure in figures.items()}
    keys = reading.keys.get(subject_id, ())
    marks, peers = marks_of(subject_id, _marked_on(actor, on, known)), peers_of(keys, values, on)
    beside = _Beside(reading, marks, peers, values)
    return Portrait(
        code=_code_of(keys),
        subject_id=subject_id,
        on=on,
        purpose=purpose,
        sections=tuple(_section(group, figures, beside) for group in GROUPS if group.slug != "months"),
        months=_months(figures, on),
        grade=_grade(figures, on),
        manifest=reading.manifest.digest,
        fields=tuple(fields),
        records=_records(actor, beside),
        records_withheld=len(RECORDS.fields) - len(tables),
        consent=consent,
    )


def _marked_on(actor: Actor, on: date, known: datetime | None) -> date:
    """The day whose marks stand beside the facts: that of the sheet, or of what was known; an institution's is today."""
    if actor.is_institution:
        return Clock.today()
    known_on = day_of(known)
    return min(on, known_on) if known_on else on


def _code_of(keys: Iterable[str]) -> str:
    known = sorted((key.partition(":") for key in keys), key=lambda one: (one[0] != "uscc", one[0]))
    return known[0][2] if known else ""


class _Beside:
    """What stands beside the figures and records of one reading: department, batches, marks, peers."""

    def __init__(self, reading: Any, marks: Marks, peers: Peers, values: Mapping[str, Any]) -> None:
        self.reading, self.marks, self.peers, self.values = reading, marks, peers, values
        named = reading.batches or reading.records
        departments = Organisation.objects.filter(kind="department") if named else Organisation.objects.none()
        self.departments = dict(departments.values_list("code", "name"))

    def of_figure(self, name: str) -> tuple[str, tuple[int, ...]]:
        """The department that answers for a figure and the batches it comes from, the latest first; both empty where
        the reading wasn't traced."""
        table = analytics.get_measure(name).table
        if table not in self.reading.batches:
            return "", ()
        return self.departments.get(owner_of(name), ""), tuple(one.number for one in self.reading.batches[table])


def _records(actor: Actor, beside: _Beside) -> tuple[Entry, ...]:
    lines = lines_of(beside.reading.records, beside.departments)
    return tuple(Entry(one, beside.marks.of_record(one)) for one in shown_to(actor, beside.marks.repairs, lines))


def _section(group: Any, figures: Any, beside: _Beside) -> Section:
    lines = tuple(_line(name, figures[name], beside) for name in group.fields if name in figures)
    return Section(group.slug, group.label, lines, len(group.fields) - len(lines))


def _line(name: str, figure: Any, beside: _Beside) -> Line:
    declared = analytics.get_measure(name)
    department, batches = beside.of_figure(name)
    value = figure.value
    if value is None:
        shown = said(ABSENT)
    elif isinstance(value, int) and not isinstance(value, bool):
        shown = show(value, declared.unit)
    else:
        shown = said(str(value))
    return Line(
        name=name,
        label=said(declared.label),
        value=value,
        shown=shown,
        unit=said(declared.unit),
        definition=said(declared.definition),
        as_of=figure.as_of,
        source=said(figure.source),
        supplier=said(WHO[declared.who_can_know]),
        department=department,
        batches=batches,
        mark=beside.marks.of_figure(name),
        standing=beside.peers.of(name, value, beside.values) if name in catalogue() else None,
        absence=said(absence_words(name)),
        history=said(history_words(name)),
    )


def absence_words(name: str) -> str:
    """What it means when a table says nothing of a firm (缺数据还是零), in words."""
    row = catalogue().get(name)
    if row is None:
        return ABSENT_UNKNOWN
    if row.absence == "zero":
        return ABSENT_ZERO
    return ABSENT_LISTED if row.history is None else ABSENT_INVOICES


def history_words(name: str) -> str:
    """How long a firm's history must be before the figure is compared, in words."""
    row = catalogue().get(name)
    return Words("至少%(months)s个月历史才作比较", months=row.months) if row is not None and row.months else ""


def _months(figures: Any, on: date) -> tuple[Month, ...]:
    index = on.year * 12 + on.month - 1
    pairs = list(zip(month_fields("sales"), month_fields("purchases"), strict=True))
    months = []
    for back, (sales, purchases) in reversed(list(enumerate(pairs))):
        year, month = divmod(index - back, 12)
        if sales in figures and purchases in figures:
            months.append(Month(f"{year}-{month + 1:02d}", figures[sales].value, figures[purchases].value))
    return tuple(months)


def _grade(figures: Any, on: date) -> Grade:
    try:
        rule = get(RULE, on=on)
    except NotInForce:
        return Grade(None, None, "该日还没有可用的分档规则")
    measures = rule.value.measures()
    if any(name not in figures for name in measures):
        return Grade(None, rule, "授权范围不含分档所需的全部数据项")
    if all(figures[name].value is None for name in measures):
        return Grade(None, rule, "平台还没有收到这家企业的发票数据，不作分档")
    return Grade(score(rule.value, {name: figures[name].value for name in measures}), rule)
