"""What the desk's acts keep of the rules they used (依据), and how each question is asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit.portrait import purpose_of
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.work.clocks import due_day
from jinmai.foundation.kernel.work.models import DueClock
from jinmai.foundation.rulebook import Figure, NotInForce, RuleValue, explain, get
from jinmai.foundation.rulebook.explain import STATE_WORDS
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.rule import digest_of
from jinmai.foundation.rulebook.uses import (
    WITHHELD_LEVEL,
    Basis,
    Input,
    Replay,
    known_then,
    record_terms,
    record_use,
    register_basis,
    replays,
    rule_then,
)

if TYPE_CHECKING:
    from django.db.models import Model

    from jinmai.desks.financing.models import Decision, Loan, Order, ProductVersion


def note_clock(actor: Actor, subject: Model, clock: DueClock | None, operation: str) -> None:
    """Keep which rule set a time limit, from which day, ending when."""
    rule = _rule_of(clock)
    if clock is None or rule is None:
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


def note_match(actor: Actor, order: Order, version: ProductVersion, kept: Mapping[str, Any]) -> None:
    """Keep how a product's clauses answered when the firm sent it: states and sources, never a figure of the firm's."""
    states = kept["clauses"]
    inputs = [
        Input(
            clause["id"],
            clause.get("text") or clause["measure"],
            True if states[clause["id"]] in ("met", "not_met") else None,
            clause["unit"],
            str(_(STATE_WORDS[states[clause["id"]]])),
            None,
            WITHHELD_LEVEL,
        )
        for clause in version.clauses
        if clause["id"] in states
    ]
    counts = Counter(states.values())
    words = "，".join(
        _("%(state)s %(count)d 条") % {"state": _(STATE_WORDS[state]), "count": counts[state]}
        for state in STATE_WORDS
        if counts[state]
    )
    record_terms(
        actor,
        order,
        label=f"{version.product.name}　v{version.number}",
        status=version.product.status,
        digest=version.digest,
        since=version.effective_from,
        question="product_match",
        operation="financing.submit_need",
        outcome={"words": words, "answer": kept["fits"], "version": str(version.pk), "clauses": dict(states)},
        inputs=inputs,
        manifest=kept.get("manifest") or "",
    )


@replays("product_match")
def ask_product_again(actor: Actor, use: RuleUse) -> Replay:
    """Ask the same version of the product again, on the facts as they were known then: read and booked like any read."""
    from jinmai.desks.financing.answers import answer, need_figures, read_figures
    from jinmai.desks.financing.models import Order, ProductVersion
    from jinmai.desks.financing.vocabulary import describe, fields_of

    version = ProductVersion.objects.select_related("product").get(pk=use.outcome["version"])
    order = Order.objects.visible_to(actor).select_related("need__subject").filter(
        pk=use.subject_ref.partition(":")[2]
    ).first()  # fmt: skip
    if order is None:
        return Replay(None, _("本岗位不能重算"))
    known = known_then(use.manifest)
    try:
        read, manifest = read_figures(
            actor, order.need.subject, purpose_of(actor), fields_of([version]), use.on, known=known
        )
    except Refusal as refusal:
        return Replay(None, _("本岗位不能重算：%(why)s") % {"why": refusal.reason})
    told = answer(version, need_figures(order.need, read), describe(), use.on)
    now = {clause.id: clause.state for clause in told.clauses}
    then = use.outcome["clauses"]
    texts = {clause["id"]: clause.get("text") or clause["measure"] for clause in version.clauses}
    differs = tuple(
        _("%(clause)s：当时%(then)s，重算%(now)s") % {
            "clause": texts[name], "then": _(STATE_WORDS[then[name]]), "now": _(STATE_WORDS[now[name]]),
        }
        for name in then
        if now.get(name) != then[name] and name in now
    )  # fmt: skip
    if use.manifest and getattr(manifest, "digest", "") != use.manifest and differs:
        differs = (_("当时的数据批次已有撤回或更正"), *differs)
    if version.digest != use.rule_digest:
        differs = (_("产品条款与当时的摘要不同"), *differs)
    return Replay(not differs, _("不一致") if differs else _("一致：各条应答与当时相同"), differs)


def note_decision(actor: Actor, decision: Decision) -> None:
    """Keep within which limit a decision was made, and on which coded reason a refusal rests."""
    order = decision.order
    clock = order.decision_clock
    rule = _rule_of(clock)
    if clock is not None and rule is not None and order.papers_complete_on is not None:
        late = decision.decided_on > clock.due_on
        words = _("材料齐全后第 %(days)d 天决定，时限 %(limit)d 天，%(late)s") % {
            "days": decision.days_from_papers or 0, "limit": clock.days, "late": _("已超期") if late else _("未超期"),
        }  # fmt: skip
        record_use(
            actor,
            order,
            rule,
            question="decided_in_time",
            operation="financing.decide_order",
            outcome={"words": words, "due_on": str(clock.due_on), "late": late},
            inputs=[
                Input("papers_complete_on", _("材料齐全日"), str(order.papers_complete_on), "text", order.number,
                      order.papers_complete_on),
                Input("decided_on", _("决定日"), str(decision.decided_on), "text", order.number, decision.decided_on),
                Input("days_suspended", _("停钟天数"), clock.days_suspended, "天", order.number, decision.decided_on),
            ],
        )  # fmt: skip
    if decision.reason is not None:
        _note_reason(actor, decision)


def _note_reason(actor: Actor, decision: Decision) -> None:
    reason = decision.reason
    assert reason is not None
    words = _("未授信：%(reason)s；%(repair)s") % {"reason": reason.name, "repair": reason.get_repairable_display()}
    record_terms(
        actor,
        decision.order,
        label=_("未授信原因目录：%(name)s") % {"name": reason.name},
        status=reason.status,
        digest=digest_of([reason.code, reason.name, reason.evidence, reason.repair_step]),
        since=decision.decided_on,
        question="reason",
        operation="financing.decide_order",
        outcome={"words": words, "reason": reason.code},
    )


@replays("decided_in_time")
def ask_in_time_again(actor: Actor, use: RuleUse) -> Replay:
    """Count the limit again from the day the papers were complete, standstill included."""
    rule = rule_then(use)
    kept = {one["name"]: one["value"] for one in use.inputs}
    assert rule is not None
    limit = int(rule.value) + int(kept["days_suspended"] or 0)
    due = due_day("natural", date.fromisoformat(kept["papers_complete_on"]), limit)
    late = date.fromisoformat(kept["decided_on"]) > due
    if late == use.outcome["late"]:
        return Replay(True, _("一致：时限至 %(due)s，%(late)s") % {"due": due, "late": _("已超期") if late else _("未超期")})
    return Replay(False, _("不一致"), (_("重算时限至 %(due)s") % {"due": due},))


@replays("reason")
def ask_reason_again(actor: Actor, use: RuleUse) -> Replay:
    """Whether the list of reasons still says the same of that code."""
    from jinmai.desks.financing.models import RefusalReason

    reason = RefusalReason.objects.filter(pk=use.outcome["reason"]).first()
    if reason is None:
        return Replay(False, _("不一致"), (_("原因目录中已没有这一条"),))
    same = digest_of([reason.code, reason.name, reason.evidence, reason.repair_step]) == use.rule_digest
    return Replay(True, _("一致：原因目录未变")) if same else Replay(False, _("不一致"), (_("原因目录的文字已改"),))


def note_first_time(actor: Actor, loan: Loan, figures: Mapping[str, Figure], rule: RuleValue | None) -> None:
    """Keep on what a first-time borrower was inferred; how many loans the platform knew of stands without its number."""
    if rule is None:
        return
    labels = {"size_class": (_("企业规模"), "enum", "C2"), "subject_kind": (_("主体类型"), "enum", "C2")}
    inputs = []
    for name, figure in sorted(figures.items()):
        label, unit, level = labels.get(name, (_("放款前银行贷款记录"), "笔", WITHHELD_LEVEL))
        inputs.append(Input(name, label, figure.value, unit, figure.source, figure.as_of, level))
    words = _("是首贷户（平台推定）") if loan.first_time_inferred else _("不是首贷户（平台推定）")
    record_use(
        actor,
        loan,
        rule,
        question="first_time",
        operation="financing.record_disbursement",
        outcome={"words": words, "answer": loan.first_time_basis.get("answer")},
        inputs=inputs,
    )


@replays("first_time")
def ask_first_time_again(actor: Actor, use: RuleUse) -> Replay:
    """Ask that day's definition again: register figures as kept, the platform's records counted again."""
    from jinmai.desks.financing.first_time import RECORDS
    from jinmai.desks.financing.models import Loan

    rule = rule_then(use)
    loan = Loan.objects.visible_to(actor).filter(pk=use.subject_ref.partition(":")[2]).first()
    if loan is None or rule is None:
        return Replay(None, _("本岗位不能重算"))
    known = loan.first_time_basis
    figures = {one["name"]: Figure(one["value"]) for one in use.inputs if one["value"] is not None}
    figures[RECORDS] = Figure(int(known["loans_before"]) + bool(known["debt_stated"]))
    answer = explain(rule.value.condition, figures, {}, use.on).answer
    if answer == use.outcome["answer"]:
        return Replay(True, _("一致：推定结果相同"))
    return Replay(False, _("不一致"), (_("重算的推定结果不同"),))


def _rule_of(clock: DueClock | None) -> RuleValue | None:
    if clock is None or not clock.rule_id:
        return None
    try:
        return get(clock.rule_id, on=clock.started_on)
    except (NotFound, NotInForce):
        return None


def declare() -> None:
    """Say which rows of the desk have a page of their basis, and whose they are."""
    from jinmai.desks.financing.models import INSTITUTION_ROLES, EvidenceRequest, Loan, Need, Order

    def of_need(actor: Actor, need: Need) -> list[Any]:
        orders = list(Order.objects.visible_to(actor).filter(need=need))
        asked = list(EvidenceRequest.objects.visible_to(actor).filter(need=need))
        return [*orders, *asked, *Loan.objects.visible_to(actor).filter(order__in=orders)]

    def unnamed(actor: Actor, order: Order, use: RuleUse) -> str:
        """The firm stays unnamed to an institution that has not accepted the order, as on the order's own page."""
        named = actor.role not in INSTITUTION_ROLES or order.shows_contact_to(actor)
        return "" if named or use.organisation_id != order.need.organisation_id else _("企业")

    def of_order(actor: Actor, order: Order) -> list[Any]:
        return list(order.loans.all())

    register_basis(
        Basis("financing.need", lambda actor: Need.objects.visible_to(actor), "financing.view_need", str,
              lambda need: reverse("financing:need_detail", args=[need.pk]), of_need)
    )  # fmt: skip
    register_basis(
        Basis("financing.order", lambda actor: Order.objects.visible_to(actor), "financing.view_order", str,
              lambda order: reverse("financing:order_detail", args=[order.pk]), of_order, unnamed)
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
