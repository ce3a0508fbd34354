"""A frozen month: once, the same when computed again whatever came since, cells that are large enough; what moved."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from jinmai.desks.credit import actions, alerts, months
from jinmai.desks.credit.facts import catalogue
from jinmai.desks.credit.jobs import freeze_last_month
from jinmai.desks.credit.models import ChangeAlert, PortraitCell, PortraitMonth
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.jobs import enqueue
from jinmai.foundation.kernel.jobs.running import run_next
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.work.models import Task

HEAD = "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态"


def bring(city: Any, name: str, *rows: tuple[str, date, str, int]) -> None:
    """Sales invoices (firm, day, buyer, net in 元) through intake."""
    lines = [HEAD]
    for number, (firm, day, buyer, net) in enumerate(rows):
        lines.append(f"{firm},{name}{number:05},{day},{buyer},{net}.00,0.00,{net}.00,有效发票")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        (receipt,) = import_files(city.actor("linqiushi"), "invoices.output", [GivenFile(path, path.name)]).receipts
    assert receipt.rejected == 0


def steady(firm: str, last: date, months_back: int = 26, net: int = 100_000) -> list[tuple[str, date, str, int]]:
    """An invoice every ten days to one of nine buyers, up to a day."""
    return [(firm, last - timedelta(days=10 * step), f"B{step % 9}", net) for step in range(3 * months_back)]


def frozen(day: date) -> PortraitMonth:
    return actions.freeze_month(Actor.platform(), months.freeze(day))


def run_job(month: date) -> dict[str, Any]:
    job = enqueue(Actor.platform(), "credit.freeze_month", {"month": month.isoformat()}, title="画像")
    while run_next("test") is not None:
        pass
    job.refresh_from_db()
    assert job.state == "done", job.problem
    return job.result


MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def test_a_month_is_frozen_once_and_a_replay_gives_its_digest(city: Any) -> None:
    bring(city, "S", *steady("E9001", date(2026, 5, 28)))
    first = frozen(MAY)
    assert (first.on, first.graded > 0) == (date(2026, 5, 31), True)
    bring(city, "L", ("E9001", date(2026, 5, 30), "B1", 9_000_000))
    assert months.replayed(first) == first.digest
    assert months.freeze(MAY).row.digest != first.digest  # control: what came since would have changed it
    assert frozen(MAY).pk == first.pk and PortraitMonth.objects.count() == 1
    line = next(one for one in months.lines_of(first) if one["subject_key"] == "cumcm2020:E9001")
    assert line["sales_12m"] > 0 and set(catalogue()) <= set(line)


def test_no_look_ahead(city: Any) -> None:
    """An invoice of the next month is not in the month, though it is known."""
    bring(city, "S", *steady("E9001", date(2026, 5, 28)))
    before = months.freeze(MAY).row.digest
    bring(city, "N", ("E9001", date(2026, 6, 1), "B1", 5_000_000))
    assert months.freeze(MAY).row.digest == before


def test_small_cells_are_not_kept(city: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(city, "S", *steady("E9001", date(2026, 5, 28)))
    assert frozen(MAY).cells.count() == 0
    monkeypatch.setattr(months, "minimum", lambda on: 1)
    row = frozen(JUNE)
    whole = row.cells.get(kind=PortraitCell.Kind.ALL)
    told = whole.measures["sales_12m"]
    assert told["firms"] >= 1 and len(told["points"]) == 21 and told["points"] == sorted(told["points"])


def test_what_moved_is_raised_once_with_its_reasons(city: Any) -> None:
    """Sales that stop after a year of steady ones: an alert with figures before and after; a second run raises none."""
    bring(city, "S", *steady("E9001", date(2026, 5, 28)))
    bring(city, "V", ("E9001", date(2026, 6, 10), "B1", -900_000), ("E9001", date(2026, 6, 11), "B2", -2_000_000))
    run_job(MAY)
    told = run_job(JUNE)
    alert = ChangeAlert.objects.get(key="cumcm2020:E9001")
    assert told["alerts"] == ChangeAlert.objects.count()
    moved = {one["measure"]: one for one in alert.reasons}
    assert moved["sales_12m"]["after"] < moved["sales_12m"]["before"]
    assert "red_rate_12m" in moved
    assert Notice.objects.filter(kind="portrait_changed", membership=city.membership("xuan")).count() == 1
    count = ChangeAlert.objects.count()
    PortraitMonth.objects.filter(month=JUNE).update(compared_at=None)
    run_job(JUNE)
    assert ChangeAlert.objects.count() == count


def test_control_nothing_moved_raises_nothing(city: Any) -> None:
    bring(city, "S", *steady("E9001", date(2026, 6, 28)))
    frozen(MAY)
    assert not [one for one in alerts.changes(frozen(JUNE)) if one.key == "cumcm2020:E9001" and one.steps_down > 0]


def an_alert(city: Any, steps: int = 1) -> ChangeAlert:
    """An alert of 东汀精密 as the platform raises one."""
    month = frozen(JUNE)
    change = alerts.Change(
        "cumcm2020:E9001", "A2", "B1", steps, ({"measure": "sales_12m", "before": 200, "after": 100},)
    )
    assert actions.raise_alerts(Actor.platform(), month, [change]) == 1
    return ChangeAlert.objects.get(month=month)


def test_acknowledged_with_a_note_by_the_bureau_and_its_task_closes(city: Any) -> None:
    alert, chief = an_alert(city), city.actor("linqiushi")
    assert Task.objects.get(verb="credit.acknowledge_alert").done_at is None
    with pytest.raises(Refusal, match="JM-CRE-013"):
        actions.acknowledge_alert(chief, alert, note=" ")
    actions.acknowledge_alert(chief, alert, note="已电话核实，季节性停产")
    assert Task.objects.get(verb="credit.acknowledge_alert").done_at is not None
    with pytest.raises(Refusal, match="JM-CRE-014"):
        actions.acknowledge_alert(chief, alert, note="再次")


def test_who_sees_an_alert(city: Any) -> None:
    an_alert(city)
    seen = {name: ChangeAlert.objects.visible_to(city.actor(name)).count() for name in ("linqiushi", "xuan", "heying")}
    assert seen == {"linqiushi": 1, "xuan": 1, "heying": 0}
    assert ChangeAlert.objects.visible_to(city.actor("t_firm_dongting")).count() == 0
    with pytest.raises((Refusal, NotFound)):
        actions.acknowledge_alert(city.actor("xuan"), ChangeAlert.objects.get(), note="本企业不能代办")


def test_the_job_is_declared() -> None:
    assert freeze_last_month is not None
    assert months.last_whole_month(Clock.today()) < Clock.today()
