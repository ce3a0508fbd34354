"""S11: LibreOffice opens what is exported and finds text in it, no formula."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from jinmai.foundation.ui import exports
from tests.security.libreoffice import read
from tests.security.payloads import FORMULA, PREFIXES
from tests.security.test_injection import STORED, downloads, given_back, poison

pytestmark = pytest.mark.django_db
READERS = ("xuan", "heying", "linqiushi", "qiangong")


def _no_formula(program: str, files: list[tuple[str, str, bytes]], place: Path, say: Any) -> None:
    found = read(program, files, place)
    formulas = [f"{one.label}: {formula}" for one in found for formula in one.formulas]
    say(
        {
            "files": len(files),
            "csv": sum(kind == "csv" for _label, kind, _content in files),
            "cells": sum(one.cells for one in found),
            "files_with_the_text": sum("cmd|" in one.text for one in found),
            "formulas": len(formulas),
        }
    )
    assert not formulas, formulas[:5]


def test_every_prefix_in_every_writer_and_in_what_an_import_gives_back(libreoffice, city, client_as, tmp_path, say):
    rows = [[prefix + FORMULA, f" {prefix}{FORMULA}", f"\u3000{prefix}{FORMULA}"] for prefix in PREFIXES.values()]
    heads = [prefix + "1" for prefix in PREFIXES.values()][:3]
    files = [("csv", "csv", exports.csv_bytes(heads, rows))]
    files += [("xlsx", "xlsx", exports.xlsx_bytes(heads, rows, [("=1", "@x")]))]
    files += given_back(city, client_as("linqiushi"), tmp_path)
    assert len(files) >= 5
    _no_formula(libreoffice, files, tmp_path, say)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, prefix in PREFIXES.items() if prefix in STORED])
def test_no_export_of_any_list_holds_a_formula(libreoffice, planted_city, tmp_path, name, say):
    """Every text column's rows begin in this way; every list of four kinds of role is exported as CSV and XLSX."""
    city, planted = planted_city
    poison(lambda room: [(PREFIXES[name] + FORMULA)[:room]])
    files = []
    for actor in READERS:
        client = city.client(actor, raise_request_exception=False)
        files += [(f"{actor} {path}", kind, content) for path, kind, content in downloads(actor, planted, client)]
    assert len(files) >= 100
    _no_formula(libreoffice, files, tmp_path, say)


def test_control_without_its_apostrophe_it_is_a_formula(libreoffice, monkeypatch, tmp_path, say):
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["=1+1", "'=1+1"])
    book.save(stream)
    monkeypatch.setattr(exports, "harmless", lambda text: text)
    rows = [[prefix + "1+1"] for prefix in PREFIXES.values()]
    planted = [("planted csv", "csv", b"a,b\n=1+1,'=1+1\n"), ("planted xlsx", "xlsx", stream.getvalue())]
    found = read(libreoffice, [*planted, ("unprotected", "csv", exports.csv_bytes(["a"], rows))], tmp_path)
    say({one.label: len(one.formulas) for one in found})
    assert [one.formulas for one in found[:2]] == [["of:=1+1"], ["of:=1+1"]]
    assert found[2].formulas
