"""A city's values over the shared rules (地方覆盖): added in the open, never slipped in."""

from __future__ import annotations

from dataclasses import replace

from jinmai.foundation.rulebook.faults import RuleFault
from jinmai.foundation.rulebook.rule import DatedValue, Rule

LOCAL_STATUSES = ("local", "example")


def lay_over(shared: Rule | None, local: Rule) -> Rule:
    """The rule that holds in the city: the shared one with the city's values replaced or added.

    A city adds only ``local`` or ``example`` rules. It changes a shared one only by naming it (``overrides``), with the
    same kind and unit; a binding one only with a reason (``because``), and never to the looser side where the shared
    rule says which side is ``tighter``.
    """
    if local.status not in LOCAL_STATUSES:
        raise RuleFault("status", "地方规则只能是 local 或 example", local.file)
    if shared is None:
        if local.overrides is not None:
            raise RuleFault("overrides", f"没有编号为 {local.overrides} 的共同规则", local.file)
        return local
    if local.overrides != shared.id:
        raise RuleFault("overrides", f"与共同规则 {shared.id} 同名；要覆盖请写明 overrides: {shared.id}", local.file)
    if (local.kind, local.unit) != (shared.kind, shared.unit):
        raise RuleFault("kind", f"应与共同规则相同（{shared.kind}，单位 {shared.unit}）", local.file)
    if shared.status == "binding":
        _keep_binding(shared, local)
    taken = {dated.starts for dated in local.values}
    kept = [dated for dated in shared.values if dated.starts not in taken]
    merged = tuple(sorted([*kept, *local.values], key=lambda dated: dated.starts))
    return replace(
        shared,
        values=merged,
        cases=local.cases,
        overrides=local.overrides,
        because=local.because,
        checked_on=max(shared.checked_on, local.checked_on),
        beneath=shared,
    )


def _keep_binding(shared: Rule, local: Rule) -> None:
    if not local.because:
        raise RuleFault("because", "覆盖强制性规则要写明理由（because）", local.file)
    for dated in local.values:
        before = shared.value_on(dated.starts)
        if shared.tighter and before is not None and _looser(shared.tighter, before, dated):
            raise RuleFault("values", f"不得放宽强制性规则 {shared.id}", local.file)


def _looser(tighter: str, before: DatedValue, after: DatedValue) -> bool:
    if not isinstance(before.value, int) or not isinstance(after.value, int):
        return False
    return after.value > before.value if tighter == "lower" else after.value < before.value
