"""What a sheet keeps of the card it was graded with (依据): the text, the day and the facts, never a figure or a band."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit.casework import address_of
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.kernel.work.models import DueClock
from jinmai.foundation.rulebook import Figure, Score, explain, get
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.uses import (
    WITHHELD_LEVEL,
    Basis,
    Input,
    Replay,
    known_then,
    record_use,
    register_basis,
    replays,
    rule_then,
)

if TYPE_CHECKING:
    from jinmai.desks.credit.conditions import Standing
    from jinmai.desks.credit.models import Repair
    from jinmai.desks.credit.portrait import Portrait


def seal(score: Score) -> str:
    """A keyed digest of points and band: tells whether a replay agrees, and nobody what they were."""
    text = f"{score.points}|{score.band}"
    return hmac.new(current_home().key("digest"), text.encode(), hashlib.sha256).hexdigest()


def note_score(actor: Actor, portrait: Portrait) -> None:
    """Keep which card graded a sheet, on which facts; figures and band stay behind the read door."""
    grade = portrait.grade
    if grade.score is None or grade.rule is None:
        return
    inputs = [
        Input(one.measure, one.label, one.figure, one.unit, _source(one.measure), portrait.on, WITHHELD_LEVEL)
        for one in grade.score.indicators
    ]
    words = _("已按 %(count)d 项指标分档，结果按授权在企业信用画像查阅") % {"count": len(inputs)}
    record_use(
        actor,
        Subject(pk=portrait.subject_id),
        grade.rule,
        question="score",
        operation="credit.view_sheet",
        outcome={"words": words, "seal": seal(grade.score)},
        inputs=inputs,
        manifest=portrait.manifest,
    )


def _source(measure: str) -> str:
    return analytics.get_measure(measure).source


@replays("score")
def ask_score_again(actor: Actor, use: RuleUse) -> Replay:
    """Grade again with that day's card on the facts known then; read and booked like opening the sheet."""
    from jinmai.desks.credit.portrait import draw

    subject_id = UUID(use.subject_ref.partition(":")[2])
    try:
        portrait = draw(actor, subject_id, use.on, known_then(use.manifest))
    except Refusal as refusal:
        return Replay(None, _("本岗位不能重算：%(why)s") % {"why": refusal.reason})
    if portrait.grade.score is None:
        return Replay(None, _("本岗位不能重算：%(why)s") % {"why": portrait.grade.note})
    if seal(portrait.grade.score) == use.outcome["seal"]:
        return Replay(True, _("一致：分档结果相同"))
    return Replay(False, _("不一致"), (_("重算的分档与当时不同"),))


def note_clock(actor: Actor, case: Any, clock: DueClock | None, operation: str) -> None:
    """Keep which rule set a case's time limit, from which day, ending when."""
    if clock is None or not clock.rule_id:
        return
    rule = get(clock.rule_id, on=clock.started_on)
    words = _("自 %(start)s 起 %(days)d 个%(unit)s，%(due)s 到期") % {
        "start": clock.started_on, "days": clock.days, "unit": clock.get_kind_display(), "due": clock.due_on,
    }  # fmt: skip
    record_use(
        actor,
        case,
        rule,
        question="clock",
        operation=operation,
        outcome={"words": words, "due_on": str(clock.due_on), "days": clock.days, "kind": clock.kind},
        inputs=[Input("started_on", _("起算日"), str(clock.started_on), "text", _("办理记录"), clock.started_on)],
    )


def note_repair(actor: Actor, repair: Repair, told: Standing) -> None:
    """Keep the conditions of a repair as they were answered, and which periods its class had."""
    inputs = [
        Input(
            one.measure, one.text, one.figure.value, one.unit, one.figure.source, one.figure.as_of,
        )
        for one in told.clauses
    ]  # fmt: skip
    outcome = {"words": repair.get_status_display(), "answer": told.answer}
    record_use(
        actor, repair, told.rule, question="repair", operation="credit.decide_repair", outcome=outcome, inputs=inputs
    )


@replays("repair")
def ask_repair_again(actor: Actor, use: RuleUse) -> Replay:
    """Ask that day's conditions again, of the figures as they were kept."""
    rule = rule_then(use)
    assert rule is not None
    figures = {one["name"]: Figure(one["value"]) for one in use.inputs}
    answer = explain(rule.value.condition, figures, {}, use.on).answer
    if answer == use.outcome["answer"]:
        return Replay(True, _("一致：修复条件的判断相同"))
    return Replay(
        False, _("不一致"), (_("当时为 %(then)s，重算为 %(now)s") % {"then": use.outcome["answer"], "now": answer},)
    )


def declare() -> None:
    """A sheet's page of its basis is for whoever may ask for the sheet; a case's for whoever may see the case."""
    from jinmai.desks.credit.models import Objection, Repair
    from jinmai.desks.credit.views.sheets import subjects_for

    for model, operation in ((Objection, "credit.view_objection"), (Repair, "credit.view_repair")):
        register_basis(Basis(model._meta.label_lower, model.objects.visible_to, operation, str, address_of))

    register_basis(
        Basis(
            "kernel.subject",
            subjects_for,
            "credit.view_sheet",
            str,
            lambda subject: reverse("credit:sheet", args=[subject.pk]),
        )
    )
