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
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from django.db import DatabaseError, connection, transaction

from jinmai.foundation.kernel.access.actions import dismiss, restrict_operation
from jinmai.foundation.kernel.audit import chain as chains
from jinmai.foundation.kernel.audit import guards
from jinmai.foundation.kernel.audit.chain import anchor_heads, record, verify_chains
from jinmai.foundation.kernel.audit.jobs import anchor_audit
from jinmai.foundation.kernel.audit.models import AuditAnchor, AuditEntry, AuditHead
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
    """Three chains of some length, anchored thrice, last in the middle; the triggers are taken off."""
    actors = [city.actor(name) for name in CHAINS]
    anchor_heads()
    anchor_heads()
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


def _anchor_lines() -> list[str]:
    return _anchor_file().read_text(encoding="utf-8").splitlines(keepends=True)


def _anchor_file() -> Path:
    return current_home().log / chains.ANCHOR_FILE


def _old_head_back(chain: str, keep: int) -> None:
    """The chain is cut and the head that was true then is put back, copied in time: it needs no key, and fits."""
    AuditEntry.objects.filter(chain=chain, seq__gt=keep).delete()
    last = AuditEntry.objects.get(chain=chain, seq=keep).seal
    seal = sealer(current_home().key("audit"))(canonical(["head", chain, keep, last]))
    AuditHead.objects.filter(pk=chain).update(seq=keep, last=last, seal=seal)


def cut_tail_and_anchors(dice: random.Random, chain: str) -> None:
    """A cut tail, its old head put back, and every anchor that would contradict it cut off the file's end."""
    keep = dice.randrange(1, LENGTH // 2 - 1)
    _old_head_back(chain, keep)
    lines = _anchor_lines()
    kept = [line for line in lines if json.loads(line)["heads"].get(chain, [0])[0] <= keep]
    assert len(kept) < len(lines)
    _anchor_file().write_text("".join(kept), encoding="utf-8")


def cut_tail_and_drop_file(dice: random.Random, chain: str) -> None:
    _old_head_back(chain, dice.randrange(1, LENGTH))
    _anchor_file().unlink()


def cut_anchors(dice: random.Random, chain: str) -> None:
    """The last lines of the anchor file go; once in a while half a line stays."""
    lines = _anchor_lines()
    rest = "".join(lines[: -dice.randrange(1, len(lines) + 1)])
    _anchor_file().write_text(rest + (lines[-1][:40] if dice.random() < 0.5 else ""), encoding="utf-8")


def drop_an_anchor(dice: random.Random, chain: str) -> None:
    lines = _anchor_lines()
    del lines[dice.randrange(len(lines))]
    _anchor_file().write_text("".join(lines), encoding="utf-8")


def swap_anchors(dice: random.Random, chain: str) -> None:
    lines = _anchor_lines()
    place = dice.randrange(len(lines) - 1)
    lines[place : place + 2] = reversed(lines[place : place + 2])
    _anchor_file().write_text("".join(lines), encoding="utf-8")


def repeat_an_anchor(dice: random.Random, chain: str) -> None:
    """An old line, truly sealed once, is put behind the newest."""
    lines = _anchor_lines()
    _anchor_file().write_text("".join([*lines, dice.choice(lines)]), encoding="utf-8")


def drop_anchor_file(dice: random.Random, chain: str) -> None:
    _anchor_file().unlink()


def change_newest_anchor(dice: random.Random, chain: str) -> None:
    """What the database keeps of the newest anchor is changed, or taken away, with or without the file's end."""
    rows, lines = AuditAnchor.objects.all(), _anchor_lines()
    row = rows.get()
    before = json.loads(lines[-2])
    dice.choice([
        lambda: rows.update(number=row.number - 1),
        lambda: rows.update(number=before["number"], digest=before["seal"]),
        lambda: rows.update(digest=_other(row.digest)),
        lambda: rows.update(seal=_other(row.seal)),
        lambda: rows.update(number=0),
        rows.delete,
    ])()  # fmt: skip
    if dice.random() < 0.5:
        _anchor_file().write_text("".join(lines[:-1]), encoding="utf-8")


def drop_everything(dice: random.Random, chain: str) -> None:
    """Every entry, head and anchor; half the time what the database keeps of the anchors too."""
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    _anchor_file().unlink()
    if dice.random() < 0.5:
        AuditAnchor.objects.all().delete()


KINDS: tuple[Callable[[random.Random, str], None], ...] = (
    edit, delete, insert, swap, cut_tail, rewrite_tail, drop_chain, cut_tail_and_anchors, cut_tail_and_drop_file,
    cut_anchors, drop_an_anchor, swap_anchors, repeat_an_anchor, drop_anchor_file, change_newest_anchor, drop_everything,
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
    anchored = _anchor_file().read_bytes()
    with transaction.atomic():
        tamper()
        breaches = verify_chains()["breaches"]
        transaction.set_rollback(True)
    _anchor_file().write_bytes(anchored)
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


def test_control_without_what_the_database_keeps_a_cut_anchor_file_goes_unseen(kept):
    """The limit too: who turns back the file and the database together, to one earlier moment, is not found here."""
    dice = random.Random(1)
    earlier = AuditAnchor.objects.get()
    anchor_heads()

    def both(how: Callable[[], None]) -> None:
        _anchor_file().write_text("".join(_anchor_lines()[:-1]), encoding="utf-8")
        how()

    rows = AuditAnchor.objects.all()
    assert _found(lambda: both(lambda: None)) >= 1
    assert _found(lambda: both(lambda: rows.update(number=earlier.number, digest=earlier.digest, seal=earlier.seal))) == 0
    assert _found(lambda: drop_anchor_file(dice, kept[0])) >= 1
    assert _found(lambda: (drop_anchor_file(dice, kept[0]), rows.delete())) == 0, "only the two hours' rule finds this"


def test_anchors_go_on_where_the_database_knows_more_so_the_gap_stays(kept):
    whole = _anchor_lines()
    _anchor_file().write_text("".join(whole[:-1]), encoding="utf-8")
    anchor_heads()
    assert verify_chains()["breaches"] >= 1, "the next anchor must not heal a cut file"
    _anchor_file().write_text("".join(whole), encoding="utf-8")
    assert verify_chains()["breaches"] >= 1, "and the line written since is missed when the old file is put back"


def test_an_anchor_written_but_not_committed_and_a_torn_line_are_no_breach(kept):
    """The power goes between file and database: nothing was lost, and the next anchor goes on."""
    before = AuditAnchor.objects.get()
    anchor_heads()
    AuditAnchor.objects.update(number=before.number, digest=before.digest, seal=before.seal)
    assert verify_chains()["breaches"] == 0
    with _anchor_file().open("a", encoding="utf-8") as handle:
        handle.write(_anchor_lines()[-1][:50])
    assert verify_chains()["breaches"] == 0
    anchor_heads()
    assert verify_chains()["breaches"] == 0
    assert AuditAnchor.objects.get().number == before.number + 2


def test_anchors_of_the_first_version_are_read_on(kept):
    """Lines without a number stand only at the beginning; the first numbered one counts them and names the last."""
    seal = sealer(current_home().key("audit"))
    lines = []
    for line in _anchor_lines()[:2]:
        anchor = json.loads(line)
        anchor = {"at": anchor["at"], "heads": anchor["heads"]}
        anchor["seal"] = seal(canonical(["anchor", anchor["at"], anchor["heads"]]))
        lines.append(json.dumps(anchor, ensure_ascii=False) + "\n")
    AuditAnchor.objects.all().delete()
    _anchor_file().write_text("".join(lines), encoding="utf-8")
    assert verify_chains()["breaches"] == 0
    anchor_heads()
    anchor_heads()
    assert AuditAnchor.objects.get().number == 4
    assert verify_chains()["breaches"] == 0
    whole = _anchor_lines()
    for changed in (whole[1:], [whole[0], *whole[2:]], [*whole, whole[0]], whole[:2]):
        _anchor_file().write_text("".join(changed), encoding="utf-8")
        assert verify_chains()["breaches"] >= 1


@pytest.mark.django_db(transaction=True)
def test_entries_without_an_anchor_for_two_hours_are_a_breach(city, monkeypatch):
    """Each process anchors with its first entry and hourly; where it can't, or anchors were taken away, it shows."""
    actor = city.actor("milan")

    def act(later: timedelta) -> int:
        with time_machine.travel(Clock.true_now() + later, tick=True):
            with transaction.atomic():
                record(actor, operation="kernel.read_facts", object_ref="", outcome="ok")
            return verify_chains()["breaches"]

    before = len(_anchor_lines())
    assert [act(timedelta(minutes=minutes)) for minutes in (0, 30, 59)] == [0, 0, 0]
    assert [act(timedelta(hours=hours)) for hours in (3, 20)] == [0, 0], "the control: an entry brings its anchor"
    assert len(_anchor_lines()) > before
    monkeypatch.setattr(chains, "anchor_when_due", lambda: None)
    assert act(timedelta(hours=21, minutes=30)) == 0
    assert act(timedelta(hours=40)) == 1
    anchor_heads()
    assert verify_chains()["breaches"] == 0


@pytest.mark.django_db(transaction=True)
def test_anchors_that_begin_anew_are_a_breach(city):
    """File and row are both taken away, and Jinmai goes on: the new first anchor is far later than the first entry."""
    assert verify_chains()["breaches"] == 0
    AuditAnchor.objects.all().delete()
    _anchor_file().unlink()
    with time_machine.travel(Clock.true_now() + timedelta(hours=3), tick=True):
        with transaction.atomic():
            record(city.actor("milan"), operation="kernel.read_facts", object_ref="", outcome="ok")
        assert _anchor_file().exists()
        assert verify_chains()["breaches"] == 1


def test_a_fresh_home_is_clean_and_the_hourly_job_tells_the_log(db, caplog):
    assert verify_chains()["breaches"] == 0
    step = type("Step", (), {"cursor": {}, "commit": lambda self, kept: self.cursor.update(kept)})()
    anchor_audit(step)
    kept = AuditAnchor.objects.get()
    said = [one for one in caplog.records if one.name == "jinmai.audit" and one.levelname == "WARNING"]
    assert len(said) == 1 and kept.digest in said[0].getMessage()
    assert verify_chains()["breaches"] == 0


def _change(entry: AuditEntry, change: str) -> None:
    """The plain ways of SQL, none of which asks for the audit's key."""
    rows = AuditEntry.objects.filter(pk=entry.pk)
    columns = [field.column for field in AuditEntry._meta.concrete_fields]
    table, names = AuditEntry._meta.db_table, ", ".join(columns)
    forged = ", ".join("'refused'" if name == "outcome" else name for name in columns)
    renumbered = ", ".join({"outcome": "'refused'", "id": "id + 1000000"}.get(name, name) for name in columns)
    with connection.cursor() as cursor:
        if change == "update":
            rows.update(outcome="refused")
        elif change == "delete":
            rows.delete()
        elif change == "truncate":
            cursor.execute(f"TRUNCATE {table}")
        else:
            values = forged if change == "replace" else renumbered
            cursor.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) SELECT {values} FROM {table} WHERE id = %s", [entry.pk]
            )


CHANGES = ["update", "delete"] + (
    ["replace", "replace under another id"] if connection.vendor == "sqlite" else ["truncate"]
)


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_to_change_an_entry(city, change):
    actor = city.actor("sungong")
    entry = record(actor, operation="kernel.read_facts", object_ref="", outcome="ok")

    def stands() -> bool:
        return AuditEntry.objects.filter(pk=entry.pk, outcome="ok").exists()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        _change(entry, change)
    assert stands()
    guards.remove(connection)  # control: it is the trigger that refuses
    with transaction.atomic():
        _change(entry, change)
    assert not stands()
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
