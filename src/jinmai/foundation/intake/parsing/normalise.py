"""The SQL that turns cells of text into typed columns, names what is wrong with a row, and gives each row its key.

Every cell is read by the quick cast first; only cells that it can't read are folded (full-width digits, thousand
separators, 2017年7月18日, spreadsheet day numbers) and read again. Money is decimal to the fen throughout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from jinmai.foundation.intake.declarations import LONGEST_CELL, UNITS, Field, Source
from jinmai.foundation.kernel.errors import Words
from jinmai.foundation.kernel.ids import USCC_ALPHABET, USCC_WEIGHTS

FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u2212"
HALF_WIDTH = "".join(chr(code) for code in range(0x21, 0x7F)) + " -"
BLANKS = " \t\r\n\u00a0\u3000\ufeff"
RATIO_SCALE = 1_000_000_000


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


MACROS = f"""
CREATE MACRO jm_fold(x) AS CASE WHEN regexp_full_match(x, '[!-~]+') THEN x
    ELSE nullif(trim(translate(x, {quoted(FULL_WIDTH)}, {quoted(HALF_WIDTH)}), {quoted(BLANKS)}), '') END;
CREATE MACRO jm_number(x) AS regexp_replace(translate(jm_fold(x), ', ¥￥', ''), '^\\((.+)\\)$', '-\\1');
CREATE MACRO jm_money(x) AS coalesce(try_cast(x AS DECIMAL(18,2)), try_cast(jm_number(x) AS DECIMAL(18,2)));
CREATE MACRO jm_inexact(x) AS CASE
    WHEN x LIKE '%.___%' OR contains(x, 'e') OR contains(x, 'E') OR strlen(x) <> length(x) THEN
    coalesce(try_cast(jm_number(x) AS DECIMAL(38,16)) <> try_cast(jm_number(x) AS DECIMAL(38,2)), false) ELSE false END;
CREATE MACRO jm_ratio_cell(x) AS CASE WHEN jm_fold(x) LIKE '%\\%' ESCAPE '\\'
    THEN try_cast(replace(jm_number(x), '%', '') AS DECIMAL(30,18)) / 100 ELSE try_cast(jm_number(x) AS DECIMAL(30,18)) END;
CREATE MACRO jm_day_number(x) AS CASE WHEN regexp_full_match(x, '[1-9]\\d{{4}}(\\.\\d+)?')
    THEN DATE '1899-12-30' + CAST(floor(try_cast(x AS DOUBLE)) AS INTEGER) END;
CREATE MACRO jm_loose_date(x) AS coalesce(
    CASE WHEN regexp_full_match(x, '\\d{{8}}') THEN try_strptime(x, '%Y%m%d')::DATE END,
    jm_day_number(x),
    try_cast(regexp_replace(translate(x, '年月./', '----'), '日.*$', '') AS DATE),
    try_cast(try_cast(x AS TIMESTAMP) AS DATE));
CREATE MACRO jm_date(x) AS coalesce(try_cast(x AS DATE), jm_loose_date(replace(jm_fold(x), ' ', '')), jm_loose_date(jm_fold(x)));
CREATE MACRO jm_uscc_sum(x) AS list_sum(list_transform(range(17),
    lambda n: (strpos('{USCC_ALPHABET}', x[n + 1]) - 1) * ({list(USCC_WEIGHTS)})[n + 1]));
CREATE MACRO jm_uscc_wrong(x) AS CASE WHEN x IS NULL THEN NULL WHEN length(x) <> 18 THEN 'length'
    WHEN NOT regexp_full_match(x, '[{USCC_ALPHABET}]+') THEN 'alphabet'
    WHEN x[18] <> ('{USCC_ALPHABET}')[CAST((31 - jm_uscc_sum(x) % 31) % 31 AS INTEGER) + 1] THEN 'check_character' END;
"""


@dataclass(frozen=True)
class Problem:
    """One way a row can be wrong: when, in which column, and the reason in the officer's words."""

    when: str
    field: Field
    reason: str


def _cell(field: Field) -> str:
    return f'"c_{field.name}"'


def _value(field: Field) -> str:
    return f'"v_{field.name}"'


def _choice(field: Field) -> str:
    cell = _cell(field)
    as_bool = field.type == "bool"
    written = [
        (text, ("true" if value else "false") if as_bool else quoted(str(value)))
        for text, value in field.values.items()
    ]
    quick = " ".join(f"WHEN {quoted(text)} THEN {value}" for text, value in written)
    folded = " ".join(
        f"WHEN {quoted(_half(text))} THEN {value}"
        for (text, _), (_, value) in zip(field.values.items(), written, strict=True)
    )
    return f"CASE {cell} {quick} ELSE CASE jm_fold({cell}) {folded} END END"


def _half(text: str) -> str:
    """A declared choice as ``jm_fold`` gives it."""
    return text.translate(str.maketrans(FULL_WIDTH, HALF_WIDTH)).strip(BLANKS)


def value_sql(field: Field, source: Source) -> str:
    """The typed value of a field, NULL where its cell is blank or can't be read. Money in fen, ratios in 1e-9."""
    cell = _cell(field)
    if field.type in ("key", "code"):
        folded = f"upper(jm_fold({cell}))" if field.format == "uscc" else f"jm_fold({cell})"
        scheme = source.subject.scheme if source.subject else ""
        return f"{quoted(scheme + ':')} || {folded}" if field.type == "key" else folded
    if field.type == "text":
        return f"nullif(trim({cell}, {quoted(BLANKS)}), '')"
    if field.type == "date":
        return f"jm_date({cell})"
    if field.type == "money":
        factor = UNITS["money"][field.unit]
        if factor == 100:
            return f"CAST(jm_money({cell}) * 100 AS BIGINT)"
        return f"CAST(round(try_cast(jm_number({cell}) AS DECIMAL(30,8)) * {factor}) AS BIGINT)"
    if field.type == "int":
        bare = f"rtrim({cell}, ' {field.unit}')" if field.unit else cell
        return f"try_cast(jm_number({bare}) AS BIGINT)"
    if field.type == "ratio":
        if field.unit == "%":  # the sign may stand there or not
            cell = f"(replace(jm_fold({cell}), '%', '') || '%')"
        return f"CAST(round(jm_ratio_cell({cell}) * {RATIO_SCALE}) AS BIGINT)"
    return _choice(field)


_USCC_WRONG = {
    "length": Words("不是统一社会信用代码：应为 18 位"),
    "alphabet": Words("不是统一社会信用代码：有不该出现的字符"),
    "check_character": Words("统一社会信用代码的校验位不对"),
}
_UNREADABLE = {
    "date": Words("不是日期"),
    "money": Words("不是金额"),
    "int": Words("不是整数"),
    "ratio": Words("不是数字或百分比"),
}


def problems(source: Source, on: date | None = None) -> list[Problem]:
    """All ways a row of this source can be wrong, in the order they are looked for; ``on`` is the day of the import."""
    found = []
    for field in source.fields:
        cell, value = _cell(field), _value(field)
        blank = f"jm_fold({cell}) IS NULL"
        if field.required:
            found.append(Problem(f"{value} IS NULL AND {blank}", field, Words("缺少必填内容")))
        if field.type in ("key", "code", "text"):
            long = f"strlen({cell}) > {LONGEST_CELL} AND length({cell}) > {LONGEST_CELL}"
            found.append(Problem(long, field, Words("内容超过 %(limit)d 个字符", limit=LONGEST_CELL)))
        if field.format == "uscc":
            wrong = f"jm_uscc_wrong(upper(jm_fold({cell})))"
            found += [Problem(f"{wrong} = '{name}'", field, reason) for name, reason in _USCC_WRONG.items()]
        unreadable = _UNREADABLE.get(field.type)
        if field.type in ("enum", "bool"):
            unreadable = Words("不是已知的取值（%(values)s）", values="、".join(map(str, field.values)))
        if unreadable:
            found.append(Problem(f"{value} IS NULL AND NOT ({blank})", field, unreadable))
        if field.type == "money" and field.unit == "元":
            found.append(Problem(f"jm_inexact({cell})", field, Words("金额多于两位小数")))
        if field.part_of_one:
            found.append(Problem(f"{value} NOT BETWEEN 0 AND {RATIO_SCALE}", field, Words("比例不在 0 到 100%% 之间")))
        if field.earliest:
            day = quoted(field.earliest.isoformat())
            found.append(
                Problem(f"{value} < DATE {day}", field, Words("日期早于 %(day)s", day=field.earliest.isoformat()))
            )
        if field.latest and on is not None:
            day = quoted(on.isoformat())
            found.append(Problem(f"{value} > DATE {day}", field, Words("日期晚于 %(day)s", day=on.isoformat())))
    for check in source.checks:
        parts = " + ".join(_value(source.field(name)) for name in check.parts)
        last = source.field(check.equals)
        found.append(Problem(f"{parts} <> {_value(last)}", last, check.reason))
    return found


def values_sql(source: Source, positions: dict[str, int], row_number: str, fault: str) -> str:
    """SELECT over ``lines``: row number in the file, what is wrong with the line as a whole (``fault``, SQL), cells as
    written (c_…) and values (v_…)."""
    cells, values = [], []
    for field in source.fields:
        place = positions.get(field.name)
        cells.append(f"{'CAST(NULL AS VARCHAR)' if place is None else f'c{place}'} AS {_cell(field)}")
        values.append(f"{value_sql(field, source)} AS {_value(field)}")
    inner = f'SELECT {row_number} AS "row", {fault} AS "fault", {", ".join(cells)} FROM lines'
    return f"SELECT *, {', '.join(values)} FROM ({inner})"


def judged_sql(source: Source, on: date | None = None) -> str:
    """SELECT over ``read``: values, the number of the first problem (NULL if none), whether it is a total, the key.

    A query of its own: in one query with ``values_sql`` the engine would compute each value once per use.
    """
    cases = "WHEN fault IS NOT NULL THEN -1 " + " ".join(
        f"WHEN {one.when} THEN {number}" for number, one in enumerate(problems(source, on))
    )
    parts = ", ".join(_key_part(field) for field in source.fields)
    cells = ", ".join(_cell(field) for field in source.fields)
    first = "coalesce(" + ", ".join(f"nullif({_cell(field)}, '')" for field in source.fields) + ", '')"
    return (
        f"SELECT * EXCLUDE ({cells}), CASE {cases} END AS problem, {_total_sql(source, first)} AS is_total, "
        f"CAST(md5(concat_ws(chr(31), {parts})) AS UUID) AS row_key FROM read"
    )


def cells_sql(source: Source, positions: dict[str, int], row_number: str, fault: str) -> str:
    """SELECT over ``lines``: row number, what is wrong with the whole line, and cells as written in the order of the
    fields."""
    cells = [f"{f'c{positions[field.name]}' if field.name in positions else 'NULL'}" for field in source.fields]
    return f'SELECT {row_number} AS "row", {fault} AS "line_fault", {", ".join(cells)} FROM lines'


def _key_part(field: Field) -> str:
    """What a field adds to the row's key; blank where an optional field has nothing (a NULL would shift the rest)."""
    return _value(field) if field.required else f"coalesce(CAST({_value(field)} AS VARCHAR), '')"


def _total_sql(source: Source, first: str) -> str:
    """Whether the first filled cell says 合计: such a row is no fact. Looked at only where the row's first column isn't
    plain ASCII or is blank, which is nearly never."""
    if not source.total_words:
        return "false"
    words = quoted("|".join(re.escape(word) for word in source.total_words))
    leading = _cell(source.fields[0])
    bare = f"regexp_replace(jm_fold({first}), '[\\s:：()（）元]', '', 'g')"
    # No IN: the engine would make a join of it and read the words of every row.
    said = f"coalesce(regexp_full_match({bare}, {words}), false)"
    return f"CASE WHEN regexp_full_match({leading}, '[!-~]+') THEN false ELSE {said} END"
