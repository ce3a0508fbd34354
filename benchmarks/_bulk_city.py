"""A home full of rows for the benchmarks, written straight into the tables: firms, needs, orders, clocks, tasks, events.

Nothing here goes through actions: it only has to look like what actions leave behind, in number and in spread.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

SEED = 20261122
CHUNK = 5_000
#: username, organisation, role: the roles whose pages are measured.
ROLES = (
    ("bench_clerk", "district_dongting", "district.clerk"),
    ("bench_chief", "bureau", "bureau.section_chief"),
    ("bench_manager", "bank_city_jp_dongting", "institution.account_manager"),
    ("bench_director", "bureau", "bureau.director"),
    ("bench_firm", "", "firm.accountant"),
)
#: Status of an order, of its need, and its share in a hundred.
SPREAD = (
    ("sent", "open", 4),
    ("accepted", "in_progress", 10),
    ("papers_requested", "in_progress", 3),
    ("decided_granted", "in_progress", 3),
    ("disbursed", "met", 42),
    ("decided_refused", "closed", 20),
    ("declined", "open", 4),
    ("terms_declined", "open", 4),
    ("withdrawn", "withdrawn", 10),
)
PLACE_NAMES = ("东汀", "西岭", "南屏", "北塘", "临江", "枣林", "云台")
TRADE_NAMES = ("精密机械", "五金制品", "建筑材料", "食品加工", "纺织服装", "电子科技", "物流运输", "农资商贸")


def new_uuid(chance: random.Random) -> UUID:
    """A random key that is the same in every run."""
    return UUID(int=chance.getrandbits(128), version=4)


def create(rows: Iterator[Any]) -> None:
    """Write rows of one model by the thousand."""
    while chunk := list(islice(rows, CHUNK)):
        type(chunk[0])._base_manager.bulk_create(chunk)


class BulkCity:
    """The rows of one home; ``grow`` adds needs (each with an order, a task and two events) up to a number."""

    def __init__(self, firms: int) -> None:
        from jinmai.foundation.kernel.clock import Clock
        from jinmai.foundation.kernel.organisations.models import Organisation, Region

        self.chance = random.Random(SEED)
        self.today: date = Clock.today()
        self.now: datetime = Clock.now()
        self.regions = list(Region.objects.exclude(kind="city").order_by("code"))
        self.lenders = list(Organisation.objects.filter(kind="bank").order_by("code"))
        self.made = 0
        self._add_firms(firms)
        self._open_accounts()

    def _add_firms(self, count: int) -> None:
        from jinmai.desks.parties.models import Firm
        from jinmai.foundation.kernel.organisations.models import Organisation
        from jinmai.foundation.kernel.subjects.models import Identifier, Subject

        names = [
            f"{self.chance.choice(PLACE_NAMES)}示例{place:05d}{self.chance.choice(TRADE_NAMES)}有限公司"
            for place in range(count)
        ]
        subjects = [Subject(id=new_uuid(self.chance), kind="enterprise", name=name, origin="example") for name in names]
        create(iter(subjects))
        create(
            Identifier(subject=subject, scheme="cumcm2020", value=f"B{place:05d}")
            for place, subject in enumerate(subjects)
        )
        create(
            Firm(id=new_uuid(self.chance), subject=subject, name=subject.name, region=self._region(place),
                 industry_code="3484", contact_name="示例", contact_phone="13900000000", size_class="small")
            for place, subject in enumerate(subjects)
        )  # fmt: skip
        create(
            Organisation(code=f"bench_firm_{place:05d}", name=subject.name, kind="firm", region=self._region(place),
                         subject=subject)
            for place, subject in enumerate(subjects)
        )  # fmt: skip
        made = list(Organisation.objects.filter(code__startswith="bench_firm_").order_by("code"))
        for organisation in made:
            organisation.path = f"/{organisation.pk}/"
        Organisation.objects.bulk_update(made, ["path"], batch_size=CHUNK)
        self.firms = made

    def _region(self, place: int) -> Any:
        return self.regions[place % len(self.regions)]

    def _open_accounts(self) -> None:
        from jinmai.foundation.kernel.access.models import Membership, User
        from jinmai.foundation.kernel.organisations.models import Organisation

        for username, code, role in ROLES:
            user = User.objects.create(username=username, display_name=username, password="!")
            where = Organisation.objects.get(code=code) if code else self.firms[0]
            Membership.objects.create(user=user, organisation=where, role=role, since=date(2020, 1, 1))

    def grow(self, needs: int) -> None:
        """Add needs until there are so many; half of them of the last half year."""
        from django.db import transaction

        from jinmai.desks.financing.models import ProductVersion

        versions = list(ProductVersion.objects.in_force(self.today).order_by("pk")[:12])
        statuses = [(order, need) for order, need, share in SPREAD for _turn in range(share)]
        rows = [self._case(place, versions, statuses) for place in range(self.made, needs)]
        with transaction.atomic():
            for part in ("clock", "need", "order", "task", "first", "second"):
                create(row[part] for row in rows)
            create(row["loan"] for row in rows if "loan" in row)
        self.made = needs

    def _case(self, place: int, versions: list[Any], statuses: list[tuple[str, str]]) -> dict[str, Any]:
        from jinmai.desks.financing.models import Event, Loan, Need, Order
        from jinmai.foundation.kernel.action import object_ref
        from jinmai.foundation.kernel.work.models import DueClock, Task

        chance = self.chance
        status, of_need = chance.choice(statuses)
        firm = self.firms[place % len(self.firms)]
        sent = self.now - timedelta(minutes=chance.randint(30, 730 * 24 * 60))
        live = status in Order.LIVE
        due = self.today + timedelta(days=chance.randint(-3, 30)) if live else sent.date() + timedelta(days=10)
        clock = DueClock(pk=1_000_000 + place, kind="working", days=10, started_on=sent.date(), due_on=due,
                         calendar_digest="0" * 64)  # fmt: skip
        need = Need(
            id=new_uuid(chance), number=f"需〔2026〕B{place:06d}号", subject_id=firm.subject_id, organisation=firm,
            region_id=firm.region_id, amount_fen=chance.randint(10, 500) * 1_000_000, term_months=12,
            purpose="采购原材料", contact_name="示例", contact_phone="13900000000", status=of_need,
            created_at=sent, submitted_at=sent,
        )  # fmt: skip
        lender = chance.choice(self.lenders)
        order = Order(
            id=new_uuid(chance), number=f"对〔2026〕B{place:06d}号", need=need, version=chance.choice(versions),
            institution=lender, status=status, sent_at=sent, clock=clock,
            accepted_at=None if status in ("sent", "declined", "withdrawn") else sent + timedelta(hours=6),
            decided_at=sent + timedelta(days=5) if status.startswith(("decided", "terms", "disb")) else None,
            closed_at=None if live else sent + timedelta(days=9),
        )  # fmt: skip
        role, holder = self._doer(place, firm, lender)
        task = Task(
            id=new_uuid(chance), subject_ref=object_ref(order), title=f"{order.number}　{firm.name}",
            verb="financing.accept_order", verb_label="受理", organisation=holder, role=role,
            region_id=firm.region_id, url=f"/financing/orders/{order.pk}/", clock=clock, due_on=due, opened_at=sent,
            done_at=None if live else sent + timedelta(hours=6), done_by="" if live else "示例",
        )  # fmt: skip
        row: dict[str, Any] = {"clock": clock, "need": need, "order": order, "task": task}
        for name, verb, text, hours in (("first", "submit_need", "提交需求", 0), ("second", "accept_order", "受理", 6)):
            row[name] = Event(need=need, order=order, verb=verb, party="firm", actor_name="示例",
                              organisation_name=firm.name, text=text, at=sent + timedelta(hours=hours))  # fmt: skip
        if status == "disbursed":
            day = (sent + timedelta(days=9)).date()
            row["loan"] = Loan(
                id=new_uuid(chance), order=order, subject_id=firm.subject_id, contract_number=f"B{place:06d}",
                disbursed_fen=need.amount_fen, disbursed_on=day, due_on=day + timedelta(days=365),
                first_time_inferred=place % 3 == 0, first_time_verified=place % 3 == 0 if place % 2 else None,
            )  # fmt: skip
        return row

    def _doer(self, place: int, firm: Any, lender: Any) -> tuple[str, Any]:
        """Whose task it is: most an account manager's, some of the bureau, the districts and the firms."""
        by_code = {"bureau": "bureau.section_chief", "district_dongting": "district.clerk"}
        if place % 10 == 0:
            code = "bureau" if place % 20 else "district_dongting"
            return by_code[code], self._organisation(code)
        if place % 10 == 1:
            return "firm.accountant", firm
        if place % 10 == 2:
            return "institution.account_manager", self._organisation("bank_city_jp_dongting")
        return "institution.account_manager", lender

    def _organisation(self, code: str) -> Any:
        from jinmai.foundation.kernel.organisations.models import Organisation

        held = self.__dict__.setdefault("_held", {})
        if code not in held:
            held[code] = Organisation.objects.get(code=code)
        return held[code]
