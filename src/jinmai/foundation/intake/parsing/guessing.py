"""What a column holds, guessed from its heading and its cells: type, unit, and what in it doesn't fit.

The words and figures stand in ``inspection.yaml``; nothing of a cell's content leaves this module but counts and places.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from jinmai.foundation.kernel.ids import check_uscc

CODE_SHAPE = re.compile(r"[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}")
CODE_LIKE = re.compile(r"[0-9A-Za-z]{17,19}")
SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]{2}")
#: Digits that a spreadsheet has rounded: it keeps fifteen.
ROUNDED = re.compile(r"[1-9][0-9]{14}0{3,5}")
ID_CARD = re.compile(r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9Xx]|[1-9][0-9]{2,5}\*{6,}[0-9Xx*]{0,4}")
PHONE = re.compile(r"(\+?86-?)?1[3-9][0-9]{9}|1[3-9][0-9]\*{4,5}[0-9]{3,4}|0[0-9]{2,3}[-—]?[0-9]{7,8}(-[0-9]{1,6})?")
LOCAL_PHONE = re.compile(r"[0-9]{7,8}(-[0-9]{1,6})?|400-?[0-9]{3}-?[0-9]{4}")
NUMBER = re.compile(r"[+-]?(([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.0+)?")
PERCENT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?%")
YEAR = re.compile(r"(19|20)[0-9]{2}年?度?")  # Chinese only
_SPOKEN_MONTH = "年度? *(0?[1-9]|1[0-2]) *月"  # Chinese only
MONTH = re.compile(rf"(19|20)[0-9]{{2}}([-/.](0?[1-9]|1[0-2])|{_SPOKEN_MONTH}|(0[1-9]|1[0-2]))")
WITH_TIME = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?.*$")
DATES = {
    "2020-01-05": re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"),
    "2020/1/5": re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"),
    "2020.1.5": re.compile(r"([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})"),
    "2020年1月5日": re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日?"),  # Chinese only
    "20200105": re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})"),
}
#: Day or month first: the cells have to tell.
YEAR_LAST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
MONTH_FIRST, DAY_FIRST, EITHER_FIRST = "1/25/2020", "25/1/2020", "1/5/2020"
DAY_NUMBER = "43835"
BOOLEANS = {"是", "否", "有", "无", "true", "false", "y", "n", "yes", "no", "√", "×"}  # Chinese only
_BRACKETED = re.compile(r"[(（\[]([^()（）\[\]]{1,12})[)）\]]")


@cache
def words() -> dict[str, Any]:
    """``inspection.yaml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).with_name("inspection.yaml")).read_text(encoding="utf-8"))
    return found


@cache
def heading_rule(name: str) -> re.Pattern[str]:
    """The headings that speak for a type."""
    return re.compile(words()["headings"][name], re.I)


def folded_heading(text: str) -> str:
    """A heading as compared: half-width, without blanks.

    >>> folded_heading(" 金 额（万元）")
    '金额(万元)'
    """
    return "".join(unicodedata.normalize("NFKC", text).split())


@dataclass
class Guess:
    """What a column seems to hold. ``places`` are positions of rows that don't fit, by what is wrong with them."""

    name: str
    type: str
    unit: str | None = None
    filled: int = 0
    codes: int = 0
    valid_codes: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)


def guess_column(name: str, column: pa.ChunkedArray, unit_above: str | None = None) -> Guess:
    """The type and unit of a column; ``unit_above`` is what a line above the heading says (单位：万元)."""
    given = column.filter(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0))
    guess = Guess(name, "empty", filled=len(given))
    if not len(given):
        return guess
    cells = _counted(given.take(_spread(len(given))))
    heading = folded_heading(name)
    guess.type = _type(heading, cells, guess)
    if guess.type == "code":
        _judge_codes(guess, given)
    guess.unit = _unit(guess.type, name, cells, unit_above)
    _judge_cells(guess, column)
    return guess


def _spread(rows: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Places of the cells looked at, spread evenly."""
    return np.unique(np.linspace(0, rows - 1, min(rows, words()["sample"]), dtype=np.int64))


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    """Each different cell and how often it stands there; blanks around are taken off, blank cells left out."""
    found: Counter[str] = Counter()
    for one in pc.value_counts(column).to_pylist():
        found[_plain(one["values"])] += one["counts"]
    return found


def _plain(text: str) -> str:
    """A cell as compared: half-width, without blanks and the quotation mark that keeps a spreadsheet from counting."""
    return unicodedata.normalize("NFKC", text).strip().strip("'\u200b\ufeff")


def _share(cells: Counter[str], fits: Callable[[str], Any]) -> float:
    return sum(count for text, count in cells.items() if fits(text)) / sum(cells.values())


def _type(heading: str, cells: Counter[str], guess: Guess) -> str:
    shares = words()["shares"]
    if _is_code_column(heading, cells):
        return "code"
    if _share(cells, ID_CARD.fullmatch) >= shares["personal"] and _share(cells, _is_id_card) >= shares["personal"]:
        return "id_card"
    phone_headed = bool(heading_rule("phone").search(heading))
    phones = _share(cells, lambda text: PHONE.fullmatch(text) or (phone_headed and LOCAL_PHONE.fullmatch(text)))
    if phones >= shares["personal"] and (phone_headed or phones >= shares["typed"]):
        return "phone"
    return _dated(heading, cells, guess) or _counting(heading, cells) or _worded(heading, cells)


def _is_code_column(heading: str, cells: Counter[str]) -> bool:
    codes = _share(cells, _is_code_shape)
    if heading_rule("code").search(heading):
        return codes > 0 or _share(cells, lambda text: SCIENTIFIC.fullmatch(text) or CODE_LIKE.fullmatch(text)) > 0
    return codes >= words()["shares"]["code"]


def _is_code_shape(text: str) -> bool:
    """Of a credit code's shape, and no ID card by its own check digit."""
    if not CODE_SHAPE.fullmatch(text.upper()):
        return False
    return not (_is_id_card(text) and not check_uscc(text.upper()).valid)


def _is_id_card(text: str) -> bool:
    """By date and check digit (GB 11643), or masked."""
    if "*" in text:
        return bool(ID_CARD.fullmatch(text))
    if not ID_CARD.fullmatch(text) or _day(text[6:10], text[10:12], text[12:14]) is None:
        return False
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17].upper()


def _dated(heading: str, cells: Counter[str], guess: Guess) -> str:
    typed, enough = words()["shares"]["typed"], words()["shares"]["personal"]
    headed = bool(heading_rule("date").search(heading))
    cells = Counter({text: count for text, count in cells.items() if text not in words()["nil"]}) or cells
    forms: Counter[str] = Counter()
    for text, count in cells.items():
        if form := date_form(text, headed):
            forms[form] += count
    share = sum(forms.values()) / sum(cells.values())
    if headed:
        looks = _share(cells, lambda text: _looks_like_date(text) or SCIENTIFIC.fullmatch(text))
        if share >= enough or looks >= typed:
            guess.formats = _settled(forms)
            return "date"
    elif share >= typed and set(forms) != {"20200105"}:
        guess.formats = _settled(forms)
        return "date"
    months_headed = bool(heading_rule("month").search(heading))
    if _share(cells, lambda text: MONTH.fullmatch(text) and (months_headed or _says_month(text, headed))) >= typed:
        return "month"
    if heading_rule("year").search(heading) and _share(cells, YEAR.fullmatch) >= typed:
        return "year"
    return "year" if _share(cells, lambda text: YEAR.fullmatch(text) and not text.isdigit()) >= typed else ""


def _says_month(text: str, headed: bool) -> bool:
    """Not only a number: 2016.1 is one unless the heading speaks of a time."""
    return not text.isdigit() and (headed or "." not in text)


def _looks_like_date(text: str) -> bool:
    plain = WITH_TIME.sub("", text).strip()
    return bool(YEAR_LAST.fullmatch(plain)) or any(rule.fullmatch(plain) for rule in DATES.values())


def _settled(forms: Counter[str]) -> dict[str, int]:
    """Where some cells say whether the day or the month comes first, the others are read so."""
    told = dict(forms)
    for sure, other in ((MONTH_FIRST, DAY_FIRST), (DAY_FIRST, MONTH_FIRST)):
        if sure in told and other not in told and EITHER_FIRST in told:
            told[sure] += told.pop(EITHER_FIRST)
    return told


def date_form(text: str, headed: bool = True) -> str:
    """How a date is written; blank for what is no date.

    >>> date_form("2020/1/5"), date_form("2020-02-30"), date_form("43835"), date_form("2020年1月5日 10:30")
    ('2020/1/5', '', '43835', '2020年1月5日')
    """
    plain = WITH_TIME.sub("", text).strip()
    for name, rule in DATES.items():
        if found := rule.fullmatch(plain):
            return name if _day(*found.groups()[:3]) else ""
    if found := YEAR_LAST.fullmatch(plain):
        may_be = (_day(found[3], found[1], found[2]) is not None, _day(found[3], found[2], found[1]) is not None)
        return {(True, True): EITHER_FIRST, (True, False): MONTH_FIRST, (False, True): DAY_FIRST}.get(may_be, "")
    first, last = words()["serial_date"]
    if headed and re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", plain) and first <= float(plain) <= last:
        return DAY_NUMBER
    return ""


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _is_number(text: str) -> bool:
    return bool(NUMBER.fullmatch(text))


def _without_unit(text: str) -> str:
    for unit in (*words()["units"]["money"], *words()["units"]["count"]):
        if text.endswith(unit):
            return text[: -len(unit)].strip()
    return text


def _counting(heading: str, cells: Counter[str]) -> str:
    """Types of numbers."""
    typed = words()["shares"]["typed"]
    bare = re.sub(r"\(.*?\)", "", heading)
    if heading_rule("serial").search(bare) and _share(cells, WHOLE.fullmatch) >= typed:
        return "serial"
    if _share(cells, PERCENT.fullmatch) >= typed:
        return "percent"
    coded = heading_rule("text_code").search(bare)
    if coded and _share(cells, lambda text: len(text) <= 60 and any(mark.isdigit() for mark in text)) >= typed:
        return "other_code"
    if _share(cells, lambda text: _is_number(_without_unit(text))) < typed:
        return ""
    if _leading_zeros(cells):
        return "other_code"
    if heading_rule("percent").search(heading) or "%" in heading:
        return "percent"
    money_headed = heading_rule("money").search(heading) and not heading_rule("not_money").search(bare)
    if money_headed or _said_unit(heading, "money"):
        return "money"
    whole = _share(cells, lambda text: WHOLE.fullmatch(_without_unit(text))) >= typed
    if whole and (heading_rule("count").search(heading) or _said_unit(heading, "count")):
        return "count"
    return "number"


def _leading_zeros(cells: Counter[str]) -> bool:
    return _share(cells, lambda text: re.fullmatch(r"0[0-9]+", text)) > words()["shares"]["stray"]


def _worded(heading: str, cells: Counter[str]) -> str:
    """Types of words."""
    shares, longest = words()["shares"], words()["longest_name"]
    if _share(cells, lambda text: text.lower() in BOOLEANS) >= shares["typed"]:
        return "bool"
    if heading_rule("person").search(heading):
        return "person_name"
    firms = _share(cells, lambda text: len(text) <= longest and is_firm(text))
    offices = _share(cells, is_office)
    bare = re.sub(r"\(.*?\)", "", heading)
    not_name = heading_rule("not_name").search(bare) and not heading_rule("party").search(bare)
    if heading_rule("name").search(heading) and firms >= shares["firm_headed"] and firms >= offices:
        return "firm_name"
    usual = median(len(text) for text in cells)
    if (
        firms >= shares["firm"]
        and firms > offices
        and not not_name
        and usual >= words()["least_name"]
        and _are_different(cells)
    ):
        return "firm_name"
    if heading_rule("party").search(heading) and usual <= longest:
        return "party_name"
    if heading_rule("address").search(heading):
        return "address"
    if offices >= shares["firm"]:
        return "office_name"
    if heading_rule("text_code").search(heading) and usual <= longest:
        return "other_code"
    return "category" if _is_category(cells) else "text"


def _are_different(cells: Counter[str]) -> bool:
    """Kinds of firms repeat (民营企业); names of firms hardly do."""
    return len(cells) >= min(words()["many_different"], words()["shares"]["different"] * sum(cells.values()))


def _is_category(cells: Counter[str]) -> bool:
    rule = words()["category"]
    whole = sum(cells.values())
    few = len(cells) <= rule["most_values"] and len(cells) <= max(2 if whole >= 4 else 0, rule["most_share"] * whole)
    return few and max(map(len, cells)) <= rule["longest"]


@cache
def _ending(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{words()[name]})(?:\([^()]*\))*$")


def is_firm(text: str) -> bool:
    """Whether a text ends as names of firms do.

    >>> is_firm("某某商贸有限公司(分公司)"), is_firm("某市税务局")
    (True, False)
    """
    return bool(_ending("firm_endings").search(text)) and not is_office(text)


def is_office(text: str) -> bool:
    """Whether a text ends as names of authorities do."""
    return len(text) >= words()["least_name"] and bool(_ending("office_endings").search(text))


def _judge_codes(guess: Guess, given: pa.ChunkedArray) -> None:
    """As ``codes check`` counts them: trimmed, nothing else."""
    for one in pc.value_counts(given).to_pylist():
        guess.codes += one["counts"]
        guess.valid_codes += one["counts"] if check_uscc(one["values"].strip()).valid else 0


def _said_unit(heading: str, kind: str) -> str | None:
    for inside in _BRACKETED.findall(heading):
        plain = inside.removeprefix("单位:").removeprefix("人民币").strip()  # Chinese only
        if plain in words()["units"][kind]:
            return str(plain)
    return None


def _unit(kind: str, name: str, cells: Counter[str], above: str | None) -> str | None:
    heading = folded_heading(name)
    if kind == "percent":
        return "%" if "%" in heading or _share(cells, PERCENT.fullmatch) > 0.5 else None
    if kind not in ("money", "count", "number"):
        return None
    for group in ("money", "count", "other"):
        if said := _said_unit(heading, group):
            return said
    ended: Counter[str] = Counter()
    for unit in (*words()["units"]["money"], *words()["units"]["count"]):
        for text, count in cells.items():
            if text.endswith(unit) and _is_number(text[: -len(unit)].strip()):
                ended[unit] += count
    if ended:
        return max(ended, key=lambda unit: (ended[unit], len(unit)))
    return _money_unit(heading, cells, above) if kind == "money" else None


def _money_unit(heading: str, cells: Counter[str], above: str | None) -> str | None:
    """What the heading ends with or a line above says; large sums and sums to the fen are 元."""
    for unit in words()["units"]["money"]:
        if heading.endswith(unit):
            return str(unit)
    if above:
        return above
    sums = [abs(float(text.replace(",", ""))) for text in cells if _is_number(text)]
    cents = _share(cells, lambda text: re.search(r"\.[0-9]{2}$", text))
    if sums and (median(sums) >= words()["yuan_from"] or cents > words()["shares"]["typed"]):
        return "元"
    return None


def unit_above(texts: Sequence[str]) -> str | None:
    """The money unit that a line above the heading says.

    >>> unit_above(["某区明细表", "单位：万元"])
    '万元'
    """
    for text in texts:
        for unit in words()["units"]["money"]:
            if re.search(rf"单位[:：]?\s*(人民币)?\s*{unit}", text):  # Chinese only
                return str(unit)
    return None


def _judge_cells(guess: Guess, column: pa.ChunkedArray) -> None:
    """Which rows don't fit: looked for only where the sample makes it worth the while."""
    tests = _tests(guess.type)
    if not tests:
        return
    suspects = column
    if "not_number" in tests:  # most are: only the others are looked at one by one
        suspects = column.filter(pc.invert(pc.match_substring_regex(column, r"^\s*[+-]?[0-9]+(\.[0-9]+)?\s*$")))
    wrong: dict[str, str] = {}
    for one in pc.unique(suspects).to_pylist():
        text = _plain(one)
        if (
            text
            and (guess.type == "code" or text not in words()["nil"])
            and (name := next((name for name, test in tests.items() if test(text)), ""))
        ):
            wrong[one] = name
    if not wrong:
        return
    found = pc.index_in(column, pa.array(list(wrong))).to_numpy()
    names = list(wrong.values())
    for place in np.flatnonzero(~np.isnan(found)):
        guess.places.setdefault(names[int(found[place])], []).append(int(place))


def _tests(kind: str) -> dict[str, Callable[[str], bool]]:
    """What may be wrong with a cell of a type, the first that holds."""
    scientific: dict[str, Callable[[str], bool]] = {"scientific": lambda text: bool(SCIENTIFIC.fullmatch(text))}
    if kind == "code":
        return {
            **scientific,
            "rounded": lambda text: bool(ROUNDED.fullmatch(text)) and not check_uscc(text).valid,
            "wrong_code": lambda text: not check_uscc(text).valid,
        }
    if kind in ("other_code", "id_card", "phone"):
        return scientific
    if kind == "date":
        return {
            **scientific,
            "not_date": lambda text: not (date_form(text) or MONTH.fullmatch(text) or YEAR.fullmatch(text)),
        }
    if kind in ("money", "count", "number"):
        return {"not_number": lambda text: not _is_number(_without_unit(text)), "own_unit": _has_own_unit}
    return {}


def _has_own_unit(text: str) -> bool:
    return _without_unit(text) != text
