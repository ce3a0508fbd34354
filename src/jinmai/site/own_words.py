"""The words that the program itself says (程序用语), found in its source: marked ones, and those nobody marked.

``docs/reference/english.py`` and ``tests/docs/test_english.py`` ask which of them lack English; ``jinmai demo --check
--lang en`` asks whether a text left in Chinese on a page is one of them, or the city's own data.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).resolve().parents[1]
CHINESE = re.compile(r"[\u3400-\u9fff]")
#: Calls that mark a text; ``mark`` is the house's name for gettext_noop.
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "mark", "lazy"}
#: Calls whose constant arguments are shown through the translation: a refusal says its words when it is shown.
SAYS = {"Words", "Refusal", "NotAllowed", "NotFound", "MeasureInfo", "Figure", "Classification", "shown"} | {
    "FileRefused",
    "WorkbookRefused",
}
#: Faults of a rule file or a declaration: a rule author or an engineer reads them.
FOR_AUTHORS = {"RuleFault", "Broken"}
#: Units are keys of the rulebook; they are said where a figure is shown.
UNITS = frozenset(("元", "万元", "亿元", "天", "年", "月", "户", "人", "笔", "个"))
#: A line that ends with this comment stays Chinese.
STAYS = re.compile(r"#.*\bChinese only\b")
IN_CONTEXT = {"pgettext", "pgettext_lazy"}
PLURALS = {"ngettext", "ngettext_lazy"}
#: Read in a terminal, by the platform's own people, or made-up content: Chinese only, and said so in the documentation.
CHINESE_ONLY = re.compile(
    r"(^|/)(commands|demo|doctor|commandline|check|serve|lint|cases|fitting|sample)\.py$|/demo/|/migrations/|/tests/|^cities/"
    # made-up content; names of applications, of which no page speaks; commands of an engineer
    r"|/demo_\w+\.py$|/apps\.py$|_commands\.py$|site/(profile_checks|bench)\.py$"
    # faults of rule files, for their authors; problems of the chain, for whoever verifies it
    r"|rulebook/(loader|condition|overlay|faults|strict_yaml)\.py$|audit/(chain|anchors)\.py$"
    # the card of the example scorecard
    r"|credit/card\.py$"
)
#: Examples in the API's description are made up of the city's data; two modules know how people write.
EXAMPLES = re.compile(r"/api/|api(_\w+)?\.py$|/(api_document|key_form)\.py$|intake/parsing/normalise\.py$|financing/views/prints\.py$")
#: Modules that declare words as data: labels of measures and columns, units. They are said where they are shown.
DECLARES = re.compile(
    r"/(facts|units|portrait|groups|operators|explain|purposes)\.py$|/facts/__init__\.py$|/kinds/scorecard\.py$"
    r"|kernel/errors\.py$|access/actor\.py$|logins/__init__\.py$|rulebook/rule\.py$|parties/(basis|classification)\.py$"
    r"|financing/(models|first_time|answers)\.py$|ui/templatetags/ui\.py$"
)
#: Keys under which a YAML file keeps words that a page shows; texts of law and an institution's own words stay Chinese.
LABEL_KEYS = frozenset({"label", "title", "heading", "definition", "question", "help", "words", "absence", "reason", "unit"})
REFUSALS = SOURCE / "site" / "refusals.json"  # what every code of a refusal says
WORD_FILES = ("site/words.yaml",)  # every value is a word
SKIPPED_YAML = re.compile(r"^cities/|/tests/|permissions\.yaml$")
#: Rule files: only what they call a rule, a band or a row; their texts are quoted from documents.
RULE_FILES = re.compile(r"/rules/")
TRANS = re.compile(r"""{%\s*trans(?:late)?\s+(?:"([^"]*)"|'([^']*)')""")
ARGUMENT = re.compile(r"""\b_\((?:"([^"]*)"|'([^']*)')\)""")
BLOCK = re.compile(r"{%\s*blocktrans(?:late)?\b([^%]*)%}(.*?){%\s*endblocktrans(?:late)?\s*%}", re.S)
COMMENT = re.compile(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|<!--.*?-->", re.S)
#: The name of a language in that language.
OTHER_LANGUAGE = re.compile(r'<button[^<]* lang="zh">[^<]*</button>')
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
    source = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    passed = _docstrings(tree)
    marked: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not (node.args or node.keywords):
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
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            texts = [part for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            marked.update(part.value for part in texts)
            passed.update(map(id, texts))
        elif name in FOR_AUTHORS:
            passed.update(id(part) for part in ast.walk(node))
    if DECLARES.search(path.as_posix()):
        marked |= {node.value for node in _literals(tree) if id(node) not in passed and not FILLED.search(node.value)}
        passed.update(id(node) for node in _literals(tree))
    bare = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in passed
        and CHINESE.search(node.value)
        and node.value not in UNITS
        and not STAYS.search(lines[node.lineno - 1])
    ]
    return {text for text in marked if CHINESE.search(text)}, bare


def _literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Chinese texts that are no part of a composed sentence."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CHINESE.search(node.value):
            if id(node) not in parts:
                yield node


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
    left = OTHER_LANGUAGE.sub("", left)
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
    keys = frozenset({"label"}) if RULE_FILES.search(path.as_posix()) else LABEL_KEYS
    return {text for text in _labels(content, keys, every) if CHINESE.search(text)}


def _labels(content: Any, keys: frozenset[str], every: bool) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, str) and (every or key in keys):
                yield value
            else:
                yield from _labels(value, keys, every)
    elif isinstance(content, list):
        for value in content:
            yield from _labels(value, keys, every)


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
            unmarked = [] if EXAMPLES.search(place) else unmarked
        elif path.suffix == ".html":
            found, unmarked = in_template(path)
        elif path.suffix in (".yaml", ".yml") and not SKIPPED_YAML.search(place):
            found, unmarked = in_yaml(path), []
        else:
            continue
        marked[room] |= found
        bare[room] += [f"{place}:{line} {text}" for line, text in unmarked]
    told = json.loads(REFUSALS.read_text(encoding="utf-8")).values()
    marked["site"] |= {
        part
        for said in told
        for texts in said
        for text in texts
        for part in (text.split(" / ") if text else ())
        if CHINESE.search(part)
    }
    return marked, bare


# ---------------------------------------------------------------- what a page says

#: What stands between two texts on a page.
BETWEEN = re.compile(r"\s*[·，、：:；;|→]\s*|\s/\s|\s{2,}|　")
FILLED = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def _composed(path: Path) -> Iterator[str]:
    """Sentences put together in a module, with ``%s`` for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "%s" for part in node.values)


@cache
def _said() -> tuple[frozenset[str], re.Pattern[str]]:
    marked, bare = words()
    texts = {text.rpartition(CONTEXT_SEPARATOR)[2] for some in marked.values() for text in some}
    texts |= {line.partition(" ")[2] for some in bare.values() for line in some}
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        if not CHINESE_ONLY.search(place) and not EXAMPLES.search(place):
            texts.update(_composed(path))
    filled = sorted(text for text in texts if FILLED.search(text) and len(CHINESE.findall(text)) > 1)
    patterns = ["(.+?)".join(re.escape(part) for part in FILLED.split(text)) for text in filled]
    patterns = [pattern.replace("(.+?)", ".+?") for pattern in patterns]
    return frozenset(text.strip() for text in texts if len(text) > 1), re.compile("|".join(patterns) or "(?!)")


@cache
def says(text: str) -> bool:
    """Whether the program says this text, or a part of it that stands by itself; names and the city's data it doesn't.

    >>> says("我的待办"), says("东汀精密机械有限公司")
    (True, False)
    """
    exact, filled = _said()
    parts = [text, *BETWEEN.split(text)]
    return any(part in exact or bool(filled.fullmatch(part)) for part in parts if CHINESE.search(part))
