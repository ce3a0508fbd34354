"""Headers and templates: nothing inline, nothing from elsewhere, with controls that catch what would slip in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import jinmai

SOURCE = Path(jinmai.__file__).parent
TEMPLATES = sorted(path for path in SOURCE.rglob("templates/**/*.html"))
INLINE = [
    re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", re.I),
    re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I),
    re.compile(r"javascript:", re.I),
    re.compile(r"<style\b", re.I),
    re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.I),
    re.compile(r"\|\s*safe\b"),
]


def faults(text: str) -> list[str]:
    return [found.group(0) for pattern in INLINE for found in [pattern.search(text)] if found]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_template_has_nothing_inline_and_nothing_foreign(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>go()</script>",
        '<p onclick="go()">',
        '<a href="javascript:go()">',
        "<style>p{}</style>",
        '<script src="https://cdn.example/x.js"></script>',
        "{{ text|safe }}",
    ],
)
def test_control_the_search_finds_what_it_should(text):
    assert faults(text)


def test_policy_allows_only_our_own_files(client, db):
    answer = client.get("/login/")
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == policy["default-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in answer["Content-Security-Policy"]
    assert [name for name, value in policy.items() if "unsafe-inline" in value] == ["style-src-attr"]
    assert faults(answer.content.decode()) == []


def test_other_headers(client, db):
    answer = client.get("/login/")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]


def test_vendored_files_are_named_with_version_and_licence():
    vendor = SOURCE / "foundation" / "ui" / "static" / "ui" / "vendor"
    listed = (vendor / "VERSIONS.md").read_text(encoding="utf-8")
    for folder in (path for path in vendor.iterdir() if path.is_dir()):
        assert (folder / "LICENSE").exists() and f"{folder.name}/" in listed


def test_addresses_of_our_files_change_with_the_files(client, db):
    from jinmai.site.assets import version_of

    version = version_of("ui/jinmai.css")
    assert len(version) == 10
    assert f"/static/ui/jinmai.css?v={version}" in client.get("/login/").content.decode()
    assert version_of("ui/nothing.css") == ""
