"""A firm's holders in words, as a chart, and as the rows of a file (股权与控制)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.parties.holdings.picture import Picture
from jinmai.desks.parties.holdings.reading import Party
from jinmai.desks.parties.ownership.bods import Who
from jinmai.foundation.kernel.errors import shown
from jinmai.foundation.ui.charts import Chart
from jinmai.foundation.ui.exports import Percent

KINDS = {"person": mark("自然人"), "company": mark("企业"), "state": mark("机关"), "other": mark("其他")}
LEVELS_UP, LEVELS_DOWN, MOST_IN_ROW = 3, 2, 7
WIDTH, ROW = 152, 118
FILLS = {"person": "#fdf3df", "company": "#eef3fa", "state": "#eaf4ee", "other": "#f2f4f7"}
NAMED = 5


def percent(share: Fraction | None) -> str:
    """A share as it is shown; what is not on record says so.

    >>> percent(Fraction(3, 10)), percent(Fraction(1, 3))
    ('30%', '33.33%')
    """
    if share is None:
        return _("未提供")
    text = f"{Decimal(share.numerator * 100) / share.denominator:.2f}"
    return f"{text.rstrip('0').rstrip('.')}%"


def kind_of(party: Party) -> str:
    """A holder's kind in the reader's language."""
    return shown(KINDS.get(party.kind, party.kind))


def _listed(parties: Iterable[Party]) -> str:
    names = [one.name for one in parties]
    more = _("等 %(n)d 家") % {"n": len(names)} if len(names) > NAMED else ""
    return "、".join(names[:NAMED]) + more


def notes(picture: Picture) -> list[tuple[str, str]]:
    """What is not known or does not add up, each with a tone: said, not guessed."""
    told, found = picture.told, []
    for holder, company in picture.gaps[:NAMED]:
        text = _("%(holder)s持有%(company)s的比例未提供：没有计入任何合计，各综合持股比例只是已知的下限。")
        found.append(("warn", text % {"holder": holder.name, "company": company.name}))
    if len(picture.gaps) > NAMED:
        found.append(("warn", _("还有 %(n)d 处持股比例未提供。") % {"n": len(picture.gaps) - NAMED}))
    for company, share in picture.over_whole:
        text = _("%(company)s的已知持股合计 %(share)s，超过 100%%：按报来的数字列示和计算，没有缩减，须核对原始登记。")
        found.append(("bad", text % {"company": company.name, "share": percent(share)}))
    own = picture.sums.get(picture.firm.key)
    if picture.direct and own is not None and own < 1 and not any(two == picture.firm for _one, two in picture.gaps):
        text = _("本企业已知持股合计 %(share)s，其余 %(rest)s 没有登记在案，没有推算给任何人。")
        found.append(("warn", text % {"share": percent(own), "rest": percent(1 - own)}))
    for ring in picture.rings:
        found.append(("info", _("交叉（循环）持股：%(names)s。综合持股比例已把各圈都计入。") % {"names": _listed(ring)}))
    for company, share in picture.loops:
        found.append(("info", _("%(name)s持有自己的股份：%(share)s。") % {"name": company.name, "share": percent(share)}))
    for ring in picture.unsolved:
        text = _("%(names)s互相持有的部分无法求出综合比例（没有外部持有人，或合计过多），持股链到此为止。")
        found.append(("bad", text % {"names": _listed(ring)}))
    return [*found, *_limits(picture), *_same_names(told.namesakes)]


def _limits(picture: Picture) -> list[tuple[str, str]]:
    found = []
    if picture.too_large:
        found.append(("warn", _("循环持股的公司过多，这里不计算综合持股比例；直接持股照列。")))
    if picture.told.cut:
        found.append(("warn", _("相关公司过多，只读到最近的一部分：更远的股东和公司没有列出，综合比例只是已读到部分的。")))
    if picture.majority_bar is None:
        found.append(("warn", _("该日没有生效的控股比例标准，不判断实际控制人。")))
    if picture.final_bar is None:
        found.append(("warn", _("该日没有生效的受益所有人比例标准，不列最终持有人。")))
    return found


def _same_names(names: Sequence[str]) -> list[tuple[str, str]]:
    if not names:
        return []
    text = _("%(names)s在不同公司的股东中出现，但没有代码，不当作同一人。")
    return [("info", text % {"names": "、".join(names[:NAMED])})]


def control_words(picture: Picture) -> str:
    """Who controls the firm and by which chain, in one sentence; or that no chain of majorities is on record."""
    head, bar = picture.head, picture.majority_bar
    if bar is None:
        return _("该日没有生效的控股比例标准，不判断实际控制人。")
    if head is None:
        text = _("已登记的持股里，没有谁单独或连同其控制的公司持有超过 %(bar)s：按持股看不出实际控制人。")
        return text % {"bar": percent(bar)}
    steps = "".join(
        _(" —%(share)s→ %(name)s") % {"share": percent(share), "name": party.name}
        for party, share in zip(head.chain[1:], head.steps, strict=True)
    )
    text = _("%(name)s：连同其控制的公司直接持有本企业 %(share)s，超过 %(bar)s。控制链：%(chain)s。")
    return text % {
        "name": head.party.name, "share": percent(head.share), "bar": percent(bar),
        "chain": head.chain[0].name + steps,
    }  # fmt: skip


def _levels(picture: Picture) -> tuple[dict[int, list[Party]], int]:
    """Level → parties drawn on it (above is negative), and how many were left out."""
    drawn: dict[int, list[Party]] = {0: [picture.firm]}
    left, up = 0, picture.around(down=False)
    on_chain = {party.key for party in picture.head.chain} if picture.head else set()
    for sign, levels, most in ((-1, up, LEVELS_UP), (1, picture.around(down=True), LEVELS_DOWN)):
        for step in range(1, max(levels.values(), default=0) + 1):
            row = [key for key, at in levels.items() if at == step and (sign < 0 or key not in up)]
            row.sort(key=lambda key: (key not in on_chain, -(_weight(picture, key, sign)), picture.parties[key].name))
            shown_here = row[:MOST_IN_ROW] if step <= most else []
            left += len(row) - len(shown_here)
            if shown_here:
                drawn[sign * step] = [picture.parties[key] for key in shown_here]
    return drawn, left


def _weight(picture: Picture, key: str, sign: int) -> Fraction:
    pair = (key, picture.firm.key) if sign < 0 else (picture.firm.key, key)
    return picture.integrated(*pair) or Fraction(0)


def draw(picture: Picture) -> Chart:
    """The chart: up to three levels of holders above the firm and two of companies below, and the same as a table."""
    levels, left = _levels(picture)
    depths = sorted(levels)
    chain = {party.key for party in picture.head.chain} if picture.head else set()
    nodes = [
        _node(picture, party, (place - (len(levels[depth]) - 1) / 2) * (WIDTH + 26), number * ROW, party.key in chain)
        for number, depth in enumerate(depths)
        for place, party in enumerate(levels[depth])
    ]  # fmt: skip
    keys = {party.key for row in levels.values() for party in row}
    level_of = {party.key: depth for depth, row in levels.items() for party in row}
    lines = [(pair, share) for pair, share in picture.shares.items() if set(pair) <= keys and pair[0] != pair[1]]
    edges = [_line(i, j, share, level_of[i] < level_of[j], {i, j} <= chain) for (i, j), share in lines]
    rows = [[picture.parties[i].name, picture.parties[j].name, percent(share)] for (i, j), share in lines]
    label = _("股权结构图：%(firm)s，向上 %(up)d 层、向下 %(down)d 层，共 %(edges)d 条持股关系；下面有同样内容的表。") % {
        "firm": picture.firm.name, "up": max(0, -depths[0]), "down": max(0, depths[-1]), "edges": len(lines),
    }  # fmt: skip
    source = _("市场监管部门股东及出资信息")
    if left:
        source += " · " + _("图上略去较远或较小的 %(n)d 个，表里都有") % {"n": left}
    option: dict[str, Any] = {
        "tooltip": {"show": False},
        "series": [{
            "type": "graph", "layout": "none", "data": nodes, "links": edges, "symbol": "rect", "roam": False,
            "left": 90, "right": 90, "top": 36, "bottom": 36, "edgeSymbol": ["none", "arrow"], "edgeSymbolSize": 8,
            "silent": True,
        }],
    }  # fmt: skip
    columns = [_("持有方"), _("被持有公司"), _("直接持股比例")]
    return Chart(option, {"columns": columns, "rows": rows}, label, source, max(200, 72 + ROW * (len(depths) - 1)))


def _node(picture: Picture, party: Party, x: float, y: float, on_chain: bool) -> dict[str, Any]:
    own = party.key == picture.firm.key
    loop = picture.shares.get((party.key, party.key), Fraction(0))
    text = party.name if loop == 0 else _("%(name)s（自持 %(share)s）") % {"name": party.name, "share": percent(loop)}
    style = {"color": "#1b4b8a" if own else FILLS.get(party.kind, FILLS["other"]),
             "borderColor": "#c2423b" if on_chain and not own else "#8fabd4", "borderWidth": 2 if on_chain else 1}  # fmt: skip
    label = {"show": True, "color": "#ffffff" if own else "#18212f", "fontSize": 12, "lineHeight": 15,
             "width": WIDTH - 12, "overflow": "break", "formatter": text.replace("{", "（").replace("}", "）")}  # fmt: skip
    return {"id": party.key, "name": party.key, "x": x, "y": y, "symbolSize": [WIDTH, 44], "itemStyle": style, "label": label}


def _line(owner: str, owned: str, share: Fraction | None, downward: bool, on_chain: bool) -> dict[str, Any]:
    style = {"color": "#c2423b" if on_chain else "#8a97a8", "width": 2 if on_chain else 1.2, "opacity": 1,
             "type": "dashed" if share is None else "solid", "curveness": 0 if downward else 0.35}  # fmt: skip
    label = {"show": True, "formatter": percent(share), "fontSize": 12, "color": "#18212f",
             "backgroundColor": "#ffffff", "padding": [1, 3]}  # fmt: skip
    return {"source": owner, "target": owned, "lineStyle": style, "label": label}


def heads() -> list[str]:
    """The columns of the file."""
    return [
        _("持有方"), _("持有方类型"), _("持有方代码"), _("被持有公司"), _("直接持股比例"), _("认缴出资额（万元）"),
        _("起始日"), _("截止日"), _("导入批次"),
    ]  # fmt: skip


def rows(picture: Picture) -> list[list[Any]]:
    """Every holding in force that was read, as the file holds it."""
    parties = picture.parties
    found = []
    for one in sorted(picture.told.holdings, key=lambda one: (parties[one.owned].name, parties[one.owner].name)):
        owner, wan = parties[one.owner], one.subscribed_fen
        share = None if one.share is None else Percent(Decimal(one.share.numerator) / one.share.denominator)
        found.append([
            owner.name, kind_of(owner), owner.code, parties[one.owned].name, share,
            None if wan is None else Decimal(wan) / 1_000_000, one.since, one.until, one.batch,
        ])  # fmt: skip
    return found


def explained(picture: Picture) -> list[tuple[str, str]]:
    """The file's second sheet: the firm, the day, the controller and what is not known."""
    lines = [(_("企业"), picture.firm.name), (_("持股截至"), picture.told.on.isoformat())]
    lines += [(_("实际控制人"), control_words(picture)), (_("事实清单"), picture.told.manifest)]
    return lines + [(_("说明"), text) for _tone, text in notes(picture)]


def parties_of(picture: Picture) -> dict[str, Who]:
    """Parties as BODS says them."""
    return {key: Who(one.name, one.kind, one.code) for key, one in picture.parties.items()}
