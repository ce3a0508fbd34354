"""Verbs on renewal letters (续贷承诺函): issue, keep, withdraw; and the day's work of marking those that were broken."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from jinmai.desks.financing import clocks, record
from jinmai.desks.financing.models import Loan, RenewalLetter
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.money import fen_to_wan

LETTER_SERIES = "续"  # Chinese only: sign of a case number
Status = RenewalLetter.Status


@action("financing.issue_renewal_letter")
def issue_renewal_letter(
    actor: Actor, loan: Loan, *, amount_fen: int, term_months: int, renew_by: date | None = None, conditions: str = ""
) -> RenewalLetter:
    """Promise a firm in writing to renew its loan (出具续贷承诺函): ``amount_fen`` for ``term_months``, signed by ``renew_by``.

    ``renew_by`` defaults to the loan's last day and may not lie after it: a renewal is signed before maturity. Refuses
    another institution's loan (JM-KER-404), a loan past its end (JM-FIN-050), terms that are none or above the loan
    (JM-FIN-051), and a second letter on the same loan (JM-FIN-052).
    """
    loan = own_loan(actor, loan)
    today, by = Clock.today(), renew_by or loan.due_on
    if loan.due_on < today:
        raise Refusal("JM-FIN-050", Words("贷款已于 %(day)s 到期", day=loan.due_on), _("续贷应在到期前办理"))
    if amount_fen <= 0 or term_months <= 0 or amount_fen > loan.disbursed_fen:
        most = fen_to_wan(loan.disbursed_fen)
        raise Refusal("JM-FIN-051", _("承诺金额或期限不合要求"), Words("金额不超过原贷款 %(most)s 万元，期限至少 1 个月", most=most))
    if not today <= by <= loan.due_on:
        raise Refusal("JM-FIN-051", _("签约日应在今天与贷款到期日之间"), Words("不晚于 %(day)s", day=loan.due_on))
    if loan.renewal_letters.filter(status__in=(Status.ISSUED, Status.KEPT)).exists():
        raise Refusal("JM-FIN-052", _("这笔贷款已有续贷承诺函"), _("如需更改，请先撤回原承诺函"))
    letter = RenewalLetter.objects.create(
        number=record.next_number(LETTER_SERIES),
        loan=loan,
        institution=clocks.head_office(loan.order.institution),
        amount_fen=amount_fen,
        term_months=term_months,
        renew_by=by,
        conditions=conditions.strip(),
        issued_by_name=actor.name,
        issued_on=today,
    )
    _tell(actor, letter, "issue_renewal_letter", _("出具续贷承诺函"), _("%(day)s 前续贷") % {"day": by})
    return letter


@action("financing.keep_renewal_letter")
def keep_renewal_letter(
    actor: Actor, letter: RenewalLetter, *, new_loan: Loan | None = None, note: str = "", kept_on: date | None = None
) -> RenewalLetter:
    """Say that the promise was kept (兑现): by the new loan recorded here, or in words by a contract made elsewhere.

    Refuses another institution's letter (JM-KER-404), one that no longer stands (JM-FIN-053), and neither a new loan of
    the same firm nor words (JM-FIN-054), and a day after the promised one (JM-FIN-055).
    """
    letter = own_letter(actor, letter, (Status.ISSUED,))
    day = kept_on or Clock.today()
    if new_loan is not None:
        found = Loan.objects.visible_to(actor).filter(pk=new_loan.pk, subject_id=letter.loan.subject_id)
        if new_loan.pk == letter.loan_id or not found.exists():
            raise Refusal("JM-FIN-054", _("这不是该企业的新贷款"), _("请选择本机构给该企业的另一笔放款"))
        day = new_loan.disbursed_on
    elif not note.strip():
        raise Refusal("JM-FIN-054", _("没有写明怎样兑现"), _("请选择新放款，或写明续贷合同号"))
    if not letter.issued_on <= day <= min(letter.renew_by, Clock.today()):
        raise Refusal(
            "JM-FIN-055", Words("兑现日 %(day)s 不在承诺期内", day=day),
            Words("承诺期为 %(start)s 至 %(end)s；过期的记为未兑现", start=letter.issued_on, end=letter.renew_by),
        )  # fmt: skip
    letter.status, letter.kept_on = Status.KEPT, day
    letter.kept_loan, letter.kept_note = new_loan, note.strip()
    letter.save(update_fields=["status", "kept_on", "kept_loan", "kept_note"])
    _tell(actor, letter, "keep_renewal_letter", _("兑现续贷承诺"), letter.kept_note)
    return letter


@action("financing.withdraw_renewal_letter")
def withdraw_renewal_letter(actor: Actor, letter: RenewalLetter, *, reason: str) -> RenewalLetter:
    """Take a promise back (撤回承诺函) before its day, saying why: the firm and the bureau see it (JM-FIN-011, JM-FIN-053)."""
    letter = own_letter(actor, letter, (Status.ISSUED,))
    if not reason.strip():
        raise Refusal("JM-FIN-011", _("没有写明原因"), _("请写明撤回的原因，企业和专班会看到"))
    letter.status, letter.withdrawn_on = Status.WITHDRAWN, Clock.today()
    letter.withdrawn_reason = reason.strip()
    letter.save(update_fields=["status", "withdrawn_on", "withdrawn_reason"])
    _tell(actor, letter, "withdraw_renewal_letter", _("撤回续贷承诺函"), letter.withdrawn_reason)
    return letter


@action("financing.lapse_renewal_letters")
def lapse_renewal_letters(actor: Actor, *, on: date | None = None) -> int:
    """Mark as broken (未兑现) every promise whose day has passed without a renewal; returns how many. Safe to repeat."""
    today = on or Clock.today()
    late = RenewalLetter.objects.select_for_update(of=("self",)).filter(status=Status.ISSUED, renew_by__lt=today)
    count = 0
    for letter in late.select_related("loan__order__need").order_by("pk"):
        letter.status, letter.broken_on = Status.BROKEN, today
        letter.save(update_fields=["status", "broken_on"])
        _tell(actor, letter, "lapse_renewal_letters", _("续贷承诺到期未兑现"), letter.number)
        count += 1
    return count


def own_loan(actor: Actor, loan: Loan) -> Loan:
    """The loan, locked, if the actor's institution made it (JM-KER-404)."""
    visible = Loan.objects.visible_to(actor).filter(
        pk=loan.pk, order__institution__path__startswith=actor.organisation_path
    )
    if not visible.exists():
        raise NotFound()
    Loan.objects.select_for_update().get(pk=loan.pk)
    return Loan.objects.select_related("order__need", "order__institution__parent").get(pk=loan.pk)


def own_letter(actor: Actor, letter: RenewalLetter, states: tuple[str, ...]) -> RenewalLetter:
    """The letter, locked, if it is the actor's institution's (JM-KER-404) and in one of ``states`` (JM-FIN-053)."""
    own_loan(actor, letter.loan)
    found = RenewalLetter.objects.select_for_update(of=("self",)).select_related("loan__order__need").get(pk=letter.pk)
    if found.status not in states:
        raise Refusal(
            "JM-FIN-053", Words("承诺函%(state)s，不能办理", state=found.get_status_display()), _("请刷新页面后再看")
        )
    return found


def _tell(actor: Actor, letter: RenewalLetter, verb: str, text: str, note: str) -> None:
    order = letter.loan.order
    record.note_event(actor, order.need, verb, text, order=order, note=note)
    record.tell_renewal(letter)
