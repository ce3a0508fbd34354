"""The example history: the same seed gives the same city, failures are among its ends, every end is what it says."""

from __future__ import annotations

from datetime import date

import pytest

from jinmai.desks.financing.demo import OUTCOMES, build_history, firm_actors, run_story, stage_today
from jinmai.desks.financing.models import Decision, Loan, Need, Order
from jinmai.foundation.kernel.clock import Clock

pytestmark = pytest.mark.django_db
START, UNTIL = date(2026, 1, 5), date(2026, 11, 20)

#: outcome → the need's and the first order's state when all its steps lie in the past.
ENDS = {
    "granted": ("met", "disbursed"),
    "pool_granted": ("met", "disbursed"),
    "refused": ("closed", "decided_refused"),
    "repaired": ("met", "decided_refused"),
    "terms_declined": ("closed", "terms_declined"),
    "institution_declined": ("closed", "declined"),
    "withdrawn": ("withdrawn", "withdrawn"),
    "stalled": ("in_progress", "accepted"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_story_comes_to_its_end(actor, outcome):
    need = run_story(actor("xuan"), outcome, start=START, until=UNTIL, seed=3, amount_wan=100, product="p01")
    first = Order.objects.filter(need=need).order_by("number").first()
    if outcome == "stalled":
        assert first.clock.due_on < UNTIL and (need.status, first.status) in {("open", "sent"), ENDS[outcome]}
    else:
        assert (need.status, first.status) == ENDS[outcome]


def test_a_story_stops_where_the_city_stands(actor):
    need = run_story(actor("xuan"), "granted", start=UNTIL, until=UNTIL, seed=3, amount_wan=100, product="p01")
    assert need.status in ("draft", "open")


def test_the_same_seed_gives_the_same_history(actor):
    def told():
        rows = Order.objects.order_by("number").values_list("status", "version__product__code", "need__amount_fen")
        return list(rows), list(Decision.objects.order_by("order__number").values_list("amount_fen", "reason_id"))

    from django.db import transaction

    firms = [one for one in firm_actors() if one.organisation_code == "firm_dongting_jm"]
    seen = []
    for _turn in range(2):
        sid = transaction.savepoint()
        counted = build_history(firms, start=START, until=UNTIL, needs=6, seed=11)
        assert sum(counted.values()) == 6
        seen.append(told())
        transaction.savepoint_rollback(sid)
    assert seen[0] == seen[1] and seen[0][0]


def test_a_second_loan_is_no_first_one(actor):
    for start in (date(2026, 1, 5), date(2026, 6, 1)):
        run_story(actor("xuan"), "granted", start=start, until=UNTIL, seed=4, amount_wan=100, product="p01")
    first, second = Loan.objects.order_by("disbursed_on")
    assert second.first_time_inferred is False
    assert second.first_time_basis["loans_before"] == 1
    assert first.first_time_basis["answer"] in ("yes", "no", "unknown")


def test_the_cast_finds_work_on_the_day_the_city_opens(actor):
    from jinmai.foundation.kernel.work.tasks import tasks_for

    with Clock.at(UNTIL):
        draft = stage_today(actor("xuan"), today=UNTIL)
        assert draft.is_draft and Order.objects.in_pool().count() == 1
        assert tasks_for(actor("heying")).exists()
    assert Need.objects.count() == 3
