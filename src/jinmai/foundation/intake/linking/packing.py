"""From texts to the kernel's arrays and back: names in bulk, read by the kernel or, name by name, by its twin."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from . import compare, kernel
from .kernel import BASIS, BRANCH_START, DROPPED, KEYS, PARTS, PRIME, STRANGE, Names, Points, Words
from .names import Name, folded, read_name
from .words import declared, regions, vocabulary

MASK = 2**64 - 1
FEW = 2_000  # fewer names aren't worth loading what was compiled
SMALL = 5_000  # fewer rows aren't worth threads
UNIFIED = range(0x4E00, 0xA000)  # fold to themselves
SINGLE = 0x10000
JOINING = (range(0x1100, 0x1200), range(0xD800, 0xE000))  # jamo and surrogates


def hash_of(text: str) -> int:
    """The kernel's hash of a text."""
    found = BASIS if text else 0
    for sign in text:
        found = ((found ^ ord(sign)) * PRIME) & MASK
    return _signed(found)


def _signed(number: int) -> int:
    return number - MASK - 1 if number > MASK >> 1 else number


def numbers(text: str) -> np.ndarray[Any, np.dtype[np.int32]]:
    """A text's code points."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.int32)


def in_threads(rows: int, work: Callable[[int, int], Any]) -> None:
    """Do rows ``first`` to ``last`` at a time, on all cores; the kernel lets go of the interpreter."""
    cores = os.cpu_count() or 1
    if rows < SMALL or cores == 1:
        work(0, rows)
        return
    edges = np.linspace(0, rows, 8 * cores + 1).astype(int).tolist()
    with ThreadPoolExecutor(cores) as threads:
        list(threads.map(work, edges[:-1], edges[1:]))


def read_names(texts: Sequence[str]) -> tuple[Names, dict[int, tuple[str, ...]]]:
    """Names in bulk by the kernel, and the former names that some of them tell, by row; few names, or names where Numba
    is missing, are read by the twin."""
    if kernel.numba is None or len(texts) < FEW:
        return read_names_plainly(texts)
    return read_names_compiled(texts)


def read_names_compiled(texts: Sequence[str]) -> tuple[Names, dict[int, tuple[str, ...]]]:
    """The same by the kernel, however few."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    points = numbers("".join(texts))
    chars = np.concatenate([points, np.zeros_like(points)])  # cores stand where they were, branches behind them all
    parts, keyed = np.zeros((len(texts), PARTS), np.int64), np.zeros((KEYS, len(texts)), np.int64)
    parts[:, BRANCH_START] = starts[:-1] + len(points)
    left, words = np.zeros(len(texts), np.bool_), words_in_arrays()
    in_threads(len(texts), lambda first, last: kernel.read_all(chars, starts, words, parts, keyed, left, first, last))
    read = {int(row): read_name(texts[row]) for row in np.flatnonzero(left)}
    return _put(Names(chars, parts, keyed), read), _former(read)


def read_names_plainly(texts: Sequence[str]) -> tuple[Names, dict[int, tuple[str, ...]]]:
    """The same by the twin, name by name."""
    read = {row: read_name(text) for row, text in enumerate(texts)}
    empty = Names(
        np.empty(0, np.int32), np.zeros((len(texts), PARTS), np.int64), np.zeros((KEYS, len(texts)), np.int64)
    )
    return _put(empty, read), _former(read)


def _former(read: Mapping[int, Name]) -> dict[int, tuple[str, ...]]:
    return {row: name.former for row, name in read.items() if name.former}


def _put(names: Names, read: Mapping[int, Name]) -> Names:
    """Put names that the twin read behind those that the kernel read."""
    start = len(names.chars)
    for row, name in read.items():
        names.parts[row] = (*_hashes(name), start, len(name.core), name.brand, start + len(name.core),
                            len(name.branch), name.form, name.region.province, name.region.city, name.region.county)  # fmt: skip
        names.keys[:, row] = keys(name)
        start += len(name.core) + len(name.branch)
    behind = numbers("".join(name.core + name.branch for name in read.values()))
    return names._replace(chars=np.concatenate([names.chars, behind]))


def _hashes(name: Name) -> tuple[int, ...]:
    texts = (
        name.core, name.core[: name.brand], name.core[name.brand :], name.branch, name.note,
        compare.numerals(name.core), compare.numerals(name.branch),
    )  # fmt: skip
    return tuple(hash_of(text) for text in texts)


def keys(name: Name) -> tuple[int, ...]:
    """What a name is found by: two names are compared only where one of these is the same. 0 finds nothing.

    The core; the trade name; the first three characters; and, so that a slip in the trade name is outlived, its first
    two characters with the trade, and its last two with the trade.
    """
    brand, kind = name.core[: name.brand], name.core[name.brand :]
    return (
        hash_of(name.core),
        hash_of(brand) if len(brand) >= 2 else 0,
        hash_of(name.core[:3]) if len(name.core) > 3 else 0,
        hash_of(brand[:2] + kind) if len(brand) >= 3 else 0,
        _signed((hash_of(brand[-2:] + kind) + 1) & MASK) if len(brand) >= 3 else 0,
    )


# ---------------------------------------------------------------- words and points


@cache
def words_in_arrays() -> Words:
    """The vocabulary as the kernel looks it up."""
    words, known = vocabulary(), regions()
    values = {name: (row + 1) << kernel.PLACE for row, name in enumerate(known)}
    for word, family in words.forms.items():
        values[word] = values.get(word, 0) | family << kernel.FAMILY
    for bit, some in {
        kernel.INNER_FORM: words.inner_forms, kernel.KIND_WORD: words.kinds, kernel.INLINE: words.inline,
        kernel.TAG: words.tags, kernel.BRANCH_END: words.branch_ends,
    }.items():  # fmt: skip
        for word in some:
            values[word] = values.get(word, 0) | bit
    places = np.array([(place.province, place.city, place.county) for place in known.values()], np.int64)
    longest = np.array([max(map(len, known)), max(len(word) for word in values if word not in known)], np.int64)
    return Words(_fold_table(), _signs(), *_table(values), places, longest)


def _signs() -> np.ndarray[Any, np.dtype[np.int32]]:
    """What each character may be."""
    words, found = vocabulary(), np.zeros(SINGLE, np.int32)
    others = [*words.forms, *words.inner_forms, *words.kinds, *words.inline, *words.tags, *words.branch_ends]
    for bit, signs in {
        kernel.LIST_MARK: words.list_marks, kernel.NUMERAL: words.numerals,
        kernel.BRANCH_DROPPED: words.branch_dropped, kernel.FORMER_START: {word[0] for word in words.former},
        kernel.REGION_START: {name[0] for name in regions()}, kernel.INNER_START: {word[0] for word in words.inner_forms},
        kernel.WORD_END: {word[-1] for word in others},
    }.items():  # fmt: skip
        found[[ord(sign) for sign in signs]] |= bit
    return found


def identities(names: Names) -> np.ndarray[Any, np.dtype[np.void]]:
    """What two writings of one name have in common, as one comparable value a name; the legal form doesn't count."""
    columns = [kernel.CORE, kernel.BRANCH, kernel.PROVINCE, kernel.CITY, kernel.COUNTY]
    return np.ascontiguousarray(names.parts[:, columns]).view(np.dtype((np.void, 8 * len(columns)))).ravel()


@cache
def points_in_arrays() -> Points:
    """``scores.yaml`` as the kernel looks it up."""
    scores = declared("scores")
    return Points(
        *(np.array([scores[part][name] for name in names], np.int64) for part, names in compare.PARTS.items())
    )


def _table(words: Mapping[str, int]) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    size = 1 << (2 * len(words) + 2).bit_length()
    places, values = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for word, value in words.items():
        key = hash_of(word)
        place = key & (size - 1)
        while places[place]:
            place = (place + 1) & (size - 1)
        places[place], values[place] = key, value
    return places, values


def _fold_table() -> np.ndarray[Any, np.dtype[np.int32]]:
    """What each character folds to on its own; `STRANGE` where that takes its neighbours or several characters."""
    table = np.arange(SINGLE, dtype=np.int32)
    for code in range(SINGLE):
        if code in UNIFIED or 0xAC00 <= code < 0xD7A4:
            continue
        sign = chr(code)
        plain = "" if any(code in some for some in JOINING) else folded(sign)
        strange = any(code in some for some in JOINING) or unicodedata.combining(sign) or len(plain) > 1 or sign == "Σ"
        strange = strange or plain and (ord(plain) >= SINGLE or unicodedata.combining(plain))
        table[code] = STRANGE if strange else ord(plain) if plain else DROPPED
    return table
