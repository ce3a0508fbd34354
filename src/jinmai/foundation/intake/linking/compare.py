"""Two names compared part by part: which level each part is at. Readable, one pair at a time; the kernel's twin.

A level is a place in ``scores.yaml``, where its weight stands; a pair's score is the sum of its levels' weights.
Comparing is symmetric: the order of the two names never matters.
"""

from __future__ import annotations

from .names import Name
from .words import Region, declared, vocabulary

CORE = (
    "same_1", "same_2", "same_3", "same_4", "kind_like_2", "kind_like_3", "kind_like_4", "kind_missing_2",
    "kind_missing_3", "kind_missing_4", "kind_differs_2", "kind_differs_3", "kind_differs_4", "slip_2", "slip_3",
    "slip_4", "slip_kind_differs", "inside", "inside_kind_differs", "nearly", "note", "differs",
)  # fmt: skip
REGION = ("same", "narrower", "open", "differs")
FORM = ("same", "one_tells", "differs")
BRANCH = ("none", "same", "slip", "one_has", "differs")
NUMERAL = ("same", "differs")
PARTS = {"core": CORE, "region": REGION, "form": FORM, "branch": BRANCH, "numeral": NUMERAL}
LONG_BRAND = 4  # a trade name of so many characters counts as long
NEARLY = 8  # cores of so many characters are nearly the same at two slips


def levels(one: Name, other: Name) -> tuple[int, int, int, int, int]:
    """The level of core, region, legal form, branch and numerals, as places in `CORE`, `REGION`, `FORM`, `BRANCH`
    and `NUMERAL`."""
    return (
        CORE.index(core_level(one, other)),
        REGION.index(region_level(one.region, other.region)),
        FORM.index(form_level(one.form, other.form)),
        BRANCH.index(branch_level(one.branch, other.branch)),
        NUMERAL.index("same" if numerals(one.core) == numerals(other.core) else "differs"),
    )


def points(one: Name, other: Name) -> int:
    """How alike two names are, 0 to 100: the core's points less what its other parts take off.

    >>> from .names import read_name
    >>> points(read_name("北京金脉科技有限公司"), read_name("金脉（北京）科技有限责任公司"))
    100
    """
    scores = declared("scores")
    core, *others = (
        scores[part][names[level]] for (part, names), level in zip(PARTS.items(), levels(one, other), strict=True)
    )
    return max(int(core) - sum(map(int, others)), 0)


def core_level(one: Name, other: Name) -> str:
    """How alike trade name and trade are."""
    if not one.core or not other.core:
        return "differs"
    if one.core == other.core:
        return f"same_{min(len(one.core), LONG_BRAND)}"
    if one.note and one.note == other.core or other.note and other.note == one.core:
        return "note"
    brand, other_brand = one.core[: one.brand], other.core[: other.brand]
    kind, other_kind = one.core[one.brand :], other.core[other.brand :]
    if brand == other_brand:
        return f"{kind_level(kind, other_kind)}_{min(max(len(brand), 2), LONG_BRAND)}"
    if slips(brand, other_brand, 1) <= 1:
        if kind != other_kind:
            return "slip_kind_differs"
        return f"slip_{min(max(len(brand), len(other_brand), 2), LONG_BRAND)}"
    if min(len(brand), len(other_brand)) >= 2 and (brand in other_brand or other_brand in brand):
        return "inside" if kind == other_kind else "inside_kind_differs"
    if min(len(one.core), len(other.core)) >= NEARLY and slips(one.core, other.core, 2) <= 2:
        return "nearly"
    return "differs"


def kind_level(kind: str, other: str) -> str:
    """How alike two trades are: one missing, most characters shared, or differing."""
    if not kind or not other:
        return "kind_missing"
    shared = len(set(kind) & set(other))
    return "kind_like" if 2 * shared >= min(len(set(kind)), len(set(other))) else "kind_differs"


def region_level(one: Region, other: Region) -> str:
    """Same place, one narrower within the other, one not told, or places apart."""
    pairs = [(one.province, other.province), (one.city, other.city), (one.county, other.county)]
    if any(a and b and a != b for a, b in pairs):
        return "differs"
    if not any(a and b for a, b in pairs):
        return "same" if one == other else "open"
    return "same" if one == other else "narrower"


def form_level(one: int, other: int) -> str:
    """Same legal form, told by one name only, or different."""
    if one == other:
        return "same"
    return "differs" if one and other else "one_tells"


def branch_level(one: str, other: str) -> str:
    """Same branch, one slip apart with the same numerals, a branch against its head office, or two branches."""
    if one == other:
        return "same" if one else "none"
    if not one or not other:
        return "one_has"
    alike = min(len(one), len(other)) >= NEARLY and numerals(one) == numerals(other) and slips(one, other, 1) <= 1
    return "slip" if alike else "differs"


def numerals(text: str) -> str:
    """The numerals in a text, in order."""
    return "".join(sign for sign in text if sign in vocabulary().numerals)


def slips(one: str, other: str, most: int) -> int:
    """Characters put in, left out, changed, or swapped with their neighbour between two texts; ``most + 1`` where
    there are more than ``most`` of them.

    >>> slips("鼎晟誉玖", "鼎盛誉玖", 1), slips("甲乙丙", "乙甲丙", 1), slips("甲乙", "丙丁", 1)
    (1, 1, 2)
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    line = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        above, line = line, [row]
        for column, other_sign in enumerate(other, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (sign != other_sign))
            swapped = row > 1 and column > 1 and sign == other[column - 2] and one[row - 2] == other_sign
            line.append(min(cost, before[column - 2] + 1) if swapped else cost)
        before = above
    return min(line[-1], most + 1)
