"""Scorecard (评分卡): bins give points, points give a band; everything is readable, nothing needs a model library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinmai.foundation.kernel import errors
from jinmai.foundation.kernel.errors import Words
from jinmai.foundation.rulebook.faults import RuleFault, keys_of, list_of, mapping_of, text_of
from jinmai.foundation.rulebook.figures import Figure, Value, check_type
from jinmai.foundation.rulebook.kinds.parameter import cell
from jinmai.foundation.rulebook.kinds.table import cell_unit
from jinmai.foundation.rulebook.units import is_numeric, show


@dataclass(frozen=True)
class Bin:
    """One bin (分箱): numbers from ``lower`` (included) to ``upper`` (excluded), or the words in ``members``."""

    points: int
    reason: str
    lower: int | None = None
    upper: int | None = None
    members: tuple[Value, ...] | None = None

    def holds(self, value: Any) -> bool:
        """Whether a known figure falls into this bin."""
        if self.members is not None:
            return value in self.members
        return (self.lower is None or value >= self.lower) and (self.upper is None or value < self.upper)

    def in_words(self, unit: str) -> str:
        """The bin as an officer reads it.

        >>> Bin(10, "", 50_000_000, 100_000_000).in_words("%")
        '5.0 % 至 10.0 %（不含）'
        """
        if self.members is not None:
            return "、".join(("是" if m else "否") if isinstance(m, bool) else str(m) for m in self.members)
        if self.lower is None and self.upper is None:
            return errors.shown("任意")
        if self.lower is None:
            return errors.shown(Words("低于 %(upper)s", upper=show(self.upper or 0, unit)))
        if self.upper is None:
            return errors.shown(Words("%(lower)s 及以上", lower=show(self.lower, unit)))
        between = {"lower": show(self.lower, unit), "upper": show(self.upper, unit)}
        return errors.shown(Words("%(lower)s 至 %(upper)s（不含）", **between))


@dataclass(frozen=True)
class Indicator:
    """One indicator (评分指标): a measure, its bins, and what a missing figure is worth; ``None`` leaves it ungraded.

    ``special`` are bins of values that mean something else than what they count (-9999 for 不适用): they are looked at
    first. ``otherwise`` is the bin of words that stand in no other.
    """

    id: str
    measure: str
    label: str
    unit: str
    bins: tuple[Bin, ...]
    missing: Bin | None
    special: tuple[Bin, ...] = ()
    otherwise: Bin | None = None

    def bin_of(self, value: Value) -> Bin | None:
        """The bin a figure falls into; ``None`` where the card says nothing of it."""
        if value is None:
            return self.missing
        for one in self.special:
            if one.holds(value):
                return one
        check_type(value, self.unit, self.measure)
        return next((one for one in self.bins if one.holds(value)), self.otherwise)

    @property
    def most(self) -> int:
        """The most points one can get here."""
        return max(one.points for one in self.bins)

    @property
    def least(self) -> int:
        """The fewest points one can get here with a known figure."""
        return min(one.points for one in self.bins)


@dataclass(frozen=True)
class Band:
    """One band (等级): from ``at_least`` points up."""

    band: str
    label: str
    at_least: int


@dataclass(frozen=True)
class Scorecard:
    """Base points, indicators, and bands from the best down; ``record`` says how it was fitted (治理记录), as written."""

    base_points: int
    indicators: tuple[Indicator, ...]
    bands: tuple[Band, ...]
    record: Mapping[str, Any] = field(default_factory=dict)

    def measures(self) -> tuple[str, ...]:
        """The measures the card reads."""
        return tuple(indicator.measure for indicator in self.indicators)


@dataclass(frozen=True)
class IndicatorScore:
    """What one indicator gave: the figure, its bin in words, points of the most possible, and the reason."""

    id: str
    measure: str
    label: str
    unit: str
    figure: Value
    bin: str
    points: int | None
    most: int
    reason: str

    @property
    def lost(self) -> int:
        """Points lost against the best bin."""
        return self.most - (self.points or 0)


@dataclass(frozen=True)
class Score:
    """Points and band with points per indicator; ``band`` and ``points`` are ``None`` when it can't be graded.

    ``reasons`` are what cost most, worst first; ``missing`` the measures without which there is no grade.
    """

    points: int | None
    band: str | None
    band_label: str
    indicators: tuple[IndicatorScore, ...]
    reasons: tuple[str, ...]
    missing: tuple[str, ...]


def score(card: Scorecard, figures: Mapping[str, Figure | Value]) -> Score:
    """Points per indicator, their sum and the band (评分).

    ``figures`` are Figures or plain values in base units (money fen, ratios in billionths); one that is absent or
    ``None`` gets the indicator's ``missing`` points, or, where the card gives none, leaves the subject ungraded.
    """
    scored = tuple(_score_one(indicator, _value(figures.get(indicator.measure))) for indicator in card.indicators)
    missing = tuple(one.measure for one in scored if one.points is None)
    worst = sorted((one for one in scored if one.lost > 0 and one.reason), key=lambda one: -one.lost)
    reasons = tuple(one.reason for one in worst)
    if missing:
        return Score(None, None, "无法评级", scored, reasons, missing)
    points = card.base_points + sum(one.points or 0 for one in scored)
    band = next((band for band in card.bands if points >= band.at_least), card.bands[-1])
    return Score(points, band.band, band.label, scored, reasons, ())


def _value(figure: Figure | Value) -> Value:
    return figure.value if isinstance(figure, Figure) else figure


def _score_one(indicator: Indicator, value: Value) -> IndicatorScore:
    found = indicator.bin_of(value)
    words = errors.shown("缺数据") if value is None else _bin_in_words(indicator, found)
    return IndicatorScore(
        id=indicator.id,
        measure=indicator.measure,
        label=indicator.label,
        unit=indicator.unit,
        figure=value,
        bin=words,
        points=found.points if found else None,
        most=indicator.most,
        reason=found.reason if found else "缺数据",
    )


def _bin_in_words(indicator: Indicator, found: Bin | None) -> str:
    if found is None:
        return "未列入分箱"
    if found is indicator.otherwise:
        return errors.shown("其他")
    return in_special_words(found, indicator.unit) if found in indicator.special else found.in_words(indicator.unit)


def in_special_words(one: Bin, unit: str) -> str:
    """A bin of special values as an officer reads it.

    >>> in_special_words(Bin(10, "", members=(-9_999_000_000, "不详")), "数")
    '特殊值 -9,999、不详'
    """
    told = [show(value, unit) if isinstance(value, int) else str(value) for value in one.members or ()]
    return errors.shown(Words("特殊值 %(values)s", values="、".join(told)))


def parse_scorecard(given: Any, unit: str | None, key: str) -> Scorecard:
    """``{base_points, indicators: [{id, measure, label, unit, bins, missing}], bands: [{band, label, at_least}]}``.

    Numeric bins are ``{below, points, reason}`` in rising order, the last with ``below: null``; words are
    ``{in: […], points, reason}``. ``missing`` is ``{points, reason}`` or ``null``. An indicator may have ``special``,
    bins ``{in: […], points, reason}`` of values looked at first, and, where its bins are words, ``otherwise``,
    ``{points, reason}``. A fitted card may have a ``record`` of how it came about.
    """
    parts = keys_of(given, ("base_points", "indicators", "bands"), ("record",), key=key)
    indicators = tuple(
        _indicator(one, f"{key}.indicators[{index}]")
        for index, one in enumerate(list_of(parts["indicators"], f"{key}.indicators"))
    )
    ids = [indicator.id for indicator in indicators]
    if len(set(ids)) < len(ids):
        raise RuleFault(f"{key}.indicators", "指标编号重复")
    bands = _bands(parts["bands"], f"{key}.bands")
    record = mapping_of(parts["record"], f"{key}.record") if "record" in parts else {}
    return Scorecard(_points(parts["base_points"], f"{key}.base_points"), indicators, bands, record)


def _indicator(given: Any, key: str) -> Indicator:
    parts = keys_of(
        given, ("id", "measure", "label", "unit", "bins", "missing"), ("special", "otherwise"), key=key
    )
    unit = cell_unit(parts["unit"], f"{key}.unit")
    missing = _valued_bin(parts["missing"], f"{key}.missing")
    given_bins = list_of(parts["bins"], f"{key}.bins")
    bins = _number_bins(given_bins, unit, f"{key}.bins") if is_numeric(unit) else _word_bins(given_bins, unit, key)
    otherwise = _valued_bin(parts.get("otherwise"), f"{key}.otherwise")
    if otherwise and is_numeric(unit):
        raise RuleFault(f"{key}.otherwise", "数量的分箱已包括每个数，不写 otherwise")
    special = _special_bins(parts["special"], unit, f"{key}.special") if "special" in parts else ()
    name, measure, label = (text_of(parts[part], f"{key}.{part}") for part in ("id", "measure", "label"))
    return Indicator(name, measure, label, unit, bins, missing, special, otherwise)


def _valued_bin(given: Any, key: str) -> Bin | None:
    if given is None:
        return None
    parts = keys_of(given, ("points", "reason"), key=key)
    return Bin(_points(parts["points"], f"{key}.points"), str(parts["reason"] or ""))


def _special_bins(given: Any, unit: str, key: str) -> tuple[Bin, ...]:
    bins: list[Bin] = []
    seen: set[Value] = set()
    for index, one in enumerate(list_of(given, key)):
        place = f"{key}[{index}]"
        parts = keys_of(one, ("in", "points", "reason"), key=place)
        members = tuple(_special(item, unit, f"{place}.in") for item in list_of(parts["in"], f"{place}.in"))
        if seen.intersection(members):
            raise RuleFault(f"{place}.in", "同一个值出现在两箱")
        seen.update(members)
        bins.append(Bin(_points(parts["points"], f"{place}.points"), str(parts["reason"] or ""), members=members))
    return tuple(bins)


def _special(given: Any, unit: str, key: str) -> Value:
    """A special value: a figure in the unit, or a word that stands where a number is due."""
    try:
        return cell(given, unit, key)
    except RuleFault:
        return text_of(given, key)


def _number_bins(given: list[Any], unit: str, key: str) -> tuple[Bin, ...]:
    bins: list[Bin] = []
    lower: int | None = None
    for index, one in enumerate(given):
        place = f"{key}[{index}]"
        parts = keys_of(one, ("below", "points", "reason"), key=place)
        last = index == len(given) - 1
        if (parts["below"] is None) != last:
            raise RuleFault(f"{place}.below", "只有最后一箱写 null，使每个数都有去处")
        upper = None if last else int(cell(parts["below"], unit, f"{place}.below"))
        if lower is not None and upper is not None and upper <= lower:
            raise RuleFault(f"{place}.below", "分箱上限应从低到高")
        bins.append(Bin(_points(parts["points"], f"{place}.points"), str(parts["reason"] or ""), lower, upper))
        lower = upper
    return tuple(bins)


def _word_bins(given: list[Any], unit: str, key: str) -> tuple[Bin, ...]:
    bins: list[Bin] = []
    seen: set[Value] = set()
    for index, one in enumerate(given):
        place = f"{key}.bins[{index}]"
        parts = keys_of(one, ("in", "points", "reason"), key=place)
        members = tuple(cell(item, unit, f"{place}.in") for item in list_of(parts["in"], f"{place}.in"))
        if seen.intersection(members):
            raise RuleFault(f"{place}.in", "同一个词出现在两箱")
        seen.update(members)
        bins.append(Bin(_points(parts["points"], f"{place}.points"), str(parts["reason"] or ""), members=members))
    return tuple(bins)


def _bands(given: Any, key: str) -> tuple[Band, ...]:
    bands: list[Band] = []
    for index, one in enumerate(list_of(given, key)):
        place = f"{key}[{index}]"
        parts = keys_of(one, ("band", "label", "at_least"), key=place)
        least = _points(parts["at_least"], f"{place}.at_least")
        if bands and least >= bands[-1].at_least:
            raise RuleFault(f"{place}.at_least", "等级应从高到低")
        bands.append(Band(text_of(parts["band"], f"{place}.band"), text_of(parts["label"], f"{place}.label"), least))
    return tuple(bands)


def _points(given: Any, key: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise RuleFault(key, f"分数应为整数，现为 {given!r}")
    return given
