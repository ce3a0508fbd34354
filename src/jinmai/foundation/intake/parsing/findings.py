"""The findings of ``jinmai inspect`` in the officer's words: where, what and why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jinmai.foundation.kernel.errors import Words

from .forms import ENDINGS, Form
from .guessing import DAY_NUMBER, EITHER_FIRST, Guess, words
from .layout import INVISIBLE, UNNAMED
from .loading import Loaded

Places = np.ndarray[Any, np.dtype[np.int64]]
ENCODED = "编码"  # Chinese only: what the notes on encodings have in common
#: Marks that stand in sentences and not in headings.
PROSE = re.compile("[，。；！？]")  # Chinese only
WHOLE_FILE = Words("整个文件")


class Where:
    """Says which rows, as a spreadsheet or an editor numbers them."""

    def __init__(self, numbers: Places | None) -> None:
        self.numbers = numbers

    def rows(self, places: Sequence[int] | Places) -> str:
        """The first few of these positions, and how many there are."""
        if self.numbers is None:
            return _listed([int(place) + 1 for place in places], data_only=True)
        return _listed([int(self.numbers[place]) for place in places])


def _listed(numbers: Sequence[int], *, data_only: bool = False) -> str:
    most = words()["shown_rows"]
    shown = "、".join(map(str, numbers[:most]))
    if data_only:
        if len(numbers) <= most:
            return Words("数据第 %(rows)s 行", rows=shown)
        return Words("数据第 %(rows)s 行等 %(count)d 行", rows=shown, count=len(numbers))
    if len(numbers) <= most:
        return Words("第 %(rows)s 行", rows=shown)
    return Words("第 %(rows)s 行等 %(count)d 行", rows=shown, count=len(numbers))


Finding = dict[str, Any]


def finding(where: str, what: str, remedy: str, *, rows: str = "", code: str = "") -> Finding:
    """One finding; its parts are kept apart, so that each can be said in another language. ``rows`` narrows ``where``."""
    return {"where": where, "rows": rows, "what": what, "remedy": remedy, "code": code}


def sentence(found: Finding) -> str:
    """A finding as one sentence.

    >>> sentence(finding("“金额”这一列", "不是数字", "请改成数字", rows="第 3 行"))
    '“金额”这一列第 3 行：不是数字。请改成数字'
    """
    end = f"（{found['code']}）" if found["code"] else ""
    return f"{found['where']}{found['rows']}：{found['what']}。{found['remedy']}{end}"


def column(name: str) -> str:
    """A column as named in a finding."""
    return Words("“%(column)s”这一列", column=name)


def columns(names: Sequence[str]) -> str:
    """Several columns as named in a finding."""
    shown = "、".join(names[: words()["shown_rows"]])
    if len(names) <= words()["shown_rows"]:
        return Words("“%(column)s”这一列", column=shown)
    return Words("“%(column)s”等 %(count)d 列", column=shown, count=len(names))


def problems_of(
    *,
    name: str,
    form: Form,
    loaded: Loaded,
    where: Where,
    file_rows: Where,
    besides: Mapping[str, Places],
    guesses: Sequence[Guess],
    merged: Sequence[tuple[int, int]],
    repeated: int,
) -> list[Finding]:
    """Everything that doesn't fit, from the file as a whole to single cells."""
    found = [*_of_the_file(name, form, loaded), *_of_the_heading(loaded), *_of_rows(loaded, file_rows, besides)]
    if merged:
        rows = _listed(sorted({first for first, _ in merged}))
        what = Words("有 %(count)d 处合并单元格，合并区域里只有第一格有值", count=len(merged))
        found.append(finding(rows, what, Words("请取消合并，把值填到每一行")))
    if repeated:
        what = Words("%(count)d 行与前面的行逐格相同", count=repeated)
        found.append(finding(WHOLE_FILE, what, Words("如不是有意重复，请删去；导入时重复的行不重复计")))
    if not loaded.rows:
        found.append(finding(WHOLE_FILE, Words("只有标题，没有数据行"), Words("请重新导出后再上传")))
    blank = [guess.name for guess in guesses if guess.type == "empty"]
    if blank and loaded.rows:
        found.append(finding(columns(blank), Words("整列是空的"), Words("不用的列请删去，漏填的请补上")))
    for guess in guesses:
        found += _of_a_column(guess, where)
    return found


def _of_the_file(name: str, form: Form, loaded: Loaded) -> list[Finding]:
    found = [
        finding(WHOLE_FILE, note, Words("读取时已处理，不必修改原文件")) for note in loaded.notes if ENCODED not in note
    ]
    if not form.fits_ending(name):
        ending = ENDINGS.get(form.name, ("",))[0] + (".gz" if form.zipped else "")
        what = Words("文件名的后缀与内容不符，内容其实是 %(form)s", form=form.name + (".gz" if form.zipped else ""))
        found.append(finding(WHOLE_FILE, what, Words("请把后缀改为 %(ending)s，或另存为所要的格式", ending=ending)))
    if loaded.encoding == "mixed":
        what = Words("编码混杂，各行分别是 UTF-8 或 GB18030，已逐行识别")
        found.append(finding(WHOLE_FILE, what, Words("请在一种编码下另存为 CSV，并核对有无乱码")))
    if form.name in ("html", "xml"):
        what = Words("是网页或 XML 形式的表格，导入时不读")
        found.append(finding(WHOLE_FILE, what, Words("请在 Excel 或 WPS 里打开，另存为 xlsx 后再上传")))
    return found


def _of_the_heading(loaded: Loaded) -> list[Finding]:
    layout = loaded.layout
    found = []
    if layout.titles:
        what = Words("标题行上面有大标题或说明，不是列名")
        found.append(finding(_listed(layout.titles), what, Words("读取时已跳过；导入时请从列名所在的行对应各列")))
    if layout.headless:
        found.append(
            finding(WHOLE_FILE, Words("没有列名，第一行就是数据"), Words("请在最上面补一行列名，或导入时逐列对应"))
        )
    if len(layout.headings) == 1 and PROSE.search(layout.headings[0]):
        found.append(
            finding(WHOLE_FILE, Words("每行只有一段文字，不像表格"), Words("请核对是不是传错了文件，或分隔符不对"))
        )
    if len(layout.heading_rows) > 1:
        what = Words("列名占 %(count)d 行（合并的标题）", count=len(layout.heading_rows))
        found.append(finding(_listed(layout.heading_rows), what, Words("读取时以最下面一行为列名；请改为一行列名")))
    if layout.unnamed:
        what = Words("空的列名被导出程序写成了 Unnamed")
        found.append(finding(_listed([1]), what, Words("请从原系统重新导出，或删去这一行")))
    return found + _of_names(loaded)


def _of_names(loaded: Loaded) -> list[Finding]:
    layout = loaded.layout
    row = _listed(layout.heading_rows[-1:] or [1])
    plain = [one.strip().strip(INVISIBLE) for one in layout.headings]
    found = []
    twice = sorted({one for one in plain if one and plain.count(one) > 1})
    if twice:
        found.append(finding(columns(twice), Words("同一个列名出现不止一次"), Words("请改成不同的列名，或只留一列")))
    blank = [place + 1 for place, one in enumerate(plain) if not one or UNNAMED.fullmatch(one)]
    if blank and not layout.headless:
        shown = "、".join(map(str, blank[: words()["shown_rows"]]))
        what = Words("第 %(places)s 列没有列名（共 %(count)d 列）", places=shown, count=len(blank))
        found.append(finding(row, what, Words("请补上列名，或删去这些列")))
    odd = [one for one, given in zip(plain, layout.headings, strict=True) if any(mark in given for mark in INVISIBLE)]
    if odd:
        found.append(finding(columns(odd), Words("列名里有看不见的字符"), Words("请重新输入列名")))
    return found


ROWS_BESIDE = {
    "totals": (Words("是合计行，不计入数据行数"), Words("导入时会略过；请核对合计与明细是否一致")),
    "notes": (Words("是表格下面的说明，不是数据"), Words("请移到表格之外")),
    "sections": (Words("是分段的小标题，不是数据"), Words("请把它改成单独的一列，填到每一行")),
    "headings": (Words("重复了列名，不是数据"), Words("请删去中间的列名行")),
}
FAULTY_ROWS = {
    "longer": (Words("比列名多出单元格，多出的没有读"), Words("请看这一行是否有没加引号的分隔符，或补上列名")),
    "shorter": (Words("比列名少了单元格，后面的当作空白"), Words("请看这一行是否被截断")),
    "split": (
        Words("一条记录断成了几行（单元格里的换行没有加引号），已接回"),
        Words("请从原系统重新导出，并核对这些行"),
    ),
    "unreadable": (Words("有认不出的字符（编码混杂或内容损坏）"), Words("请按原件改正这些字")),
    "unclosed": (Words("引号没有收尾，这一行按字面读"), Words("请补上或删去引号")),
}


def _of_rows(loaded: Loaded, where: Where, besides: Mapping[str, Places]) -> list[Finding]:
    found = [finding(_listed(places), *FAULTY_ROWS[kind]) for kind, places in loaded.faults.items()]
    return found + [
        finding(where.rows(besides[kind]), *said) for kind, said in ROWS_BESIDE.items() if len(besides[kind])
    ]


CELLS = {
    "scientific": (Words("变成了科学计数法，后面几位已丢失"), Words("请把这一列设为文本格式，从原系统重新导出")),
    "rounded": (Words("后几位成了 0，是表格软件把长数字取整了"), Words("请把这一列设为文本格式，从原系统重新导出")),
    "wrong_code": (Words("不是正确的统一社会信用代码（长度、字符或校验位不对）"), Words("请向报送单位核对")),
    "not_date": (Words("不是日期"), Words("请改成 2020-01-05 这样的写法")),
    "not_number": (Words("不是数字"), Words("请改成数字，没有的留空")),
    "own_unit": (Words("数字后面带了单位，与这一列其他行不一致"), Words("请统一单位，单位写在列名里")),
}
PERSONAL = {
    "id_card": Words("是身份证号，属个人敏感信息"),
    "phone": Words("是电话号码，可能是个人信息"),
    "person_name": Words("是人的姓名，属个人信息"),
    "party_name": Words("既有单位也有个人，可能含个人姓名"),
}


def _of_a_column(guess: Guess, where: Where) -> list[Finding]:
    found = []
    for kind, places in guess.places.items():
        if kind == "own_unit" and len(places) == guess.filled:
            continue
        found.append(finding(column(guess.name), *CELLS[kind], rows=where.rows(places)))
    found += _of_dates(guess)
    if guess.type == "money" and guess.unit is None:
        found.append(
            finding(
                column(guess.name),
                Words("没有写明金额的单位，看不出是元还是万元"),
                Words("请在列名里写明单位，如 金额（万元）"),
            )
        )
    if guess.type in PERSONAL:
        found.append(finding(column(guess.name), PERSONAL[guess.type], Words("用不到的请删去；要用的按敏感级别办理")))
    return found


def _of_dates(guess: Guess) -> list[Finding]:
    forms = guess.formats
    found = []
    if len(forms) > 1:
        shown = "、".join(sorted(forms))
        what = Words("日期有 %(count)d 种写法（%(forms)s）", count=len(forms), forms=shown)
        found.append(finding(column(guess.name), what, Words("请统一为 2020-01-05 的写法")))
    elif EITHER_FIRST in forms:
        what = Words("日期看不出先月后日还是先日后月")
        found.append(finding(column(guess.name), what, Words("请统一为 2020-01-05 的写法")))
    elif DAY_NUMBER in forms:
        what = Words("日期成了天数（表格软件的内部数字）")
        found.append(finding(column(guess.name), what, Words("请把这一列设为日期格式后重新导出")))
    return found
