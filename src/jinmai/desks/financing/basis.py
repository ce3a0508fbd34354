"""What the desk's acts keep of the rules they used (依据), and how each question is asked again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.kernel.work.clocks import due_day
from jinmai.foundation.kernel.work.models import DueClock
from jinmai.foundation.rulebook import Figure, NotInForce, explain, get
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.uses import Basis, Input, Replay, record_use, register_basis, replays, rule_then

if TYPE_CHECKING:
    from django.db.models import Model


def note_clock(actor: Actor, subject: Model, clock: DueClock | None, operation: str) -> None:
    """Keep which rule set a time limit, from which day, ending when."""
    if clock is None or not clock.rule_id:
        return
    try:
        rule = get(clock.rule_id, on=clock.started_on)
    except (NotFound, NotInForce):
        return
    unit = clock.get_kind_display()
    words = _("自 %(start)s 起 %(days)d 个%(unit)s，%(due)s 到期") % {
        "start": clock.started_on, "days": clock.days, "unit": unit, "due": clock.due_on,
    }  # fmt: skip
    record_use(
        actor,
        subject,
        rule,
        question="clock",
        operation=operation,
        outcome={"words": words, "due_on": str(clock.due_on), "days": clock.days, "kind": clock.kind},
        inputs=[Input("started_on", _("起算日"), str(clock.started_on), "text", _("办理记录"), clock.started_on)],
    )


@replays("clock")
def ask_clock_again(actor: Actor, use: RuleUse) -> Replay:
    """Count the same days again with that day's rule and today's calendar."""
    rule = rule_then(use)
    started = date.fromisoformat(use.inputs[0]["value"])
    kept: dict[str, Any] = use.outcome
    assert rule is not None
    due = due_day(kept["kind"], started, int(rule.value))
    if str(due) == kept["due_on"] and int(rule.value) == kept["days"]:
        return Replay(True, _("一致：重算仍为 %(due)s 到期") % {"due": due})
    differs = _("当时 %(days)d 天、%(then)s 到期，重算 %(new)d 天、%(now)s 到期") % {
        "days": kept["days"], "then": kept["due_on"], "new": int(rule.value), "now": due,
    }  # fmt: skip
    return Replay(False, _("不一致"), (differs,))


@replays("checklist")
def ask_checklist_again(actor: Actor, use: RuleUse) -> Replay:
    """Ask that day's standards again, of the words as they stood."""
    rule = rule_then(use)
    assert rule is not None
    figures = {one["name"]: Figure(one["value"]) for one in use.inputs}
    answer = explain(rule.value.condition, figures, {}, use.on).answer
    if answer == use.outcome["answer"]:
        return Replay(True, _("一致：五项标准的判断相同"))
    return Replay(False, _("不一致"), (_("当时为 %(then)s，重算为 %(now)s") % {"then": use.outcome["answer"], "now": answer},))


def declare() -> None:
    """Say which rows of the desk have a page of their basis, and whose they are."""
    from jinmai.desks.financing.models import EvidenceRequest, Loan, Need, Order

    def of_need(actor: Actor, need: Need) -> list[Any]:
        orders = list(Order.objects.visible_to(actor).filter(need=need))
        asked = list(EvidenceRequest.objects.visible_to(actor).filter(need=need))
        return [*orders, *asked, *Loan.objects.visible_to(actor).filter(order__in=orders)]

    def of_order(actor: Actor, order: Order) -> list[Any]:
        return list(order.loans.all())

    register_basis(
        Basis("financing.need", lambda actor: Need.objects.visible_to(actor), "financing.view_need", str,
              lambda need: reverse("financing:need_detail", args=[need.pk]), of_need)
    )  # fmt: skip
    register_basis(
        Basis("financing.order", lambda actor: Order.objects.visible_to(actor), "financing.view_order", str,
              lambda order: reverse("financing:order_detail", args=[order.pk]), of_order)
    )  # fmt: skip
    register_basis(
        Basis("financing.loan", lambda actor: Loan.objects.visible_to(actor), "financing.list_loans",
              lambda loan: f"{loan.order.number}　{loan.contract_number}",
              lambda loan: reverse("financing:order_detail", args=[loan.order_id]))
    )  # fmt: skip
    register_basis(
        Basis("financing.evidencerequest", lambda actor: EvidenceRequest.objects.visible_to(actor),
              "financing.view_evidence", str,
              lambda asked: reverse("financing:evidence_detail", args=[asked.pk]))
    )  # fmt: skip
