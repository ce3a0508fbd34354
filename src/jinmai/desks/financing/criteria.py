"""The five standards of the coordination mechanism on one need: what was vouched for, what the machine can check.

Which standards there are, and what each rests on, is rule data; the machine's checks are the city's own reading of them.
A standard that nobody vouched for is 待核实, never 不符合.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from jinmai.desks.financing.answers import DECLARED_SOURCE
from jinmai.desks.financing.coordination import CriterionAttestation, EvidenceRequest
from jinmai.desks.financing.formulas import debt_to_sales
from jinmai.desks.financing.models import Need
from jinmai.desks.financing.vocabulary import declared_firm_measures, describe
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import STATUTORY_DUTY
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.rulebook import (
    Attestation,
    ClauseAnswer,
    Figure,
    MeasureInfo,
    NotInForce,
    RuleValue,
    explain,
    get,
)
from jinmai.foundation.rulebook.kinds.checklist import Item, attested_measure

STANDARDS_RULE = "financing_coordination_standards"
#: A city's own reading of the standards, item by item; a city without one has no machine checks.
CHECKS_RULE = "coordination_machine_checks"
HOLDS, FAILS, OPEN = "holds", "fails", "open"
#: The same firm asking the same again within so many days counts as registered elsewhere.
SAME_NEED_DAYS = 90


@dataclass(frozen=True)
class Standard:
    """One standard as it stands: the item of the rule, the word that stands, earlier ones, requests, machine checks."""

    item: Item
    word: CriterionAttestation | None
    earlier: tuple[CriterionAttestation, ...] = ()
    requests: tuple[EvidenceRequest, ...] = ()
    checks: tuple[ClauseAnswer, ...] = ()

    @property
    def id(self) -> str:
        """The item's id."""
        return self.item.id

    @property
    def text(self) -> str:
        """The item in words."""
        return self.item.text

    @property
    def state(self) -> str:
        """holds, fails, or open while nobody vouched."""
        return OPEN if self.word is None else HOLDS if self.word.holds else FAILS

    @property
    def awaited(self) -> tuple[EvidenceRequest, ...]:
        """Requests nobody answered yet."""
        return tuple(one for one in self.requests if one.is_open)


@dataclass(frozen=True)
class Sheet:
    """All standards of a need under the rule of a day; ``rule`` is None while none is in force."""

    need: Need
    rule: RuleValue | None
    standards: tuple[Standard, ...] = ()
    checks_rule: RuleValue | None = None
    manifest: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """How the need is named to the page of its basis."""
        return object_ref(self.need)

    def count(self, state: str) -> int:
        """How many standards are in a state."""
        return sum(one.state == state for one in self.standards)

    @property
    def all_hold(self) -> bool:
        """Whether every standard was vouched for."""
        return bool(self.standards) and self.count(HOLDS) == len(self.standards)

    def states(self) -> dict[str, str]:
        """Item → state, as a conclusion keeps it."""
        return {one.id: one.state for one in self.standards}


def standards_rule(on: date) -> RuleValue | None:
    """The five standards in force on a day."""
    try:
        return get(STANDARDS_RULE, on=on)
    except NotInForce:
        return None


def local_checks(on: date) -> RuleValue | None:
    """The city's own machine checks in force on a day; a city may have none."""
    try:
        return get(CHECKS_RULE, on=on)
    except (NotFound, NotInForce):
        return None


def item_named(item: str, on: date) -> Item:
    """The standard of that id; refuses an unknown one (JM-FIN-061)."""
    from django.utils.translation import gettext as _

    rule = standards_rule(on)
    found = next((one for one in rule.value.items if one.id == item), None) if rule else None
    if found is None:
        raise Refusal("JM-FIN-061", Words("五项标准中没有“%(item)s”", item=item), _("请从五项标准中选择"))
    return found


def sheet_of(need: Need, on: date, requests: Any = None) -> Sheet:
    """The standards of a need with what was vouched for; no figure is read. ``requests``: those the viewer may see."""
    rule = standards_rule(on)
    if rule is None:
        return Sheet(need, None)
    words = list(need.attestations.select_related("organisation").order_by("attested_at", "pk"))
    asked = list(requests) if requests is not None else []
    standards = []
    for item in rule.value.items:
        own = [one for one in words if one.item == item.id]
        word = next((one for one in own if one.replaced_at is None and one.withdrawn_at is None), None)
        earlier = tuple(one for one in reversed(own) if one is not word)
        standards.append(Standard(item, word, earlier, tuple(one for one in asked if one.item == item.id)))
    return Sheet(need, rule, tuple(standards), local_checks(on))


def checked_sheet(actor: Actor, need: Need, on: date, requests: Any = None) -> Sheet:
    """The same with the machine's checks: the firm's figures are read under statutory duty, and booked."""
    sheet = sheet_of(need, on, requests)
    if sheet.rule is None or sheet.checks_rule is None:
        return sheet
    figures, manifest = check_figures(actor, need, sheet.checks_rule, on)
    told = explain(sheet.checks_rule.value.condition, figures, describe() | OF_NEED, on, status=sheet.checks_rule.status)
    by_item: dict[str, list[ClauseAnswer]] = {}
    for clause in told.clauses:
        by_item.setdefault(clause.id.partition(".")[0], []).append(clause)
    standards = tuple(
        Standard(one.item, one.word, one.earlier, one.requests, tuple(by_item.get(one.id, ())))
        for one in sheet.standards
    )
    return Sheet(need, sheet.rule, standards, sheet.checks_rule, manifest, figures)


#: Figures of the need itself, which no source brings.
OF_NEED = {
    "need_to_sales": MeasureInfo(
        "need_to_sales", "需求额占近12个月开票额", "%", "需求额 ÷ 近12个月有效开票额", "融资需求、税务", "platform"
    ),
    "same_need_elsewhere": MeasureInfo(
        "same_need_elsewhere", "同一需求已另行登记", "bool", "同一企业近90天内另有同额度、同用途的在办需求", "融资需求", "platform"
    ),
}  # fmt: skip


def check_figures(actor: Actor, need: Need, rule: RuleValue, on: date) -> tuple[dict[str, Figure], str]:
    """The figures the checks ask for: read through the door, and those that follow from the need."""
    asked = set(rule.value.condition.measures())
    names = asked & declared_firm_measures()
    if "need_to_sales" in asked:
        names |= {"sales_12m"} & declared_firm_measures()
    figures: dict[str, Figure] = {}
    manifest = ""
    if names:
        reading = analytics.read(actor, STATUTORY_DUTY, [need.subject], sorted(names), on)
        manifest = reading.manifest.digest
        for name, one in reading.one().items():
            if one.value is not None:
                figures[name] = Figure(one.value, one.as_of, one.source)
    figures |= _of_need(need, figures, on)
    return figures, manifest


def _of_need(need: Need, read: Mapping[str, Figure], on: date) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    sales = read.get("sales_12m")
    if sales is not None:
        share = debt_to_sales(0, need.amount_fen, int(sales.value or 0))
        if share is not None:
            found["need_to_sales"] = Figure(share, sales.as_of, f"{need.number}、{sales.source}")
    twins = Need.objects.filter(
        subject_id=need.subject_id,
        amount_fen=need.amount_fen,
        purpose=need.purpose,
        status__in=(Need.Status.OPEN, Need.Status.IN_PROGRESS),
        submitted_at__gte=Clock.now() - timedelta(days=SAME_NEED_DAYS),
    ).exclude(pk=need.pk)
    found["same_need_elsewhere"] = Figure(twins.exists(), on, need.number)
    if need.purpose != Need.Purpose.OTHER:
        found["purpose"] = Figure(need.purpose, None, DECLARED_SOURCE)
    return found


def attested_figures(sheet: Sheet) -> dict[str, Figure]:
    """What was vouched for, as the rule's condition asks for it."""
    return {
        attested_measure(one.id): Figure(
            one.word.holds,
            one.word.attested_at.date(),
            one.word.evidence,
            Attestation(one.word.attested_by_name, one.word.attested_at.date(), one.word.evidence),
        )
        for one in sheet.standards
        if one.word is not None
    }
