"""Who asks for what in the example city, and whom: products by trade, purpose and size; reasons for not granting."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from jinmai.desks.financing import clocks
from jinmai.desks.financing.actions.needs import serving_office
from jinmai.desks.financing.models import ProductVersion
from jinmai.desks.parties.models import Firm
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.organisations.models import Organisation, Region

#: Who acts for an organisation in a role, or nobody.
Staff = Callable[[Organisation, str], Actor | None]
WAN = 1_000_000
AMOUNTS_WAN = (3, 5, 8, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 180, 200, 260, 300, 350, 500, 600, 800, 1000)
MACHINES_WAN = (*AMOUNTS_WAN, 1500, 2000, 3000)
MACHINES = ("设备购置", "技术改造")
#: What a firm asks for, as a share of its yearly sales.
LEAST_SHARE, MOST_SHARE = 0.07, 0.32
#: How often each coded reason is given.
REASONS = {
    "r01": 8, "r02": 6, "r03": 4, "r04": 7, "r05": 5, "r06": 6, "r07": 8, "r08": 4, "r09": 7, "r10": 9, "r11": 4,
    "r12": 5, "r13": 3, "r14": 5, "r15": 3, "r16": 5, "r17": 3, "r18": 4, "r19": 2, "r20": 2,
}  # fmt: skip
#: Reasons that a firm mends within weeks.
MENDABLE = frozenset({"r01", "r02", "r03", "r04", "r10", "r11", "r15", "r16", "r17"})
#: So many refusals leave it to chance which reason they give; after them those never given come first.
REASONS_BY_CHANCE = 20


@dataclass(frozen=True)
class Suits:
    """For whom a product is: trades (first digits of GB/T 4754), kinds of firm, purposes, sales at most (万元)."""

    trades: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    sales_wan: int = 0

    def fits(self, asker: Asker, purpose: str) -> bool:
        """Whether the firm and its purpose are meant."""
        return (
            (not self.trades or asker.trade.startswith(self.trades))
            and (not self.kinds or asker.kind in self.kinds)
            and (not self.purposes or purpose in self.purposes)
            and (not self.sales_wan or asker.sales_wan <= self.sales_wan)
        )


FARMS = ("01", "03", "04")
KNOWING = ("27", "35", "36", "38", "39", "40", "64", "65", "73", "74")
#: Products that are not for everybody; the others are.
SUITS = {
    "p03": Suits(purposes=("续贷",)),
    "p05": Suits(trades=KNOWING),
    "p06": Suits(purposes=MACHINES),
    "p07": Suits(sales_wan=400),
    "p08": Suits(trades=("13", "17", "18", "35", "36", "38", "39")),
    "p09": Suits(trades=("47", "48", "49", "50", "65", "70", "74", "77", "78")),
    "p10": Suits(trades=KNOWING),
    "p12": Suits(trades=(*FARMS, "13", "5123")),
    "p13": Suits(trades=("03",)),
    "p14": Suits(trades=("30", "33", "44", "46", "77"), purposes=MACHINES),
    "p15": Suits(trades=("22", "33", "34", "35", "36", "38", "39")),
    "p17": Suits(trades=KNOWING),
    "p18": Suits(trades=(*FARMS, "13")),
    "p19": Suits(purposes=MACHINES),
    "p20": Suits(trades=("33", "34", "36", "47", "48", "54")),
    "p21": Suits(trades=("22", "30", "33", "34", "36", "47", "51")),
    "p22": Suits(sales_wan=600),
    "p23": Suits(sales_wan=900),
    "p24": Suits(trades=("5262",)),
    "p28": Suits(sales_wan=200),
}
#: Never drawn: an insurer lends nothing, bridging money needs a bank's letter first.
NEVER = ("insurance", "bridge")
#: Asked for by those only whose loan comes due.
RENEWING = ("p03",)
#: How much more often than others a product is asked for.
SOUGHT = {"p01": 4.0, "p02": 2.5, "p04": 1.6, "p11": 1.8, "p16": 2.5, "p22": 1.4, "p23": 1.2, "p28": 0.5}


@dataclass(frozen=True)
class Asker:
    """What the register says of a firm that asks."""

    region: Region | None
    trade: str = ""
    kind: str = "legal_person"
    sales_wan: int = 600
    phone: str = ""

    def bears(self, amount_fen: int) -> bool:
        """Whether so much is not out of all proportion to its sales."""
        return amount_fen <= self.sales_wan * WAN * MOST_SHARE

    def amount_wan(self, rng: random.Random, purpose: str) -> int:
        """What it asks for: a round sum that its sales can bear."""
        share = rng.uniform(LEAST_SHARE, MOST_SHARE) * (1.6 if purpose in MACHINES else 1)
        steps = MACHINES_WAN if purpose in MACHINES else AMOUNTS_WAN
        return min(steps, key=lambda step: abs(step - self.sales_wan * share))


class Market:
    """Products, offices and reasons as one history asks for them: each looked up once, each used about as it should be."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff
        self._people: dict[tuple[int, str], Actor | None] = {}
        self._offices: dict[tuple[int, str], Organisation] = {}
        self._askers: dict[int, Asker] = {}
        self.used: Counter[str] = Counter()
        self.given: Counter[str] = Counter()

    @cached_property
    def _versions(self) -> list[ProductVersion]:
        versions = ProductVersion.objects.select_related("product__institution__parent")
        return list(versions.order_by("product__code", "number"))

    def staff(self, organisation: Organisation, role: str) -> Actor | None:
        """Who acts: a history asks for the same few people thousands of times."""
        key = (organisation.pk, role)
        if key not in self._people:
            self._people[key] = self._staff(organisation, role)
        return self._people[key]

    def office(self, institution: Organisation, region: Region) -> Organisation:
        """The institution's branch that serves the district."""
        key = (institution.pk, region.pk)
        if key not in self._offices:
            self._offices[key] = serving_office(institution, region)
        return self._offices[key]

    def asker(self, firm: Actor) -> Asker:
        """What the register says of the firm."""
        if firm.organisation_id not in self._askers:
            region = Region.objects.filter(organisations=firm.organisation_id).first()
            row = Firm.objects.filter(subject_id=firm.subject_id).first()
            sales = (row.revenue_fen or 0) // WAN if row else 0
            self._askers[firm.organisation_id] = (
                Asker(region, row.industry_code.lstrip("ABCDEFGHIJKLMNOPQRST"), row.kind, sales or 600, row.contact_phone)
                if row
                else Asker(region)
            )
        return self._askers[firm.organisation_id]

    def offers(
        self,
        asker: Asker,
        day: date,
        amount_fen: int,
        term: int,
        purpose: str,
        rng: random.Random,
        product: str | None = None,
    ) -> list[ProductVersion]:
        """The versions the firm could send to that day, the likeliest first; refuses when there is none (JM-FIN-005)."""
        inforce = [one for one in self._versions if _binds(one, day)]
        if product is not None:
            found = [one for one in inforce if one.product.code == product]
        else:
            found = [one for one in inforce if one.product.category not in NEVER]
            found = [one for one in found if one.amount_min_fen <= amount_fen <= one.amount_max_fen]
            found = [one for one in found if self._fits(one, asker, purpose) and self._manned(one, asker.region)]
            in_term = [one for one in found if one.term_min_months <= term <= one.term_max_months]
            found = in_term or found
        if not found:
            raise Refusal("JM-FIN-005", "没有可提交的产品", "请换一个额度")
        found.sort(key=lambda one: rng.random() * (1 + self.used[one.product.code] / SOUGHT.get(one.product.code, 1.0)))
        self.used[found[0].product.code] += 1
        return found

    def neglected(
        self, firms: Sequence[Actor], day: date, rng: random.Random
    ) -> tuple[Actor, dict[str, Any]] | None:
        """The product in force that was asked for least, and a firm it is for, with what that firm would ask."""
        drawn = [one for one in self._versions if one.product.code not in RENEWING and one.product.category not in NEVER]
        inforce = [one for one in drawn if _binds(one, day)]
        for version in sorted(inforce, key=lambda one: (self.used[one.product.code], one.product.code))[:3]:
            purpose = (SUITS.get(version.product.code, Suits()).purposes or ("履行订单",))[0]
            meant = [(self.asker(firm), firm) for firm in firms]
            meant = [pair for pair in meant if self._fits(version, pair[0], purpose)]
            meant = [pair for pair in meant if pair[0].bears(version.amount_min_fen) and self._manned(version, pair[0].region)]
            if meant:
                asker, firm = meant[rng.randrange(len(meant))]
                amount = max(asker.amount_wan(rng, purpose), version.amount_min_fen // WAN)
                amount = min(amount, version.amount_max_fen // WAN)
                return firm, {"product": version.product.code, "purpose": purpose, "amount_wan": amount}
        return None

    def reason(self, rng: random.Random, *, mendable: bool) -> str:
        """A coded reason for not granting; in the long run every one is given."""
        open_to = {code: share for code, share in REASONS.items() if not mendable or code in MENDABLE}
        unused = [code for code in open_to if not self.given[code]]
        late = unused and self.given.total() >= REASONS_BY_CHANCE
        code = unused[0] if late else rng.choices(list(open_to), list(open_to.values()))[0]
        self.given[code] += 1
        return code

    def _fits(self, version: ProductVersion, asker: Asker, purpose: str) -> bool:
        suits = SUITS.get(version.product.code)
        if suits is not None and not suits.fits(asker, purpose):
            return False
        clauses = {str(clause["measure"]): clause["value"] for clause in version.clauses if clause["op"] == "in"}
        places = clauses.get("region")
        return places is None or asker.region is not None and asker.region.name in places  # type: ignore[operator]

    def _manned(self, version: ProductVersion, region: Region | None) -> bool:
        if region is None:
            return False
        office = self.office(version.product.institution, region)
        bank = office.kind == "bank"
        decides = clocks.head_office(office) if bank else office
        role = "institution.approver" if bank else "institution.manager"
        return self.staff(office, clocks.front_role(office)) is not None and self.staff(decides, role) is not None


def _binds(version: ProductVersion, day: date) -> bool:
    return version.effective_from <= day and (version.effective_to is None or version.effective_to >= day)
