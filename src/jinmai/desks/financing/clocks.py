"""Clocks and tasks of a referral order: how many days each step has comes from the rulebook, never from here."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing.models import Order
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.clocks import start_clock
from jinmai.foundation.kernel.work.models import DueClock, Task
from jinmai.foundation.kernel.work.tasks import open_task
from jinmai.foundation.rulebook import NotInForce, get
from jinmai.foundation.ui.formats import wan

#: Step → (rule id, kind of days).
STEPS = {
    "contact": ("order_contact_working_days", "working"),
    "visit": ("order_site_visit_working_days", "working"),
    "decision": ("order_decision_natural_days", "natural"),
}


def start(step: str) -> DueClock | None:
    """The clock of a step from today, by the rule in force today; ``None`` while no rule sets one."""
    rule, kind = STEPS[step]
    today = Clock.today()
    try:
        days = int(get(rule, on=today).value)
    except NotInForce:
        return None
    return start_clock(kind, days, on=today, rule_id=rule)


def front_role(institution: Organisation) -> str:
    """Who meets the firm: a bank's account manager (客户经理), elsewhere the manager."""
    return "institution.account_manager" if institution.kind == "bank" else "institution.manager"


def head_office(institution: Organisation) -> Organisation:
    """The institution itself: the topmost financial organisation above a branch."""
    while institution.parent is not None and institution.parent.is_financial:
        institution = institution.parent
    return institution


#: Who finds a task of an order that is overdue: the district's 专班, for a decision the bureau's own section.
ABOVE = "district.clerk"
ABOVE_DECISIONS = "bureau.section_chief"
#: What the firm and the institution are told of at once, by the verb that is asked for.
TOLD = {
    "accept_order": "order_addressed",
    "supply_papers": "papers_requested",
    "accept_terms": "decision_made",
}


def ask_institution(order: Order, verb: str, title: str, due: DueClock | None) -> None:
    """A task for whoever meets the firm at the order's institution."""
    _open(order, verb, title, order.institution, front_role(order.institution), due, ABOVE)


def ask_approver(order: Order, due: DueClock | None) -> None:
    """The task to decide: a bank's head office, elsewhere the manager."""
    bank = order.institution.kind == "bank"
    role = "institution.approver" if bank else "institution.manager"
    office = head_office(order.institution) if bank else order.institution
    _open(order, "decide_order", _("作出授信决定"), office, role, due, ABOVE_DECISIONS)


def open_clock(order: Order, verb: str) -> DueClock | None:
    """The clock of the order's open task for a verb, if it has one."""
    task = Task.objects.filter(
        subject_ref=object_ref(order), verb=f"financing.{verb}", done_at__isnull=True
    ).select_related("clock")
    found = task.first()
    return found.clock if found else None


def ask_firm(order: Order, verb: str, title: str, due: DueClock | None = None) -> None:
    """A task for the firm."""
    _open(order, verb, title, order.need.organisation, "firm.accountant", due, ABOVE)


def tell_refused(order: Order) -> None:
    """Tell the firm of a decision that leaves it nothing to do but to read the reason."""
    _tell(order, "decision_made", _("未授信"), order.need.organisation, "firm.accountant")


def _tell(order: Order, kind: str, title: str, organisation: Organisation, role: str) -> None:
    notify(
        (organisation, role),
        kind=kind,
        title=f"{order.number}　{title}",
        url=reverse("financing:order_detail", args=[order.pk]),
        subject_ref=object_ref(order),
    )


def _open(
    order: Order, verb: str, title: str, organisation: Organisation, role: str, due: DueClock | None, above: str
) -> None:
    if verb in TOLD and not (verb == "accept_order" and order.from_pool):  # who took it from the pool knows
        _tell(order, TOLD[verb], title, organisation, role)
    other = order.institution if role == "firm.accountant" and order.institution else order.need.organisation
    open_task(
        subject_ref=object_ref(order),
        title=f"{order.number}　{other.name}　{wan(order.need.amount_fen)} 万元",  # Chinese only: a record
        verb=f"financing.{verb}",
        verb_label=title,
        region=order.need.region,
        organisation=organisation,
        role=role,
        due=due,
        url=reverse("financing:order_detail", args=[order.pk]),
        escalates_to=above,
    )
