"""A firm's verbs on its need (融资需求)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from jinmai.desks.financing import basis, clocks, record
from jinmai.desks.financing.answers import remember_answers
from jinmai.desks.financing.consents import agree_with, end_consent
from jinmai.desks.financing.models import Need, Order, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action, object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.work.tasks import cancel_tasks

EDITABLE = ("amount_fen", "term_months", "purpose", "guarantee", "note", "contact_name", "contact_phone", "declared")
SENDABLE = (Need.Status.DRAFT, Need.Status.OPEN, Need.Status.IN_PROGRESS, Need.Status.CLOSED)


@action("financing.draft_need", creates=True)
def draft_need(
    actor: Actor,
    *,
    amount_fen: int,
    term_months: int,
    purpose: str,
    guarantee: str = Need.Guarantee.CREDIT,
    contact_name: str,
    contact_phone: str,
    note: str = "",
    region: Region | None = None,
    channel: str = Need.Channel.FIRM,
    declared: Mapping[str, Any] | None = None,
) -> Need:
    """Write down what money the firm needs (融资需求草稿); only the firm sees it.

    ``amount_fen`` in fen, ``term_months`` in months; ``declared`` holds figures the firm states itself, in base units.
    Refuses amounts or terms that are not positive and unknown purposes (JM-FIN-001), and an account that acts for no
    firm or for a provisional one (JM-FIN-002).
    """
    organisation = _firm_of(actor)
    need = Need(
        number=record.next_number(record.NEED_SERIES),
        subject_id=actor.subject_id,
        organisation=organisation,
        region=region or organisation.region,
        amount_fen=amount_fen,
        term_months=term_months,
        purpose=purpose,
        guarantee=guarantee,
        note=note,
        contact_name=contact_name,
        contact_phone=contact_phone,
        channel=channel,
        declared=dict(declared or {}),
        created_at=Clock.now(),
    )
    _check(need)
    need.save(force_insert=True)
    record.note_event(actor, need, "draft_need", _("拟写融资需求"))
    return need


@action("financing.update_need")
def update_need(actor: Actor, need: Need, **changes: Any) -> Need:
    """Change a draft, or supply the firm's own figures later; refuses what is not this firm's (JM-KER-404), and changes
    of amount, term or purpose once it was sent (JM-FIN-003).
    """
    need = _own(actor, need)
    if unknown := set(changes) - set(EDITABLE):
        raise Refusal("JM-FIN-001", Words("没有这些栏目：%(names)s", names="、".join(sorted(unknown))))
    if not need.is_draft and set(changes) - {"declared"}:
        raise Refusal("JM-FIN-003", _("需求已提交，额度、期限、用途不能再改"), _("请撤回后另写一份需求"))
    for name, value in changes.items():
        setattr(need, name, value)
    _check(need)
    need.save(update_fields=list(changes))
    return need


@action("financing.submit_need")
def submit_need(
    actor: Actor,
    need: Need,
    *,
    versions: Iterable[ProductVersion] = (),
    to_pool: bool = False,
    consent: bool,
    consent_until: date,
) -> Need:
    """Send a need to the institutions of the chosen products, or to the open pool (待抢池), or both.

    With the firm's consent (征信授权之外的企业信用画像授权) each receiver may read its sheet until ``consent_until``.
    Refuses without consent (JM-FIN-004), with nothing chosen (JM-FIN-005), a need that is met or withdrawn
    (JM-FIN-006), a product not in force today (JM-FIN-007), and sending the same twice (JM-FIN-008).
    """
    need = _own(actor, need)
    chosen = list(versions)
    if need.status not in SENDABLE or need.orders.filter(status__in=("terms_accepted", "disbursed")).exists():
        raise Refusal("JM-FIN-006", Words("需求%(state)s，不能再提交", state=need.get_status_display()))
    if not consent:
        raise Refusal("JM-FIN-004", _("尚未同意授权"), _("请勾选授权后再提交；不同意也可以继续自查"))
    if consent_until <= Clock.today():
        raise Refusal("JM-FIN-004", _("授权截止日应晚于今天"), _("请另选授权截止日"))
    if not chosen and not to_pool:
        raise Refusal("JM-FIN-005", _("没有选择机构"), _("请至少选择一个产品，或选择提交到待抢池"))
    _mark_sent(actor, need)
    remembered = remember_answers(actor, need, chosen)
    for version in chosen:
        _send_to(actor, need, version, consent_until, remembered.get(version.pk, {}))
    if to_pool:
        send_to_pool(actor, need, consent_until)
    record.tell_need(need)
    return need


@action("financing.withdraw_need")
def withdraw_need(actor: Actor, need: Need, *, reason: str) -> Need:
    """Take a need back (撤回); institutions that hold it are told and stop. Refuses once terms were accepted (JM-FIN-009)."""
    need = _own(actor, need)
    if need.status in (Need.Status.MET, Need.Status.WITHDRAWN):
        raise Refusal("JM-FIN-009", Words("需求%(state)s，不能撤回", state=need.get_status_display()))
    if need.orders.filter(status__in=("terms_accepted", "disbursed")).exists():
        raise Refusal("JM-FIN-009", _("已接受机构授信，不能撤回"), _("请与机构协商，由机构办理"))
    end_orders(actor, need, Order.Status.WITHDRAWN, _("企业撤回需求"))
    need.status = Need.Status.WITHDRAWN
    need.closed_at = Clock.now()
    need.save(update_fields=["status", "closed_at"])
    record.note_event(actor, need, "withdraw_need", _("撤回需求"), note=reason)
    record.tell_need(need)
    return need


def send_to_pool(actor: Actor, need: Need, consent_until: date) -> Order:
    """Lay the need in the open pool without the firm's name; refuses while it lies there already (JM-FIN-008)."""
    if need.orders.filter(from_pool=True, status__in=(*Order.LIVE, "disbursed")).exists():
        raise Refusal("JM-FIN-008", _("需求已在待抢池或已被机构抢单"))
    need.pool_consent_until = consent_until
    need.save(update_fields=["pool_consent_until"])
    order = Order.objects.create(
        number=record.next_number(record.ORDER_SERIES),
        need=need,
        from_pool=True,
        sent_at=Clock.now(),
        clock=clocks.start("contact"),
    )
    basis.note_clock(actor, order, order.clock, "financing.submit_need")
    record.note_event(actor, need, "submit_need", _("提交到待抢池"), order=order)
    record.tell_order(order)
    return order


def end_orders(actor: Actor, need: Need, status: str, text: str, *, keep: Order | None = None) -> None:
    """End every live order of a need but ``keep``: its tasks close, its clocks no longer count."""
    for order in need.orders.select_for_update(of=("self",)).filter(status__in=Order.LIVE):
        if keep is not None and order.pk == keep.pk:
            continue
        order.status = status
        order.closed_at, order.clock = Clock.now(), None
        order.save(update_fields=["status", "closed_at", "clock"])
        cancel_tasks(object_ref(order))
        end_consent(order)
        record.note_event(actor, need, status, text, order=order)
        record.tell_order(order)


def settle(need: Need) -> None:
    """Bring the need's state in line with its orders: in progress while one lives, closed unmet when none does."""
    if need.status not in (Need.Status.OPEN, Need.Status.IN_PROGRESS):
        return
    live = list(need.orders.filter(status__in=Order.LIVE).values_list("status", flat=True))
    if not live:
        need.status, need.closed_at = Need.Status.CLOSED, Clock.now()
    elif set(live) - {Order.Status.SENT}:
        need.status = Need.Status.IN_PROGRESS
    need.save(update_fields=["status", "closed_at"])
    record.tell_need(need)


def _mark_sent(actor: Actor, need: Need) -> None:
    if need.status in (Need.Status.DRAFT, Need.Status.CLOSED):
        need.status = Need.Status.OPEN
    need.submitted_at = need.submitted_at or Clock.now()
    need.closed_at = None
    need.sent_by_id = actor.membership_id
    need.save(update_fields=["status", "submitted_at", "closed_at", "sent_by"])


def _send_to(
    actor: Actor, need: Need, version: ProductVersion, consent_until: date, remembered: dict[str, Any]
) -> None:
    product = version.product
    if not ProductVersion.objects.in_force(Clock.today()).filter(pk=version.pk).exists():
        raise Refusal("JM-FIN-007", Words("“%(name)s”当日未生效", name=product.name), _("请另选产品"))
    if need.orders.filter(version__product=product, status__in=(*Order.LIVE, "disbursed")).exists():
        raise Refusal("JM-FIN-008", Words("“%(name)s”已经提交过", name=product.name), _("请在对接单中查看进度"))
    institution = serving_office(product.institution, need.region)
    order = Order.objects.create(
        number=record.next_number(record.ORDER_SERIES),
        need=need,
        version=version,
        institution=institution,
        sent_at=Clock.now(),
        clock=clocks.start("contact"),
        answer_when_sent=remembered,
    )
    basis.note_clock(actor, order, order.clock, "financing.submit_need")
    basis.note_match(actor, order, version, remembered)
    agree_with(actor, order, consent_until)
    clocks.ask_institution(order, "accept_order", _("受理"), order.clock)
    record.note_event(
        actor, need, "submit_need", _("提交给%(name)s") % {"name": institution.name}, order=order, note=product.name
    )
    record.tell_order(order)


def serving_office(institution: Organisation, region: Region) -> Organisation:
    """The institution's branch in the firm's district, or the institution itself."""
    branch = Organisation.objects.filter(
        path__startswith=institution.path, region=region, active=True, kind=institution.kind
    ).exclude(pk=institution.pk)
    return branch.order_by("path").first() or institution


def _firm_of(actor: Actor) -> Organisation:
    organisation = Organisation.objects.select_related("region", "subject").filter(pk=actor.organisation_id).first()
    if organisation is None or organisation.subject is None or not actor.is_firm:
        raise Refusal("JM-FIN-002", _("当前岗位不代表任何企业"), _("请切换到企业岗位"))
    if organisation.subject.provisional:
        raise Refusal("JM-FIN-002", _("企业尚未实名登记"), _("请先到市场主体登记核实后再申请"))
    return organisation


def _own(actor: Actor, need: Need) -> Need:
    found = Need.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=need.pk).first()
    if found is None:
        raise NotFound()
    return found


def _check(need: Need) -> None:
    if need.amount_fen <= 0 or need.term_months <= 0:
        raise Refusal("JM-FIN-001", _("额度和期限应大于零"), _("请填写需要的额度（万元）和期限（月）"))
    if need.purpose not in Need.Purpose.values or need.guarantee not in Need.Guarantee.values:
        raise Refusal("JM-FIN-001", _("用途或担保方式不在目录内"), _("请从列表中选择"))
    if not need.contact_name.strip() or not need.contact_phone.strip():
        raise Refusal("JM-FIN-001", _("缺少联系人或电话"), _("受理后机构要据此联系企业"))
    if need.region_id is None:
        raise Refusal("JM-FIN-001", _("企业没有登记所在区县"), _("请先补齐企业所在区县"))
