"""Whether a firm is a first-time borrower (首贷户, 平台推定), by the definition in force on the day, from what was known before."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from jinmai.desks.financing.models import Loan, Need
from jinmai.foundation.rulebook import NotInForce, get

RULE = "first_time_borrower"


def infer_first_time(need: Need, disbursed_on: date) -> tuple[bool, dict[str, Any]]:
    """The platform's inference before a disbursement, and what it rests on.

    Looks only at what lies before ``disbursed_on``: loans on this platform, and the bank debt the firm stated. It can
    never know the credit register: the institution's own word (机构核实) stands beside it.
    """
    earlier = Loan.objects.filter(subject_id=need.subject_id, disbursed_on__lt=disbursed_on).count()
    same_day = Loan.objects.filter(subject_id=need.subject_id, disbursed_on=disbursed_on).count()
    stated = need.declared.get("bank_debt", {}).get("value")
    basis = {
        "rule": RULE,
        "before": str(disbursed_on),
        "known_until": str(disbursed_on - timedelta(days=1)),
        "loans_before": earlier + same_day,
        "bank_debt_declared": stated,
    }
    return earlier + same_day == 0 and not stated, basis | _cited(disbursed_on)


def _cited(on: date) -> dict[str, Any]:
    try:
        rule = get(RULE, on=on)
    except NotInForce:
        return {"digest": None}
    return {"digest": getattr(rule, "digest", None)}
