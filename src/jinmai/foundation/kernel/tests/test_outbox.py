"""The outbox loses nothing: a number that becomes visible late is still read."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from jinmai.foundation.kernel import outbox
from jinmai.foundation.kernel.outbox import OutboxRow, emit, settled


def tell_late_and_read() -> set[str]:
    """One teller takes its number and commits late, another is quick; the keys a reader sees up to ``settled()``."""
    told, go = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            emit("needs", "slow", {})
            told.set()
            go.wait(5)
            time.sleep(0.3)
        connection.close()

    teller = threading.Thread(target=slow)
    teller.start()
    told.wait(5)
    with transaction.atomic():
        emit("needs", "quick", {})
    go.set()
    last = settled()
    seen = set(OutboxRow.objects.filter(seq__lte=last).values_list("key", flat=True))
    teller.join()
    late = set(OutboxRow.objects.filter(seq__lte=last).values_list("key", flat=True))
    return late - seen


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_number_that_commits_late_is_waited_for(city):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time; the fence is PostgreSQL's.")
    assert tell_late_and_read() == set()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_fence_it_would_be_lost(city, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time; the fence is PostgreSQL's.")
    monkeypatch.setattr(outbox, "_fence", lambda statement: None)
    assert tell_late_and_read() == {"slow"}
