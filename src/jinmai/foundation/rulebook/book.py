"""The rulebook (规则库): every rule of this installation, asked for a day; there is no today in here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.errors import Broken, NotFound, Refusal, Words
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.rulebook.faults import RuleFault
from jinmai.foundation.rulebook.loader import PACKAGE, city_files, read_rule, shared_files
from jinmai.foundation.rulebook.overlay import lay_over
from jinmai.foundation.rulebook.rule import Rule, RuleValue, digest_of

DEFAULT_CITY = "example"


class NotInForce(Refusal):
    """The rule says nothing yet on that day (当日未生效): no answer to a condition, neither yes nor no."""

    def __init__(self, rule: Rule, on: date) -> None:
        first = rule.values[0].starts.isoformat()
        reason = Words("规则“%(rule)s”在 %(on)s 尚未生效", rule=rule.label, on=on.isoformat())
        super().__init__("JM-RUL-004", reason, Words("最早从 %(first)s 起可用", first=first))


@dataclass(frozen=True)
class Rulebook:
    """All rules of one city: the shared ones with the city's values laid over them."""

    city: str
    rules: Mapping[str, Rule]
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        content = [[rule.id, rule.digest] for rule in sorted(self.rules.values(), key=lambda rule: rule.id)]
        object.__setattr__(self, "digest", digest_of(content))

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id with all its dated values; refuses an unknown id (JM-RUL-005)."""
        found = self.rules.get(rule_id)
        if found is None:
            raise NotFound("JM-RUL-005", Words("规则库中没有“%(rule_id)s”", rule_id=rule_id), "请核对规则编号")
        return found

    def get(self, rule_id: str, on: date) -> RuleValue:
        """What the rule says on ``on``; refuses a day on which it says nothing yet (JM-RUL-004)."""
        rule = self.rule(rule_id)
        dated = rule.value_on(on)
        if dated is None:
            raise NotInForce(rule, on)
        return RuleValue(rule, dated, on)


def read_book(city: City, package: Path = PACKAGE) -> tuple[Rulebook, list[RuleFault]]:
    """The rulebook of a city and every fault met; a rule with a fault is left out."""
    rules: dict[str, Rule] = {}
    faults: list[RuleFault] = []
    for path, desk in shared_files(package):
        try:
            rule = read_rule(path, desk)
            if rule.id in rules:
                raise RuleFault("id", f"{rule.id} 已在 {rules[rule.id].file} 中", rule.file)
            if rule.overrides is not None:
                raise RuleFault("overrides", "只有地方规则可以覆盖", rule.file)
            rules[rule.id] = rule
        except RuleFault as fault:
            faults.append(fault)
    for path, desk in city_files(city.folder):
        try:
            local = read_rule(path, desk)
            rules[local.id] = lay_over(rules.get(local.id), local)
        except RuleFault as fault:
            faults.append(fault)
    return Rulebook(city.name, rules), faults


def active_city() -> str:
    """The city whose rules hold here: ``JINMAI_CITY``, else the opened home's, else the example city."""
    named = os.environ.get("JINMAI_CITY")
    if named:
        return named
    try:
        return current_home().city_name
    except (Broken, OSError):
        return DEFAULT_CITY


def load_rules(city: str | None = None) -> Rulebook:
    """The rulebook of a city (default: this installation's); a faulty rule file stops with the first fault named."""
    return _load(city or active_city())


@cache
def _load(city: str) -> Rulebook:
    book, faults = read_book(City.named(city))
    if faults:
        raise Broken(
            f"规则库有误：{faults[0]}"
            + (f"（另有 {len(faults) - 1} 处，见 jinmai rules lint）" if len(faults) > 1 else "")
        )
    return book


def forget_rules() -> None:
    """Read the rule files again at the next question; for tests and for a candidate rulebook."""
    _load.cache_clear()


def get(rule_id: str, on: date) -> RuleValue:
    """What a rule says on a day, in this installation (依据).

    Refuses an unknown id (JM-RUL-005) and a day on which the rule says nothing yet (JM-RUL-004). ``on`` is always given:
    the rulebook knows no today.
    """
    return load_rules().get(rule_id, on)


def get_rule(rule_id: str) -> Rule:
    """A rule with all its dated values; refuses an unknown id (JM-RUL-005)."""
    return load_rules().rule(rule_id)
