"""The English side: which words lack an English form, which Chinese is not marked, and the catalogues themselves.

    python docs/reference/english.py missing [ROOM …]    JSON {room: [text, …]}: marked, but not in any catalogue
    python docs/reference/english.py unmarked [ROOM …]   file:line text: Chinese an officer may read, not marked
    python docs/reference/english.py take FILE.json      put {text: English} into the catalogues of the rooms that use it
    python docs/reference/english.py compile             write every django.mo anew from its django.po

Words are found in calls to gettext and its kin, in templates, and under the label keys of the YAML files. Each room
keeps its own catalogue; the same text has the same English everywhere. `tests/docs/test_english.py` runs the same
functions, so a word without English fails `make test`.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jinmai"
CHINESE = re.compile(r"[\u3400-\u9fff]")
#: Calls that mark a text; ``mark`` is the house's name for gettext_noop.
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "mark", "lazy"}
#: Calls whose constant arguments are shown through the translation: a refusal says its words when it is shown.
SAYS = {"Words", "Refusal", "NotAllowed", "NotFound"}
IN_CONTEXT = {"pgettext", "pgettext_lazy"}
PLURALS = {"ngettext", "ngettext_lazy"}
#: Read in a terminal, by the platform's own people, or made-up content: Chinese only, and said so in the documentation.
CHINESE_ONLY = re.compile(
    r"(^|/)(commands|demo|doctor|commandline|check|serve|lint|cases|fitting|sample)\.py$|/demo/|/migrations/|/tests/|^cities/"
)
#: Keys under which a YAML file keeps words that a page shows; texts of law and an institution's own words stay Chinese.
LABEL_KEYS = frozenset({"label", "title", "heading", "definition", "question", "help", "words", "absence"})
WORD_FILES = ("site/words.yaml",)  # every value is a word
SKIPPED_YAML = re.compile(r"^cities/|/rules/|/tests/|permissions\.yaml$")
TRANS = re.compile(r"""{%\s*trans(?:late)?\s+(?:"([^"]*)"|'([^']*)')""")
ARGUMENT = re.compile(r"""\b_\((?:"([^"]*)"|'([^']*)')\)""")
BLOCK = re.compile(r"{%\s*blocktrans(?:late)?\b([^%]*)%}(.*?){%\s*endblocktrans(?:late)?\s*%}", re.S)
COMMENT = re.compile(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|<!--.*?-->", re.S)
CONTEXT_SEPARATOR = "\x04"


def rooms() -> list[Path]:
    """Every package that has, or should have, a catalogue of its own."""
    places = [SOURCE / "cockpit", SOURCE / "site"]
    for group in ("foundation", "desks"):
        places += [place for place in sorted((SOURCE / group).iterdir()) if (place / "__init__.py").exists()]
    return places


def room_of(path: Path) -> Path:
    """The room a file belongs to; what stands above the rooms is the site's."""
    return next((room for room in rooms() if room in path.parents), SOURCE / "site")


def name_of(room: Path) -> str:
    return room.relative_to(SOURCE).as_posix()


# ---------------------------------------------------------------- Python


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _docstrings(tree: ast.AST) -> set[int]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def in_python(path: Path) -> tuple[set[str], list[tuple[int, str]]]:
    """Marked texts, and (line, text) of every Chinese literal that no call marks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed = _docstrings(tree)
    marked: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = _called(node)
        if name in MARKS | IN_CONTEXT | PLURALS:
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            texts = [text for text in texts if isinstance(text, str)]
            if name in IN_CONTEXT and len(texts) == 2:
                marked.add(CONTEXT_SEPARATOR.join(texts))
            else:
                marked.update(texts)
            passed.update(id(part) for argument in node.args for part in ast.walk(argument))
        elif name in SAYS:
            texts = [part for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            marked.update(part.value for part in texts)
            passed.update(map(id, texts))
    bare = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in passed
        and CHINESE.search(node.value)
    ]
    return {text for text in marked if CHINESE.search(text)}, bare


# ---------------------------------------------------------------- templates


def _block_text(options: str, body: str) -> str:
    text = re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", body.replace("%", "%%"))
    if "trimmed" in options:
        text = " ".join(line.strip() for line in text.splitlines() if line.strip())
    return text


def in_template(path: Path) -> tuple[set[str], list[tuple[int, str]]]:
    """Marked texts, and (line, text) of Chinese that stands in the template itself."""
    text = COMMENT.sub(lambda found: "\n" * found.group().count("\n"), path.read_text(encoding="utf-8"))
    marked = {found[0] or found[1] for pattern in (TRANS, ARGUMENT) for found in pattern.findall(text)}
    marked |= {_block_text(options, body) for options, body in BLOCK.findall(text)}
    left = BLOCK.sub(lambda found: "\n" * found.group().count("\n"), text)
    left = re.sub(r"{%.*?%}|{{.*?}}", lambda found: "" if _marks(found.group()) else found.group(), left)
    bare = [(number, line.strip()) for number, line in enumerate(left.splitlines(), 1) if CHINESE.search(line)]
    return {text for text in marked if CHINESE.search(text)}, bare


def _marks(tag: str) -> bool:
    return not CHINESE.search(ARGUMENT.sub("", TRANS.sub("", tag)))


# ---------------------------------------------------------------- YAML


def in_yaml(path: Path) -> set[str]:
    """Words under the label keys of a YAML file; every value where the file is a list of words."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    every = path.relative_to(SOURCE).as_posix() in WORD_FILES
    return {text for text in _labels(content, every) if CHINESE.search(text)}


def _labels(content: Any, every: bool) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, str) and (every or key in LABEL_KEYS):
                yield value
            else:
                yield from _labels(value, every)
    elif isinstance(content, list):
        for value in content:
            yield from _labels(value, every)


# ---------------------------------------------------------------- all of it


def words() -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """Room → marked texts, and room → ``file:line text`` that nobody marked."""
    marked: dict[str, set[str]] = defaultdict(set)
    bare: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*")):
        place = path.relative_to(SOURCE).as_posix()
        if not path.is_file() or CHINESE_ONLY.search(place):
            continue
        room = name_of(room_of(path))
        if path.suffix == ".py":
            found, unmarked = in_python(path)
        elif path.suffix == ".html":
            found, unmarked = in_template(path)
        elif path.suffix in (".yaml", ".yml") and not SKIPPED_YAML.search(place):
            found, unmarked = in_yaml(path), []
        else:
            continue
        marked[room] |= found
        bare[room] += [f"{place}:{line} {text}" for line, text in unmarked]
    return marked, bare


def catalogue(room: str) -> Path:
    return SOURCE / room / "locale" / "en" / "LC_MESSAGES" / "django.po"


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
        for room in rooms():
            if catalogue(name_of(room)).exists():
                write(name_of(room), english(name_of(room)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
