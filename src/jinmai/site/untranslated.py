"""What a page in another language still says in Chinese: texts nobody translated, apart from names and law texts.

Data stays as it is written in every language: a firm's or a person's name, a product, the words of a law. Such an element
carries ``lang="zh-Hans"`` (or ``zh``), for screen readers as much as for this reading.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
SPACE = re.compile(r"\s+")
#: Elements without an end.
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
#: What nobody reads on the page, or what somebody typed in.
UNSEEN = frozenset({"script", "style", "template", "textarea", "title"})
#: Attributes that are shown or read out.
SHOWN = ("placeholder", "title", "aria-label", "alt")
BUTTONS = frozenset({"submit", "button", "reset"})


class Reading(HTMLParser):
    """Collects the texts with Chinese characters that stand outside of marked elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.language = ""
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @property
    def _passed_over(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note whether the element is passed over, and what its own attributes say."""
        given = {name: value or "" for name, value in attrs}
        spoken, passed_over = given.get("lang"), self._passed_over
        if tag == "html":
            self.language = spoken or ""
        elif spoken is not None:
            passed_over = spoken.lower().startswith("zh")
        if not passed_over:
            cut = tag == "td"  # the title of a cell repeats its text in full
            self._note(*(given[name] for name in SHOWN if name in given and not (cut and name == "title")))
            if tag == "input" and given.get("type") in BUTTONS:
                self._note(given.get("value", ""))
        if tag not in VOID:
            self._open.append((tag, passed_over or tag in UNSEEN))

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and what was left open in it."""
        if any(name == tag for name, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Look at a text node."""
        if not self._passed_over:
            self._note(data)

    def _note(self, *texts: str) -> None:
        self.texts += [SPACE.sub(" ", text).strip() for text in texts if CHINESE.search(text)]


def read(page: str) -> Reading:
    """The page's language, and its Chinese texts that are not marked as Chinese.

    >>> read('<html lang="en"><p>Firm: <b lang="zh-Hans">东汀精密机械</b></p><a title="查看">open</a></html>').texts
    ['查看']
    """
    reading = Reading()
    reading.feed(page)
    reading.close()
    return reading
