"""Numbers of the register: months in business, an industry code without its letter."""

from __future__ import annotations

from datetime import date


def months_operating(established_on: date, on: date) -> int | None:
    """Full months in business (成立满月数) on a day; None before it was founded.

    >>> months_operating(date(2017, 3, 1), date(2020, 2, 29)), months_operating(date(2017, 2, 28), date(2020, 2, 28))
    (35, 36)
    """
    if established_on > on:
        return None
    return (on.year - established_on.year) * 12 + on.month - established_on.month - (on.day < established_on.day)


def bare_code(industry_code: str) -> str:
    """A GB/T 4754-2017 code (行业代码) without its section letter.

    >>> bare_code("C3512"), bare_code("3512"), bare_code(" k7010 ")
    ('3512', '3512', '7010')
    """
    code = industry_code.strip().upper()
    return code[1:] if code[:1].isalpha() else code
