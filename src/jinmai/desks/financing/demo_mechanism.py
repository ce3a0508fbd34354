"""The coordination mechanism in the example city: standards vouched for, evidence asked for and not always given, and
letters that promise a renewal, kept, open and broken.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from jinmai.desks.financing import clocks
from jinmai.desks.financing.actions import criteria, renewals
from jinmai.desks.financing.demo import post_holder, run_story
from jinmai.desks.financing.demo_market import WAN, Staff
from jinmai.desks.financing.models import EvidenceRequest, Loan, Need, RenewalLetter
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.calendar import calendar

#: Standard → evidence that speaks for it, and what is found where it does not hold.
EVIDENCE = {
    "lawful_operation": ("营业执照；近6个月完税证明", "连续4个月未开票，现场停工"),
    "fixed_place": ("厂房租赁合同；门头照", "登记地址无人办公，实际经营地未登记"),
    "real_need": ("购销合同两份；用款计划", "说不清用款去向，未见合同或订单"),
    "good_credit": ("信用中国报告；纳税信用B级告知书", "有未结执行案件一件，标的额12.60万元"),
    "lawful_use": ("用途说明；受托支付承诺", "拟用于归还民间借款"),
}
#: Who can be asked about a standard, and in what words.
ASKED = {
    "street": ("fixed_place", "请到企业住所和生产场所查看，拍门头照、车间照并附定位"),
    "dep_tax": ("good_credit", "请核对纳税信用级别、欠税余额和近6个月申报情况"),
    "dep_samr": ("lawful_operation", "请核对登记状态、住所、年报和是否列入经营异常名录"),
    "dep_nr": ("fixed_place", "厂房为历史遗留项目，请说明不动产登记办到哪一步"),
    "dep_hrss": ("lawful_operation", "请核对在保职工人数和是否欠缴社会保险费"),
}
ANSWERS = {
    "street": "已到现场，正常生产，门头与登记名称一致，在岗约20人",
    "dep_tax": "纳税信用B级，无欠税，近6个月按期申报",
    "dep_samr": "存续，住所与登记一致，已报2025年度年报，未列入异常名录",
    "dep_nr": "已完成测绘，待规划核实",
    "dep_hrss": "在保38人，无欠费",
}
#: What lies on desks today: who was asked, so many working days ago; whether it was answered.
TODAY = (
    ("street", 8, False),
    ("dep_nr", 14, False),
    ("dep_hrss", 9, False),
    ("street", 5, True),
    ("dep_tax", 5, True),
    ("dep_samr", 4, True),
    ("dep_tax", 4, False),
    ("street", 2, True),
    ("street", 2, False),
    ("dep_samr", 2, False),
    ("dep_tax", 1, False),
    ("street", 1, False),
    ("dep_samr", 1, False),
    ("dep_tax", 0, False),
)
FAILED = "一项不符合，待企业补正后再核：{found}"
LETTER_DAYS = 30


@dataclass
class Bench:
    """Who works on the standards of needs, and the clock they work by."""

    staff: Staff
    rng: random.Random
    until: date

    def at(self, day: date, hour: int | None = None) -> AbstractContextManager[None]:
        """An office hour of a day, never after the day on which the city stands."""
        moment = time(hour or self.rng.randint(9, 16), self.rng.randint(0, 59))
        return Clock.at(datetime.combine(min(day, self.until), moment, LEGAL_ZONE))

    def clerk(self, need: Need) -> Actor:
        """The clerk of the task force in the need's district."""
        office = Organisation.objects.get(kind="district_taskforce", region=need.region)
        return self._somebody(office, "district.clerk")

    def asked(self, need: Need, who: str) -> tuple[Organisation, str, Actor]:
        """The organisation that ``who`` stands for, its role, and the person."""
        if who == "street":
            office = Organisation.objects.filter(kind="street", region=need.region).order_by("path")[0]
            role = "street.visitor"
        else:
            office = Organisation.objects.get(code=who)
            role = "department.registrar" if who == "dep_samr" else "department.officer"
        return office, role, self._somebody(office, role)

    def _somebody(self, office: Organisation, role: str) -> Actor:
        found = self.staff(office, role)
        if found is None:
            raise LookupError(f"{office.code} has nobody as {role}")
        return found


def working_days_before(day: date, count: int) -> date:
    """The working day that many working days before ``day``."""
    while count > 0 or not calendar().is_working_day(day):
        day -= timedelta(days=1)
        count -= calendar().is_working_day(day)
    return day


def review_needs(*, until: date, needs: int, seed: int, staff: Staff = post_holder) -> Counter[str]:
    """Let the task forces judge ``needs`` of the past year by the five standards; counts the conclusions."""
    bench = Bench(staff, random.Random(seed), until)
    since = datetime.combine(until - timedelta(days=400), time(), LEGAL_ZONE)
    sent = Need.objects.filter(submitted_at__gte=since, status__in=("met", "closed"), review=Need.Review.NONE)
    found = list(sent.select_related("organisation", "region").order_by("number"))
    bench.rng.shuffle(found)
    told: Counter[str] = Counter()
    for place, need in enumerate(found[:needs]):
        told[_review(bench, need, fails=place % 6 == 5, asks=place % 2 == 0)] += 1
    return told


def _review(bench: Bench, need: Need, *, fails: bool, asks: bool) -> str:
    clerk = bench.clerk(need)
    assert need.submitted_at is not None
    day = calendar().add_working_days(need.submitted_at.astimezone(LEGAL_ZONE).date(), 1)
    request = None
    if asks:
        who = bench.rng.choice(("street", "dep_tax", "dep_samr"))
        request = _ask(bench, clerk, need, who, day)
        day = calendar().add_working_days(day, bench.rng.randint(1, 2))
        _answer(bench, request, who, day)
        day = calendar().add_working_days(day, 1)
    fallen = bench.rng.choice(list(EVIDENCE)) if fails else None
    with bench.at(day, 15):
        for item, (paper, found) in EVIDENCE.items():
            criteria.attest_criterion(
                clerk,
                need,
                item=item,
                holds=item != fallen,
                evidence=paper,
                note=found if item == fallen else "",
                request=request if request and request.item == item else None,
            )
    with bench.at(day, 16):
        reason = FAILED.format(found=EVIDENCE[fallen][1]) if fallen else ""
        criteria.conclude_criteria(clerk, need, recommended=fallen is None, reason=reason)
    return "not_recommended" if fallen else "recommended"


def _ask(bench: Bench, clerk: Actor, need: Need, who: str, day: date) -> EvidenceRequest:
    office, role, _person = bench.asked(need, who)
    item, words = ASKED[who]
    with bench.at(day):
        return criteria.request_evidence(clerk, need, item=item, organisation=office, asked=words, role=role)


def _answer(bench: Bench, request: EvidenceRequest, who: str, day: date) -> None:
    _office, _role, person = bench.asked(request.need, who)
    with bench.at(day):
        criteria.answer_evidence(person, request, finding="supports", answer=ANSWERS[who])


def stage_evidence(*, district: str, until: date, seed: int, staff: Staff = post_holder) -> list[EvidenceRequest]:
    """What the clerk of a district has asked of others of late: some answered, some due, some that nobody answered."""
    bench = Bench(staff, random.Random(seed), until)
    live = Need.objects.filter(region_id=district, status__in=("open", "in_progress"), submitted_at__isnull=False)
    needs = list(live.select_related("organisation", "region").order_by("submitted_at"))
    made = []
    for place, (who, days, answered) in enumerate(TODAY):
        need = _free(needs, who, place)
        if need is None:
            continue
        clerk = bench.clerk(need)
        sent = need.submitted_at.astimezone(LEGAL_ZONE).date() if need.submitted_at else until
        day = max(working_days_before(until, days), sent)
        request = _ask(bench, clerk, need, who, day)
        if answered:
            _answer(bench, request, who, calendar().add_working_days(day, 1))
            with bench.at(calendar().add_working_days(day, 2)):
                paper = EVIDENCE[request.item][0]
                criteria.attest_criterion(clerk, need, item=request.item, holds=True, evidence=paper, request=request)
        made.append(request)
    return made


def _free(needs: Sequence[Need], who: str, place: int) -> Need | None:
    """The need, longest waiting first, of which this has not been asked."""
    item = ASKED[who][0]
    free = [need for need in needs if not need.evidence_requests.filter(item=item).exists()]
    return free[0] if free else None


def promise_renewals(*, until: date, letters: int, seed: int, staff: Staff = post_holder) -> Counter[str]:
    """Letters on loans that came due or come due: kept by a new loan, open, broken, one taken back; counts their states."""
    bench = Bench(staff, random.Random(seed), until)
    told: Counter[str] = Counter()
    past = _loans(bench, until - timedelta(days=240), until - timedelta(days=4))
    for loan in past:
        later = _renewed_by(loan)
        if later is not None and told["kept"] < letters:
            _promise(bench, loan, later.disbursed_on - timedelta(days=9))
            with bench.at(calendar().add_working_days(later.disbursed_on, 1)):
                renewals.keep_renewal_letter(_front(bench, loan), loan.renewal_letters.get(), new_loan=later)
            told["kept"] += 1
        elif later is None and told["broken"] < max(1, letters // 4):
            _promise(bench, loan, loan.due_on - timedelta(days=LETTER_DAYS))
            told["broken"] += 1
    for loan in _loans(bench, until + timedelta(days=6), until + timedelta(days=80))[: letters + 1]:
        _promise(bench, loan, working_days_before(until, bench.rng.randint(2, 12)))
        told["open"] += 1
    if told["open"] > 1:
        told["withdrawn"] += _take_back(bench)
    with bench.at(until, 9):
        renewals.lapse_renewal_letters(Actor.platform())
    return told


def _loans(bench: Bench, first: date, last: date) -> list[Loan]:
    """Bank loans that end between two days, without a letter."""
    loans = Loan.objects.filter(due_on__range=(first, last), renewal_letters=None, order__institution__kind="bank")
    loans = loans.select_related("order__institution__parent", "order__need__organisation")
    return [loan for loan in loans.order_by("due_on", "contract_number") if (loan.due_on - loan.disbursed_on).days > 60]


def _renewed_by(loan: Loan) -> Loan | None:
    """The same firm's loan from the same bank, paid out shortly before this one ended."""
    head = clocks.head_office(loan.order.institution)
    later = Loan.objects.filter(subject_id=loan.subject_id, order__institution__path__startswith=head.path)
    days = (loan.due_on - timedelta(days=60), loan.due_on)
    return later.exclude(pk=loan.pk).filter(disbursed_on__range=days).order_by("disbursed_on").first()


def _front(bench: Bench, loan: Loan) -> Actor:
    found = bench.staff(loan.order.institution, clocks.front_role(loan.order.institution))
    assert found is not None
    return found


def _promise(bench: Bench, loan: Loan, day: date) -> None:
    with bench.at(calendar().add_working_days(max(day, loan.disbursed_on), 1)):
        renewals.issue_renewal_letter(
            _front(bench, loan),
            loan,
            amount_fen=loan.disbursed_fen,
            term_months=12,
            conditions="按时付息，续贷前征信无当前逾期",
        )


def _take_back(bench: Bench) -> int:
    """One bank finds out in time that it cannot keep its word."""
    letter = RenewalLetter.objects.filter(status="issued", renew_by__gt=bench.until).order_by("-renew_by").first()
    if letter is None:
        return 0
    with bench.at(bench.until, 11):
        renewals.withdraw_renewal_letter(
            _front(bench, letter.loan), letter, reason="贷后检查发现企业主要设备已转让，不再符合续贷条件"
        )
    return 1


def bridge_a_renewal(*, until: date, seed: int, staff: Staff = post_holder) -> Need | None:
    """A firm with its bank's letter in hand asks for bridging money (应急转贷) and gets it."""
    letters = RenewalLetter.objects.filter(status="issued", amount_fen__lte=1000 * WAN, amount_fen__gte=20 * WAN)
    letter = letters.select_related("loan__order__need__organisation").order_by("renew_by", "number").first()
    if letter is None:
        return None
    firm = staff(letter.loan.order.need.organisation, "firm.accountant")
    assert firm is not None
    return run_story(
        firm,
        "granted",
        start=max(letter.issued_on, working_days_before(until, 8)),
        until=until,
        seed=seed,
        staff=staff,
        product="p27",
        purpose=Need.Purpose.BRIDGE,
        amount_wan=letter.amount_fen * 95 // 100 // WAN,
    )


def decline_insurance(firms: Sequence[Actor], *, until: date, seed: int, staff: Staff = post_holder) -> int:
    """Firms ask the insurers too: two are turned away, one thinks better of it."""
    asked = 0
    for product, outcome, amount, firm in zip(
        ("p25", "p26", "p26"), ("institution_declined", "institution_declined", "withdrawn"), (300, 60, 40), firms,
        strict=False,
    ):  # fmt: skip
        start = working_days_before(until, 20 * (asked + 1))
        run_story(
            firm, outcome, start=start, until=until, seed=seed + asked, staff=staff, product=product, amount_wan=amount
        )
        asked += 1
    return asked


