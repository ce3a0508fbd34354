"""The words and figures that names are read and judged by: ``names.yaml``, ``regions.yaml`` and ``scores.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CITY_WORD = "市"  # Chinese only


@cache
def declared(name: str) -> dict[str, Any]:
    """One of the files beside this module, as it is written."""
    return dict(yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Region:
    """A place as far as a name tells it: numbers of province, city and county, 0 where the name leaves it open."""

    province: int = 0
    city: int = 0
    county: int = 0

    def joined(self, other: Region) -> Region:
        """This place made narrower by another name in the same firm's name."""
        return Region(self.province or other.province, self.city or other.city, self.county or other.county)


NOWHERE = Region()


@cache
def regions() -> dict[str, Region]:
    """Every place's name → the place. A name that several provinces use (朝阳区) leaves the province open.

    >>> regions()["北京"], regions()["北京"] == regions()["北京市"], regions()["朝阳区"].province
    (Region(province=11, city=0, county=0), True, 0)
    """
    data, found, numbers = declared("regions"), {}, {}
    kept = set(data["never_short"])
    for province in data["provinces"]:
        code = int(province["code"])
        for county in province.get("counties", "").split():
            number = numbers.setdefault(county, len(numbers) + 1)
            found[county] = Region(0 if county in found else code, 0, number)
        for city in province.get("cities", "").split():
            number = numbers.setdefault(city, len(numbers) + 1)
            found[city] = Region(code, number)
            if city.endswith(CITY_WORD) and len(city) > 2 and city[:-1] not in kept:
                found[city[:-1]] = found[city]
    for province in data["provinces"]:
        found[province["name"]] = found[province["short"]] = Region(int(province["code"]))
    return found


@dataclass(frozen=True)
class Vocabulary:
    """``names.yaml`` as it is looked up."""

    list_marks: frozenset[str]
    dropped: frozenset[str]
    brackets: dict[str, str]
    forms: dict[str, int]
    inner_forms: tuple[str, ...]
    inline: frozenset[str]
    former: tuple[str, ...]
    tags: frozenset[str]
    branch_ends: tuple[str, ...]
    branch_dropped: frozenset[str]
    numerals: frozenset[str]
    kinds: frozenset[str]


@cache
def vocabulary() -> Vocabulary:
    """The words of ``names.yaml``; longer ones come first, because they are tried first."""

    def longest_first(words: list[str]) -> tuple[str, ...]:
        return tuple(sorted(words, key=lambda word: (-len(word), word)))

    data = declared("names")
    return Vocabulary(
        list_marks=frozenset(data["list_marks"]),
        dropped=frozenset(data["dropped"]),
        brackets=dict(data["brackets"]),
        forms={word: family for family, words in data["forms"].items() for word in words},
        inner_forms=longest_first(data["inner_forms"]),
        inline=frozenset(data["inline"]),
        former=longest_first(data["former"]),
        tags=frozenset(data["tags"]),
        branch_ends=longest_first(data["branch_ends"]),
        branch_dropped=frozenset(data["branch_dropped"]),
        numerals=frozenset(data["numerals"]),
        kinds=frozenset(word for line in data["kinds"] for word in line.split()),
    )
