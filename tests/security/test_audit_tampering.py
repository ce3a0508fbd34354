"""S6: whatever is done to the audit behind Jinmai's back is found, and the database itself refuses the plain ways.

Each tamper is carried out in a savepoint, looked for by ``verify_chains`` and rolled back. The default run does
``TAMPERS`` of them over every kind; ``-m long`` does 10,000.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from django.db import DatabaseError, connection, transaction

from jinmai.foundation.kernel.access.actions import dismiss, restrict_operation
from jinmai.foundation.kernel.audit import chain as chains
from jinmai.foundation.kernel.audit import guards
from jinmai.foundation.kernel.audit.chain import anchor_heads, record, verify_chains
from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
from jinmai.foundation.kernel.audit.sealing import FIELDS, GENESIS, canonical, sealer
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home

TAMPERS = 500
CHAINS = ("milan", "heying", "linqiushi")
LENGTH = 60

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(city):
    """Three chains of some length, anchored in the middle; the triggers are taken off."""
    actors = [city.actor(name) for name in CHAINS]
    for number in range(LENGTH):
        if number == LENGTH // 2:
            anchor_heads()
        for actor in actors:
            record(actor, operation="kernel.read_facts", object_ref=f"kernel.subject:{number}", outcome="ok")
    guards.remove(connection)
    yield [actor.organisation_code for actor in actors]
    guards.install(connection)


def _pick(dice: random.Random, chain: str) -> AuditEntry:
    return dice.choice(list(AuditEntry.objects.filter(chain=chain)))


def _other(value: object) -> object:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("a" if value[-1:] != "a" else "b")
    return Clock.true_now() if value is not None else 1


def edit(dice: random.Random, chain: str) -> None:
    entry, field = _pick(dice, chain), dice.choice((*FIELDS[2:], "seal"))
    AuditEntry.objects.filter(pk=entry.pk).update(**{field: _other(getattr(entry, field))})


def delete(dice: random.Random, chain: str) -> None:
    AuditEntry.objects.filter(pk=_pick(dice, chain).pk).delete()


def insert(dice: random.Random, chain: str) -> None:
    """A forged deed pushed in after another; the numbers behind it are moved up."""
    before = _pick(dice, chain)
    for later in AuditEntry.objects.filter(chain=chain, seq__gt=before.seq).order_by("-seq"):
        AuditEntry.objects.filter(pk=later.pk).update(seq=later.seq + 1)
    before.pk, before.seq, before.previous = None, before.seq + 1, before.seal
    before.save(force_insert=True)


def swap(dice: random.Random, chain: str) -> None:
    first, second = dice.sample(list(AuditEntry.objects.filter(chain=chain)), 2)
    AuditEntry.objects.filter(pk=first.pk).update(seq=-1)
    AuditEntry.objects.filter(pk=second.pk).update(seq=first.seq)
    AuditEntry.objects.filter(pk=first.pk).update(seq=second.seq)


def cut_tail(dice: random.Random, chain: str) -> None:
    """The last entries go; half the time the head is turned back too, as well as one can without the key."""
    keep = dice.randrange(1, AuditEntry.objects.filter(chain=chain).count())
    AuditEntry.objects.filter(chain=chain, seq__gt=keep).delete()
    if dice.random() < 0.5:
        last = AuditEntry.objects.get(chain=chain, seq=keep)
        AuditHead.objects.filter(pk=chain).update(seq=keep, last=last.seal)


def rewrite_tail(dice: random.Random, chain: str) -> None:
    """Every entry from one on is written anew and sealed with a key the forger made up, the head with them."""
    _reseal(chain, dice.randrange(1, LENGTH), sealer(b"the forger's own key"))


def drop_chain(dice: random.Random, chain: str) -> None:
    AuditEntry.objects.filter(chain=chain).delete()
    AuditHead.objects.filter(pk=chain).delete()


KINDS: tuple[Callable[[random.Random, str], None], ...] = (
    edit, delete, insert, swap, cut_tail, rewrite_tail, drop_chain,
)  # fmt: skip


def _reseal(chain: str, first: int, seal: Callable[[bytes], str]) -> None:
    """Change entry ``first`` and make everything behind it fit again under ``seal``."""
    entries = list(AuditEntry.objects.filter(chain=chain).order_by("seq"))
    previous = entries[first - 2].seal if first > 1 else GENESIS
    for entry in entries[first - 1 :]:
        if entry.seq == first:
            entry.object_ref = "kernel.subject:forged"
        entry.previous = previous
        entry.seal = previous = seal(canonical(getattr(entry, name) for name in FIELDS))
        AuditEntry.objects.filter(pk=entry.pk).update(
            object_ref=entry.object_ref, previous=entry.previous, seal=entry.seal
        )
    head = entries[-1]
    AuditHead.objects.filter(pk=chain).update(
        last=head.seal, seal=seal(canonical(["head", chain, head.seq, head.seal]))
    )


def _found(tamper: Callable[[], None]) -> int:
    """How many breaches ``verify_chains`` sees while the tamper stands."""
    with transaction.atomic():
        tamper()
        breaches = verify_chains()["breaches"]
        transaction.set_rollback(True)
    return breaches


def _tamper_many(kept: list[str], times: int, say) -> None:
    dice = random.Random(20261122)
    assert verify_chains()["breaches"] == 0
    missed: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for number in range(times):
        kind = KINDS[number % len(KINDS)]
        done[kind.__name__] += 1
        if not _found(lambda kind=kind: kind(dice, dice.choice(kept))):
            missed[kind.__name__] += 1
    assert verify_chains()["breaches"] == 0, "the savepoints did not put everything back"
    say({"tampers": dict(done), "total": times, "missed": dict(missed)})
    assert not missed


def test_every_tamper_is_found(kept, say):
    _tamper_many(kept, TAMPERS, say)


@pytest.mark.long
def test_ten_thousand_tampers_are_found(kept, say):
    _tamper_many(kept, 10_000, say)


def test_a_tail_rewritten_with_the_key_is_found_by_the_anchor(kept):
    """Who holds the key can forge a chain that fits in itself; what was anchored before still contradicts it."""
    true_seal = sealer(current_home().key("audit"))
    anchored = AuditHead.objects.get(pk=kept[0]).seq - LENGTH // 2
    assert _found(lambda: _reseal(kept[0], anchored - 1, true_seal)) >= 1
    assert _found(lambda: _reseal(kept[0], anchored + 2, true_seal)) == 0, "the limit: nothing anchored it yet"
    anchor_heads()
    assert _found(lambda: _reseal(kept[0], anchored + 2, true_seal)) >= 1


def test_a_tail_cut_back_to_an_older_head_is_found_by_the_anchor(kept, city):
    """An old head, copied while its seal was true and put back later, fits the cut chain; the anchor does not."""
    chain = kept[0]
    old = AuditHead.objects.get(pk=chain)
    for _ in range(3):
        record(city.actor(CHAINS[0]), operation="kernel.read_facts", object_ref="", outcome="ok")

    def turn_back() -> None:
        AuditEntry.objects.filter(chain=chain, seq__gt=old.seq).delete()
        AuditHead.objects.filter(pk=chain).update(seq=old.seq, last=old.last, seal=old.seal)

    assert _found(turn_back) == 0, "the limit: nothing anchored it yet"
    anchor_heads()
    assert _found(turn_back) >= 1


@pytest.mark.parametrize("written", ["another head", "no seal", "no JSON"])
def test_a_changed_anchor_file_is_found(kept, written):
    path = current_home().log / chains.ANCHOR_FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    anchor = json.loads(lines[-1])
    anchor["heads"][kept[0]][1] = "f" * 64
    changed = {"another head": json.dumps(anchor), "no seal": "{}", "no JSON": "nothing"}[written]
    path.write_text("\n".join([*lines[:-1], changed]) + "\n", encoding="utf-8")
    assert verify_chains()["breaches"] >= 1


def test_control_without_the_chain_and_seals_nothing_is_found(kept, monkeypatch):
    """With the seal taken out of the comparison an edit goes unseen: it is the seal that finds it."""
    monkeypatch.setattr(chains, "sealer", lambda key: lambda message: _AnySeal())
    dice = random.Random(1)
    entry = _pick(dice, kept[0])
    assert _found(lambda: AuditEntry.objects.filter(pk=entry.pk).update(actor_name="换了人")) == 0


class _AnySeal(str):
    """Equal to every seal."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def test_seals_agree_with_an_independent_implementation(kept):
    """HMAC-SM3 as the cryptography library computes it, over the text as written here."""
    for entry in AuditEntry.objects.filter(chain=kept[0]):
        values = [getattr(entry, name) for name in FIELDS]
        texts = [value.isoformat(timespec="microseconds") if hasattr(value, "isoformat") else value for value in values]
        mac = HMAC(current_home().key("audit"), hashes.SM3())
        mac.update(json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode())
        assert mac.finalize().hex() == entry.seal


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_an_entry(city, change):
    actor = city.actor("sungong")
    entry = record(actor, operation="kernel.read_facts", object_ref="", outcome="ok")
    rows = AuditEntry.objects.filter(pk=entry.pk)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(outcome="refused") if change == "update" else rows.delete()
    guards.remove(connection)  # control: it is the trigger that refuses
    with transaction.atomic():
        rows.update(outcome="refused") if change == "update" else rows.delete()
    guards.install(connection)


def test_a_success_stands_in_the_chain_with_its_deed_and_a_refusal_alone(city):
    security = city.actor("sungong")
    post = city.membership("t_manager_ml")
    before = AuditEntry.objects.count()
    dismiss(security, membership=post)
    with pytest.raises(Refusal):
        restrict_operation(city.actor("heying"), operation="kernel.read_facts", role="firm.accountant", reason="无权")
    kept = list(AuditEntry.objects.order_by("pk")[before:])
    assert [(entry.operation, entry.outcome) for entry in kept] == [
        ("kernel.dismiss", "ok"),
        ("kernel.restrict_operation", "refused"),
    ]
    assert "无权" not in json.dumps([{name: str(getattr(entry, name)) for name in FIELDS} for entry in kept])


def test_a_long_chain_verifies(city, say):
    """20,000 entries of one chain; the speed is printed, benchmarks/audit.py measures it."""
    seal, previous, entries = sealer(current_home().key("audit")), GENESIS, []
    for seq in range(1, 20_001):
        entry = AuditEntry(
            chain="speed", seq=seq, recorded_at=Clock.true_now(), happened_at=Clock.now(), user_id_at=seq,
            actor_name="何盈", role="institution.account_manager", operation="kernel.read_facts",
            object_ref=f"kernel.subject:{seq}", outcome="ok", code="", digest="", previous=previous,
        )  # fmt: skip
        entry.seal = previous = seal(canonical(getattr(entry, name) for name in FIELDS))
        entries.append(entry)
    AuditEntry.objects.bulk_create(entries, batch_size=2000)
    AuditHead.objects.create(
        pk="speed", seq=20_000, last=previous, seal=seal(canonical(["head", "speed", 20_000, previous]))
    )
    found = verify_chains()
    say(
        {
            "verified": found["entries"],
            "seconds": found["seconds"],
            "per_second": round(found["entries"] / found["seconds"]),
        }
    )
    assert found["breaches"] == 0


def _verify_beside_writers(city, times: int) -> list[int]:
    """Breaches reported by ``times`` verifications while two colleagues go on working in other connections."""
    stop = threading.Event()

    def work(username: str) -> None:
        actor = city.actor(username)
        while not stop.is_set():
            with transaction.atomic():
                record(actor, operation="kernel.read_facts", object_ref="", outcome="ok")
        connection.close()

    writers = [threading.Thread(target=work, args=(name,)) for name in CHAINS[:2]]
    for writer in writers:
        writer.start()
    try:
        return [verify_chains()["breaches"] for _ in range(times)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()


@pytest.mark.django_db(transaction=True)
def test_verifying_while_others_write_reports_nothing_and_control_without_one_moment_does(city, monkeypatch, say):
    """All is read as of one moment; entries and heads read at two moments would look like a breach."""
    quiet = _verify_beside_writers(city, 20)

    def two_moments(last: dict) -> list[str]:
        time.sleep(0.05)  # what a busy hour does between two reads
        return check_heads(last)

    check_heads = chains._check_heads
    monkeypatch.setattr(chains, "_check_heads", two_moments)
    slow = _verify_beside_writers(city, 3)
    monkeypatch.setattr(chains, "one_moment", nullcontext)
    control = _verify_beside_writers(city, 3)
    say({"verified_beside_writers": len(quiet), "false_breaches": sum(quiet) + sum(slow), "control": sum(control)})
    assert sum(quiet) + sum(slow) == 0
    assert sum(control) > 0
