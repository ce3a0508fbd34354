"""From outbox to event facts: the last version wins, nothing is lost or counted twice wherever it stops."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from jinmai.foundation import analytics
from jinmai.foundation.analytics import declared, fact_tables, refresh
from jinmai.foundation.analytics.models import Batch, FactsCursor
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.errors import NotAllowed
from jinmai.foundation.kernel.outbox import OutboxRow, emit
from jinmai.foundation.kernel.subjects.actions import ensure_subjects

pytestmark = pytest.mark.django_db
ON = date(2026, 12, 31)


@pytest.fixture(autouse=True)
def loans(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of loans with a sum and a count, gone after the test."""
    monkeypatch.setattr(fact_tables, "_tables", dict(fact_tables._tables))
    monkeypatch.setattr(declared, "_measures", dict(declared._measures))
    analytics.declare(
        analytics.EventTable(
            "t_loans",
            [
                ("subject_key", "str"), ("district", "str"), ("disbursed_on", "date"), ("decided_on", "date"),
                ("amount_fen", "fen"), ("first_time", "bool"),
            ],
            date="disbursed_on",
        )
    )  # fmt: skip
    common = {"unit": "元", "definition": "放款额", "table": "t_loans"}
    analytics.measure(name="t_lent", label="放款", expression=lambda t, on: t.amount_fen.sum(), **common)
    analytics.measure(
        name="t_first",
        label="首贷",
        unit="户",
        definition="首贷户",
        table="t_loans",
        expression=lambda t, on: t.subject_key.nunique(),
        where=lambda t: t.first_time,
    )
    analytics.measure(
        name="t_decided", label="已定", expression=lambda t, on: t.count(), date="decided_on",
        unit="笔", definition="笔", table="t_loans",
    )  # fmt: skip


def lend(
    key: str, fen: int, district: str = "dongting", on: str = "2026-05-03", first: bool = False, **more: Any
) -> None:
    row = {
        "subject_key": f"cumcm2020:{key}", "district": district, "disbursed_on": on, "decided_on": "2026-04-30",
        "amount_fen": fen, "first_time": first,
    }  # fmt: skip
    emit("t_loans", key, row | more)


def total() -> int | None:
    return analytics.cube("t_lent", on=ON)[0]["value"]


def test_incremental_and_the_last_version_wins(home: Any) -> None:
    lend("E1", 100)
    lend("E2", 50)
    assert analytics.refresh_facts()["rows"] == 2 and total() == 150
    lend("E1", 300)
    assert total() == 150  # not yet
    assert analytics.refresh_facts()["rows"] == 1 and total() == 350
    assert analytics.refresh_facts()["rows"] == 0 and Batch.objects.count() == 2
    emit("t_loans", "E2", {"deleted": True})
    analytics.refresh_facts()
    assert total() == 300


def test_versions_in_one_refresh(home: Any) -> None:
    for fen in (1, 2, 3):
        lend("E1", fen)
    analytics.refresh_facts()
    assert total() == 3


@pytest.mark.parametrize("step", ["write", "settle", "save"])
def test_stopped_anywhere_and_run_again(home: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    lend("E1", 100)
    analytics.refresh_facts()
    lend("E2", 50)
    place = {"write": (refresh.engine, "write"), "settle": (refresh, "settle"), "save": (FactsCursor, "save")}[step]
    with monkeypatch.context() as broken:
        broken.setattr(*place, _stop)
        with pytest.raises(RuntimeError):
            analytics.refresh_facts()
    assert total() == 100
    analytics.refresh_facts()
    assert total() == 150 and Batch.objects.count() == 2


def _stop(*_given: Any, **_named: Any) -> None:
    raise RuntimeError("stopped here")


def test_control_a_cursor_moved_alone_loses_a_change(home: Any) -> None:
    """Why cursor and batches share a transaction: had the cursor been saved alone, the change would be lost."""
    analytics.refresh_facts()
    lend("E1", 100)
    FactsCursor.objects.update(seq=OutboxRow.objects.latest("seq").seq)
    analytics.refresh_facts()
    assert total() is None


def test_cube_by_district_and_month(home: Any) -> None:
    lend("E1", 100, first=True)
    lend("E2", 50, on="2026-06-01")
    lend("E3", 7, district="xiling", on="2026-06-02", first=True)
    analytics.refresh_facts()
    assert analytics.cube("t_lent", ["district", "month"], on=ON) == [
        {"district": "dongting", "month": "2026-05", "value": 100, "rows": 1},
        {"district": "dongting", "month": "2026-06", "value": 50, "rows": 1},
        {"district": "xiling", "month": "2026-06", "value": 7, "rows": 1},
    ]
    assert analytics.cube("t_lent", ["month"], {"district": ["dongting"]}, on=date(2026, 5, 31))[0]["value"] == 100
    assert analytics.cube("t_lent", [], {"from": date(2026, 6, 1), "to": "2026-06-01"}, on=ON)[0]["value"] == 50
    assert analytics.cube("t_first", on=ON) == [{"value": 2, "rows": 2}]
    assert analytics.cube("t_decided", ["month"], on=ON) == [{"month": "2026-04", "value": 3, "rows": 3}]
    small = analytics.cube("t_lent", ["district"], on=ON, suppress_below=2)
    assert small[1] == {"district": "xiling", "value": None, "rows": None, "suppressed": True}


def test_rows_behind_a_figure(city: Any, actor: Any) -> None:
    ensure_subjects(Actor.platform(), "cumcm2020", ["E1", "E2"])
    lend("E1", 100, first=True)
    lend("E2", 50, district="xiling")
    analytics.refresh_facts()
    chief, clerk = actor("linqiushi"), actor("shenyihe")
    rows = analytics.read_rows(chief, "statutory_duty", "t_loans", {"month": "2026-05"}, measure="t_lent", on=ON)
    assert sorted(row["amount_fen"] for row in rows) == [50, 100] and AccessRecord.objects.count() == 2
    first = analytics.read_rows(chief, "statutory_duty", "t_loans", measure="t_first", on=ON)
    assert [row["key"] for row in first] == ["E1"]
    own = analytics.read_rows(clerk, "statutory_duty", "t_loans", measure="t_lent", on=ON)
    assert [row["district"] for row in own] == ["dongting"]
    assert not analytics.read_rows(clerk, "statutory_duty", "t_loans", {"district": "xiling"}, on=ON)
    with pytest.raises(NotAllowed):
        analytics.read_rows(actor("heying"), "credit_assessment", "t_loans", on=ON)


def test_known_at(home: Any) -> None:
    lend("E1", 100)
    known = analytics.refresh_facts()["as_of"]
    lend("E1", 300)
    analytics.refresh_facts()
    assert analytics.cube("t_lent", on=ON, known=known)[0]["value"] == 100
    assert total() == 300


def test_many_small_batches_become_one(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "MERGE_AT", 3)
    lend("E9", 9)
    known = analytics.refresh_facts()["as_of"]
    early = analytics.manifest(known=known)
    for fen in range(1, 8):
        lend(f"E{fen % 3}", fen)
        if fen == 6:
            emit("t_loans", "E9", {"deleted": True})
        analytics.refresh_facts()
    assert Batch.objects.live().count() <= 3 < Batch.objects.count()
    assert total() == 5 + 6 + 7
    assert analytics.cube("t_lent", on=ON, known=known)[0]["value"] == 9
    assert not early.withdrawn  # merged, not withdrawn
