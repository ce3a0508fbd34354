"""What callers send and get of objections and repairs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from jinmai.desks.credit import conditions
from jinmai.desks.credit.casework import alarm_of
from jinmai.desks.credit.models import Objection, Repair
from jinmai.foundation.kernel.access.api import StrictSchema
from jinmai.foundation.kernel.access.api_types import Code, Day, Flag, Limit, Offset, text
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal

ObjectionStatus = Literal[("", *Objection.Status.values)]  # type: ignore[valid-type]
RepairStatus = Literal[("", *Repair.Status.values)]  # type: ignore[valid-type]
TARGET = "tax_penalties:6d0f7a43-9a53-5b0e-8f1d-1c2b3a495867"
#: A measure's name, or a table and a row's key.
Target = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[a-z0-9_]+(:[0-9a-f-]{36})?$")]
CASE = {
    "firm": "东汀示范机械有限公司",
    "target": TARGET,
    "target_words": "税务行政处罚　某税罚〔2026〕1 号　2026-05-02　罚款，罚款金额 500.00 元",
    "owner": "dep_tax",
    "batch": 12,
    "due_on": "2026-12-12",
    "suspended": False,
    "papers_asked": "",
    "filed_at": "2026-11-22T02:30:00Z",
    "closed_at": None,
    "closing_reason": "",
}


class ObjectionIn(StrictSchema):
    """What is said to be wrong: ``target`` is a figure's name or a record's target, as the sheet tells it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"target": TARGET, "reason": "该决定书已被撤销"}

    target: Target
    reason: text(400, least=1)


class WhyIn(StrictSchema):
    """Why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"reason": "与部门核对一致"}

    reason: text(400, least=1)


class MissingIn(StrictSchema):
    """The papers that are missing, all of them at once."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"papers": "撤销决定书"}

    papers: text(400, least=1)


class SuppliedIn(StrictSchema):
    """A word on what was handed in."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"note": "已上传撤销决定书"}

    note: text(400) = ""


class FindingIn(StrictSchema):
    """What was found. ``corrected`` needs ``changes`` (column → text, money in 元) or ``remove`` for a record, and
    ``batch_number`` for a figure."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "finding": "corrected", "answer": "登记有误，已改正", "changes": {"fine_fen": "50.00"}, "remove": False,
        "batch_number": None,
    }  # fmt: skip

    finding: Literal["corrected", "upheld"]
    answer: text(400, least=1)
    changes: Annotated[
        dict[Code, text(200)], Field(max_length=40, json_schema_extra={"additionalProperties": False})
    ] = {}
    remove: Flag = False
    batch_number: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None


class StatementIn(StrictSchema):
    """The subject's own words beside a fact that stays."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"statement": "罚款已于当月缴清，系新人漏报"}

    statement: text(400, least=1)


class ObjectionPage(StrictSchema):
    """Which objections."""

    status: ObjectionStatus = ""
    limit: Limit = 50
    offset: Offset = 0


class ObjectionOut(StrictSchema):
    """An objection: ``disputed`` says whether the fact stands marked now."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **CASE,
        "id": "019b1c20-3d4e-7c5f-8a60-7c8d9e0f1a2c",
        "number": "异〔2026〕00001号",
        "status": "verifying",
        "reason": "该决定书已被撤销",
        "disputed": True,
        "alarm_on": "2026-12-07",
        "answer": "",
        "correction": "",
        "correction_batch": None,
        "statement": "",
    }

    id: UUID
    number: str
    firm: str
    target: str
    target_words: str
    owner: str
    batch: int | None
    status: str
    reason: str
    disputed: bool
    due_on: date | None
    alarm_on: date | None
    suspended: bool
    papers_asked: str
    filed_at: datetime
    closed_at: datetime | None
    closing_reason: str
    answer: str
    correction: str
    correction_batch: int | None
    statement: str


class RepairIn(StrictSchema):
    """An application: which record, when the duty was done and how, and the public promise."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "target": TARGET, "duty_done_on": "2026-06-01", "duty_words": "罚款已缴清", "promise": "依法申报纳税，自愿接受监督",
    }  # fmt: skip

    target: Target
    duty_done_on: Day
    duty_words: text(400, least=1)
    promise: text(400, least=1)


class RepairAttestIn(StrictSchema):
    """What the department vouches for; ``seriousness`` is a class of the rule ``credit_repair_periods``."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "seriousness": "general", "duty_performed": True, "other_conditions": True, "words": "缴款书已核",
    }  # fmt: skip

    seriousness: Code
    duty_performed: Flag
    other_conditions: Flag
    words: text(400, least=1)


class DecideIn(StrictSchema):
    """The decision with its reasons."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"granted": True, "words": "四项条件全部满足"}

    granted: Flag
    words: text(400, least=1)


class RepairPage(StrictSchema):
    """Which applications."""

    status: RepairStatus = ""
    limit: Limit = 50
    offset: Offset = 0


class ConditionOut(StrictSchema):
    """One condition: met, not_met (by how much), missing, or institution while the department has not vouched."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "minimum_period", "text": "最短公示期已届满", "state": "not_met", "gap": "差 12 天",
    }  # fmt: skip

    id: str
    text: str
    state: str
    gap: str


class RepairOut(StrictSchema):
    """An application; the conditions as they stand today, once decided as they stood then."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        **CASE,
        "id": "019b1c21-4e5f-7d60-9b71-8d9e0f1a2b3d",
        "number": "修〔2026〕00001号",
        "status": "deciding",
        "record_on": "2026-05-02",
        "duty_done_on": "2026-06-01",
        "duty_words": "罚款已缴清",
        "promise": "依法申报纳税，自愿接受监督",
        "seriousness": "general",
        "duty_performed": True,
        "other_conditions": True,
        "conditions": [ConditionOut.EXAMPLE],
        "decided_on": None,
        "decision": "",
    }

    id: UUID
    number: str
    firm: str
    target: str
    target_words: str
    owner: str
    batch: int | None
    status: str
    record_on: date
    duty_done_on: date
    duty_words: str
    promise: str
    due_on: date | None
    suspended: bool
    papers_asked: str
    filed_at: datetime
    closed_at: datetime | None
    closing_reason: str
    seriousness: str
    duty_performed: bool | None
    other_conditions: bool | None
    conditions: list[ConditionOut]
    decided_on: date | None
    decision: str


def _common(case: Any) -> dict[str, Any]:
    clock = case.clock
    return {
        "id": case.pk,
        "firm": case.organisation.name,
        "owner": case.owner.code,
        "batch": case.batch_number,
        "due_on": clock.due_on if clock else None,
        "suspended": bool(clock and clock.is_suspended),
        **{
            name: getattr(case, name)
            for name in (
                "number", "target", "target_words", "status", "papers_asked", "filed_at", "closed_at", "closing_reason",
            )
        },
    }  # fmt: skip


def objection_out(case: Objection) -> ObjectionOut:
    """An objection as the API tells it."""
    return ObjectionOut(
        **_common(case),
        reason=case.reason,
        disputed=case.is_disputed,
        alarm_on=alarm_of(case),
        answer=case.answer,
        correction=case.correction_words,
        correction_batch=case.correction_batch,
        statement=case.statement,
    )


def repair_out(case: Repair) -> RepairOut:
    """An application as the API tells it."""
    try:
        lines = case.decision_lines or conditions.standing(case, Clock.today()).lines()
    except Refusal:
        lines = []  # no rule is in force today: nothing is judged
    names = (
        "record_on", "duty_done_on", "duty_words", "promise", "seriousness", "duty_performed", "other_conditions",
        "decided_on",
    )  # fmt: skip
    told = {name: getattr(case, name) for name in names}
    return RepairOut(
        **_common(case), **told, conditions=[_condition(one) for one in lines], decision=case.decision_words
    )


def _condition(line: dict[str, Any]) -> ConditionOut:
    gap = conditions.short_words(line)
    return ConditionOut(id=line["id"], text=line["text"], state=line["state"], gap=gap)
