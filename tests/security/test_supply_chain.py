"""S15: what we are made of is pinned and listed, holds nothing banned, no dangerous code and no secret; with controls."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings
from packaging.specifiers import SpecifierSet

from conftest import ENGINE, ROOT

pytestmark = pytest.mark.skipif(ENGINE == "postgresql", reason="no database in it: the run on SQLite tells all")
LOCKS = ("core", "all")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; [^\\]+)? \\$")
#: Where a string that looks like a secret must have been looked at. Vendored files and translations are others' words.
SCANNED = (".py", ".yaml", ".yml", ".toml", ".html", ".js", ".md", ".sh", ".txt", ".cfg", ".ini", ".env", ".pem", ".json", "")
LEFT_OUT = re.compile(r"(/vendor/|\.po$|^requirements/(core|all)\.txt$|^docs/(reference/|measurements/))")
#: Kinds that guess by words and randomness: passwords of the tests' own cast are no secrets.
GUESSES = {"Secret Keyword", "Base64 High Entropy String", "Hex High Entropy String"}
REVIEWED = yaml.safe_load(Path(__file__).with_name("reviewed.yaml").read_text(encoding="utf-8"))


# ---------------------------------------------------------------- the lock


def faults_of_lock(text: str) -> list[str]:
    """Lines that pin nothing, pin without a hash, or name an index."""
    found, waiting = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        if HASH.match(line):
            waiting = ""
            continue
        if waiting:
            found.append(f"{waiting} has no hash")
        pinned = PINNED.match(line)
        waiting = pinned[1] if pinned else ""
        if not pinned and line.strip():
            found.append(f"line {number}: {line[:60]}")
    return found + ([f"{waiting} has no hash"] if waiting else [])


def pins_of(text: str) -> set[tuple[str, str]]:
    return {(found[1].lower(), found[2]) for found in map(PINNED.match, text.splitlines()) if found}


@pytest.fixture(params=LOCKS)
def lock(request: pytest.FixtureRequest) -> str:
    return (ROOT / "requirements" / f"{request.param}.txt").read_text(encoding="utf-8")


def test_every_line_of_the_lock_is_pinned_by_hash_and_names_no_index(lock):
    assert faults_of_lock(lock) == [] and len(pins_of(lock)) > 50


@pytest.mark.parametrize(
    "line", ["django>=5", "django==5.2", "--index" + "-url https://index.example/simple", "-e .", "a @ https://b.example/a.whl"]
)
def test_control_a_loose_line_is_found(lock, line):
    assert faults_of_lock(f"{line}\n{lock}") and faults_of_lock(f"{lock}{line}\n")


def test_every_dependency_that_is_asked_for_is_in_the_lock():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for lock, asked in (("core", project["dependencies"]), ("all", sum(project["optional-dependencies"].values(), []))):
        held = {name for name, _ in pins_of((ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8"))}
        names = {re.split(r"[\[<>=!~; ]", one)[0].lower().replace("_", "-") for one in asked}
        assert names <= {name.replace("_", "-") for name in held} | {"pyspark"}


# ---------------------------------------------------------------- the ban list


def banned_in(pins: set[tuple[str, str]]) -> list[str]:
    rows = yaml.safe_load((ROOT / "requirements" / "banned.yaml").read_text(encoding="utf-8"))
    assert all(set(row) == {"name", "versions", "why"} and row["why"] for row in rows)
    return [f"{name} {version}: {row['why']}" for name, version in sorted(pins) for row in rows
            if row["name"] == name and version in SpecifierSet(row["versions"], prereleases=True)]  # fmt: skip


def test_nothing_banned_is_in_the_lock(lock):
    assert banned_in(pins_of(lock)) == []


@pytest.mark.parametrize("pin", [("gmssl", "3.2.2"), ("gmssl", "3.2.1"), ("pycrypto", "2.6.1"), ("sqlglot", "30.18.0")])
def test_control_a_banned_part_is_found(pin):
    assert banned_in({pin})


def test_control_a_later_version_is_not():
    assert banned_in({("gmssl", "3.2.3"), ("sqlglot", "30.17.1")}) == []


# ---------------------------------------------------------------- the bill of materials


@pytest.mark.parametrize("name", LOCKS)
def test_the_bill_of_materials_lists_every_pinned_part_with_its_hashes(name, tmp_path, say):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    path = tmp_path / "sbom.json"
    subprocess.run([sys.executable, ROOT / "requirements" / "sbom.py", name, path], check=True, capture_output=True)
    text = path.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    made = json.loads(text)
    listed = {(part["name"].lower(), part["version"]) for part in made["components"]}
    pins = pins_of((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8"))
    licensed = sum("licenses" in part for part in made["components"])
    say({"lock": name, "pinned": len(pins), "listed": len(listed), "with_licence": licensed})
    assert listed == pins and all(part["hashes"] for part in made["components"])
    assert made["metadata"]["component"]["name"] == "jinmai" and "://" not in text
    assert listed - {next(iter(listed))} != pins  # the control: one part less would be noticed


# ---------------------------------------------------------------- dangerous code


def bandit(folder: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "bandit", "-q", "-r", str(folder), "-f", "json", "-x", "*/tests/*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert not found["errors"]
    return found["results"]


def is_reviewed(kind: str, place: str, rows: list[dict[str, str]], name: str) -> bool:
    return any(row[name] == kind and re.match(row["where"], place) and row["why"] for row in rows)


def test_no_code_is_highly_dangerous_and_what_might_be_was_looked_at(say):
    source = ROOT / "src" / "jinmai"
    found = bandit(source)
    counts = Counter(one["issue_severity"].lower() for one in found)
    unseen = [
        f"{place}:{one['line_number']} {one['test_id']} {one['issue_text']}"
        for one in found
        for place in [Path(one["filename"]).resolve().relative_to(source).as_posix()]
        if one["issue_severity"] != "LOW" and not is_reviewed(one["test_id"], place, REVIEWED["bandit"], "test")
    ]
    say({"high": counts["high"], "medium": counts["medium"], "low": counts["low"], "not_reviewed": len(unseen)})
    assert counts["high"] == 0 and unseen == []


def test_control_dangerous_code_is_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("import subprocess\n\ndef run(said):\n    subprocess.call(said, shell=True)\n", encoding="utf-8")
    assert any(one["issue_severity"] == "HIGH" for one in bandit(tmp_path))


# ---------------------------------------------------------------- secrets


def files_of(root: Path) -> Iterator[Path]:
    """The project's files as they would be handed on."""
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    names = names or [
        path.relative_to(root).as_posix()
        for folder in ("src", "tests", "docs", "benchmarks", "requirements", ".")
        for path in (root.joinpath(folder).rglob("*") if folder != "." else root.iterdir())
        if path.is_file() and ".venv" not in path.parts and "__pycache__" not in path.parts
    ]
    for name in names:
        path = root / name
        if path.is_file() and path.suffix in SCANNED and not LEFT_OUT.search(name):
            yield path


def secrets_in(root: Path) -> list[str]:
    """What looks like a secret and nobody has reviewed."""
    found = SecretsCollection(root=str(root))
    with default_settings():
        for path in files_of(root):
            found.scan_file(path.relative_to(root).as_posix())
    told = []
    for place, secret in found:
        of_tests = "/tests/" in f"/{place}" and secret.type in GUESSES
        if not of_tests and not is_reviewed(secret.type, place, REVIEWED["secrets"], "kind"):
            told.append(f"{place}:{secret.line_number} {secret.type}")
    return sorted(told)


def test_no_secret_is_handed_on(say):
    told = secrets_in(ROOT)
    say({"files": sum(1 for _ in files_of(ROOT)), "secrets": len(told)})
    assert told == []


@pytest.mark.parametrize(
    "planted",
    [
        "AWS = '" + "AKIA" + "IOSFODNN7EXAMPLE'",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "url = 'postgresql://jinmai:" + "T9s-Wq2-Lm@db.inner/real'",
        "GITHUB = 'ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a'",
        "database_password = '" + "Zk8-vQ2-Lm4-pW7'",
    ],
    ids=["aws", "private-key", "url", "github", "password"],
)
def test_control_a_planted_secret_is_found(tmp_path, planted):
    place = tmp_path / "src" / "jinmai" / "desks"
    place.mkdir(parents=True)
    (place / "keys.py").write_text(f'"""Planted."""\n\n{planted}\n', encoding="utf-8")
    assert secrets_in(tmp_path)
