"""Lint (规则体检): every file, every citation, every reference and every case of a rulebook."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jinmai.foundation.kernel.city import City
from jinmai.foundation.rulebook.book import Rulebook, read_book
from jinmai.foundation.rulebook.cases import run_case
from jinmai.foundation.rulebook.faults import RuleFault
from jinmai.foundation.rulebook.kinds.checklist import Checklist
from jinmai.foundation.rulebook.kinds.ladder import Ladder
from jinmai.foundation.rulebook.loader import PACKAGE
from jinmai.foundation.rulebook.rule import DatedValue, Rule
from jinmai.foundation.rulebook.thresholds import InForce

COUNTS = ("rules", "errors", "uncited", "unconfirmed", "cases")


@dataclass
class Findings:
    """What lint found: counts in all and by desk, and each fault in words."""

    by_desk: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: dict.fromkeys(COUNTS, 0)))
    faults: list[RuleFault] = field(default_factory=list)

    def count(self, desk: str, name: str, number: int = 1) -> None:
        """Add to a desk's count."""
        self.by_desk[desk][name] += number

    def fault(self, desk: str, fault: RuleFault) -> None:
        """Book a fault of a desk's rule."""
        self.faults.append(fault)
        self.count(desk, "errors")

    def totals(self) -> dict[str, Any]:
        """``{"rules","errors","uncited","unconfirmed","cases","by_desk"}``."""
        summed = {name: sum(counts[name] for counts in self.by_desk.values()) for name in COUNTS}
        return {**summed, "by_desk": {desk: dict(self.by_desk[desk]) for desk in sorted(self.by_desk)}}


def lint(city: City, package: Path = PACKAGE) -> Findings:
    """Check a city's rulebook (规则体检).

    ``uncited`` counts values without a citation (only examples and unpublished notices may be), ``unconfirmed`` values
    of which a field of the citation or the notice itself has not been seen.
    """
    book, faults = read_book(city, package)
    findings = Findings()
    for fault in faults:
        findings.fault(fault.file.split("/rules/")[0], fault)
    for rule in book:
        _check_rule(rule, book, findings)
    return findings


def _unseen(dated: DatedValue) -> bool:
    rows = dated.value.rows.values() if isinstance(dated.value, Ladder) else ()
    return bool(dated.unverified) or not dated.confirmed or any(row.unverified for row in rows)


def _check_rule(rule: Rule, book: Rulebook, findings: Findings) -> None:
    findings.count(rule.desk, "rules")
    layers = [rule, *([rule.beneath] if rule.beneath else [])]
    findings.count(rule.desk, "uncited", sum(dated.cite is None for dated in rule.values))
    findings.count(rule.desk, "unconfirmed", sum(_unseen(dated) for dated in rule.values))
    for dated in rule.values:
        if isinstance(dated.value, Checklist):
            for named in dated.value.condition.rules():
                if named not in book.rules or book.rules[named].kind != "parameter":
                    findings.fault(rule.desk, RuleFault("values", f"引用的参数规则 {named} 不存在", rule.file))

    def resolve(rule_id: str, on: date) -> InForce:
        return book.get(rule_id, on)

    for layer in layers:
        findings.count(rule.desk, "cases", len(layer.cases))
        for index, case in enumerate(layer.cases):
            wrong = run_case(layer, case, resolve)
            if wrong is not None:
                findings.fault(rule.desk, RuleFault(f"cases[{index}]", wrong, layer.file))
