"""A sentence that was stored as it was said, in Chinese, said again in the reader's language (旧记录再说一遍).

Records keep the words that were spoken: an event, a conclusion, why a row was sent back. What was filled in is found again
by the sentence's template, which the catalogue holds; so records of any age are read in either language, and none changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

from django.utils.translation import get_language, gettext, trans_real

CHINESE = re.compile(r"[\u3400-\u9fff]")
PLACE = re.compile(r"%\((\w+)\)([sd])")
#: So many Chinese characters of its own a template has at least, or it would fit anything; a number to fill in counts.
OWN_CHARACTERS = 2
#: Between sentences that were stored as one; then around the figures in one.
BETWEEN = (re.compile(r"([；，。、：（）]|　|\s[·+]\s)"), re.compile(r"(\s-?[\d,.]+)"))
HALF_WIDTH = {"；": "; ", "，": ", ", "。": ". ", "、": ", ", "：": ": ", "　": " ", "（": " (", "）": ")"}
KEPT_SENTENCES = 4096
#: Somebody's own text may be long: patterns with several places to fill in would take minutes over it.
MOST_CHARACTERS = 300


def recall(text: str, keep: Callable[[str], str] = str) -> str:
    """The stored sentence in the reader's language; ``keep`` is given each text that nobody translates.

    In the source language, and where neither the sentence nor its parts are known, the text itself.
    """
    language = get_language() or ""
    if language.startswith("zh") or len(text) > MOST_CHARACTERS or not CHINESE.search(text):
        return keep(text)
    return "".join(keep(part) if kept else part for part, kept in _parts(text, language))


def _parts(text: str, language: str, level: int = 0) -> tuple[tuple[str, bool], ...]:
    whole = _whole(text, language)
    if whole is not None:
        return whole
    if level == len(BETWEEN):
        return ((text, True),)
    cut = BETWEEN[level].split(text)
    told: list[tuple[str, bool]] = []
    for place, piece in enumerate(cut):
        if place % 2:
            told.append((HALF_WIDTH.get(piece, piece), False))
        elif piece:
            known = _parts(piece, language, level + 1)
            if known == ((piece, True),):
                return ((text, True),)
            told += known
    return tuple(told)


@lru_cache(KEPT_SENTENCES)
def _whole(text: str, language: str) -> tuple[tuple[str, bool], ...] | None:
    """The parts of one sentence and which of them stay as they are; None where no template fits it."""
    if not CHINESE.search(text):
        return (("".join(HALF_WIDTH.get(sign, sign) for sign in text), False),)
    said = gettext(text)
    if said != text:
        return ((said, False),)
    for longest, pattern, template in templates(language):
        if longest in text and (found := pattern.fullmatch(text)):
            return tuple(_filled(gettext(template), found.groupdict(), language))
    return None


def _filled(sentence: str, given: dict[str, str], language: str) -> Iterator[tuple[str, bool]]:
    pieces = PLACE.split(sentence)
    for place in range(0, len(pieces), 3):
        if pieces[place]:
            yield pieces[place].replace("%%", "%"), False
        if place + 1 < len(pieces):
            yield from _parts(given.get(pieces[place + 1], ""), language)


@cache
def templates(language: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Of every sentence with places to fill in: its longest own words, its pattern, itself; the most particular first."""
    found = []
    for text, _said in trans_real.translation(language)._catalog.items():
        if not isinstance(text, str) or "\x04" in text or not PLACE.search(text):
            continue
        pieces = [piece.replace("%%", "%") for piece in PLACE.split(text)]
        own = pieces[::3]
        characters = len(CHINESE.findall("".join(own)))
        if characters + pieces[2::3].count("d") < OWN_CHARACTERS:
            continue
        anything = ".+?" if characters >= OWN_CHARACTERS else "[^；，。]+?"
        seen: set[str] = set()
        pattern = ""
        for place in range(0, len(pieces), 3):
            pattern += re.escape(pieces[place])
            if place + 1 < len(pieces):
                name = pieces[place + 1]
                wanted = r"[\d,.]+" if pieces[place + 2] == "d" else anything
                pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{wanted})"
                seen.add(name)
        found.append((max(own, key=len), re.compile(pattern, re.DOTALL), text))
    return tuple(sorted(found, key=lambda one: (-len(PLACE.sub("", one[2])), one[2])))
