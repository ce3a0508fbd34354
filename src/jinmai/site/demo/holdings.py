"""Holders of the example city's firms, sent by the market regulator: one group with everything that happens in groups."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.site.demo.firms import SEED, MadeFirm
from jinmai.site.demo.settling import office_hour

SOURCE = "holdings"
HEAD = (
    "统一社会信用代码",
    "企业名称",
    "股东名称",
    "股东代码",
    "股东类型",
    "持股比例",
    "认缴出资额",
    "起始日",
    "截止日",
)
SENT_DAYS, CHANGED_DAYS = 300, 90
#: One firm in so many has no holders on record.
SILENT = 3
SHARES = ((100,), (60, 40), (51, 49), (70, 30), (50, 30, 20), (67, 20, 13))
Row = tuple[str, ...]


def deliver_holders(firms: Sequence[MadeFirm], sender: Actor, until: date) -> dict[str, int]:
    """Import the holders of most firms and of the named firm's group, later what changed; how many rows were taken."""
    changed = until - timedelta(days=CHANGED_DAYS)
    known = [firm for firm in firms if firm.established_on < until - timedelta(days=SENT_DAYS)]
    first = [*_group(firms), *_others(known, members(firms))]
    files = (
        ("股东及出资信息.csv", SENT_DAYS, first),
        ("股东变更.csv", CHANGED_DAYS - 5, list(_changes(firms, changed))),
    )
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, days, rows in files:
            path = Path(folder) / name
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
            with Clock.at(office_hour(until - timedelta(days=days), 10)):
                (receipt,) = import_files(sender, SOURCE, [GivenFile(path, path.name)]).receipts
            assert receipt.rejected == 0
            taken += receipt.accepted
    return {"holders": taken}


def members(firms: Sequence[MadeFirm]) -> tuple[MadeFirm, ...]:
    """The named firm, its parent, a sister, a subsidiary, and a firm that it holds and that holds it."""
    named = next(firm for firm in firms if firm.exact)
    companies = [firm for firm in firms if firm.kind == "legal_person" and firm.district == named.district]
    near = [firm for firm in companies if not firm.exact]
    near.sort(key=lambda firm: (firm.established_on, firm.uscc))
    return named, *near[:4]


def _group(firms: Sequence[MadeFirm]) -> Iterator[Row]:
    """A chain of control, a share nobody told, a sum above the whole."""
    named, parent, sister, child, cross = members(firms)
    yield _person(parent, "韩雪松", "80%", 800)
    yield _person(parent, "许安宁", "20%", 200)
    yield _company(named, parent, "60%", 300, named.established_on)
    yield _person(named, named.contact, "35%", 175)
    yield _company(sister, parent, "100%", 500, sister.established_on)
    yield _company(child, named, "70%", 70, child.established_on)
    yield _person(child, "周测", "", None)
    yield _company(cross, named, "40%", 40, cross.established_on)
    yield _person(cross, cross.contact, "65%", 65)


def _changes(firms: Sequence[MadeFirm], day: date) -> Iterator[Row]:
    """A holder sold a part of a share, to a company that the firm holds itself: a cross-holding from that day on."""
    named, _parent, _sister, _child, cross = members(firms)
    yield _person(named, named.contact, "35%", 175, until=day)
    yield _person(named, named.contact, "25%", 125, since=day)
    yield _company(named, cross, "10%", 50, day)


def _others(firms: Sequence[MadeFirm], taken: Sequence[MadeFirm]) -> Iterator[Row]:
    """Holders of the other firms: their contact and people of other firms' names, or nobody on record."""
    chance = random.Random(SEED + 41)
    names = [firm.contact for firm in firms]
    for place, firm in enumerate(firms):
        if firm in taken or firm.kind != "legal_person" or place % SILENT == 0:
            continue
        shares = chance.choice(SHARES)
        holders = list(dict.fromkeys([firm.contact, *chance.sample(names, 2)]))[: len(shares)]
        for name, share in zip(holders, shares, strict=False):
            yield _person(firm, name, f"{share}%", share)


def _person(
    firm: MadeFirm, name: str, share: str, wan: int | None, since: date | None = None, until: date | None = None
) -> Row:
    start = since or firm.established_on
    return _row(firm, name, "", "自然人", share, wan, start, until)


def _company(firm: MadeFirm, holder: MadeFirm, share: str, wan: int, since: date) -> Row:
    return _row(firm, holder.name, holder.uscc, "企业", share, wan, max(since, firm.established_on), None)


def _row(
    firm: MadeFirm, name: str, code: str, kind: str, share: str, wan: int | None, start: date, end: date | None
) -> Row:
    subscribed = "" if wan is None else str(wan)
    return firm.uscc, firm.name, name, code, kind, share, subscribed, str(start), "" if end is None else str(end)
