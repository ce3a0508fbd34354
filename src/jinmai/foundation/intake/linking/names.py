"""A firm's name read into its parts (名称归一): readable, one name at a time; the kernel's twin.

北京市朝阳区金脉（北京）科技有限公司望京分公司（金脉旗舰店-京东） has the region 北京市朝阳区, the core 金脉科技 (trade name
金脉, trade 科技), the legal form 有限公司, the branch 望京分公司 and a note. Names are compared part by part, as written:
nothing is turned into pinyin.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

from .words import NOWHERE, Region, regions, vocabulary

LEAST_CORE = 2  # a region or a trade is never taken off when fewer characters would be left


@dataclass(frozen=True)
class Name:
    """A name's parts. ``core`` is trade name and trade, ``brand`` how many of its characters are the trade name;
    ``form`` is the legal form's family (0: none told); ``former`` are names the firm says it once had."""

    core: str
    brand: int
    region: Region = NOWHERE
    form: int = 0
    branch: str = ""
    note: str = ""
    former: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, Region, int, str]:
        """What two writings of one name have in common."""
        return self.core, self.region, self.form, self.branch


def folded(text: str) -> str:
    """A name without what only differs in writing: width, case, blanks, dots, kinds of brackets. Folding twice is
    folding once.

    >>> folded(" 金脉（北京）科技　有限公司。")
    '金脉(北京)科技有限公司'
    """
    words, before = vocabulary(), None
    while text != before:
        before = text
        text = unicodedata.normalize("NFKC", text).lower()
        text = "".join(
            words.brackets.get(sign, sign)
            for sign in text
            if sign not in words.dropped and unicodedata.category(sign)[0] not in "ZC"
        )
    return text


def read_name(text: str) -> Name:
    """A name's parts.

    >>> read_name("北京市金脉科技有限公司望京分公司")
    Name(core='金脉科技', brand=2, region=Region(province=11, city=0, county=0), form=1, branch='望京分公司', note='', former=())
    """
    first = next((one for one in _firms(folded(text)) if one), "")
    head, asides = _without_brackets(first)
    region, form, note, former = NOWHERE, 0, "", []
    for aside in asides:
        if aside in regions():
            region = region.joined(regions()[aside])
        elif aside in vocabulary().forms:
            form = vocabulary().forms[aside]
        elif told := _former(aside):
            former.append(told)
        elif aside not in vocabulary().tags:
            note = note or aside
    head, branch = _without_branch(head)
    head, said_form = _without_form(head)
    core, place = _without_region(head)
    region = place.joined(region)
    return Name(core, len(core) - _kinds(core), region, form or said_form, _plain_branch(branch), note, tuple(former))


def _firms(text: str) -> list[str]:
    """Several firms in one cell, as 甲公司;乙公司."""
    for mark in vocabulary().list_marks:
        text = text.replace(mark, "\n")
    return text.split("\n")


def _without_brackets(text: str) -> tuple[str, list[str]]:
    """What stands outside brackets, and each bracket's content; an inner bracket belongs to the outer one. Words that
    are part of the name (集团) stay where they are."""
    outside, aside, asides, depth = "", "", [], 0
    for sign in text + ")" * text.count("("):
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth = max(depth - 1, 0)
            if not depth and aside:
                if aside in vocabulary().inline:
                    outside += aside
                else:
                    asides.append(aside)
                aside = ""
        elif depth:
            aside += sign
        else:
            outside += sign
    return (outside, asides) if outside or not asides else (asides[0], asides[1:])


def _former(aside: str) -> str:
    """The former name that a bracket tells, as 原乙公司; "" where it tells none."""
    for word in vocabulary().former:
        rest = aside[len(word) :]
        if aside.startswith(word) and len(rest) > LEAST_CORE and (len(word) > 1 or _without_form(rest)[1]):
            return rest
    return ""


def _without_branch(text: str) -> tuple[str, str]:
    """A firm and what stands behind its legal form: a branch (北京分公司), or what a clerk left there."""
    ends = [place + len(form) for form in vocabulary().inner_forms if (place := text.find(form, 1)) > 0]
    end = min(ends, default=len(text))
    return text[:end], text[end:]


def _plain_branch(text: str) -> str:
    """A branch as compared: 北京市分公司 and 北京分公司 are one, 0 or 成立 behind a name are none."""
    if text in vocabulary().forms or not text.endswith(vocabulary().branch_ends):
        return ""
    return "".join(sign for sign in text if sign not in vocabulary().branch_dropped)


def _without_form(text: str) -> tuple[str, int]:
    """A name without its legal form at the end, and the form's family."""
    for length in range(min(_longest_form(), len(text) - 1), 0, -1):
        family = vocabulary().forms.get(text[-length:])
        if family:
            return text[:-length], family
    return text, 0


def _without_region(text: str) -> tuple[str, Region]:
    """A name without the places it starts with, and where that is."""
    found, place = NOWHERE, 0
    while True:
        length = _region_length(text, place)
        if not length:
            return text[place:], found
        found = found.joined(regions()[text[place : place + length]])
        place += length


def _region_length(text: str, place: int) -> int:
    """How long the longest place name is that stands here and leaves enough of the name."""
    for length in range(min(_longest_region(), len(text) - LEAST_CORE - place), 1, -1):
        if text[place : place + length] in regions():
            return length
    return 0


def _kinds(core: str) -> int:
    """How many characters at the end of a core tell the trade; the trade name keeps two at least."""
    end = len(core)
    while True:
        for length in range(min(_longest_kind(), end - LEAST_CORE), 0, -1):
            if core[end - length : end] in vocabulary().kinds:
                end -= length
                break
        else:
            return len(core) - end


@cache
def _longest_form() -> int:
    return max(map(len, vocabulary().forms))


@cache
def _longest_region() -> int:
    return max(map(len, regions()))


@cache
def _longest_kind() -> int:
    return max(map(len, vocabulary().kinds))
