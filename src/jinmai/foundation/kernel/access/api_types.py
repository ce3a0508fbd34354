"""What a field of the API may hold: bounded text without control characters, amounts in fen, days, codes, pages."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from django.utils.translation import gettext_lazy as _
from pydantic import BeforeValidator, Field, Strict

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
#: No NUL, which PostgreSQL doesn't store, and no other control characters but tab and line ends.
PRINTABLE = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F]*$"
LARGEST_PAGE = 200


def text(most: int, *, least: int = 0) -> Any:
    """Text of at most (and at least) so many characters."""
    return Annotated[str, Field(min_length=least, max_length=most, pattern=PRINTABLE)]


def _written_day(given: Any) -> Any:
    if type(given) is date or isinstance(given, str) and _DAY.fullmatch(given):
        return given
    raise ValueError(_("应为日期，如 2026-11-22"))


def _whole(given: Any) -> Any:
    """A whole number as JSON knows it: 12 and 12.0, but not "12" and not true."""
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return given


def whole(least: int, most: int) -> Any:
    """A whole number in a body, between two bounds."""
    return Annotated[int, Strict(), Field(ge=least, le=most), BeforeValidator(_whole)]


#: An amount in fen as a string of digits: no float ever touches money.
Fen = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,15})$", max_length=16)]
#: A yearly rate as a decimal fraction with at most nine places: "0.0435" is 4.35 %.
Rate = Annotated[str, Field(pattern=r"^(0|1|0\.[0-9]{1,9})$", max_length=11)]
Months = whole(1, 360)
Count = whole(0, 10_000_000)
Flag = Annotated[bool, Strict()]
#: A day as it is written, 2026-11-22; a moment or a number is no day.
Day = Annotated[date, BeforeValidator(_written_day)]
Code = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]
#: A credit code as typed; whether it is one, the register says.
CreditCode = Annotated[str, Field(min_length=18, max_length=18, pattern=r"^[0-9A-Za-z]{18}$")]
Phone = Annotated[str, Field(min_length=1, max_length=24, pattern=r"^[0-9+() -]{1,24}$")]
Moment = datetime
Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]
