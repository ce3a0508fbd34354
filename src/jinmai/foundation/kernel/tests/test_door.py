"""Statutory duty ends at the district's border, and every refusal stands in the firm's book."""

from __future__ import annotations

import pytest

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent import door
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.consent.purposes import STATUTORY_DUTY
from jinmai.foundation.kernel.errors import Refusal


def read(actor: Actor, subject_id: object) -> object:
    from jinmai.foundation import analytics

    return analytics.read(actor, STATUTORY_DUTY, [subject_id], ["sales_12m"], on=Clock.today())


def test_a_clerk_reads_its_own_districts_firms_only(city, actor):
    clerk, elsewhere = actor("shenyihe"), actor("t_firm_xiling").subject_id
    assert read(clerk, actor("xuan").subject_id)
    with pytest.raises(Refusal) as refused:
        read(clerk, elsewhere)
    assert refused.value.code == "JM-CON-002"
    booked = AccessRecord.objects.filter(subject_id=elsewhere).first()
    assert (booked.outcome, booked.basis) == ("refused", "none")
    assert read(actor("linqiushi"), elsewhere)


def test_without_the_border_the_clerk_would_read_on(city, actor, monkeypatch):
    monkeypatch.setattr(door, "_require_own_districts", lambda actor, ids: None)
    assert read(actor("shenyihe"), actor("t_firm_xiling").subject_id)
