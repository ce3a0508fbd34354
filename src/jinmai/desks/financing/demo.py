"""This desk's share of the example city: needs driven to their ends through the desk's own verbs, failures included.

``build_history`` tells the years; ``run_story`` one need. Everything follows from the seed: the same seed, the same city.
What a firm asks for and whom it asks follows from its trade and its sales (``demo_market``).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from jinmai.desks.financing import actions, clocks
from jinmai.desks.financing.demo_market import WAN, Asker, Market, Staff
from jinmai.desks.financing.models import Loan, Need, Order, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.work.calendar import calendar

#: How often each end comes, in per cent: a fifth is not granted, a third of those mended and granted after all.
OUTCOMES = {
    "granted": 54,
    "pool_granted": 9,
    "refused": 13,
    "repaired": 7,
    "terms_declined": 4,
    "institution_declined": 4,
    "withdrawn": 6,
    "stalled": 3,
}
#: A need that an institution left lying is still lying there only if it was sent this many days ago.
LATEST_STALL_DAYS = 45
#: A firm that has just asked does not ask again for so many days; how often another firm is looked for.
PAUSE_DAYS, LOOKS = 50, 6
#: Below one: more needs late in the history than early.
GROWTH = 0.75
#: Every so many needs somebody asks for the product that is asked for least.
NEGLECTED_EVERY = 14
#: How often a need renews a loan that comes due, in per cent, and how long before, in days.
RENEWALS, BEFORE_DUE = 9, (18, 60)
RENEWAL_PRODUCT = "p03"
PURPOSES = {"采购原材料": 30, "日常周转": 30, "履行订单": 14, "设备购置": 12, "技术改造": 6, "研发投入": 5, "其他": 3}
PAPERS = (
    "%(last_year)d年度财务报表；近6个月银行流水",
    "购销合同两份；上游付款凭证",
    "不动产权证复印件；股东会决议",
    "法定代表人身份证明；公司章程",
)
WITHDRAWALS = ("资金已自筹解决", "订单取消，暂不需要", "已由股东借款解决")
DECLINES = ("本支行当期额度已满", "企业注册地不在本机构展业范围", "所属行业不在本产品支持范围")
TERMS_DECLINED = ("利率高于预期", "期限短于资金周转期", "要求追加的保证无法提供")
NOTES = ("电话联系，约定上门时间", "已加联系方式，介绍了所需材料", "企业财务接听，需求属实")
#: What was seen on site, by the first digits of the trade.
VISITS = {
    ("0",): ("看了田块和圈舍，在地作物与申报相符", "合作社社员名册与收购台账相符", "存栏清点与台账一致"),
    ("1", "2", "3", "4"): ("车间开工正常，库存与报表相符", "看了设备和在手订单，两班生产", "仓库盘点与账面一致，用电量平稳"),
    ("5", "6"): ("门店正常营业，进销存台账齐全", "看了仓库和近三个月流水，货款回笼正常", "经营场所与登记一致，员工在岗"),
    ("",): ("经营场所与登记一致，员工在岗", "看了在手合同和回款记录", "办公场所在租期内，社保人数与申报相符"),
}


class _NotYet(Exception):
    """The story's next step lies after the day on which the city stands."""


def post_holder(organisation: Organisation, role: str) -> Actor | None:
    """Whoever holds the role in the organisation itself, else in its head office."""
    for office in (organisation, clocks.head_office(organisation)):
        found = (
            Membership.objects.live(Clock.today())
            .select_related("user", "organisation__region", "organisation__subject")
            .filter(role=role, organisation=office)
            .order_by("pk")
            .first()
        )
        if found is not None:
            return Actor.of(found)
    return None


def firm_actors() -> list[Actor]:
    """An accountant of every firm that has one, in order of the organisation's code."""
    posts = Membership.objects.live(Clock.today()).filter(role="firm.accountant", organisation__kind="firm")
    posts = posts.select_related("user", "organisation__region", "organisation__subject")
    return [Actor.of(post) for post in posts.order_by("organisation__code", "pk") if post.organisation.subject_id]


@dataclass
class Story:
    """One need on its way, standing at ``day``; steps after ``until`` are left for the people who open the city."""

    firm: Actor
    market: Market
    rng: random.Random
    day: date
    until: date
    hour: int = 9
    need: Need | None = None

    def later(self, least: int, most: int) -> None:
        """Go on by some working days."""
        days = self.rng.randint(least, most)
        self.day = calendar().add_working_days(self.day, days) if days else self.day
        self.hour = min(self.hour + 1, 17) if not days else self.rng.randint(9, 16)
        if self.day > self.until:
            raise _NotYet

    def now(self) -> AbstractContextManager[None]:
        """The clock at this step: office hours of the story's day."""
        minute = self.rng.randint(0, 59)
        return Clock.at(datetime.combine(self.day, time(self.hour, minute), LEGAL_ZONE))

    def front(self, order: Order) -> Actor:
        """Who meets the firm."""
        return self._someone(order.institution, clocks.front_role(order.institution))

    def approver(self, order: Order) -> Actor:
        """Who decides."""
        bank = order.institution.kind == "bank"
        office = clocks.head_office(order.institution) if bank else order.institution
        return self._someone(office, "institution.approver" if bank else "institution.manager")

    def _someone(self, organisation: Organisation, role: str) -> Actor:
        found = self.market.staff(organisation, role)
        if found is None:
            raise LookupError(f"{organisation.code} has nobody as {role}")
        return found


def run_story(
    firm: Actor,
    outcome: str,
    *,
    start: date,
    until: date,
    seed: int,
    staff: Staff = post_holder,
    market: Market | None = None,
    amount_wan: int | None = None,
    product: str | None = None,
    purpose: str | None = None,
) -> Need:
    """Drive one need of ``firm`` from ``start`` to its ``outcome`` (a key of ``OUTCOMES``), no further than ``until``.

    ``product`` names the product to send it to first; otherwise those of the ``market`` in force that day whose range,
    place and trade fit and whose institution has somebody to act are drawn from. Returns the need as it then stands.
    """
    rng, market = random.Random(seed), market or Market(staff)
    story = Story(firm, market, rng, calendar().add_working_days(start, 1), until)
    asker = market.asker(firm)
    purpose = purpose or rng.choices(list(PURPOSES), list(PURPOSES.values()))[0]
    amount, term = amount_wan or asker.amount_wan(rng, purpose), rng.choice((6, 12, 12, 12, 24))
    chosen = market.offers(asker, story.day, amount * WAN, term, purpose, rng, product)
    term = min(max(term, chosen[0].term_min_months), chosen[0].term_max_months)
    with story.now():
        story.need = actions.draft_need(
            firm,
            amount_fen=amount * WAN,
            term_months=term,
            purpose=purpose,
            guarantee=rng.choice(list(Need.Guarantee.values)),
            contact_name=firm.name,
            contact_phone=asker.phone or f"1390000{rng.randint(0, 9999):04d}",
            declared=_declared(story.day, asker, rng),
        )
    try:
        _ENDS[outcome](story, chosen)
    except _NotYet:
        pass
    return Need.objects.get(pk=story.need.pk)


def build_history(
    firms: Sequence[Actor],
    *,
    start: date,
    until: date,
    needs: int,
    seed: int,
    staff: Staff = post_holder,
    tell: Callable[[int, int], None] | None = None,
) -> Counter[str]:
    """A history of ``needs`` needs between two days, by ``OUTCOMES``; returns how many were begun to each end.

    ``tell(done, of)`` reports progress. Needs begun shortly before ``until`` stay open: they are the cast's tasks.
    """
    rng, market = random.Random(seed), Market(staff)
    days = max(1, (until - start).days)
    begun = sorted((start + timedelta(days=_leaning(rng, days)), number) for number in range(needs))
    told: Counter[str] = Counter()
    asked: dict[int, date] = {}
    for done, (day, number) in enumerate(begun, start=1):
        outcome = rng.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        if outcome == "stalled" and (until - day).days > LATEST_STALL_DAYS:
            outcome = "withdrawn"  # a firm that hears nothing for months has long gone elsewhere
        wanted = market.neglected(firms, day, rng) if done % NEGLECTED_EVERY == 0 else None
        firm, wish = wanted or _next_firm(firms, day, asked, rng)
        asked[firm.organisation_id] = day
        try:
            run_story(firm, outcome, start=day, until=until, seed=seed * 100_003 + number, market=market, **wish)
            told[outcome] += 1
        except Refusal:
            told["refused_by_rule"] += 1
        if tell:
            tell(done, needs)
    return told


def _next_firm(
    firms: Sequence[Actor], day: date, asked: dict[int, date], rng: random.Random
) -> tuple[Actor, dict[str, Any]]:
    """Who asks next, and what for: now and then somebody whose loan comes due, else one that has not asked of late."""
    if rng.randrange(100) < RENEWALS:
        due = (day + timedelta(days=BEFORE_DUE[0]), day + timedelta(days=BEFORE_DUE[1]))
        by_subject = {firm.subject_id: firm for firm in firms}
        loans = Loan.objects.filter(due_on__range=due, subject_id__in=by_subject, order__version__isnull=False)
        loans = loans.filter(order__institution__code__startswith="bank_city_jp").order_by("due_on", "contract_number")
        if loan := loans.first():
            amount = max(1, loan.disbursed_fen // WAN)
            return by_subject[loan.subject_id], {
                "product": RENEWAL_PRODUCT,
                "purpose": Need.Purpose.RENEWAL,
                "amount_wan": max(10, amount),
            }
    firm = firms[rng.randrange(len(firms))]
    for _look in range(LOOKS):
        last = asked.get(firm.organisation_id)
        if last is None or (day - last).days > PAUSE_DAYS:
            break
        firm = firms[rng.randrange(len(firms))]
    return firm, {}


def stage_today(firm: Actor, *, today: date, staff: Staff = post_holder) -> Need:
    """What the cast finds on the day the city opens: the firm's own draft, one need sent and one in the pool."""
    with Clock.at(datetime.combine(today, time(9, 5), LEGAL_ZONE)):
        sent = _draft(firm, 260, "日常周转")
        fitting = ProductVersion.objects.in_force(today).filter(product__code__in=("p01", "p16", "p19"))
        actions.submit_need(firm, sent, versions=list(fitting), consent=True, consent_until=_half_a_year(today))
        pooled = _draft(firm, 60, "履行订单")
        actions.submit_need(firm, pooled, to_pool=True, consent=True, consent_until=_half_a_year(today))
        return _draft(firm, 180, "采购原材料")


def _draft(firm: Actor, amount_wan: int, purpose: str) -> Need:
    return actions.draft_need(
        firm,
        amount_fen=amount_wan * WAN,
        term_months=12,
        purpose=purpose,
        contact_name=firm.name,
        contact_phone="13900000001",
        declared={"asset_liability_ratio": {"value": 584_000_000, "as_of": str(Clock.today())}},
    )


def _half_a_year(day: date) -> date:
    return day + timedelta(days=180)


def _leaning(rng: random.Random, days: int) -> int:
    """A day of the period, somewhat more often a late one: the platform grows."""
    return int(rng.random() ** GROWTH * days)


def _declared(day: date, asker: Asker, rng: random.Random) -> dict[str, dict[str, object]]:
    """Figures that about half of the firms state themselves; some have bank debt and are no first-time borrowers."""
    stated: dict[str, dict[str, object]] = {}
    if rng.random() < 0.5:
        stated["asset_liability_ratio"] = {"value": rng.randint(350, 780) * 1_000_000, "as_of": str(day)}
    if rng.random() < 0.45:
        debt = asker.sales_wan * rng.choice((0, 5, 10, 20)) // 100 // 5 * 5
        stated["bank_debt"] = {"value": debt * WAN, "as_of": str(day)}
    return stated


def _send(story: Story, versions: Sequence[ProductVersion], *, pool: bool = False) -> list[Order]:
    story.later(0, 1)
    with story.now():
        actions.submit_need(
            story.firm,
            story.need,
            versions=list(versions),
            to_pool=pool,
            consent=True,
            consent_until=_half_a_year(story.day),
        )
    return list(_orders(story.need).filter(status=Order.Status.SENT).order_by("number"))


def _orders(need: Need):  # type: ignore[no-untyped-def]
    return Order.objects.filter(need=need).select_related("institution__parent", "version__product", "need")


def _again(order: Order) -> Order:
    return _orders(order.need).get(pk=order.pk)


def _accept(story: Story, order: Order) -> None:
    """Accepted within a working day, one in ten late; then called, visited, and often asked for papers once."""
    late = story.rng.random() < 0.1
    story.later(2 if late else 0, 4 if late else 1)
    with story.now():
        actions.accept_order(story.front(order), order)
    story.later(0, 0)
    with story.now():
        actions.record_contact(story.front(order), order, note=story.rng.choice(NOTES))
    story.later(1, 6)
    with story.now():
        trade = story.market.asker(story.firm).trade
        seen = next(words for starts, words in VISITS.items() if trade.startswith(starts))
        actions.record_visit(story.front(order), order, note=story.rng.choice(seen))


def _papers(story: Story, order: Order) -> None:
    if story.rng.random() < 0.3:
        with story.now():
            papers = story.rng.choice(PAPERS).replace("%(last_year)d", str(story.day.year - 1))
            actions.request_papers(story.front(order), order, papers=papers)
        story.later(1, 7)
        with story.now():
            actions.supply_papers(story.firm, order)
    story.later(0, 1)
    with story.now():
        actions.papers_complete(story.front(order), order)


def _refuse(story: Story, order: Order, *, mendable: bool) -> None:
    story.later(2, 14)
    with story.now():
        reason = story.market.reason(story.rng, mendable=mendable)
        actions.decide_order(story.approver(order), order, granted=False, reason=reason)


def _grant(story: Story, order: Order) -> None:
    story.later(2, 16)
    asked = story.need.amount_fen
    amount = min(asked, order.version.amount_max_fen) if order.version else asked
    if story.rng.random() < 0.35:
        amount = max(WAN, amount * story.rng.choice((60, 70, 80, 90)) // 100 // WAN * WAN)
    low, high = (order.version.rate_min_e9, order.version.rate_max_e9) if order.version else (38_000_000, 52_000_000)
    rate = low + (high - low) * story.rng.randint(10, 90) // 100 // 100_000 * 100_000
    with story.now():
        actions.decide_order(
            story.approver(order),
            order,
            granted=True,
            amount_fen=amount,
            rate_e9=rate,
            term_months=story.need.term_months,
            guarantee=order.version.guarantee if order.version else "",
        )


def _close(story: Story, order: Order) -> None:
    """Terms accepted, money paid, and mostly the institution's word on a first-time borrower."""
    story.later(1, 3)
    with story.now():
        actions.accept_terms(story.firm, order)
    story.later(1, 4)
    with story.now():
        order = _again(order)
        actions.record_disbursement(
            story.front(order),
            order,
            contract_number=f"借{story.day:%Y%m%d}-{order.number[-6:-1]}",
            disbursed_fen=order.decision.amount_fen,
        )
    if story.rng.random() < 0.8:
        story.later(0, 3)
        loan = order.loans.get()
        agrees = story.rng.random() < 0.9
        with story.now():
            actions.verify_first_time(
                story.approver(order), loan, first_time=loan.first_time_inferred if agrees else False
            )


def _granted(story: Story, versions: Sequence[ProductVersion]) -> None:
    orders = _send(story, versions[: story.rng.choice((1, 1, 1, 2))])
    for other in orders[1:]:
        if story.rng.random() < 0.5:
            with story.now():
                actions.accept_order(story.front(other), other)
    _accept(story, orders[0])
    _papers(story, _again(orders[0]))
    _grant(story, _again(orders[0]))
    _close(story, _again(orders[0]))


def _pool_granted(story: Story, versions: Sequence[ProductVersion]) -> None:
    (order,) = _send(story, (), pool=True)
    version = versions[0]
    office = story.market.office(version.product.institution, story.need.region)
    story.later(0, 1)
    with story.now():
        actions.take_order(story.market.staff(office, clocks.front_role(office)), order, version=version)
    order = _again(order)
    _accept(story, order)
    _papers(story, _again(order))
    _grant(story, _again(order))
    _close(story, _again(order))


def _refused(story: Story, versions: Sequence[ProductVersion], *, mendable: bool = False) -> None:
    orders = _send(story, versions[: story.rng.choice((1, 1, 1, 2))])
    for order in orders[1:]:
        with story.now():
            actions.accept_order(story.front(order), order)
    for order in orders:
        if order.pk == orders[0].pk:
            _accept(story, order)
        _papers(story, _again(order))
        _refuse(story, _again(order), mendable=mendable)


def _repaired(story: Story, versions: Sequence[ProductVersion]) -> None:
    """Refused, mended, sent again to the same product, granted."""
    _refused(story, versions[:1], mendable=True)
    story.later(8, 30)
    _granted(story, versions[:1])


def _terms_declined(story: Story, versions: Sequence[ProductVersion]) -> None:
    (order,) = _send(story, versions[:1])
    _accept(story, order)
    _papers(story, _again(order))
    _grant(story, _again(order))
    story.later(1, 3)
    with story.now():
        actions.decline_terms(story.firm, _again(order), reason=story.rng.choice(TERMS_DECLINED))


def _institution_declined(story: Story, versions: Sequence[ProductVersion]) -> None:
    (order,) = _send(story, versions[:1])
    story.later(0, 1)
    with story.now():
        actions.decline_order(story.front(order), order, reason=story.rng.choice(DECLINES))


def _withdrawn(story: Story, versions: Sequence[ProductVersion]) -> None:
    orders = _send(story, versions[:2])
    if story.rng.random() < 0.6:
        _accept(story, orders[0])
    story.later(1, 6)
    with story.now():
        actions.withdraw_need(story.firm, story.need, reason=story.rng.choice(WITHDRAWALS))


def _stalled(story: Story, versions: Sequence[ProductVersion]) -> None:
    """Nobody accepted it, or nobody went to see the firm: an overdue order for the bureau to see."""
    (order,) = _send(story, versions[:1])
    if story.rng.random() < 0.4:
        return
    story.later(0, 1)
    with story.now():
        actions.accept_order(story.front(order), order)
    story.later(0, 0)
    with story.now():
        actions.record_contact(story.front(order), order, note=story.rng.choice(NOTES))


_ENDS: dict[str, Callable[[Story, Sequence[ProductVersion]], None]] = {
    "granted": _granted,
    "pool_granted": _pool_granted,
    "refused": _refused,
    "repaired": _repaired,
    "terms_declined": _terms_declined,
    "institution_declined": _institution_declined,
    "withdrawn": _withdrawn,
    "stalled": _stalled,
}
