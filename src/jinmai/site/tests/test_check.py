"""``demo --check`` sees what a person would stumble over: each fault put into a small site is reported, none invented."""

from __future__ import annotations

import doctest
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jinmai.site import check, untranslated
from jinmai.site.check import Findings, Visitor, walk_as

NAVIGATION = '<nav class="side"><a href="/">首页</a><a href="/cockpit/">驾驶舱</a><a href="/list/">清单</a></nav>'
PAGES = {
    "/": (200, NAVIGATION),
    "/cockpit/": (200, '<a href="/cockpit/rows/?measure=needs_count">2</a><a href="/static/x.css">样式</a>'),
    "/cockpit/rows/?measure=needs_count": (200, "<h1>融资需求 · 2 笔</h1>"),
    "/cockpit/rows/?measure=needs_count&export=csv": (200, "案号\nN1\nN2\n"),
    "/list/": (200, '<tr data-url="/thing/1/"><td>甲</td></tr><a href="/thing/2/">乙</a><a href="/thing/3/">丙</a>'),
    "/thing/1/": (200, '<h1>甲</h1><a href="/deep/?of=1">更多</a>'),
    "/thing/2/": (200, '<h1>乙</h1><form data-url="/only-posted-to/"></form><link href="/icon.svg">'),
    "/deep/?of=1": (200, "<h1>更多</h1>"),
}
ENGLISH = '<html lang="en"><body><nav class="side"><a href="/">Home</a><a href="/firm/">Firms</a></nav>{}</body></html>'
FIRM = '<h1 lang="zh-Hans">东汀精密机械有限公司</h1><p>Sales <b>591.70</b></p>'


@pytest.fixture
def small_site() -> Iterator[tuple[str, dict[str, tuple[int, str]]]]:
    """A site of some pages; the test changes what they answer."""
    pages = dict(PAGES)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  the standard library's name
            status, text = pages.get(self.path, (404, "没有"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()


def walked(base: str, language: str = "zh-hans") -> Findings:
    findings = Findings(language)
    walk_as(Visitor(base, "linqiushi", language), findings)
    return findings


def test_a_step_of_the_funnel_is_counted_by_firms(small_site):
    base, pages = small_site
    rows, bar = "/cockpit/rows/?measure=needs_count&per=subject_key", '<tr><th><a href="{}"><b>需求</b></a></th><td></td>'
    pages["/cockpit/"] = (200, f'<a href="/static/x.css">样式</a>{bar.format(rows)}<td class="num">1</td></tr>')
    pages[rows] = (200, "<h1>融资需求 · 1 户</h1>")
    pages[f"{rows}&export=csv"] = (200, "企业\n甲\n甲\n")
    found = walked(base)
    assert (found.problems, found.drilldowns) == ([], 1)
    pages[f"{rows}&export=csv"] = (200, "企业\n甲\n乙\n")
    assert "its rows give 2" in walked(base).problems[0]


def test_a_sound_site_has_no_errors(small_site):
    found = walked(small_site[0])
    assert (found.problems, found.errors, found.drilldowns) == ([], 0, 1)


def test_links_are_followed_from_page_to_page_to_some_of_each_kind(small_site):
    found = walked(small_site[0])
    assert found.pages == 7, "the home page, two of the navigation, the figure's rows, two things, what one leads to"
    assert {"/thing/*/", "/deep/"} <= found.kinds and not any("static" in kind for kind in found.kinds)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/list/", (500, "错误"), "500"),
        ("/thing/1/", (404, "没有"), "404"),
        ("/deep/?of=1", (404, "没有"), "404"),
        ("/thing/1/", (200, "Traceback (most recent call last)"), "Traceback"),
        ("/thing/1/", (200, "{{ firm.name }}"), "{{"),
        ("/cockpit/rows/?measure=needs_count", (200, "<h1>融资需求 · 3 笔</h1>"), "do not carry the figure"),
        ("/cockpit/rows/?measure=needs_count&export=csv", (200, "案号\nN1\n"), "its rows give 1"),
    ],
)
def test_each_fault_is_reported(small_site, path, answer, said):
    base, pages = small_site
    pages[path] = answer
    problems = walked(base).problems
    assert len(problems) == 1 and said in problems[0]


@pytest.fixture
def english_site(small_site):
    """The same site in English, with a firm's name that is marked as Chinese."""
    base, pages = small_site
    pages.clear()
    pages.update({"/": (200, ENGLISH.format("")), "/firm/": (200, ENGLISH.format(FIRM))})
    return base, pages


def test_a_marked_name_is_data(english_site):
    found = walked(english_site[0], "en")
    assert (found.left, found.problems, found.errors) == ({}, [], 0)


@pytest.mark.parametrize(
    ("added", "left"),
    [
        ("<p>需求额</p>", ["需求额"]),
        ("<p>Asked: 需求额 <span>fen</span></p><p>需求额</p>", ["Asked: 需求额", "需求额"]),
        ('<input placeholder="上传附件" value="东汀">', ["上传附件"]),
        ('<input type="submit" value="受理">', ["受理"]),
        ('<a title="查看产品" href="/">x</a><img alt="附件" src="/static/a.svg">', ["查看产品", "附件"]),
        ('<p lang="zh">法律原文<em lang="en">保存</em></p>', ["保存"]),
        ("<h1>东汀精密机械有限公司</h1>", []),
        ("<p>超期 3 个工作日</p><p>超期 12 个工作日</p>", ["超期 0 个工作日"]),
        ("<script>var words = '脚本';</script><textarea>已填的内容</textarea><br><p>Fine</p>", []),
    ],
)
def test_what_was_not_translated_is_reported_once_a_text(english_site, added, left):
    base, pages = english_site
    pages["/firm/"] = (200, ENGLISH.format(FIRM + added))
    found = walked(base, "en")
    assert sorted(found.left) == sorted(left) and found.errors == len(left)


def test_a_name_without_a_mark_is_data_and_told_apart_from_a_text(english_site):
    base, pages = english_site
    pages["/firm/"] = (200, ENGLISH.format("<h1>东汀精密机械有限公司</h1><p>需求额</p>"))
    findings = Findings("en")
    walk_as(Visitor(base, "linqiushi", "en"), findings)
    assert (set(findings.data), findings.errors) == ({"东汀精密机械有限公司"}, 1)


def test_a_page_that_did_not_change_its_language_is_a_fault(english_site):
    base, pages = english_site
    pages["/firm/"] = (200, ENGLISH.format(FIRM).replace('lang="en"', 'lang="zh-hans"'))
    assert ["is in 'zh-hans'" in problem for problem in walked(base, "en").problems] == [True]


def test_chinese_pages_are_not_read_for_translation(small_site):
    assert not walked(small_site[0]).left


def test_the_recount_is_its_own():
    assert doctest.testmod(check).failed == 0 and doctest.testmod(untranslated).failed == 0
    assert check.recount([{"授信额（万元）": "12000.00"}, {"授信额（万元）": ""}], "亿元") == "1.20"
    days = [{"材料齐全到决定（天）": text} for text in ("1", "2", "")]
    assert check.recount(days, "天") == "2" and check.recount([], "天") == "—"
