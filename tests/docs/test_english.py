"""The English side is complete: every marked word has English, every word an officer may read is marked."""

from __future__ import annotations

import gettext
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("english", ROOT / "docs" / "reference" / "english.py")
english = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(english)

ROOMS = [english.name_of(room) for room in english.rooms() if english.catalogue(english.name_of(room)).exists()]
ROOMS += english.cities()
GIVEN = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def test_every_marked_word_has_english():
    assert english.missing() == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_catalogue_is_english_whole_and_compiled(room):
    entries = english.english(room)
    compiled = gettext.GNUTranslations(english.catalogue(room).with_suffix(".mo").open("rb"))
    for text, shown in entries.items():
        context, _, plain = text.rpartition(english.CONTEXT_SEPARATOR)
        said = compiled.pgettext(context, plain) if context else compiled.gettext(plain)
        assert shown and said == shown, text
        assert sorted(GIVEN.findall(plain)) == sorted(GIVEN.findall(shown)), f"{plain} → {shown}"


def test_the_same_text_has_the_same_english_everywhere():
    said: dict[str, set[str]] = {}
    for room in ROOMS:
        for text, shown in english.english(room).items():
            said.setdefault(text, set()).add(shown)
    assert {text: ways for text, ways in said.items() if len(ways) > 1} == {}


def test_every_word_an_officer_may_read_is_marked():
    bare = [line for lines in english.words()[1].values() for line in lines]
    assert not bare, f"{len(bare)} unmarked:\n" + "\n".join(bare[:40])


def test_control_an_unmarked_word_is_seen(tmp_path):
    module = tmp_path / "m.py"
    module.write_text('"""文档."""\ndef f():\n    return _("有") + "没有" + Refusal("X", "原因", f"{1}补救")\n', encoding="utf-8")
    marked, bare = english.in_python(module)
    assert (marked, [text for _, text in bare]) == ({"有", "原因"}, ["没有", "补救"])
    page = tmp_path / "p.html"
    page.write_text('{% trans "有" %}<b>没有</b>{% blocktrans with n=1 %}共 {{ n }} 户{% endblocktrans %}', encoding="utf-8")
    marked, bare = english.in_template(page)
    assert marked == {"有", "共 %(n)s 户"} and len(bare) == 1
