"""Documents are checked like code: links lead somewhere, commands exist, the glossary's identifiers are in the code."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jinmai"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:\.venv/bin/)?jinmai ([a-z][^#]*)", re.MULTILINE)
FENCE = re.compile(r"```(?:sh|text)?\n(.*?)```", re.DOTALL)
CAST = re.compile(r"^\|.*\|.*\| (`[a-z` ]+`) \|$", re.MULTILINE)
NAMED = re.compile(r"`(?:\.venv/bin/)?jinmai ([a-z][a-z -]*[^`]*)`")


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    return [
        target for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.split("#")[0]).exists()
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    assert broken_links(page) == []


def test_control_a_broken_link_is_found(tmp_path: Path):
    text = "[here](page.md) [there](nowhere.md) [out](https://example.org)"
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert broken_links(tmp_path / "page.md") == ["nowhere.md"]


# ---------------------------------------------------------------- commands


@cache
def command_line():
    """The whole command line, as click sees it."""
    import typer

    from jinmai.cli import app

    return typer.main.get_command(app)


def unknown_command(text: str) -> str | None:
    """What is wrong with a command written in a document; None when it exists with its options."""
    command, words = command_line(), text.split()
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if word not in command.commands:
            return f"no command {word!r}"
        command = command.commands[word]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    strange = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
    return f"no option {' '.join(strange)}" if strange else None


def written_commands(page: Path) -> Iterable[str]:
    """Commands in a page's code blocks and in its running text."""
    text = page.read_text(encoding="utf-8")
    for block in FENCE.findall(text):
        yield from (found.strip() for found in COMMAND.findall(block))
    yield from (found.strip() for found in NAMED.findall(FENCE.sub("", text)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_exist(page: Path):
    wrong = {command: problem for command in written_commands(page) if (problem := unknown_command(command))}
    assert wrong == {}


def test_control_an_unknown_command_is_found():
    assert unknown_command("conjure --json") == "no command 'conjure'"
    assert unknown_command("doctor --no-such-option") == "no option --no-such-option"
    assert unknown_command("doctor --json") is None


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
        assert named <= targets, page


def test_both_readmes_show_the_same_commands_and_cast():
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    assert list(written_commands(english)) == list(written_commands(chinese))
    cast = [set(CAST.findall(page.read_text(encoding="utf-8"))) for page in (english, chinese)]
    assert cast[0] == cast[1]
    assert len(cast[0]) >= 10


# ---------------------------------------------------------------- glossary


@cache
def operations() -> frozenset[str]:
    """Operations as `app.verb`, from every `permissions.yaml`."""
    return frozenset(
        f"{path.parent.name}.{verb}"
        for path in SOURCE.rglob("permissions.yaml")
        for verb in yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    )


@cache
def roles() -> frozenset[str]:
    """Role ids."""
    return frozenset(
        yaml.safe_load((SOURCE / "foundation/kernel/access/roles.yaml").read_text(encoding="utf-8"))
    )


def is_in_the_code(identifier: str) -> bool:
    """Whether a glossary identifier is a module, a model, an operation or a role."""
    if identifier.startswith("jinmai."):
        return importlib.util.find_spec(identifier) is not None
    if identifier in operations() or identifier in roles():
        return True
    label, _, name = identifier.partition(".")
    return any(model._meta.app_label == label and model.__name__ == name for model in apps.get_models())


def glossary_rows() -> list[list[str]]:
    """Cells of the glossary's tables, heads left out."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if row[0] != "English" and set(row[0]) != {"-"}]


def test_glossary_identifiers_are_in_the_code():
    claimed = [name for row in glossary_rows() for name in re.findall(r"`([^`]+)`", row[2])]
    assert len(claimed) > 25
    assert [name for name in claimed if not is_in_the_code(name)] == []


def test_glossary_rows_are_whole():
    for row in glossary_rows():
        assert len(row) == 4 and all(row), row
        assert row[2] == "—" or "`" in row[2], row


def test_control_an_identifier_that_is_gone_is_found():
    assert not is_in_the_code("financing.Invoice")
    assert not is_in_the_code("jinmai.desks.astrology")
    assert not is_in_the_code("financing.conjure_loan")


# ---------------------------------------------------------------- house papers


def test_decisions_are_numbered_and_listed():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [page.name[:3] for page in pages] == [f"{number:03d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:3]} ")
        assert "**Decided**" in text and "**Cost.**" in text, page.name
        assert len(text.splitlines()) <= 60, f"{page.name}: more than a page"
        assert f"decisions/{page.name}" in index


def test_changelog_names_the_rules():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "| Rule | Periods affected | Areas | What changes |" in text


def test_publiccode_agrees_with_the_package():
    declared = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert float(declared["publiccodeYmlVersion"]) >= 0.4
    assert declared["legal"]["license"] == project["license"] == "Apache-2.0"
    assert declared["softwareVersion"] == project["version"]
    for language, words in declared["description"].items():
        assert len(words["shortDescription"]) <= 150, language
        assert 150 <= len(words["longDescription"]) <= 10_000, language
        assert words["features"], language
