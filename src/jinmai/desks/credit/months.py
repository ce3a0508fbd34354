"""The end of a month, frozen (每月画像): every firm's measures and band, how they lie among peers, and their replay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from jinmai.desks.credit.facts import catalogue
from jinmai.desks.credit.formulas import month_end, month_start, quantile_points
from jinmai.desks.credit.models import PortraitCell, PortraitMonth
from jinmai.desks.credit.profiling import Profiled, profile_all
from jinmai.foundation import analytics
from jinmai.foundation.analytics import frozen
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.subjects.models import Identifier
from jinmai.foundation.rulebook import NotInForce, get

MIN_CELL, SMALL_CELL, SECTIONS = "credit_percentile_min_cell", "credit_small_cell", "industry_sections_2017"
FOLDER = "portraits"
COMPARED_BY = ("industry_code", "size_class")


@dataclass(frozen=True)
class Frozen:
    """A month computed and not yet kept in the database: the row and its cells."""

    row: PortraitMonth
    cells: tuple[PortraitCell, ...]


def last_whole_month(today: date) -> date:
    """The first day of the month before the one that holds ``today``.

    >>> last_whole_month(date(2026, 1, 15))
    datetime.date(2025, 12, 1)
    """
    return month_start(date.fromordinal(month_start(today).toordinal() - 1))


def freeze(month: date, known: datetime | None = None) -> Frozen:
    """Compute a month on the facts known by ``known`` (default: now) and write the file; nothing in the database yet."""
    moment, on = known or Clock.now(), month_end(month)
    found = profile_all(on, moment)
    bands = Counter(grade.band for grade in found.grades.values() if grade.band is not None)
    names = list(catalogue())
    row = PortraitMonth(
        month=month,
        on=on,
        known_at=moment,
        manifest=found.manifest_id,
        rule_digest=found.rule_digest or "",
        digest=found.digest,
        firms=len(found.grades),
        graded=sum(bands.values()),
        bands=[[band, bands.get(band, 0)] for band in found.bands],
        path=frozen.keep(FOLDER, columns_of(names), _lines(found, names), found.digest),
        measures=names,
        frozen_at=Clock.now(),
    )
    return Frozen(row, tuple(_cells(row, found)))


def keep(found: Frozen) -> PortraitMonth:
    """Put a computed month into the database, once: one that is there stays as it is."""
    with transaction.atomic():
        known = PortraitMonth.objects.filter(month=found.row.month).first()
        if known is not None:
            return known
        found.row.save(force_insert=True)
        PortraitCell.objects.bulk_create(found.cells)
    return found.row


def note_compared(month: PortraitMonth) -> None:
    """All that moved since the month before is raised."""
    PortraitMonth.objects.filter(pk=month.pk).update(compared_at=Clock.now())


def replayed(row: PortraitMonth) -> str:
    """The digest of the month computed again on the same day, as known at the same moment."""
    return profile_all(row.on, row.known_at).digest


def columns_of(names: Iterable[str]) -> list[tuple[str, str]]:
    """The columns of a frozen file."""
    return [("subject_key", "str"), ("band", "str"), ("points", "int"), *((name, "int") for name in names)]


def lines_of(row: PortraitMonth) -> list[dict[str, Any]]:
    """Every firm of a frozen month."""
    return frozen.kept(row.path, [name for name, _ in columns_of(row.measures)])


def _lines(found: Profiled, names: list[str]) -> Iterable[dict[str, Any]]:
    for key, grade in sorted(found.grades.items()):
        figures = found.rows[key]
        yield {
            "subject_key": key,
            "band": grade.band,
            "points": grade.points,
            **{name: figures[name] for name in names},
        }


def enough_history(name: str, figures: Mapping[str, Any]) -> bool:
    """Whether a firm's facts go back as far as a measure needs before it is compared (最短历史)."""
    row = catalogue()[name]
    if not row.months or row.history is None:
        return True
    reach = figures.get(row.history)
    return reach is not None and reach >= row.months


def _cells(month: PortraitMonth, found: Profiled) -> Iterable[PortraitCell]:
    least = minimum(month.on)
    if least is None:
        return
    for (scheme, kind, value), keys in sorted(_members(month, list(found.rows)).items()):
        if len(keys) < least:
            continue
        measures: dict[str, Any] = {}
        for name in catalogue():
            values = [found.rows[key][name] for key in keys if enough_history(name, found.rows[key])]
            told = [int(value) for value in values if value is not None]
            if len(told) >= least:
                measures[name] = {"firms": len(told), "points": quantile_points(told)}
        yield PortraitCell(month=month, scheme=scheme, kind=kind, value=value, measures=measures)


def minimum(on: date) -> int | None:
    """How many firms a cell must hold; None where no rule says so."""
    try:
        return int(get(MIN_CELL, on=on).value)
    except NotInForce:
        return None


def _members(month: PortraitMonth, keys: list[str]) -> dict[tuple[str, str, str], list[str]]:
    register = analytics.compute(
        COMPARED_BY, month.on, analytics.manifest(month.on, month.known_at, tables=["firms_register"])
    )
    by_subject = {subject: register[key] for key, subject in subjects_of(register).items()}
    subjects = subjects_of(keys)
    members: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for key in keys:
        scheme = key.partition(":")[0]
        row = register.get(key) or by_subject.get(subjects.get(key)) or {}
        members[scheme, PortraitCell.Kind.ALL, ""].append(key)
        if section := section_of(row.get("industry_code"), month.on):
            members[scheme, PortraitCell.Kind.SECTION, section].append(key)
        if size := row.get("size_class"):
            members[scheme, PortraitCell.Kind.SIZE, str(size)].append(key)
    return members


def section_of(industry_code: Any, on: date) -> str:
    """The section (行业门类) of an industry code; empty where there is none."""
    code = str(industry_code or "").strip().upper()
    code = code[1:] if code[:1].isalpha() else code
    return divisions(on).get(code[:2], ("", ""))[0]


def divisions(on: date) -> dict[str, tuple[str, str]]:
    """Division → section and its name."""
    table = get(SECTIONS, on=on).value
    return {
        str(division): (str(row["section"]), str(row["name"])) for row in table.rows for division in row["divisions"]
    }


def subjects_of(keys: Iterable[str]) -> dict[str, UUID]:
    """Key → whose it is."""
    by_scheme: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        scheme, _, value = key.partition(":")
        by_scheme[scheme].append(value)
    found: dict[str, UUID] = {}
    for scheme, values in by_scheme.items():
        for start in range(0, len(values), 500):
            chunk = Identifier.objects.filter(scheme=scheme, value__in=values[start : start + 500])
            found |= {f"{scheme}:{value}": subject for value, subject in chunk.values_list("value", "subject_id")}
    return found
