"""This desk's share of the example city: needs driven to their ends through the desk's own verbs, failures included.

``build_history`` tells a year; ``run_story`` one need. Everything follows from the seed: the same seed, the same city.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from jinmai.desks.financing import actions, clocks
from jinmai.desks.financing.actions.needs import serving_office
from jinmai.desks.financing.models import Need, Order, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.work.calendar import calendar

#: Who acts for an organisation in a role, or nobody.
Staff = Callable[[Organisation, str], Actor | None]
WAN = 1_000_000
#: How often each end comes, in per cent.
OUTCOMES = {
    "granted": 52,
    "pool_granted": 9,
    "refused": 12,
    "repaired": 6,
    "terms_declined": 5,
    "institution_declined": 5,
    "withdrawn": 6,
    "stalled": 5,
}
#: How often each coded reason is given.
REASONS = {
    "r01": 8, "r02": 6, "r03": 4, "r04": 7, "r05": 5, "r06": 6, "r07": 8, "r08": 4, "r09": 7, "r10": 9, "r11": 4,
    "r12": 5, "r13": 3, "r14": 5, "r15": 3, "r16": 5, "r17": 3, "r18": 4, "r19": 2,
}  # fmt: skip
#: A need that an institution left lying is still lying there only if it was sent this many days ago.
LATEST_STALL_DAYS = 45
AMOUNTS_WAN = (15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 180, 200, 260, 300, 350, 500, 800)
PURPOSES = {"采购原材料": 30, "日常周转": 30, "履行订单": 12, "设备购置": 10, "技术改造": 6, "研发投入": 6, "其他": 2}
PAPERS = (
    "2025年度财务报表；近6个月银行流水",
    "购销合同两份；上游付款凭证",
    "不动产权证复印件；股东会决议",
    "法定代表人身份证明；公司章程",
)
WITHDRAWALS = ("资金已自筹解决", "订单取消，暂不需要", "已由股东借款解决")
DECLINES = ("本支行当期额度已满", "企业注册地不在本机构展业范围", "所属行业不在本产品支持范围")
TERMS_DECLINED = ("利率高于预期", "期限短于资金周转期", "要求追加的保证无法提供")
NOTES = ("电话联系，约定上门时间", "已加联系方式，介绍了所需材料", "企业财务接听，需求属实")
VISITS = ("车间开工正常，库存与报表相符", "看了仓库和在手订单", "经营场所与登记一致，员工在岗")


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


def remembered(staff: Staff) -> Staff:
    """The same answers, each asked for once: a history asks for the same few people thousands of times."""
    known: dict[tuple[int, str], Actor | None] = {}

    def ask(organisation: Organisation, role: str) -> Actor | None:
        key = (organisation.pk, role)
        if key not in known:
            known[key] = staff(organisation, role)
        return known[key]

    return ask


def firm_actors() -> list[Actor]:
    """An accountant of every firm that has one, in order of the organisation's code."""
    posts = Membership.objects.live(Clock.today()).filter(role="firm.accountant", organisation__kind="firm")
    posts = posts.select_related("user", "organisation__region", "organisation__subject")
    return [Actor.of(post) for post in posts.order_by("organisation__code", "pk") if post.organisation.subject_id]


@dataclass
class Story:
    """One need on its way, standing at ``day``; steps after ``until`` are left for the people who open the city."""

    firm: Actor
    staff: Staff
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
        found = self.staff(organisation, role)
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
    amount_wan: int | None = None,
    product: str | None = None,
) -> Need:
    """Drive one need of ``firm`` from ``start`` to its ``outcome`` (a key of ``OUTCOMES``), no further than ``until``.

    ``product`` names the product to send it to first; otherwise those in force that day whose range and place fit and
    whose institution has somebody to act are drawn from. Returns the need as it then stands.
    """
    rng = random.Random(seed)
    story = Story(firm, staff, rng, calendar().add_working_days(start, 1), until)
    amount = amount_wan or rng.choice(AMOUNTS_WAN)
    chosen = _versions(story, amount * WAN, product)
    purpose = rng.choices(list(PURPOSES), list(PURPOSES.values()))[0]
    with story.now():
        story.need = actions.draft_need(
            firm,
            amount_fen=amount * WAN,
            term_months=rng.choice((6, 12, 12, 12, 24)),
            purpose=purpose,
            guarantee=rng.choice(list(Need.Guarantee.values)),
            contact_name=firm.name,
            contact_phone=f"1390000{rng.randint(0, 9999):04d}",
            declared=_declared(story.day, rng),
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
    rng, staff = random.Random(seed), remembered(staff)
    days = max(1, (until - start).days)
    begun = sorted((start + timedelta(days=_leaning(rng, days)), number) for number in range(needs))
    told: Counter[str] = Counter()
    for done, (day, number) in enumerate(begun, start=1):
        outcome = rng.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        if outcome == "stalled" and (until - day).days > LATEST_STALL_DAYS:
            outcome = "withdrawn"  # a firm that hears nothing for months has long gone elsewhere
        firm = firms[rng.randrange(len(firms))]
        try:
            run_story(firm, outcome, start=day, until=until, seed=seed * 100_003 + number, staff=staff)
            told[outcome] += 1
        except Refusal:
            told["refused_by_rule"] += 1
        if tell:
            tell(done, needs)
    return told


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
    return int(max(rng.random(), rng.random() * 0.9) * days)


def _declared(day: date, rng: random.Random) -> dict[str, dict[str, object]]:
    """Figures that about half of the firms state themselves; some have bank debt and are no first-time borrowers."""
    stated: dict[str, dict[str, object]] = {}
    if rng.random() < 0.5:
        stated["asset_liability_ratio"] = {"value": rng.randint(350, 780) * 1_000_000, "as_of": str(day)}
    if rng.random() < 0.45:
        stated["bank_debt"] = {"value": rng.choice((0, 50, 100, 200)) * WAN, "as_of": str(day)}
    return stated


def _versions(story: Story, amount_fen: int, product: str | None) -> list[ProductVersion]:
    """The products the firm could send to that day: in force, in range, in its place, with somebody to act."""
    versions = ProductVersion.objects.in_force(story.day).order_by("product__code")
    versions = versions.exclude(product__category__in=("insurance", "bridge")).exclude(product__code__in=("p03", "p24"))
    if product is not None:
        return list(versions.filter(product__code=product))
    place = Region.objects.filter(organisations=story.firm.organisation_id).first()
    fitting = [one for one in versions if one.amount_min_fen <= amount_fen <= one.amount_max_fen]
    fitting = [one for one in fitting if _serves(one, place) and _manned(story, one, place)]
    if not fitting:
        raise Refusal("JM-FIN-005", "没有可提交的产品", "请换一个额度")
    story.rng.shuffle(fitting)
    return fitting


def _serves(version: ProductVersion, place: Region | None) -> bool:
    asked = [clause for clause in version.clauses if clause["measure"] == "region"]
    return all(place is not None and place.name in clause["value"] for clause in asked)


def _manned(story: Story, version: ProductVersion, place: Region | None) -> bool:
    if place is None:
        return False
    office = serving_office(version.product.institution, place)
    bank = office.kind == "bank"
    decides = clocks.head_office(office) if bank else office
    role = "institution.approver" if bank else "institution.manager"
    return story.staff(office, clocks.front_role(office)) is not None and story.staff(decides, role) is not None


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
        actions.record_visit(story.front(order), order, note=story.rng.choice(VISITS))


def _papers(story: Story, order: Order) -> None:
    if story.rng.random() < 0.3:
        with story.now():
            actions.request_papers(story.front(order), order, papers=story.rng.choice(PAPERS))
        story.later(1, 7)
        with story.now():
            actions.supply_papers(story.firm, order)
    story.later(0, 1)
    with story.now():
        actions.papers_complete(story.front(order), order)


def _refuse(story: Story, order: Order) -> None:
    story.later(2, 14)
    with story.now():
        reason = story.rng.choices(list(REASONS), list(REASONS.values()))[0]
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
    orders = _send(story, versions[: story.rng.choice((1, 1, 2, 3))])
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
    office = serving_office(version.product.institution, story.need.region)
    story.later(0, 1)
    with story.now():
        actions.take_order(story.staff(office, clocks.front_role(office)), order, version=version)
    order = _again(order)
    _accept(story, order)
    _papers(story, _again(order))
    _grant(story, _again(order))
    _close(story, _again(order))


def _refused(story: Story, versions: Sequence[ProductVersion]) -> None:
    orders = _send(story, versions[: story.rng.choice((1, 1, 2))])
    for order in orders[1:]:
        with story.now():
            actions.accept_order(story.front(order), order)
    for order in orders:
        if order.pk == orders[0].pk:
            _accept(story, order)
        _papers(story, _again(order))
        _refuse(story, _again(order))


def _repaired(story: Story, versions: Sequence[ProductVersion]) -> None:
    """Refused, mended, sent again to the same product, granted."""
    _refused(story, versions[:1])
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
