"""How orders and needs read on the screen: step, whose turn, clock in words, what may be done, what happened."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.financing.models import INSTITUTION_ROLES, Event, EvidenceRequest, Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.work.clocks import remaining
from jinmai.foundation.kernel.work.models import DueClock

Status = Order.Status
TONES = {
    Status.GRANTED: "good",
    Status.TERMS_ACCEPTED: "good",
    Status.DISBURSED: "good",
    Status.REFUSED: "bad",
    Status.PAPERS: "warn",
    Status.SENT: "info",
    Status.TAKEN: "info",
    Status.ACCEPTED: "info",
}
NEED_TONES = {
    Need.Status.MET: "good",
    Need.Status.IN_PROGRESS: "info",
    Need.Status.OPEN: "info",
    Need.Status.CLOSED: "bad",
    Need.Status.DRAFT: "outline",
}
REVIEW_TONES = {
    Need.Review.NONE: "",
    Need.Review.CHECKING: "info",
    Need.Review.RECOMMENDED: "good",
    Need.Review.NOT_RECOMMENDED: "bad",
}
#: A standard's state: words and tone. What nobody vouched for is open, never failed.
CRITERION_STATES = {
    "holds": (mark("符合"), "good"),
    "fails": (mark("不符合"), "bad"),
    "open": (mark("待核实"), "warn"),
}


def step_of(order: Order) -> str:
    """The step an order stands at (环节)."""
    if order.status in (Status.SENT, Status.TAKEN):
        return _("待抢单") if order.institution_id is None else _("受理")
    if order.status == Status.ACCEPTED:
        if order.papers_complete_on is not None:
            return _("授信决定")
        if order.contacted_at is None:
            return _("首次联系")
        return _("核对材料") if order.visited_at else _("实地走访")
    return {
        Status.PAPERS: _("材料补正"),
        Status.GRANTED: _("企业确认"),
        Status.TERMS_ACCEPTED: _("放款"),
    }.get(order.status, order.get_status_display())


def turn_of(order: Order) -> str:
    """Whose turn it is (轮到谁)."""
    front = _("客户经理") if order.institution and order.institution.kind == "bank" else _("机构经理")
    if order.status == Status.SENT and order.institution_id is None:
        return _("任一机构")
    if order.status == Status.ACCEPTED and order.papers_complete_on is not None:
        return _("机构审批")
    if order.status in (Status.SENT, Status.TAKEN, Status.ACCEPTED, Status.TERMS_ACCEPTED):
        return front
    if order.status == Status.PAPERS:
        return front if order.papers_supplied_at else _("企业")
    return _("企业") if order.status == Status.GRANTED else "—"


def clock_of(order: Order) -> DueClock | None:
    """The clock that counts now; none once the order has ended."""
    return order.clock if order.is_live else None


def due_of(order: Order, on: date | None = None) -> tuple[str, str] | None:
    """The clock in words with its tone: 超期 2 个工作日, 今日到期, 还剩 3 个自然日, 停钟 第 2 个自然日."""
    clock = clock_of(order)
    return None if clock is None else clock_words(clock, on or Clock.today())


def clock_words(clock: DueClock, today: date) -> tuple[str, str]:
    """A clock in words with its tone."""
    unit = _("工作日") if clock.kind == "working" else _("自然日")
    if clock.is_suspended:
        stood = (today - clock.suspended_on).days + 1
        return _("停钟　第 %(days)d 天") % {"days": stood}, ""
    left = remaining(clock, today)
    if clock.due_on < today:
        return _("超期 %(days)d 个%(unit)s") % {"days": max(1, -left), "unit": unit}, "bad"
    if clock.due_on == today:
        return _("今日到期"), "warn"
    return _("还剩 %(days)d 个%(unit)s") % {"days": left, "unit": unit}, "outline"


def evidence_due(request: EvidenceRequest) -> tuple[str, str] | None:
    """How long an asked office still has; nothing once it has answered."""
    if not request.is_open or request.clock is None:
        return None
    return clock_words(request.clock, Clock.today())


def firm_of(order: Order, actor: Actor) -> str:
    """The firm's name, or that it stays unnamed until the order is taken."""
    return order.need.organisation.name if order.names_firm_to(actor) else _("抢单后显示企业名称")


def product_of(order: Order) -> str:
    """The product's name; an order from the pool may do without one."""
    return order.version.product.name if order.version else _("由机构推荐产品")


def institution_of(order: Order) -> str:
    """The institution's name, or the pool."""
    return order.institution.name if order.institution else _("待抢池")


#: The line of steps: label, the moment that says it is done.
STEPS = (
    (mark("提交"), "sent_at"),
    (mark("受理"), "accepted_at"),
    (mark("首次联系"), "contacted_at"),
    (mark("实地走访"), "visited_at"),
    (mark("材料齐全"), "papers_complete_on"),
    (mark("授信决定"), "decided_at"),
)


def steps_of(order: Order) -> list[dict[str, Any]]:
    """Where the order stands: done, now, next, stopped."""
    steps = [{"label": _(label), "at": getattr(order, field)} for label, field in STEPS]
    agreed = order.status in (Status.TERMS_ACCEPTED, Status.DISBURSED)
    answered = order.events.filter(verb="accept_terms").first() if agreed else None
    steps.append({"label": _("企业确认"), "at": answered.at if answered else None})
    steps.append({"label": _("放款"), "at": order.closed_at if order.status == Status.DISBURSED else None})
    decided = order.decided_at is not None
    ended = not order.is_live and order.status != Status.DISBURSED
    now_given = False
    for step in steps:
        moment = step.pop("at")
        step["when"] = _short(moment)
        if order.status == Status.REFUSED and step["label"] == _("授信决定"):
            step["state"], step["note"], now_given = "stopped", order.get_status_display(), True
        elif moment is not None:
            step["state"] = "done"
        elif decided and step["label"] in (_("首次联系"), _("实地走访"), _("材料齐全")):
            step["state"], step["note"] = "next", _("未登记")
        elif ended:
            step["state"] = "next" if now_given else "stopped"
            step["note"] = "" if now_given else order.get_status_display()
            now_given = True
        else:
            step["state"] = "next" if now_given else "now"
            step["who"] = "" if now_given else turn_of(order)
            now_given = True
    return steps


def _short(moment: Any) -> str:
    from jinmai.foundation.ui.formats import day

    return day(moment) if moment else ""


def remembered_of(order: Order) -> dict[str, Any] | None:
    """What the clauses said when the firm sent the order: each clause in words with its state; no figures."""
    kept = order.answer_when_sent
    if not kept or order.version is None:
        return None
    states = kept["clauses"]
    clauses = [
        {"text": clause.get("text") or clause["measure"], "state": states[clause["id"]]}
        for clause in order.version.clauses
        if clause["id"] in states
    ]
    return {"on": kept["on"], "clauses": clauses, "manifest": (kept.get("manifest") or "")[:12]}


def events_of(order: Order, actor: Actor) -> list[dict[str, Any]]:
    """The order's timeline; the firm's people stay unnamed to an institution that has not accepted the order."""
    named = actor.role not in INSTITUTION_ROLES or order.shows_contact_to(actor)
    return [
        {"at": event.at, "what": event.text, "who": _who(event, named), "note": event.note}
        for event in order.events.all()
    ]


def _who(event: Event, named: bool) -> str:
    if event.party == Event.Party.FIRM and not named:
        return _("企业")
    return f"{event.organisation_name}　{event.actor_name}"


#: Verb → (label, states it may be done in, by a single press, primary).
VERBS: dict[str, tuple[str, tuple[str, ...], bool, bool]] = {
    "take_order": (mark("抢单"), (Status.SENT,), False, True),
    "accept_order": (mark("受理"), (Status.SENT, Status.TAKEN), True, True),
    "decline_order": (mark("不予受理"), (Status.SENT, Status.TAKEN), False, False),
    "record_contact": (mark("登记首次联系"), (Status.ACCEPTED, Status.PAPERS), False, True),
    "record_visit": (mark("登记实地走访"), (Status.ACCEPTED, Status.PAPERS), False, False),
    "papers_complete": (mark("确认材料齐全"), (Status.ACCEPTED, Status.PAPERS), True, False),
    "request_papers": (mark("通知补正"), (Status.ACCEPTED,), False, False),
    "decide_order": (mark("作出授信决定"), (Status.ACCEPTED,), False, True),
    "record_disbursement": (mark("登记放款"), (Status.TERMS_ACCEPTED, Status.DISBURSED), False, True),
    "supply_papers": (mark("材料已补正"), (Status.PAPERS,), False, True),
    "accept_terms": (mark("接受授信条件"), (Status.GRANTED,), True, True),
    "decline_terms": (mark("不接受"), (Status.GRANTED,), False, False),
}


def verbs_for(order: Order, actor: Actor) -> list[dict[str, Any]]:
    """What this actor may do with the order now, each with its address."""
    found = []
    for verb, (label, states, at_once, primary) in VERBS.items():
        if order.status in states and allows(actor, f"financing.{verb}") and _sensible(verb, order, actor):
            url = reverse(f"financing:{verb}", args=[order.pk])
            found.append({"verb": verb, "label": _(label), "url": url, "at_once": at_once, "primary": primary})
    return found


def _sensible(verb: str, order: Order, actor: Actor) -> bool:
    """Whether the verb would not be refused for another reason than the state."""
    if verb == "take_order":
        return order.is_in_pool
    if verb in ("accept_order", "decline_order"):
        return order.institution_id is not None
    done = {
        "record_contact": order.contacted_at,
        "record_visit": order.visited_at,
        "papers_complete": order.papers_complete_on,
        "supply_papers": order.papers_supplied_at,
    }
    if verb == "record_disbursement" and order.status == Status.DISBURSED:
        return order.decision.amount_fen > sum(loan.disbursed_fen for loan in order.loans.all())
    return done.get(verb) is None
