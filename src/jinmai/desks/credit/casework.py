"""What every verb on an objection or a repair leaves behind: a number, an event, a task for whoever is next, a notice."""

from __future__ import annotations

from datetime import date

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.credit.formulas import alarm_day
from jinmai.desks.credit.models import DEPARTMENT_ROLES, CaseEvent, CaseSeries, Objection, Repair
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.clocks import resume, start_clock, suspend
from jinmai.foundation.kernel.work.models import DueClock
from jinmai.foundation.kernel.work.tasks import cancel_tasks, open_task
from jinmai.foundation.rulebook import NotInForce, get

OBJECTION_SERIES, REPAIR_SERIES = "异", "修"  # Chinese only: signs of a case number
FIRM, CHIEF, DIRECTOR = "firm.accountant", "bureau.section_chief", "bureau.director"
Case = Objection | Repair


def next_number(series: str) -> str:
    """The next case number of the year: 异〔2026〕00001号; the row stays locked until the action ends."""
    year = Clock.today().year
    row, _made = CaseSeries.objects.get_or_create(series=series, year=year)
    CaseSeries.objects.filter(pk=row.pk).update(last=F("last") + 1)
    last = CaseSeries.objects.values_list("last", flat=True).get(pk=row.pk)
    return f"{series}〔{year}〕{last:05d}号"  # Chinese only


def note_event(actor: Actor, case: Case, verb: str, text: str, note: str = "") -> None:
    """Put what happened on the timeline (办理过程)."""
    of = {"objection": case} if isinstance(case, Objection) else {"repair": case}
    CaseEvent.objects.create(
        **of,
        verb=verb,
        actor_name=actor.name,
        organisation_name=actor.organisation_name,
        text=text,
        note=note,
        at=Clock.now(),
    )


def address_of(case: Case) -> str:
    """The page of a case."""
    name = "objection_detail" if isinstance(case, Objection) else "repair_detail"
    return reverse(f"credit:{name}", args=[case.pk])


def bureau() -> Organisation:
    """The city's finance bureau, whose credit clerk (征信经办) the chief of the financing section is."""
    found = Organisation.objects.filter(kind="bureau", active=True).order_by("path").first()
    if found is None:
        raise Broken("there is no bureau to take objections up")
    return found


def department_role(owner: Organisation) -> str:
    """Who verifies at a department: its officer, or its registration window where it has only that."""
    live = Membership.objects.live(Clock.today()).filter(organisation=owner, role__in=DEPARTMENT_ROLES)
    return (
        "department.registrar"
        if set(live.values_list("role", flat=True)) == {"department.registrar"}
        else "department.officer"
    )


def start(rule_id: str, kind: str) -> DueClock | None:
    """The clock of a case from today, by the rule in force today; ``None`` while no rule sets one."""
    today = Clock.today()
    try:
        days = int(get(rule_id, on=today).value)
    except NotInForce:
        return None
    return start_clock(kind, days, on=today, rule_id=rule_id)


def ask_bureau(case: Case, verb: str, label: str) -> None:
    """A task for the bureau's credit clerk; overdue it goes up to the director."""
    _ask(case, verb, label, bureau(), CHIEF, DIRECTOR)


def ask_department(case: Case, verb: str, label: str) -> None:
    """A task for the department that sent the record; overdue it goes up to the bureau."""
    _ask(case, verb, label, case.owner, department_role(case.owner), CHIEF)


def ask_firm(case: Case, verb: str, label: str) -> None:
    """A task for the firm: its papers are awaited, the clock stands."""
    _ask(case, verb, label, case.organisation, FIRM, CHIEF)


def _ask(case: Case, verb: str, label: str, organisation: Organisation, role: str, above: str) -> None:
    open_task(
        subject_ref=object_ref(case),
        title=f"{case.number}　{case.organisation.name}"[:200],  # Chinese only: a record
        verb=f"credit.{verb}",
        verb_label=label,
        organisation=organisation,
        role=role,
        due=case.clock,
        url=address_of(case),
        escalates_to=above,
    )
    kind = "objection_step" if isinstance(case, Objection) else "repair_step"
    _tell(case, kind, label, organisation, role)


def tell_firm(case: Case, words: str) -> None:
    """Tell the firm what came of its case."""
    kind = "objection_answered" if isinstance(case, Objection) else "repair_answered"
    _tell(case, kind, words, case.organisation, FIRM)


def tell_department(case: Case, words: str) -> None:
    """Tell the department that sent the record what came of the case."""
    kind = "objection_answered" if isinstance(case, Objection) else "repair_answered"
    _tell(case, kind, words, case.owner, department_role(case.owner))


def sound_alarm(case: Objection) -> None:
    """Remind the bureau, and the department where it is its turn, that the days run out (临期提醒)."""
    words = _("异议办理临近届满")
    _tell(case, "objection_alarm", words, bureau(), CHIEF)
    if case.status == Objection.Status.VERIFYING:
        _tell(case, "objection_alarm", words, case.owner, department_role(case.owner))


def _tell(case: Case, kind: str, words: str, organisation: Organisation, role: str) -> None:
    notify(
        (organisation, role),
        kind=kind,
        title=f"{case.number}　{words}",
        url=address_of(case),
        subject_ref=object_ref(case),
    )


def alarm_of(case: Objection) -> date | None:
    """The day on which those who work on an objection are reminded; it moves with the due day."""
    if case.clock is None or case.alarm_after is None:
        return None
    return alarm_day(case.clock.due_on, case.clock.days, case.alarm_after)


def ask_papers(actor: Actor, case: Case, papers: str, verb: str) -> None:
    """Stop the clock and give the firm the task of handing in what is missing (补正); the row is saved."""
    case.papers_back = case.status
    case.status = type(case).Status.PAPERS
    case.papers_asked, case.papers_asked_at = papers.strip(), Clock.now()
    case.papers_asked_by_name, case.papers_supplied_at = actor.name, None
    case.save(
        update_fields=[
            "status", "papers_back", "papers_asked", "papers_asked_at", "papers_asked_by_name", "papers_supplied_at",
        ]
    )  # fmt: skip
    cancel_tasks(object_ref(case))
    if case.clock is not None and not case.clock.is_suspended:
        suspend(case.clock, _("补正：%(papers)s") % {"papers": papers.strip()[:180]})
    ask_firm(case, verb, _("补正材料"))


def papers_in(case: Case) -> None:
    """Let the clock run on, back in the state before 补正; the row is saved."""
    case.status, case.papers_back = case.papers_back, ""
    case.papers_supplied_at = Clock.now()
    case.save(update_fields=["status", "papers_back", "papers_supplied_at"])
    if case.clock is not None and case.clock.is_suspended:
        resume(case.clock)


def close(case: Case, status: str, *, reason: str = "") -> None:
    """End a case: nobody has anything more to do; the clock stands for good. The caller saves the rest."""
    case.status, case.closed_at = status, Clock.now()
    if reason:
        case.closing_reason = reason.strip()
    if case.clock is not None:
        if case.clock.is_suspended:
            resume(case.clock)
        case.clock.stopped_on = Clock.today()
        case.clock.save(update_fields=["stopped_on"])
    cancel_tasks(object_ref(case))
