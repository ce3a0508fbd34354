"""Whether a firm is a first-time borrower (首贷户, 平台推定), by the definition in force on the day, from what was known before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinmai.desks.financing.models import Loan, Need
from jinmai.desks.parties.facts import KIND_TEXT
from jinmai.desks.parties.models import Firm
from jinmai.foundation.rulebook import Figure, MeasureInfo, NotInForce, RuleValue, explain, get

RULE = "first_time_borrower"
#: The definition asks the credit register, which only an institution may query; the platform puts what it knows there.
RECORDS = "bank_loan_records_before_disbursement"
SOURCE = "平台推定：平台放款记录、企业填报"


@dataclass(frozen=True)
class Inference:
    """Whether a firm is inferred to be a first-time borrower, what a loan keeps of it, and what it was asked of."""

    first_time: bool
    basis: dict[str, Any]
    figures: Mapping[str, Figure]
    rule: RuleValue | None = None


def infer_first_time(need: Need, disbursed_on: date) -> Inference:
    """The platform's inference before a disbursement (平台推定), and what it rests on.

    Counts the loans this platform knows of up to that day, other than the one now recorded, and the bank debt the firm
    stated; size and kind come from the register. Not known is not inferred: a firm without a size class is none. The
    institution's own word (机构核实) stands beside it. Source: rule ``first_time_borrower``.
    """
    loans = Loan.objects.filter(subject_id=need.subject_id, disbursed_on__lte=disbursed_on).count()
    stated = need.declared.get("bank_debt", {}).get("value")
    figures = {RECORDS: Figure(loans + (1 if stated else 0), disbursed_on, SOURCE), **_registered(need)}
    basis: dict[str, Any] = {"rule": RULE, "on": str(disbursed_on), "loans_before": loans, "debt_stated": bool(stated)}
    try:
        rule = get(RULE, on=disbursed_on)
    except NotInForce:
        return Inference(False, {**basis, "answer": None}, figures)
    told = explain(rule.value.condition, figures, _measures(), disbursed_on)
    basis |= {"answer": told.answer, "rule_digest": rule.rule.digest}
    basis |= {"clauses": {clause.id: clause.answer for clause in told.clauses}}
    return Inference(told.answer == "yes", basis, figures, rule)


def _registered(need: Need) -> dict[str, Figure]:
    firm = Firm.objects.filter(subject_id=need.subject_id).first()
    if firm is None:
        return {}
    kind, size = KIND_TEXT.get(firm.kind), firm.size_class or None
    return {"subject_kind": Figure(kind), "size_class": Figure(size, firm.figures_as_of)}


def _measures() -> dict[str, MeasureInfo]:
    return {RECORDS: MeasureInfo(RECORDS, "放款前银行贷款记录", "笔", who_can_know="institution")}
