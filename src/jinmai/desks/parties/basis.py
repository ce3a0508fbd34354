"""What the register keeps of the rule that a firm's size class rests on (依据), and how it is asked again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.parties.classification import FIELDS, INFO, Classification, classify_figures
from jinmai.desks.parties.models import Firm
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.uses import Basis, Input, Replay, record_many, register_basis, replays, use_of

UNDECIDED = "待定"


def note_sizes(actor: Actor, classified: Iterable[tuple[Firm, Classification]], operation: str) -> None:
    """Keep under which table, on which figures, each firm was classified; without a rule in force there is none."""
    record_many([_use(actor, firm, told, operation) for firm, told in classified if told.rule is not None])


def _use(actor: Actor, firm: Firm, told: Classification, operation: str) -> RuleUse:
    assert told.rule is not None
    figures = [
        Input(name, INFO[name].label, getattr(firm, field), INFO[name].unit, INFO[name].source, firm.figures_as_of)
        for name, field in FIELDS.items()
    ]
    industry = Input("industry_code", _("行业代码"), firm.industry_code or None, "code", _("企业名册"))
    words = told.size_class or f"{UNDECIDED}：{told.unknown}"
    if told.industry:
        words = _("%(words)s（划型行业：%(industry)s）") % {"words": words, "industry": told.industry}
    return use_of(
        actor,
        firm,
        told.rule,
        question="size_class",
        operation=operation,
        outcome={"words": words, "size_class": told.size_class},
        inputs=[industry, *figures],
    )


@replays("size_class")
def ask_size_again(actor: Actor, use: RuleUse) -> Replay:
    """Classify the kept figures again by that day's table."""
    kept: dict[str, Any] = {one["name"]: one["value"] for one in use.inputs}
    told = classify_figures(kept.pop("industry_code") or "", kept, use.on)
    if told.size_class == use.outcome["size_class"]:
        return Replay(True, _("一致：仍为%(size)s") % {"size": told.size_class or UNDECIDED})
    differs = _("当时%(then)s，重算%(now)s") % {
        "then": use.outcome["size_class"] or UNDECIDED, "now": told.size_class or UNDECIDED,
    }  # fmt: skip
    return Replay(False, _("不一致"), (differs,))


def declare() -> None:
    """A firm's page of its basis is for whoever may see the firm."""
    register_basis(
        Basis(
            "parties.firm",
            lambda actor: Firm.objects.visible_to(actor),
            "parties.view_firm",
            str,
            lambda firm: reverse("parties:firm_detail", args=[firm.pk]),
        )
    )
