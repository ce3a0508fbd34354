"""Numbers of the desk: days, dates, debt to sales, and the score that ranks products. No Django, no clock, no database."""

from __future__ import annotations

from datetime import date

from jinmai.foundation.kernel.dates import months_after as months_after

RATIO_ONE = 1_000_000_000
#: A share of clauses is scored in millionths; cost only decides between equal shares.
SHARE_ONE = 1_000_000
COST_STEPS = 1_000


def days_between(start: date, end: date) -> int:
    """Natural days from ``start`` to ``end``.

    >>> days_between(date(2026, 11, 1), date(2026, 11, 9))
    8
    """
    return (end - start).days


def debt_to_sales(bank_debt_fen: int, asked_fen: int, sales_12m_fen: int) -> int | None:
    """Bank debt plus what is asked, over twelve months' sales, in 1e-9; half up; ``None`` when there are no sales.

    >>> debt_to_sales(100_0000_00, 180_0000_00, 560_0000_00)
    500000000
    """
    if sales_12m_fen <= 0:
        return None
    numerator = (bank_debt_fen + asked_fen) * RATIO_ONE
    return (2 * numerator + sales_12m_fen) // (2 * sales_12m_fen)


def match_score(met: int, not_met: int, unknown: int, lowest_cost_e9: int | None) -> int:
    """How near a product is (匹配分), an integer that anybody can check by hand; higher is nearer.

    Thousand points for the share of clauses met, an unknown clause counting half, in millionths; then at most 999 for a
    low yearly cost (one less for each 0.1 percentage point), none where nobody can say what the money costs. So cost
    decides only between equal shares.

    >>> match_score(met=3, not_met=1, unknown=0, lowest_cost_e9=41_000_000)
    750000958
    >>> match_score(met=3, not_met=0, unknown=1, lowest_cost_e9=41_000_000)
    875000958
    >>> match_score(met=3, not_met=0, unknown=1, lowest_cost_e9=None)
    875000000
    """
    clauses = met + not_met + unknown
    share = SHARE_ONE * (2 * met + unknown) // (2 * clauses) if clauses else SHARE_ONE
    cost = 0 if lowest_cost_e9 is None else max(0, COST_STEPS - 1 - lowest_cost_e9 // 1_000_000)
    return share * COST_STEPS + cost
