"""The page of a decision's basis (依据): what was decided by which rule, on which figures, and what a replay says."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.units import is_numeric, show
from jinmai.foundation.rulebook.uses import REPLAYS, inputs_digest, replay, row_behind, uses_of
from jinmai.foundation.rulebook.wording import STATUS_CHIPS

#: More uses than these on one page would bury the latest; the newest come first.
SHOWN_USES = 40


@page("rulebook.view_basis")
def basis(request: HttpRequest, ref: str) -> HttpResponse:
    """依据 of one row: each use of a rule that its acts kept, newest first; ``?replay=`` asks one again."""
    actor = request.actor
    found = row_behind(actor, ref)
    if found is None:
        raise NotFound()
    told, row = found
    refs = [ref, *(object_ref(other) for other in told.others(actor, row))]
    uses = list(uses_of(refs).order_by("-at", "-pk")[: SHOWN_USES + 1])
    asked = request.GET.get("replay", "")
    context = {
        "ref": ref,
        "title": told.title(row),
        "address": told.address(row),
        "more": len(uses) > SHOWN_USES,
        "uses": [use_lines(actor, use, asked, told.unnamed(actor, row, use)) for use in uses[:SHOWN_USES]],
    }
    return render(request, "rulebook/basis.html", context)


def use_lines(actor: Actor, use: RuleUse, asked: str, unnamed: str = "") -> dict[str, Any]:
    """One use as the page shows it; replayed when asked for; ``unnamed`` stands for a doer this actor may not name."""
    words, tone = STATUS_CHIPS.get(use.rule_status, (use.rule_status, "outline"))
    again = replay(actor, use) if asked in (str(use.pk), "all") else None
    return {
        "use": use,
        "who": unnamed or f"{use.organisation_name}　{use.actor_name}",
        "status": words,
        "tone": tone,
        "inputs": [input_lines(one) for one in use.inputs],
        "clauses": [(one["label"], use.outcome["clauses"].get(one["name"], "missing")) for one in use.inputs]
        if "clauses" in use.outcome
        else [],
        "digest": inputs_digest(use)[:16],
        "may_replay": use.question in REPLAYS,
        "replay": again,
        "replay_tone": {True: "good", False: "bad", None: ""}[again.same] if again else "",
        "outcome": use.outcome.get("words", ""),
        "answer": ANSWER_WORDS.get(use.outcome.get("answer", "")),
    }


ANSWER_WORDS = {
    "yes": (gettext_lazy("符合"), "good"),
    "no": (gettext_lazy("不符合"), "bad"),
    "unknown": (gettext_lazy("待定"), "warn"),
}


def input_lines(kept: dict[str, Any]) -> dict[str, Any]:
    """One figure as the page shows it: the value in its unit, or why it is not there."""
    if kept["level"] == "C3":
        shown = _("不留存，按授权查阅") if kept["known"] else _("缺数据")
    elif kept["value"] is None:
        shown = _("缺数据")
    elif isinstance(kept["value"], bool):
        shown = _("是") if kept["value"] else _("否")
    elif isinstance(kept["value"], int) and is_numeric(kept["unit"]):
        shown = show(kept["value"], kept["unit"])
    else:
        shown = str(kept["value"])
    return {**kept, "shown": shown}
