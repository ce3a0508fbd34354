"""Build `refusals.md` from the source: every stable code, what it says, what to do, and where it is raised.

Beside it `src/jinmai/site/refusals.json`, from which the site shows a page for each code, and `openapi.json`, the
description of the API as the running code gives it. Run by `make reference`; `tests/docs` says when one is behind.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jinmai"
PAGE = Path(__file__).with_name("refusals.md")
SHOWN = SOURCE / "site" / "refusals.json"
OPENAPI = Path(__file__).with_name("openapi.json")
CODE = re.compile(r"JM-[A-Z]{2,4}-\d{3}")
AREAS = {
    "API": "the API", "KER": "kernel", "ACC": "access", "AUD": "audit", "CON": "consent and the read door",
    "DOC": "documents", "IDM": "idempotency",
    "CLI": "command line", "RUL": "rulebook", "ANA": "analytics", "INT": "intake", "IMP": "import", "UI": "pages",
    "PAR": "parties", "CRE": "credit", "FIN": "financing", "COC": "cockpit", "SIT": "site", "SUB": "subjects",
    "DEM": "the example city", "WRK": "tasks and clocks", "ORG": "organisations", "MON": "money", "OUT": "requests that leave the platform",
}  # fmt: skip


@dataclass(frozen=True)
class Raised:
    """One place that raises a code."""

    code: str
    reason: str
    remedy: str
    module: str


def words(node: ast.expr | None) -> str:
    """The text of an argument as it stands in the source, with … for what is composed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return words(node.left) + (words(node.right) if isinstance(node.op, ast.Add) else "")
    if isinstance(node, ast.Call) and node.args:  # gettext, str.format
        callee = node.func
        return words(callee.value) if isinstance(callee, ast.Attribute) and callee.attr == "format" else words(node.args[0])
    if isinstance(node, ast.IfExp):
        return f"{words(node.body)} / {words(node.orelse)}"
    return "…" if node is not None else ""


def elided(text: str) -> str:
    """A text with … for what is filled in."""
    return re.sub(r"%\(\w+\)[sd]|%[sd]|\{\w*\}", "…", text).replace("%%", "%")


def raised_in(path: Path) -> Iterator[Raised]:
    """Calls in a module whose first argument is a code, and codes that stand as a plain value."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    seen: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            at = next((i for i, argument in enumerate(given) if is_code(argument)), None)
            if at is not None:
                after = given[at + 1 : at + 3]
                code = given[at].value  # type: ignore[attr-defined]
                seen.add(code)
                yield Raised(code, *(words(argument) for argument in (*after, None, None)[:2]), module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and is_code(node) and node.value not in seen:
            seen.add(str(node.value))
            yield Raised(str(node.value), "", "", module)


def is_code(node: ast.AST) -> bool:
    """Whether a node is exactly a code."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(CODE.fullmatch(node.value))


def collected() -> dict[str, list[Raised]]:
    """Code → places, in order of code."""
    found: dict[str, list[Raised]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        if "tests" not in path.parts and "migrations" not in path.parts:
            for one in raised_in(path):
                found[one.code].append(one)
    return dict(sorted(found.items()))


def render() -> str:
    """The page."""
    lines = [
        "# Refusals",
        "",
        "Every refusal has a stable code and says what happened, why, and what to do. Built by `make reference`; don't edit.",
    ]
    area = ""
    for code, places in collected().items():
        if code.split("-")[1] != area:
            area = code.split("-")[1]
            lines += ["", f"## {area}: {AREAS.get(area, 'elsewhere')}"]
        lines += ["", f"### {code}", ""]
        said = dict.fromkeys((elided(one.reason), elided(one.remedy)) for one in places if one.reason.strip("… "))
        lines += [f"- {reason}" + (f" → {remedy}" if remedy.strip("… ") else "") for reason, remedy in said]
        lines += [f"- raised in {', '.join(f'`{name}`' for name in sorted({one.module for one in places}))}"]
    return "\n".join(lines) + "\n"


def render_shown() -> str:
    """What the site's pages say of each code: reasons and remedies as they stand in the source, to be translated."""
    told = {
        code: [
            list(pair)
            for pair in dict.fromkeys((one.reason, one.remedy.strip("… ")) for one in places if one.reason.strip("… "))
        ]
        for code, places in collected().items()
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def render_openapi() -> str:
    """The API's description in Chinese, as the pages and a client generator get it; needs a home that was opened."""
    from django.utils import translation

    from jinmai.site.api import api
    from jinmai.site.api_document import document

    with translation.override("zh-hans"):
        return json.dumps(document(api), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    SHOWN.write_text(render_shown(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(collected())} codes", file=sys.stderr)
    with tempfile.TemporaryDirectory() as place:
        from jinmai.foundation.kernel.home import boot

        boot(place, profile="test")
        OPENAPI.write_text(render_openapi(), encoding="utf-8")
        print(f"{OPENAPI.relative_to(ROOT)}: {OPENAPI.stat().st_size} bytes", file=sys.stderr)
