"""The kernel: what `names` and `compare` do, for millions of names and pairs, in Numba over arrays.

`names` and `compare` say what is meant; tests hold this module to them, name by name and pair by pair. Text is code points;
two texts are the same where their 64-bit hashes are. A name that is rare in form (brackets within brackets, letters
that Unicode composes) is left to `names`. Many fields stand in few arrays, because every array handed to a compiled
function costs.
"""

# mypy: disable-error-code="misc,no-untyped-def"
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

try:
    import numba
except ImportError:  # the extra `fast` is missing: `packing` uses the twins
    numba = None

BASIS, PRIME = 0xCBF29CE484222325 - 2**64, 0x100000001B3
OPEN, CLOSE = ord("("), ord(")")
DROPPED, STRANGE = 0, -1
NEARLY, LONG_BRAND, LEAST_CORE = 8, 4, 2

# Columns of Names.parts: hashes of texts (0: none), where the texts stand, places and legal form.
CORE, BRAND, KIND, BRANCH, NOTE, CORE_NUMERALS, BRANCH_NUMERALS = range(7)
CORE_START, CORE_LENGTH, BRAND_LENGTH, BRANCH_START, BRANCH_LENGTH, FORM, PROVINCE, CITY, COUNTY = range(7, 16)
PARTS = 16
KEYS = 5  # rows of Names.keys

# What a word may be (bits of Words.values below FAMILY), and what a character may be (bits of Words.signs).
INNER_FORM, KIND_WORD, INLINE, TAG, BRANCH_END = 1, 2, 4, 8, 16
FAMILY, PLACE = 8, 16  # where the legal form's family and the place's number + 1 start in a word's value
LIST_MARK, NUMERAL, BRANCH_DROPPED, FORMER_START, REGION_START, INNER_START, WORD_END = 1, 2, 4, 8, 16, 32, 64
LONGEST_REGION, LONGEST_OTHER = 0, 1


class Words(NamedTuple):
    """`words.vocabulary` and `words.regions` as arrays; ``keys`` is a hash table with open addressing."""

    fold: np.ndarray[Any, np.dtype[np.int32]]
    signs: np.ndarray[Any, np.dtype[np.int32]]
    keys: np.ndarray[Any, np.dtype[np.int64]]
    values: np.ndarray[Any, np.dtype[np.int64]]
    places: np.ndarray[Any, np.dtype[np.int64]]
    longest: np.ndarray[Any, np.dtype[np.int64]]


class Names(NamedTuple):
    """Many `names.Name` as arrays: characters of cores and branches, a row of parts a name, and the keys by which
    names are found: two names are compared only where they share one."""

    chars: np.ndarray[Any, np.dtype[np.int32]]
    parts: np.ndarray[Any, np.dtype[np.int64]]
    keys: np.ndarray[Any, np.dtype[np.int64]]


class Points(NamedTuple):
    """``scores.yaml`` as arrays, each in the order of `compare.PARTS`."""

    core: np.ndarray[Any, np.dtype[np.int64]]
    region: np.ndarray[Any, np.dtype[np.int64]]
    form: np.ndarray[Any, np.dtype[np.int64]]
    branch: np.ndarray[Any, np.dtype[np.int64]]
    numeral: np.ndarray[Any, np.dtype[np.int64]]


def _compiled(**options: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        if numba is None:
            return function
        try:
            return numba.njit(cache=True, nogil=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # no place to keep what was compiled
            return numba.njit(nogil=True, **options)(function)  # type: ignore[no-any-return]

    return compiled


inlined = _compiled(forceinline=True)
jit = _compiled()


# ---------------------------------------------------------------- texts


@inlined
def hashed(chars, start, end):
    """FNV-1a over code points; 0 for no text."""
    found = BASIS if end > start else 0
    for place in range(start, end):
        found = (found ^ chars[place]) * PRIME
    return found


@inlined
def hashed_numerals(chars, start, end, signs):
    """The hash of a text's numerals, in order."""
    found = 0
    for place in range(start, end):
        if signs[chars[place]] & NUMERAL:
            found = ((found if found else BASIS) ^ chars[place]) * PRIME
    return found


@inlined
def hashed_two(chars, start, middle, again, end):
    """The hash of two pieces of a text, one behind the other."""
    found = BASIS
    for place in range(start, middle):
        found = (found ^ chars[place]) * PRIME
    for place in range(again, end):
        found = (found ^ chars[place]) * PRIME
    return found


@inlined
def looked_up(keys, values, key):
    """What a word is, in bits; 0 where it is none of ours."""
    mask = len(keys) - 1
    place = key & mask
    while keys[place] != 0:
        if keys[place] == key:
            return values[place]
        place = (place + 1) & mask
    return 0


@jit
def suffix(words, bits, chars, start, end, least_left):
    """Length of the longest word of a kind that a text ends with and leaves enough of it; 0 where there is none."""
    if end <= start or not words.signs[chars[end - 1]] & WORD_END:
        return 0
    for length in range(min(words.longest[LONGEST_OTHER], end - start - least_left), 0, -1):
        if looked_up(words.keys, words.values, hashed(chars, end - length, end)) & bits:
            return length
    return 0


# ---------------------------------------------------------------- one name


@inlined
def _fold(points, start, end, words):
    """Fold in place and keep the first firm of a list: where it ends, -1 where it can't be read here."""
    out, marked = start, False
    for place in range(start, end):
        sign = points[place]
        sign = words.fold[sign] if sign < len(words.fold) else STRANGE
        if sign == STRANGE:
            return -1
        if sign == DROPPED or marked:
            continue
        if words.signs[sign] & LIST_MARK:
            marked = out > start
            continue
        points[out] = sign
        out += 1
    return out


@inlined
def _aside(points, start, end, words, parts):
    """Put down what a bracket tells; True where it is part of the name itself."""
    key = hashed(points, start, end)
    known = looked_up(words.keys, words.values, key)
    if known & INLINE:
        return True
    if known >> PLACE:
        _join(parts, words.places, (known >> PLACE) - 1)
    elif (known >> FAMILY) & 0xFF:
        parts[FORM] = (known >> FAMILY) & 0xFF
    elif not known & TAG and parts[NOTE] == 0:
        parts[NOTE] = key
    return False


@inlined
def _brackets(points, start, end, words, parts):
    """Take brackets out, in place: where the name ends, -1 where it can't be read here."""
    out, opened = start, -1
    for place in range(start, end):
        sign = points[place]
        if sign == OPEN:
            if opened >= 0:
                return -1
            opened = place + 1
        elif sign == CLOSE:
            if opened < 0 or place > opened and words.signs[points[opened]] & FORMER_START:
                return -1
            if place > opened and _aside(points, opened, place, words, parts):
                for inner in range(opened, place):
                    points[out] = points[inner]
                    out += 1
            opened = -1
        elif opened < 0:
            points[out] = sign
            out += 1
    return -1 if opened >= 0 or out == start and end > start else out


@inlined
def _join(parts, places, place):
    for level in range(3):
        if parts[PROVINCE + level] == 0:
            parts[PROVINCE + level] = places[place, level]


@inlined
def _inner_form_end(points, start, end, words):
    """Where a legal form ends for the first time, the end where there is none."""
    cut = end
    for place in range(start + 1, end):
        if words.signs[points[place]] & INNER_START:
            for length in range(1, min(words.longest[LONGEST_OTHER], end - place) + 1):
                if looked_up(words.keys, words.values, hashed(points, place, place + length)) & INNER_FORM:
                    cut = min(cut, place + length)
    return cut


@inlined
def _branch(points, start, end, words, chars, parts):
    """Cut the branch off behind the legal form and keep it: where the firm's own name ends."""
    cut = _inner_form_end(points, start, end, words)
    first = out = parts[BRANCH_START]
    is_form = (looked_up(words.keys, words.values, hashed(points, cut, end)) >> FAMILY) & 0xFF
    if cut < end and not is_form and suffix(words, BRANCH_END, points, cut, end, 0):
        for place in range(cut, end):
            if not words.signs[points[place]] & BRANCH_DROPPED:
                chars[out] = points[place]
                out += 1
    parts[BRANCH_LENGTH] = out - first
    parts[BRANCH] = hashed(chars, first, out)
    parts[BRANCH_NUMERALS] = hashed_numerals(chars, first, out, words.signs)
    return cut


@inlined
def _region(points, start, end, words, parts):
    """Take the places off that a name starts with; what brackets said stays behind them. Where the core starts."""
    province, city, county = parts[PROVINCE], parts[CITY], parts[COUNTY]
    parts[PROVINCE] = parts[CITY] = parts[COUNTY] = 0
    while start < end and words.signs[points[start]] & REGION_START:
        best, region, key = 0, 0, BASIS
        for length in range(1, min(words.longest[LONGEST_REGION], end - start - LEAST_CORE) + 1):
            key = (key ^ points[start + length - 1]) * PRIME
            found = looked_up(words.keys, words.values, key) >> PLACE if length > 1 else 0
            if found:
                best, region = length, found
        if best == 0:
            break
        _join(parts, words.places, region - 1)
        start += best
    parts[PROVINCE] = parts[PROVINCE] if parts[PROVINCE] else province
    parts[CITY] = parts[CITY] if parts[CITY] else city
    parts[COUNTY] = parts[COUNTY] if parts[COUNTY] else county
    return start


@inlined
def _kinds_start(points, start, end, words):
    """Where the words that tell the trade start."""
    length = 1
    while length:
        length = suffix(words, KIND_WORD, points, start, end, LEAST_CORE)
        end -= length
    return end


@inlined
def _keep_core(chars, start, brand_end, end, words, parts, keys, row):
    """Store the core, its hashes, and the keys by which it is found."""
    brand = brand_end - start
    parts[CORE_START], parts[CORE_LENGTH], parts[BRAND_LENGTH] = start, end - start, brand
    parts[CORE] = hashed(chars, start, end)
    parts[BRAND] = hashed(chars, start, brand_end)
    parts[KIND] = hashed(chars, brand_end, end)
    parts[CORE_NUMERALS] = hashed_numerals(chars, start, end, words.signs)
    keys[0, row] = parts[CORE]
    keys[1, row] = parts[BRAND] if brand >= 2 else 0
    keys[2, row] = hashed(chars, start, start + 3) if end - start > 3 else 0
    if brand >= 3:
        keys[3, row] = hashed_two(chars, start, start + 2, brand_end, end)
        keys[4, row] = hashed(chars, brand_end - 2, end) + 1


@inlined
def _read(chars, start, end, words, parts, keys, row):
    """Read one name whose characters stand in ``chars``; False where it is left to `names.read_name`."""
    end = _fold(chars, start, end, words)
    if end >= 0:
        end = _brackets(chars, start, end, words, parts)
    if end < 0:
        return False
    end = _branch(chars, start, end, words, chars, parts)
    length = 0
    for longer in range(min(words.longest[LONGEST_OTHER], end - start - 1), 0, -1):
        family = (looked_up(words.keys, words.values, hashed(chars, end - longer, end)) >> FAMILY) & 0xFF
        if family:
            parts[FORM] = parts[FORM] if parts[FORM] else family
            length = longer
            break
    end -= length
    start = _region(chars, start, end, words, parts)
    _keep_core(chars, start, _kinds_start(chars, start, end, words), end, words, parts, keys, row)
    return True


@jit
def read_all(chars, starts, words, parts, keys, left, first, last):
    """Read names ``first`` to ``last``; ``left[row]`` says which ones couldn't be read here."""
    for row in range(first, last):
        left[row] = not _read(chars, starts[row], starts[row + 1], words, parts[row], keys, row)


# ---------------------------------------------------------------- two names


@jit
def one_slip(a, b, a_start, a_length, b_start, b_length):
    """Whether two different texts are one slip apart: a character more, less, changed, or two swapped."""
    if abs(a_length - b_length) > 1:
        return False
    head, shorter = 0, min(a_length, b_length)
    while head < shorter and a[a_start + head] == b[b_start + head]:
        head += 1
    tail = 0
    while tail < shorter - head and a[a_start + a_length - 1 - tail] == b[b_start + b_length - 1 - tail]:
        tail += 1
    a_left, b_left = a_length - head - tail, b_length - head - tail
    if a_left <= 1 and b_left <= 1:
        return True
    a_start, b_start = a_start + head, b_start + head
    return a_left == 2 and b_left == 2 and a[a_start] == b[b_start + 1] and a[a_start + 1] == b[b_start]


@jit
def few_slips(a, b, a_start, a_length, b_start, b_length, most):
    """Whether two texts are at most so many slips apart, by the whole table of distances."""
    if abs(a_length - b_length) > most:
        return False
    lines = np.zeros((3, b_length + 1), np.int32)
    for column in range(b_length + 1):
        lines[0, column] = column
    for row in range(1, a_length + 1):
        line, above, before = row % 3, (row + 2) % 3, (row + 1) % 3
        lines[line, 0] = least = row
        sign = a[a_start + row - 1]
        for column in range(1, b_length + 1):
            other = b[b_start + column - 1]
            cost = min(lines[above, column] + 1, lines[line, column - 1] + 1)
            cost = min(cost, lines[above, column - 1] + (0 if sign == other else 1))
            if row > 1 and column > 1 and sign == b[b_start + column - 2] and a[a_start + row - 2] == other:
                cost = min(cost, lines[before, column - 2] + 1)
            lines[line, column] = cost
            least = min(least, cost)
        if least > most + 1:  # a swap may still take one off
            return False
    return lines[a_length % 3, b_length] <= most


@jit
def contains(a, b, a_start, a_length, b_start, b_length):
    """Whether the second text stands somewhere in the first."""
    for offset in range(a_length - b_length + 1):
        place = 0
        while place < b_length and a[a_start + offset + place] == b[b_start + place]:
            place += 1
        if place == b_length:
            return True
    return False


@inlined
def _different(chars, start, length):
    """How many different characters a text has."""
    count = 0
    for place in range(start, start + length):
        first = 1
        for before in range(start, place):
            if chars[before] == chars[place]:
                first = 0
        count += first
    return count


@inlined
def _shared(a, b, a_start, a_length, b_start, b_length):
    """How many different characters two texts share."""
    count = 0
    for place in range(a_start, a_start + a_length):
        counts = 0
        for other in range(b_start, b_start + b_length):
            if a[place] == b[other]:
                counts = 1
        for before in range(a_start, place):
            if a[before] == a[place]:
                counts = 0
        count += counts
    return count


@jit
def _kind_level(a, b, one, other):
    """0 like, 1 missing, 2 differs."""
    a_start, a_length = one[CORE_START] + one[BRAND_LENGTH], one[CORE_LENGTH] - one[BRAND_LENGTH]
    b_start, b_length = other[CORE_START] + other[BRAND_LENGTH], other[CORE_LENGTH] - other[BRAND_LENGTH]
    if a_length == 0 or b_length == 0:
        return 1
    fewest = min(_different(a, a_start, a_length), _different(b, b_start, b_length))
    return 0 if 2 * _shared(a, b, a_start, a_length, b_start, b_length) >= fewest else 2


@inlined
def _by_length(length):
    return min(max(length, 2), LONG_BRAND) - 2


@jit
def _unlike_core_level(a, b, one, other):
    """A place in `compare.CORE` for two different cores."""
    if one[NOTE] != 0 and one[NOTE] == other[CORE] or other[NOTE] != 0 and other[NOTE] == one[CORE]:
        return 20
    length, other_length, brand, other_brand = (
        one[CORE_LENGTH],
        other[CORE_LENGTH],
        one[BRAND_LENGTH],
        other[BRAND_LENGTH],
    )
    if one[BRAND] == other[BRAND]:
        return 4 + 3 * _kind_level(a, b, one, other) + _by_length(brand)
    start, other_start = one[CORE_START], other[CORE_START]
    same_kind = one[KIND] == other[KIND]
    if one_slip(a, b, start, brand, other_start, other_brand):
        return 13 + _by_length(max(brand, other_brand)) if same_kind else 16
    if min(brand, other_brand) >= 2:
        if brand >= other_brand:
            inside = contains(a, b, start, brand, other_start, other_brand)
        else:
            inside = contains(b, a, other_start, other_brand, start, brand)
        if inside:
            return 17 if same_kind else 18
    if min(length, other_length) >= NEARLY and few_slips(a, b, start, length, other_start, other_length, 2):
        return 19
    return 21


@inlined
def _core_level(a, b, one, other):
    """A place in `compare.CORE`."""
    if one[CORE_LENGTH] == 0 or other[CORE_LENGTH] == 0:
        return 21
    if one[CORE] == other[CORE]:
        return min(one[CORE_LENGTH], LONG_BRAND) - 1
    return _unlike_core_level(a, b, one, other)


@inlined
def _region_level(one, other):
    """A place in `compare.REGION`."""
    agree, equal = False, True
    for level in range(PROVINCE, PROVINCE + 3):
        a, b = one[level], other[level]
        if a and b and a != b:
            return 3
        agree = agree or (a != 0 and a == b)
        equal = equal and a == b
    if equal:
        return 0
    return 1 if agree else 2


@inlined
def _branch_level(a, b, one, other):
    """A place in `compare.BRANCH`."""
    length, other_length = one[BRANCH_LENGTH], other[BRANCH_LENGTH]
    if one[BRANCH] == other[BRANCH]:
        return 1 if length else 0
    if length == 0 or other_length == 0:
        return 3
    if min(length, other_length) < NEARLY or one[BRANCH_NUMERALS] != other[BRANCH_NUMERALS]:
        return 4
    return 2 if one_slip(a, b, one[BRANCH_START], length, other[BRANCH_START], other_length) else 4


@inlined
def _pair_points(a, b, one, other, points, least):
    """Points of a pair; 0 as soon as it can't reach ``least``."""
    form = 0 if one[FORM] == other[FORM] else 2 if one[FORM] and other[FORM] else 1
    taken = points.region[_region_level(one, other)] + points.form[form]
    taken += points.numeral[0 if one[CORE_NUMERALS] == other[CORE_NUMERALS] else 1]
    if 100 - taken < least:
        return 0
    taken += points.branch[_branch_level(a, b, one, other)]
    if 100 - taken < least:
        return 0
    found = points.core[_core_level(a, b, one, other)] - taken
    return found if found > 0 and found >= least else 0


@jit
def score_pairs(one, other, left, right, points, out, first, last):
    """Points of given pairs, ``first`` to ``last``."""
    for pair in range(first, last):
        out[pair] = _pair_points(one.chars, other.chars, one.parts[left[pair]], other.parts[right[pair]], points, 0)


@jit
def score_blocks(one, other, key, rows, starts, offsets, order, points, least, out, first, last):
    """Points of every pair of some names, ``rows[first:last]``, with the names that share their key; pairs that an
    earlier key brought get -1. ``rows[n]`` meets ``order[starts[n]: …]``; its points stand from ``offsets[n]``
    on."""
    for n in range(first, last):
        i = rows[n]
        for place in range(offsets[n + 1] - offsets[n]):
            j = order[starts[n] + place]
            fresh = True
            for earlier in range(key):
                if one.keys[earlier, i] == other.keys[earlier, j] and one.keys[earlier, i] != 0:
                    fresh = False
            found = -1
            if fresh:
                found = _pair_points(one.chars, other.chars, one.parts[i], other.parts[j], points, least)
            out[offsets[n] + place] = found
