"""How a figure, a date and a due date read on a Chinese screen (显示格式)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.money import FEN_PER_YI, fen_to_wan, fen_to_yi, fen_to_yuan

ABSENT = "—"
#: Ratios travel as integers of 1e-9 (10% is 100_000_000), see ``analytics``.
RATIO_BASE = 1_000_000_000


def rounded(number: Decimal, places: int) -> str:
    """A figure with thousand separators, rounded half up.

    >>> rounded(Decimal("1234.565"), 2)
    '1,234.57'
    """
    step = Decimal(1).scaleb(-places)
    return f"{number.quantize(step, ROUND_HALF_UP):,.{places}f}"


def wan(fen: int | None) -> str:
    """Fen as 万元 with two decimals; absent is a dash.

    >>> wan(591_700_000)
    '591.70'
    """
    return ABSENT if fen in (None, "") else rounded(fen_to_wan(int(fen)), 2)


def yuan(fen: int | None) -> str:
    """Fen as 元 with two decimals.

    >>> yuan(123456)
    '1,234.56'
    """
    return ABSENT if fen in (None, "") else rounded(fen_to_yuan(int(fen)), 2)


def yi(fen: int | None) -> str:
    """Fen as 亿元 with two decimals.

    >>> yi(58_620_000_000_0)
    '58.62'
    """
    return ABSENT if fen in (None, "") else rounded(fen_to_yi(int(fen)), 2)


def leading_money(fen: int) -> tuple[str, str]:
    """A leading figure and its unit: 亿元 from one hundred million yuan on, else 万元.

    >>> leading_money(1_876_900_000_000)[0], leading_money(412_000_000)[0]
    ('187.69', '412.00')
    """
    return (yi(fen), _("亿元")) if abs(fen) >= FEN_PER_YI else (wan(fen), _("万元"))


def percentage(ratio: Any) -> Decimal | None:
    """A ratio in percent: an ``int`` counts 1e-9, a ``Decimal``, ``float`` or string is a fraction.

    >>> percentage(382_000_000), percentage("0.5")
    (Decimal('38.2'), Decimal('50.0'))
    """
    if ratio in (None, ""):
        return None
    if isinstance(ratio, int):
        return Decimal(ratio) * 100 / RATIO_BASE
    return Decimal(str(ratio)) * 100


def pct(ratio: Any, places: int = 1) -> str:
    """A ratio as a percentage with one decimal and its sign.

    >>> pct(382_000_000)
    '38.2%'
    """
    percent = percentage(ratio)
    return ABSENT if percent is None else f"{rounded(percent, places)}%"


def number(value: Any) -> str:
    """A count with thousand separators.

    >>> number(42300)
    '42,300'
    """
    return ABSENT if value in (None, "") else f"{int(value):,}"


def unit_after(count: Any, unit: str) -> str:
    """A unit behind its count; one is told from many where the reader's language does.

    >>> unit_after(1, "firms"), unit_after(2, "firms"), unit_after(1, "户")
    ('firm', 'firms', '户')
    """
    if str(count) != "1" or not unit.isascii() or not unit.endswith("s"):
        return unit
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit[:-1]


def legal(moment: date | datetime) -> date | datetime:
    """A moment in Asia/Shanghai; a date stays as it is."""
    return moment.astimezone(LEGAL_ZONE) if isinstance(moment, datetime) and moment.tzinfo else moment


def day(value: date | datetime | None) -> str:
    """A date in a list: 2026-11-22."""
    return legal(value).strftime("%Y-%m-%d") if value else ABSENT


def minute(value: datetime | None) -> str:
    """A moment in a list: 2026-11-22 15:30."""
    return legal(value).strftime("%Y-%m-%d %H:%M") if value else ABSENT


def moment(value: date | datetime | None) -> str:
    """A moment in a timeline: the time today, month and day this year, else the date."""
    if not value:
        return ABSENT
    local, today = legal(value), Clock.today()
    if isinstance(local, datetime) and local.date() == today:
        return local.strftime("%H:%M")
    pattern = "%m-%d %H:%M" if isinstance(local, datetime) else "%m-%d"
    return local.strftime(pattern if local.year == today.year else "%Y-%m-%d")


def zh_date(value: date | datetime | None) -> str:
    """A date in a paper: 2026年11月22日.

    >>> zh_date(date(2026, 11, 2))
    '2026年11月2日'
    """
    if not value:
        return ABSENT
    local = legal(value)
    if (get_language() or "").startswith("en"):
        return f"{local.day} {local:%B %Y}"
    return f"{local.year}年{local.month}月{local.day}日"  # Chinese only


def due_in(due_on: date, on: date | None = None) -> int:
    """Working days left until ``due_on``; negative when late."""
    from jinmai.foundation.kernel.work.calendar import calendar

    today = on or Clock.today()
    days = calendar()
    if due_on < today:
        return min(-1, days.working_days_between(today, due_on))
    return days.working_days_between(today, due_on)


def due_words(due_on: date | None, on: date | None = None) -> str:
    """A due date in words: 超期 2 个工作日, 今日到期, 还剩 3 个工作日."""
    if not due_on:
        return _("无时限")
    today = on or Clock.today()
    if due_on == today:
        return _("今日到期")
    left = due_in(due_on, today)
    if due_on < today:
        return _("超期 %(days)d 个工作日") % {"days": -left}
    return _("还剩 %(days)d 个工作日") % {"days": left}


def due_tone(due_on: date | None, on: date | None = None) -> str:
    """The tone that repeats a due date's words: bad when late, warn today, else none."""
    if not due_on:
        return ""
    today = on or Clock.today()
    if due_on < today:
        return "bad"
    return "warn" if due_on == today else ""


def citation_words(cite: Any) -> str:
    """A citation in one line: 《document》 number article."""
    if not cite:
        return ""
    read = cite.get if hasattr(cite, "get") else lambda name: getattr(cite, name, None)
    document = read("document") or ""
    if document and not document.startswith("《"):
        document = f"《{document}》"
    return " ".join(str(part) for part in (document, read("number"), read("article")) if part)
