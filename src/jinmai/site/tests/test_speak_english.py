"""The English side of the frame and of the site's own pages: complete, and compiled from what is written."""

from __future__ import annotations

import gettext
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.utils import translation

from jinmai.foundation.kernel.access.permissions import role_label, roles
from jinmai.site import navigation
from jinmai.site.views.errors import broken

SOURCE = Path(navigation.__file__).parents[1]
CATALOGUES = [SOURCE / room / "locale" / "en" / "LC_MESSAGES" for room in ("foundation/ui", "cockpit", "site")]
ENTRY = re.compile(r'(?<!"\n)^msgid (".*")\nmsgstr (".*")$', re.M)  # one with a msgctxt above it stands apart
MARKED = re.compile(r'{% trans "([^"]+)"')
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def entries(folder: Path) -> dict[str, str]:
    text = (folder / "django.po").read_text(encoding="utf-8")
    return {json.loads(source): json.loads(shown) for source, shown in ENTRY.findall(text) if source != '""'}


@pytest.mark.parametrize("folder", CATALOGUES, ids=str)
def test_catalogue_is_complete_and_compiled(folder):
    with (folder / "django.mo").open("rb") as handle:
        compiled = gettext.GNUTranslations(handle)
    for source, shown in entries(folder).items():
        assert shown and not CHINESE.search(shown), source
        assert compiled.gettext(source) == shown


@pytest.mark.parametrize("folder", CATALOGUES, ids=str)
def test_every_word_of_the_templates_is_in_a_catalogue(folder):
    known = {source for one in CATALOGUES for source in entries(one)}
    marked = {
        word
        for path in (folder.parents[2] / "templates").rglob("*.html")
        for word in MARKED.findall(path.read_text(encoding="utf-8"))
    }
    assert marked - known == set()


def test_navigation_and_roles_speak_english():
    with translation.override("en"):
        for items in navigation.declared().values():
            assert not [item.label for item in items if CHINESE.search(translation.gettext(item.label))]
        named = [role for role in roles() if not role.startswith("system.")]
        assert not [role for role in named if CHINESE.search(translation.gettext(role_label(role)))]


def test_the_workbench_speaks_the_language_chosen(client_as):
    client = client_as("qiangong")
    assert "工作台" in client.get("/").content.decode()
    client.post("/language/", {"language": "en", "next": "/"})
    text = client.get("/").content.decode()
    assert "Workbench" in text and "System administrator" in text and 'lang="en"' in text


@pytest.mark.django_db
def test_pages_of_errors_speak_english_too(client_as):
    reader = client_as("heying")
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    answer = reader.get("/no/such/page/")
    assert answer.status_code == 404 and "is not yours to see" in answer.content.decode()
    with translation.override("en"):
        assert 'lang="en"' in (said := broken(RequestFactory().get("/x/")).content.decode()) and "has a fault" in said
    assert "平台出了故障" in broken(RequestFactory().get("/x/")).content.decode()
