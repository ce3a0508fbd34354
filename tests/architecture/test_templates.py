"""Templates obey the rooms too: a page extends, includes and loads only what its room may know."""

from __future__ import annotations

import re
from pathlib import Path

from .house import SOURCE, may_know, module_of

TAG = re.compile(r"""\{%-?\s*(extends|include|load)\s+([^%]+?)\s*-?%\}""")
QUOTED = re.compile(r"""^["']([^"']+)["']""")


def templates(source: Path) -> dict[str, Path]:
    """Template name → file, as Django's app loader finds them."""
    found = {}
    for folder in sorted(source.rglob("templates")):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path
    return found


def tag_libraries(source: Path) -> dict[str, Path]:
    """Tag library name → file."""
    return {path.stem: path for path in sorted(source.rglob("templatetags/*.py")) if path.stem != "__init__"}


def breaches(source: Path) -> list[str]:
    """Template uses that point from a lower room to a higher one."""
    names, libraries = templates(source), tag_libraries(source)
    found = []
    for name, path in names.items():
        for tag, argument in TAG.findall(path.read_text(encoding="utf-8")):
            if tag == "load":
                used = [libraries[word] for word in argument.split() if word in libraries]
            else:
                quoted = QUOTED.match(argument)
                used = [names[quoted[1]]] if quoted and quoted[1] in names else []
            found += [
                f"{name}: {tag} {argument}" for target in used
                if not may_know(module_of(path, source), module_of(target, source))
            ]  # fmt: skip
    return found


def test_templates_point_down():
    assert breaches(SOURCE) == []


def test_there_are_templates_in_several_rooms():
    rooms = {path.relative_to(SOURCE).parts[:2] for path in templates(SOURCE).values()}
    assert len(rooms) >= 3


def test_no_two_rooms_hold_the_same_template_name():
    """The app loader would silently take the first."""
    names = [
        path.relative_to(folder).as_posix()
        for folder in SOURCE.rglob("templates") for path in folder.rglob("*.html")
    ]  # fmt: skip
    assert sorted(names) == sorted(set(names))


def test_control_an_include_that_points_up_is_found(tmp_path: Path):
    source = tmp_path / "jinmai"
    for name, text in {
        "foundation/ui/templates/ui/base.html": '{% include "financing/badge.html" %}{% load orders %}',
        "desks/financing/templates/financing/badge.html": '{% extends "ui/base.html" %}',
        "desks/financing/templatetags/orders.py": "",
        "cockpit/templates/cockpit/page.html": "{% include 'financing/badge.html' with a=1 %}",
    }.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert sorted(breaches(source)) == [
        "cockpit/page.html: include 'financing/badge.html' with a=1",
        'ui/base.html: include "financing/badge.html"',
        "ui/base.html: load orders",
    ]
