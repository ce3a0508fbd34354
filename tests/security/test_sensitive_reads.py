"""S6: every answer that carries a firm's contact, figures, sheet or papers leaves a record, whatever door it came through."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from jinmai.desks.financing import contacts
from jinmai.foundation.analytics import door as figures
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.documents import gate
from tests.security.surface import Door, doors
from tests.security.test_authorization_matrix import BY_CONSENT, Matrix, _holds, _unpacked

#: Two institutions that each have one firm's contact and not the other's, and the bureau's duty.
READERS = ("heying", "t_manager_bank", "linqiushi")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Refusals are meant here; none of them needs a line in the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Reads(Matrix):
    """The matrix, walked for what is read: which sensitive values each answer holds, and what record it left."""

    def __init__(self, *planted_city: Any) -> None:
        super().__init__(*planted_city)
        self.silent: list[str] = []
        self.kinds: Counter[str] = Counter()

    def look(self, door: Door, actor: str, thing: Any, path: str) -> None:
        """One request in a savepoint of its own: no earlier reading makes a later one's record unneeded."""
        client = self.client(actor)
        with transaction.atomic():
            before = _records()
            answer = client.get(path)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            left = _records() - before
            transaction.set_rollback(True)
        for kind in self.held(door, answer, content, thing) if answer.status_code == 200 else ():
            self.kinds[kind] += 1
            if not left:
                self.silent.append(f"{path} as {actor} shows {kind} without a record")

    def held(self, door: Door, answer: Any, content: bytes, thing: Any) -> list[str]:
        """The kinds of sensitive values in an answer."""
        text = _unpacked(content)
        found = []
        if any(canary.text.encode() in text for canary in self.contacts):
            found.append("contact")
        if thing is not None and thing.kind == BY_CONSENT:
            found.append("figures")
        if (
            answer.headers.get("Content-Type", "").startswith(("image/", "application/pdf"))
            and "documents" in door.route
        ):
            found.append("papers")
        return found

    @property
    def contacts(self) -> list[Any]:
        return [one for one in self.planted.canaries if one.text.endswith("联系人") or one.text.startswith("1375550")]


def _records() -> int:
    return AuditEntry.objects.count() + AccessRecord.objects.count()


def reading_doors() -> list[Door]:
    """Every door that answers a GET; none is written down."""
    return [door for door in doors() if door.operation and "GET" in door.methods]


def walked(planted_city: Any, until: str = "") -> Reads:
    """All of them, or those up to the first that shows a value of one kind silently."""
    reads = Reads(*planted_city)
    for door in reading_doors():
        for actor in READERS:
            if _holds(actor, door):
                for thing, path in reads._places(door, actor, "GET"):
                    reads.look(door, actor, thing, path)
                    if until and any(f"shows {until} " in line for line in reads.silent):
                        return reads
    return reads


@pytest.mark.django_db
def test_every_answer_with_a_sensitive_value_leaves_a_record(planted_city, say):
    reads = walked(planted_city)
    say({"doors": len(reading_doors())} | dict(reads.kinds) | {"silent": len(reads.silent)})
    assert set(reads.kinds) == {"contact", "figures", "papers"}, "each kind was met"
    assert not reads.silent, "\n".join(reads.silent[:40])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "where", "name"),
    [("contact", contacts, "book_contact"), ("figures", figures, "book"), ("papers", gate, "_let_out")],
)
def test_control_a_read_that_is_not_booked_is_found(planted_city, monkeypatch, kind, where, name):
    monkeypatch.setattr(where, name, lambda *given, **named: None)
    assert any(f"shows {kind} " in line for line in walked(planted_city, until=kind).silent)
