"""An institution's verbs on a referral order (对接单), up to the decision, and the firm's answer to a request for papers."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from jinmai.desks.financing import basis, clocks, record
from jinmai.desks.financing.actions.needs import send_to_pool, settle
from jinmai.desks.financing.consents import agree_with_taker, end_consent
from jinmai.desks.financing.models import Need, Order, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.work.clocks import resume, suspend
from jinmai.foundation.kernel.work.tasks import close_tasks

Status = Order.Status


@action("financing.take_order")
def take_order(actor: Actor, order: Order, *, version: ProductVersion | None = None) -> Order:
    """Take an order from the open pool (抢单): one institution wins, whoever asks at the same moment.

    The firm's name shows from now on, its contact after acceptance. ``version`` names the institution's own product.
    Refuses when somebody else was first (JM-FIN-012), and a product of another institution (JM-FIN-013).
    """
    if order.pk is None or not Order.objects.filter(pk=order.pk, from_pool=True).exists():
        raise NotFound()
    _check_product(actor, version)
    if Need.objects.select_for_update(skip_locked=True).filter(pk=order.need_id).first() is None:
        raise _came_first()  # whoever holds the need is taking it, or ending it
    taken = (
        Order.objects.filter(pk=order.pk)
        .in_pool()
        .update(
            status=Status.TAKEN,
            institution_id=actor.organisation_id,
            version=version,
            taken_by_id=actor.user_id,
            taken_at=Clock.now(),
        )
    )
    if taken != 1:
        raise _came_first()
    order = Order.objects.select_related("need__organisation", "institution").get(pk=order.pk)
    agree_with_taker(order)
    clocks.ask_institution(order, "accept_order", _("受理"), order.clock)
    record.note_event(actor, order.need, "take_order", _("抢单"), order=order)
    settle(order.need)
    record.tell_order(order)
    return order


@action("financing.accept_order")
def accept_order(actor: Actor, order: Order) -> Order:
    """Accept an order (受理): from now on the institution has the firm's contact, and the contact's clock counts.

    Refuses what is not addressed to this institution (JM-KER-404) and orders in another state (JM-FIN-010).
    """
    order = held_order(actor, order, (Status.SENT, Status.TAKEN))
    order.status = Status.ACCEPTED
    order.accepted_at = Clock.now()
    order.save(update_fields=["status", "accepted_at"])
    clocks.ask_institution(order, "record_contact", _("首次联系企业"), order.clock)
    visit = clocks.start("visit")
    basis.note_clock(actor, order, visit, "financing.accept_order")
    clocks.ask_institution(order, "record_visit", _("实地走访"), visit)
    clocks.ask_institution(order, "papers_complete", _("确认材料齐全，或一次性告知补正"), None)
    record.note_event(actor, order.need, "accept_order", _("受理"), order=order)
    settle(order.need)
    record.tell_order(order)
    return order


@action("financing.decline_order", completes=("accept_order",))
def decline_order(actor: Actor, order: Order, *, reason: str) -> Order:
    """Decline an order before accepting it (不予受理), with a reason; one taken from the pool goes back there.

    Refuses without a reason (JM-FIN-011) and once accepted (JM-FIN-010).
    """
    order = held_order(actor, order, (Status.SENT, Status.TAKEN))
    if not reason.strip():
        raise Refusal("JM-FIN-011", _("没有写明不予受理的原因"), _("请写明原因，企业会看到"))
    order.status = Status.DECLINED
    order.closed_at, order.clock = Clock.now(), None
    order.save(update_fields=["status", "closed_at", "clock"])
    end_consent(order)
    record.note_event(actor, order.need, "decline_order", _("未受理"), order=order, note=reason)
    record.tell_order(order)
    until = order.need.pool_consent_until
    if order.from_pool and until is not None and until > Clock.today():
        send_to_pool(actor, order.need, until)
    settle(order.need)
    return order


@action("financing.record_contact")
def record_contact(actor: Actor, order: Order, *, note: str = "") -> Order:
    """Record the first contact with the firm (首次联系); refuses before acceptance (JM-FIN-010)."""
    order = held_order(actor, order, (Status.ACCEPTED, Status.PAPERS))
    order.contacted_at = order.contacted_at or Clock.now()
    if order.papers_complete_on is None and order.visited_at is None:
        order.clock = clocks.open_clock(order, "record_visit")
    order.save(update_fields=["contacted_at", "clock"])
    record.note_event(actor, order.need, "record_contact", _("联系企业"), order=order, note=note)
    return order


@action("financing.record_visit")
def record_visit(actor: Actor, order: Order, *, note: str = "") -> Order:
    """Record the visit on site (实地走访); refuses before acceptance (JM-FIN-010)."""
    order = held_order(actor, order, (Status.ACCEPTED, Status.PAPERS))
    order.visited_at = order.visited_at or Clock.now()
    if order.papers_complete_on is None and order.contacted_at is not None:
        order.clock = None
    order.save(update_fields=["visited_at", "clock"])
    record.note_event(actor, order.need, "record_visit", _("实地走访"), order=order, note=note)
    return order


@action("financing.request_papers", completes=("papers_complete",))
def request_papers(actor: Actor, order: Order, *, papers: str) -> Order:
    """Tell the firm once and completely what papers are missing (补正通知); the decision's clock stops meanwhile.

    Refuses without naming the papers (JM-FIN-014) and in another state (JM-FIN-010).
    """
    order = held_order(actor, order, (Status.ACCEPTED,))
    if not papers.strip():
        raise Refusal("JM-FIN-014", _("没有写明要补正的材料"), _("请一次性列明全部材料"))
    order.status = Status.PAPERS
    order.papers_asked = papers
    order.papers_asked_at = Clock.now()
    order.papers_supplied_at = None
    order.papers_complete_on = None
    order.save(update_fields=["status", "papers_asked", "papers_asked_at", "papers_supplied_at", "papers_complete_on"])
    if order.decision_clock is not None and not order.decision_clock.is_suspended:
        suspend(order.decision_clock, _("补正"))
    close_tasks(actor, object_ref(order), {"financing.decide_order"})
    clocks.ask_firm(order, "supply_papers", _("补正材料"))
    record.note_event(actor, order.need, "request_papers", _("通知补正"), order=order, note=papers)
    record.tell_order(order)
    return order


@action("financing.supply_papers")
def supply_papers(actor: Actor, order: Order, *, note: str = "") -> Order:
    """The firm says that it has handed in what was asked for (已补正); the institution then confirms completeness."""
    order = firm_order(actor, order, (Status.PAPERS,))
    order.papers_supplied_at = Clock.now()
    order.save(update_fields=["papers_supplied_at"])
    clocks.ask_institution(order, "papers_complete", _("确认补正材料"), None)
    record.note_event(actor, order.need, "supply_papers", _("提交补正材料"), order=order, note=note)
    return order


@action("financing.papers_complete", completes=("supply_papers",))
def papers_complete(actor: Actor, order: Order) -> Order:
    """Confirm that the papers are complete (材料齐全): the decision's clock starts, or goes on where it stopped.

    Refuses in another state (JM-FIN-010) and when it was confirmed already (JM-FIN-015).
    """
    order = held_order(actor, order, (Status.ACCEPTED, Status.PAPERS))
    if order.papers_complete_on is not None:
        raise Refusal("JM-FIN-015", _("材料已经确认齐全"), _("请等待授信决定"))
    order.status = Status.ACCEPTED
    order.papers_complete_on = Clock.today()
    if order.decision_clock is None:
        order.decision_clock = clocks.start("decision")
        basis.note_clock(actor, order, order.decision_clock, "financing.papers_complete")
    elif order.decision_clock.is_suspended:
        resume(order.decision_clock)
    order.clock = order.decision_clock
    order.save(update_fields=["status", "papers_complete_on", "decision_clock", "clock"])
    clocks.ask_approver(order, order.decision_clock)
    record.note_event(actor, order.need, "papers_complete", _("材料齐全，开始计算办理时限"), order=order)
    record.tell_order(order)
    return order


def lock_need(order: Order) -> None:
    """Lock the need before any of its orders: whoever ends or settles them all takes the locks in the same order."""
    Need.objects.select_for_update().get(pk=order.need_id)


def held_order(actor: Actor, order: Order, states: Iterable[str]) -> Order:
    """The order, locked, if it is addressed to the actor's institution (JM-KER-404) and in one of ``states`` (JM-FIN-010)."""
    return _locked(actor, order, states, institution__path__startswith=actor.organisation_path)


def firm_order(actor: Actor, order: Order, states: Iterable[str]) -> Order:
    """The order, locked, if it answers the actor's own firm's need (JM-KER-404) and is in one of ``states`` (JM-FIN-010)."""
    return _locked(actor, order, states, need__subject_id=actor.subject_id, need__subject_id__isnull=False)


def _locked(actor: Actor, order: Order, states: Iterable[str], **whose: object) -> Order:
    visible = Order.objects.visible_to(actor).filter(pk=order.pk, **whose)
    if not visible.exists():
        raise NotFound()
    lock_need(order)
    Order.objects.select_for_update().get(pk=order.pk)
    found = Order.objects.select_related(
        "need__organisation", "need__region", "institution__parent", "version__product", "clock", "decision_clock"
    ).get(pk=order.pk)
    if found.status not in states:
        raise Refusal(
            "JM-FIN-010",
            Words("对接单%(state)s，不能办理这一步", state=found.get_status_display()),
            _("请刷新页面，按当前环节办理"),
        )
    return found


def _came_first() -> Refusal:
    return Refusal("JM-FIN-012", _("对接单已被其他机构抢先"), _("请到待抢池另选一笔"))


def _check_product(actor: Actor, version: ProductVersion | None) -> None:
    if version is None:
        return
    if not actor.organisation_path.startswith(version.product.institution.path):
        raise Refusal("JM-FIN-013", Words("“%(name)s”不是本机构的产品", name=version.product.name))
    if not ProductVersion.objects.in_force(Clock.today()).filter(pk=version.pk).exists():
        raise Refusal("JM-FIN-007", Words("“%(name)s”当日未生效", name=version.product.name), _("请另选产品"))
