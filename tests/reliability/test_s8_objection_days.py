"""S8: an objection is reminded of on its 15th day and overdue after its 20th, whatever happens on the way.

Histories are made by chance (the seed is printed): filed within seconds of midnight, over leap days and year ends, with
papers asked for and handed in once or more, taken up before, between or after, objected to again once closed. Each goes
through the verbs. The oracle walks the days one by one and knows no formula.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from jinmai.desks.credit import actions, casework
from jinmai.desks.credit.models import Objection
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.work.clocks import remaining
from jinmai.foundation.kernel.work.models import DueClock

pytestmark = pytest.mark.django_db

DEFAULT, LONG = 40, 10_000
SEED = 20261123
LIMIT, ALARM = 20, 15  # what the oracle expects of the rules, said once more on purpose
FIRST, SPAN = date(2026, 11, 24), 2_400  # over the leap day of 2028 and six year ends
EDGES = ((0, 0, 0), (0, 0, 1), (23, 59, 59), (12, 0, 0), (7, 59, 59), (8, 0, 0), (16, 0, 0))  # and UTC's midnight
DAY = timedelta(days=1)


@dataclass(frozen=True)
class History:
    """When an objection was filed, when its clock stood (asked, supplied), and when the bureau took it up."""

    filed: datetime
    pauses: tuple[tuple[datetime, datetime], ...]
    accepted_at: int  # after how many pauses

    def stood(self, day: date) -> bool:
        """Whether the clock stood at the end of that day, so that the day doesn't count."""
        return any(asked.date() < day <= supplied.date() for asked, supplied in self.pauses)

    def day_of(self, number: int) -> date:
        """The day that is the ``number``-th to count, by walking."""
        day, counted = self.filed.date(), 0
        while counted < number:
            day += DAY
            counted += not self.stood(day)
        return day


def moment(day: date, chance: random.Random) -> datetime:
    return datetime.combine(day, time(*chance.choice(EDGES)), LEGAL_ZONE)


def histories(number: int, seed: int) -> Iterator[History]:
    chance = random.Random(seed)
    for _ in range(number):
        edge = chance.choice((date(2028, 2, 10), date(2028, 2, 28), date(2028, 2, 29), date(2027, 12, 15), date(2027, 2, 20)))
        day = edge if chance.random() < 0.3 else FIRST + chance.randrange(SPAN) * DAY
        filed, pauses, counted = moment(day, chance), [], 0
        for _pause in range(chance.choice((0, 0, 1, 1, 2, 3))):
            wait, stand = chance.randrange(7), chance.choice((0, 1, 2, 9, 40))
            counted += wait
            if counted >= LIMIT:
                break
            start = max(filed, pauses[-1][1] if pauses else filed)
            asked = moment(start.date() + (wait or 1) * DAY, chance)
            counted += not wait
            pauses.append((asked, moment(asked.date() + stand * DAY, chance)))
            if pauses[-1][1] < asked:
                pauses[-1] = (asked, asked)
        yield History(filed, tuple(pauses), chance.randrange(len(pauses) + 1))


def live(city: Any, history: History) -> Objection:
    """Put the history through the verbs, up to where the clock runs for good."""
    firm, chief = city.actor("xuan"), city.actor("linqiushi")
    with Clock.at(history.filed):
        found = actions.file_objection(firm, target="months_operating", reason="成立日期有误")
        if history.accepted_at == 0:
            found = actions.accept_objection(chief, found)
    for number, (asked, supplied) in enumerate(history.pauses, 1):
        with Clock.at(asked):
            found = actions.request_objection_papers(chief, found, papers="营业执照副本")
        with Clock.at(supplied):
            found = actions.supply_objection_papers(firm, found)
            if history.accepted_at == number:
                found = actions.accept_objection(chief, found)
    return found


def rung(city: Any, found: Objection, day: date) -> bool:
    """Whether the alarm that runs that night has rung for it."""
    with Clock.at(datetime.combine(day, time(2, 10), LEGAL_ZONE)):
        actions.alarm_objections(Actor.platform())
    found.refresh_from_db()
    return found.alarmed_on is not None


def wrong_dates(city: Any, history: History) -> list[str]:
    """What of the history's dates is not as the walk says."""
    found = live(city, history)
    clock = DueClock.objects.get(pk=found.clock_id)
    last, reminder = history.day_of(LIMIT), history.day_of(ALARM)
    wrong = []
    if clock.due_on != last:
        wrong.append(f"due {clock.due_on}, not {last}")
    if casework.alarm_of(Objection.objects.select_related("clock").get(pk=found.pk)) != reminder:
        wrong.append(f"reminder not on {reminder}")
    settled = history.pauses[-1][1].date() if history.pauses else history.filed.date()
    if settled < reminder and rung(city, found, reminder - DAY):
        wrong.append("rung a day early")
    if not rung(city, found, max(reminder, settled)):
        wrong.append("not rung")
    if (remaining(clock, last), remaining(clock, last + DAY)) != (0, -1):
        wrong.append("overdue on another day")
    with Clock.at(datetime.combine(max(last, settled), time(12), LEGAL_ZONE)):
        actions.withdraw_objection(city.actor("xuan"), found, reason="已核对")
    return wrong


def run(city: Any, number: int, seed: int) -> dict[str, Any]:
    wrong, paused, leap = [], 0, 0
    for index, history in enumerate(histories(number, seed)):
        paused += bool(history.pauses)
        leap += history.filed.date() <= date(2028, 2, 29) <= history.day_of(LIMIT)
        wrong += [f"{index}: {one} ({history})" for one in wrong_dates(city, history)]
    return {"goal": "S8", "histories": number, "paused": paused, "over_a_leap_day": leap, "wrong": wrong, "seed": seed}


def test_reminded_on_the_fifteenth_day_and_overdue_after_the_twentieth(city: Any, say: Any) -> None:
    told = run(city, DEFAULT, SEED)
    say({**told, "wrong": len(told["wrong"])})
    assert told["paused"] and told["over_a_leap_day"]
    assert not told["wrong"], "\n".join(told["wrong"][:10])


def test_control_a_clock_that_forgets_how_long_it_stood(city: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinmai.desks.credit.casework.resume", _forgets)
    assert len(run(city, DEFAULT // 2, SEED)["wrong"]) > DEFAULT // 8


def _forgets(clock: DueClock) -> DueClock:
    clock.suspended_on, clock.suspended_reason = None, ""
    clock.save()
    return clock


def test_control_a_day_counted_by_utc(city: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "today", classmethod(lambda cls: Clock.now().date()))
    assert run(city, DEFAULT // 2, SEED)["wrong"]


@pytest.mark.long
def test_ten_thousand_histories(city: Any, say: Any) -> None:
    told = run(city, LONG, SEED + 1)
    say({**told, "wrong": len(told["wrong"])})
    assert not told["wrong"], "\n".join(told["wrong"][:10])
