"""Money as integer fen (分): never a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from jinmai.foundation.kernel.errors import Refusal, Words

Fen = int
FEN_PER_YUAN = 100
FEN_PER_WAN = 1_000_000
FEN_PER_YI = 10_000_000_000


def to_fen(amount: str | int | Decimal, fen_per_unit: int) -> Fen:
    """Exact fen of an amount given in a unit of ``fen_per_unit`` fen; refuses what is finer than a fen (JM-MON-001).

    >>> to_fen("12.34", FEN_PER_YUAN)
    1234
    """
    if isinstance(amount, float):
        raise Refusal("JM-MON-001", "金额不能用浮点数表示", "请用元、角、分的十进制写法")
    try:
        fen = Decimal(str(amount).strip().replace(",", "").replace("，", "")) * fen_per_unit
    except InvalidOperation:
        raise Refusal("JM-MON-001", Words("“%(amount)s”不是金额", amount=amount), "请填写数字，如 180.00") from None
    if not fen.is_finite() or fen != fen.to_integral_value():
        raise Refusal("JM-MON-001", Words("“%(amount)s”细于一分", amount=amount), "请按分取整后再填")
    return int(fen)


def yuan_to_fen(amount: str | int | Decimal) -> Fen:
    """Exact fen of an amount in yuan (元).

    >>> yuan_to_fen("1,000.5")
    100050
    """
    return to_fen(amount, FEN_PER_YUAN)


def wan_to_fen(amount: str | int | Decimal) -> Fen:
    """Exact fen of an amount in ten thousands of yuan (万元).

    >>> wan_to_fen("8.3")
    8300000
    """
    return to_fen(amount, FEN_PER_WAN)


def fen_to_yuan(fen: Fen) -> Decimal:
    """Yuan (元) of fen.

    >>> fen_to_yuan(1234)
    Decimal('12.34')
    """
    return Decimal(fen) / FEN_PER_YUAN


def fen_to_wan(fen: Fen) -> Decimal:
    """Ten thousands of yuan (万元) of fen, exact.

    >>> fen_to_wan(591700000)
    Decimal('591.7')
    """
    return Decimal(fen) / FEN_PER_WAN


def fen_to_yi(fen: Fen) -> Decimal:
    """Hundred millions of yuan (亿元) of fen, exact.

    >>> fen_to_yi(10_000_000_000)
    Decimal('1')
    """
    return Decimal(fen) / FEN_PER_YI
