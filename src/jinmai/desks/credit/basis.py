"""What a sheet keeps of the card it was graded with (依据): the text, the day and the facts, never a figure or a band."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.rulebook import Score
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
)

if TYPE_CHECKING:
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


def declare() -> None:
    """A sheet's page of its basis is for whoever may ask for the sheet."""
    from jinmai.desks.credit.views import subjects_for

    register_basis(
        Basis(
            "kernel.subject",
            subjects_for,
            "credit.view_sheet",
            str,
            lambda subject: reverse("credit:sheet", args=[subject.pk]),
        )
    )
