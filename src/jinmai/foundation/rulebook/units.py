"""Units of measure (计量单位): what a rule writes in 万元 or %, compared exactly as integers in a base unit.

Money is integer fen, ratios are integer billionths (10% is 100 000 000), counts are themselves, words stay words. 数 is
a number of which no unit is known, as a column of somebody's table has them, in integer millionths.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

from jinmai.foundation.kernel import errors
from jinmai.foundation.kernel.errors import Refusal, Words

Dimension = Literal["money", "ratio", "count", "number", "word", "truth"]

MONEY = {"元": 100, "万元": 1_000_000, "亿元": 10_000_000_000}
RATIO = {"%": 10_000_000, "‰": 1_000_000, "倍": 1_000_000_000}
COUNT = frozenset(
    ("秒", "月", "天", "个工作日", "年", "户", "次", "人", "件", "头", "亩", "台", "家", "周岁", "份", "笔", "张", "个", "分")
)
NUMBER = {"数": 1_000_000}
WORD = frozenset({"enum", "code", "text"})
TRUTH = frozenset({"bool"})
LARGEST = 2**63 - 1
SHOWN_AS = {"月": "个月", "数": "", "enum": "", "code": "", "text": "", "bool": ""}


def dimension(unit: str) -> Dimension:
    """What a unit measures; figures of one dimension compare, others never do. Refuses an unknown unit (JM-RUL-001).

    >>> dimension("万元"), dimension("%"), dimension("户"), dimension("enum"), dimension("bool")
    ('money', 'ratio', 'count', 'word', 'truth')
    """
    if unit in MONEY:
        return "money"
    if unit in RATIO:
        return "ratio"
    if unit in COUNT:
        return "count"
    if unit in NUMBER:
        return "number"
    if unit in WORD:
        return "word"
    if unit in TRUTH:
        return "truth"
    raise Refusal("JM-RUL-001", Words("不认识的单位“%(unit)s”", unit=unit), "请用 元、万元、亿元、%、‰、倍、月、天、户等已登记的单位")


def is_numeric(unit: str) -> bool:
    """Whether figures in ``unit`` are numbers."""
    return dimension(unit) in ("money", "ratio", "count", "number")


def scale(unit: str) -> int:
    """How many base units one ``unit`` is; refuses words and truths (JM-RUL-001)."""
    if not is_numeric(unit):
        raise Refusal("JM-RUL-001", Words("单位“%(unit)s”不是数量", unit=unit), "词语和是否类指标不换算")
    return MONEY.get(unit) or RATIO.get(unit) or NUMBER.get(unit) or 1


def to_base(value: str | int | Decimal, unit: str) -> int:
    """The exact integer in base units of a figure written in ``unit``.

    Refuses floats, what is no number, what is finer than the base unit, and what 64 bits don't hold (JM-RUL-002).

    >>> to_base("591.70", "万元"), to_base("10", "%"), to_base(24, "月")
    (591700000, 100000000, 24)
    """
    if isinstance(value, (float, bool)):
        raise Refusal("JM-RUL-002", Words("%(value)s 不是十进制写法的数", value=repr(value)), '请写成加引号的十进制数，如 "8.3"')
    factor = scale(unit)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise Refusal("JM-RUL-002", Words("“%(value)s”不是数", value=value), "请写成十进制数，如 8.3") from None
    if not number.is_finite() or abs(number) > LARGEST:
        raise Refusal("JM-RUL-002", Words("“%(value)s”超出可计算的范围", value=value), "请核对数字和单位")
    numerator, denominator = number.as_integer_ratio()
    base, rest = divmod(numerator * factor, denominator)
    if rest:
        raise Refusal("JM-RUL-002", Words("“%(value)s %(unit)s”细于最小单位，不能精确比较", value=value, unit=unit), "请减少小数位")
    if abs(base) > LARGEST:
        raise Refusal("JM-RUL-002", Words("“%(value)s %(unit)s”超出可计算的范围", value=value, unit=unit), "请核对数字和单位")
    return base


def from_base(base: int, unit: str) -> Decimal:
    """The exact figure in ``unit`` of an integer in base units, without trailing zeros.

    >>> from_base(591_700_000, "万元"), from_base(100_000_000, "%")
    (Decimal('591.7'), Decimal('10'))
    """
    digits = len(str(scale(unit))) - 1
    return plain(Decimal(base).scaleb(-digits))


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent.

    >>> plain(Decimal("150.00")), plain(Decimal("1E+3"))
    (Decimal('150'), Decimal('1000'))
    """
    number = number.normalize()
    exponent = number.as_tuple().exponent
    return number.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else number


def show(base: int, unit: str) -> str:
    """What an officer reads: 万元 and 亿元 with two decimals, per cent with one, counts whole, plain
    numbers as they are.

    Money too small for those places gets as many as it needs, a ratio says that it is below them: a shortfall never
    reads as nothing.

    >>> show(591_700_000, "万元"), show(100_000_000, "%"), show(24, "月"), show(1_000, "万元"), show(314, "%")
    ('591.70 万元', '10.0 %', '24 个月', '0.001 万元', '<0.01 %')
    """
    number = from_base(base, unit)
    if unit in NUMBER:
        return f"{number:,f}"
    places = {"money": 2, "ratio": 1 if unit == "%" else 2, "count": 0}[dimension(unit)]
    shown = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if dimension(unit) == "ratio" and shown != number:
        shown = number.quantize(Decimal(1).scaleb(-places - 1), ROUND_HALF_UP)
    if number and not shown and dimension(unit) == "ratio":
        return f"{'<0.01' if number > 0 else '>-0.01'} {errors.shown(SHOWN_AS.get(unit, unit))}"
    if number and not shown:
        shown = number
    return f"{shown:,f} {errors.shown(SHOWN_AS.get(unit, unit))}".rstrip()
