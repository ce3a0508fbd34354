"""ARFF, as credit data sets are published: a small strict reader.

liac-arff has had no release since 2021 and makes a Python object of every value; SciPy's reader knows no text attribute
and stands in an extra. Here the heading is read by hand and values stay as written, so that one reader serves all
tables. Sparse data (``{0 1, 3 2}``) and relational attributes are refused in words: no published table of ours has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from jinmai.foundation.kernel.errors import Words

from .unpack import FileRefused

MISSING = "?"
REMEDY = Words("请核对文件，或另存为 CSV 后再读")
LONGEST_LINE = 10_000_000
_ATTRIBUTE = re.compile(r"@attribute\s+(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(\S+))\s+(\S.*)", re.I)
_VALUE = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^,'\"]*))\s*(,|$)")
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True)
class Arff:
    """Names of the attributes, and the number of the line after which the data begin."""

    names: tuple[str, ...]
    data_after: int


def looks_like_arff(text: str) -> bool:
    """Whether the first line that is no comment says ``@relation`` or ``@attribute``.

    >>> looks_like_arff("% a comment\\n@RELATION firms\\n"), looks_like_arff("@id,name\\n")
    (True, False)
    """
    first = next((line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("%")), "")
    return bool(re.match(r"@(relation|attribute)\b", first.lstrip("\ufeff"), re.I))


def arff_heading(path: Path) -> Arff:
    """The attributes of a file already unpacked as UTF-8. Refuses (JM-INT-002) what isn't ARFF as written down."""
    names: list[str] = []
    with path.open(encoding="utf-8", newline="") as stream:
        for number, line in _lines(stream):
            word = line.split(None, 1)[0].lower() if line else ""
            if word == "@data":
                if not names:
                    raise FileRefused("JM-INT-002", "ARFF 文件里没有一个 @attribute", REMEDY)
                return Arff(tuple(names), number)
            if word == "@attribute":
                names.append(_attribute(line, number))
            elif word not in ("", "@relation") and not word.startswith("%"):
                raise _refused(number, Words("应是 @attribute 或 @data"))
    raise FileRefused("JM-INT-002", "ARFF 文件里没有 @data，后面的数据不全", REMEDY)


def arff_rows(path: Path, heading: Arff) -> Iterator[list[str]]:
    """The data as written, ``?`` as a blank; refuses a line that has not as many values as there are attributes."""
    width = len(heading.names)
    with path.open(encoding="utf-8", newline="") as stream:
        for number, line in _lines(stream):
            if number <= heading.data_after or not line or line.startswith("%"):
                continue
            if line.startswith("{"):
                raise _refused(number, Words("是稀疏格式（{…}），这里读不了"))
            quoted = "'" in line or '"' in line
            cells = _values(line, number) if quoted else [_plain(cell) for cell in line.split(",")]
            if len(cells) != width:
                raise _refused(number, Words("有 %(found)d 个值，应有 %(width)d 个", found=len(cells), width=width))
            yield cells


def _lines(stream: TextIO) -> Iterator[tuple[int, str]]:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        yield number, line.lstrip("\ufeff").strip()


def _attribute(line: str, number: int) -> str:
    found = _ATTRIBUTE.fullmatch(line)
    if found is None:
        raise _refused(number, Words("@attribute 后面应是名称和类型"))
    if found[4].lower().startswith("relational"):
        raise _refused(number, Words("含有嵌套的表（relational），这里读不了"))
    return _unescaped(next(one for one in found.groups()[:3] if one is not None))


def _plain(cell: str) -> str:
    text = cell.strip()
    return "" if text == MISSING else text


def _values(line: str, number: int) -> list[str]:
    cells, place = [], 0
    while True:
        found = _VALUE.match(line, place)
        if found is None:
            raise _refused(number, Words("引号没有收尾"))
        single, double, plain, after = found.groups()
        cells.append(_plain(plain) if plain is not None else _unescaped(single if single is not None else double))
        place = found.end()
        if not after:
            return cells


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text) if "\\" in text else text


def _refused(number: int, what: str) -> FileRefused:
    return FileRefused("JM-INT-002", Words("ARFF 文件第 %(row)d 行%(what)s", row=number, what=what), REMEDY)
