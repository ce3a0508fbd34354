"""The English side: which words lack an English form, which Chinese is not marked, and the catalogues themselves.

    python docs/reference/english.py missing [ROOM …]    JSON {room: [text, …]}: marked, but not in any catalogue
    python docs/reference/english.py unmarked [ROOM …]   file:line text: Chinese an officer may read, not marked
    python docs/reference/english.py take FILE.json      put {text: English} into the catalogues of the rooms that use it
    python docs/reference/english.py compile             write every django.mo anew from its django.po

Words are found in calls to gettext and its kin, in templates, and under the label keys of the YAML files. Each room
keeps its own catalogue; the same text has the same English everywhere. A city brings the English of its own words (kinds,
reasons, zones, clauses) in a catalogue beside its files, edited by hand and compiled here. `tests/docs/test_english.py` runs the same
functions, so a word without English fails `make test`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import polib

from jinmai.site.own_words import (
    CHINESE,
    CONTEXT_SEPARATOR,
    SOURCE,
    in_python,
    in_template,
    name_of,
    rooms,
    words,
)

__all__ = ["CHINESE", "in_python", "in_template", "words"]


def catalogue(room: str) -> Path:
    return SOURCE / room / "locale" / "en" / "LC_MESSAGES" / "django.po"


def cities() -> list[str]:
    """The packaged cities that bring English of their own."""
    return [path.parents[3].relative_to(SOURCE).as_posix() for path in SOURCE.glob("cities/*/locale/en/LC_MESSAGES/django.po")]


def english(room: str) -> dict[str, str]:
    """Text → English of one room's catalogue; a context stands before the text, apart by U+0004."""
    path = catalogue(room)
    if not path.exists():
        return {}
    return {
        (f"{entry.msgctxt}{CONTEXT_SEPARATOR}" if entry.msgctxt else "") + entry.msgid: entry.msgstr
        for entry in polib.pofile(str(path))
    }


def every_english() -> dict[str, str]:
    return {text: shown for room in rooms() for text, shown in english(name_of(room)).items()}


def missing() -> dict[str, list[str]]:
    """Room → marked texts for which no catalogue has English."""
    known = {text for text, shown in every_english().items() if shown}
    return {room: sorted(texts - known) for room, texts in words()[0].items() if texts - known}


def write(room: str, entries: dict[str, str]) -> None:
    """The room's catalogue, sorted, with format flags, and its compiled form."""
    path = catalogue(room)
    path.parent.mkdir(parents=True, exist_ok=True)
    book = polib.POFile(wrapwidth=0)
    book.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Language": "en",
    }
    for text, shown in sorted(entries.items()):
        context, _, plain = text.rpartition(CONTEXT_SEPARATOR)
        entry = polib.POEntry(msgid=plain, msgstr=shown, msgctxt=context or None)
        if re.search(r"%\(\w+\)[sd]|%[sd]", plain):
            entry.flags = ["python-format"]
        book.append(entry)
    book.save(str(path))
    book.save_as_mofile(str(path.with_suffix(".mo")))


def take(given: dict[str, str]) -> int:
    """Put English into the catalogue of each room that marks the text; texts nobody marks any more are dropped."""
    marked, taken = words()[0], 0
    known = every_english() | given
    for room in rooms():
        name = name_of(room)
        mine = {text: known[text] for text in marked.get(name, set()) if known.get(text)}
        kept = {text: shown for text, shown in english(name).items() if text in marked.get(name, set()) or not CHINESE.search(text)}
        if mine or kept:
            write(name, kept | mine)
            taken += len(mine)
    return taken


def main(arguments: list[str]) -> int:
    what, *rest = arguments or ["missing"]
    if what == "missing":
        found: Any = {room: texts for room, texts in missing().items() if not rest or room in rest}
        print(json.dumps(found, ensure_ascii=False, indent=1))
    elif what == "unmarked":
        found = [line for room, lines in words()[1].items() if not rest or room in rest for line in lines]
        print("\n".join(found))
    elif what == "take":
        print(take(json.loads(Path(rest[0]).read_text(encoding="utf-8"))))
    elif what == "compile":
        for name in [*map(name_of, rooms()), *cities()]:
            if catalogue(name).exists():
                write(name, english(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
