"""Writing and verifying the chains."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.anchors import (
    ANCHOR_FILE,
    Anchored,
    anchor_heads,
    anchor_when_due,
    read_anchors,
    unanchored,
)
from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
from jinmai.foundation.kernel.audit.reading import one_moment, stored_rows
from jinmai.foundation.kernel.audit.sealing import FIELDS, GENESIS, canonical, canonical_row, sealer
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home

__all__ = ["ANCHOR_FILE", "anchor_heads", "record", "verify_chains"]


def _seal(message: bytes) -> str:
    return sealer(current_home().key("audit"))(message)


def _head_text(chain: str, seq: int, last: str) -> bytes:
    return canonical(["head", chain, seq, last])


def record(
    actor: Actor, *, operation: str, object_ref: str, outcome: str, digest: str = "", code: str = ""
) -> AuditEntry:
    """Append an entry to the chain of the actor's organisation; call it last in the transaction it witnesses."""
    chain = actor.organisation_code
    head = AuditHead.objects.select_for_update().filter(pk=chain).first()
    if head is None:
        AuditHead.objects.get_or_create(pk=chain, defaults={"last": GENESIS, "seal": ""})
        head = AuditHead.objects.select_for_update().get(pk=chain)
    entry = AuditEntry(
        chain=chain,
        seq=head.seq + 1,
        recorded_at=Clock.true_now(),
        happened_at=Clock.now(),
        user_id_at=actor.user_id,
        actor_name=actor.name,
        role=actor.role,
        operation=operation,
        object_ref=object_ref,
        outcome=outcome,
        code=code,
        digest=digest,
        previous=head.last,
    )
    entry.seal = _seal(canonical(getattr(entry, name) for name in FIELDS))
    entry.save(force_insert=True)
    head.seq, head.last = entry.seq, entry.seal
    head.seal = _seal(_head_text(chain, head.seq, head.last))
    head.save(force_update=True)
    anchor_when_due()
    return entry


def verify_chains() -> dict[str, Any]:
    """Recompute every chain against its seals, its head and the anchors.

    Returns ``{"chains", "entries", "breaches", "problems", "seconds"}``; a problem names chain and number. Finds
    edits, deletions, insertions, swaps, a cut tail, and a rewritten tail up to the last anchor; anchors that were
    changed, cut off or taken away; and an installed home whose chains are all gone. What it cannot find is said in
    ``anchors``.
    """
    started = time.perf_counter()
    problems: list[str] = []
    anchored = read_anchors(problems)  # before the rows: an anchor written meanwhile may name entries not read here
    committed = not connection.in_atomic_block  # in a transaction under way its entries can't be anchored yet
    with one_moment():
        entries, last = _check_entries(anchored.expected, problems)
        problems += [f"{chain} 第 {seq} 条在锚点中、库中已缺" for chain, seq in sorted(anchored.expected)]
        problems += _check_heads(last)
        problems += _check_whole(anchored, entries, committed)
    return {
        "chains": len(last),
        "entries": entries,
        "breaches": len(problems),
        "problems": problems[:50],
        "seconds": round(time.perf_counter() - started, 3),
    }


def _check_entries(
    anchors: dict[tuple[str, int], str], problems: list[str]
) -> tuple[int, dict[str, tuple[int, str]]]:
    """Walk all chains; returns the number of entries and each chain's last one. Anchors that were met are taken out."""
    seal = sealer(current_home().key("audit"))
    last: dict[str, tuple[int, str]] = {}
    entries = 0
    for row in stored_rows():
        entries += 1
        chain, seq, previous, sealed = row[0], row[1], row[-2], row[-1]
        before = last.get(chain, (0, GENESIS))
        if (seq, previous) != (before[0] + 1, before[1]):
            problems.append(f"{chain} 第 {seq} 条与上一条不相接")
        if seal(canonical_row(row[:-1])) != sealed:
            problems.append(f"{chain} 第 {seq} 条内容被改动")
        if anchors.pop((chain, seq), sealed) != sealed:
            problems.append(f"{chain} 第 {seq} 条与锚点不符")
        last[chain] = (seq, sealed)
    return entries, last


def _check_heads(last: dict[str, tuple[int, str]]) -> list[str]:
    problems = []
    heads = {head.chain: head for head in AuditHead.objects.all()}
    for chain in sorted(set(heads) | set(last)):
        head = heads.get(chain)
        if head is None:
            problems.append(f"{chain} 缺链头")
        elif (head.seq, head.last) != last.get(chain, (0, GENESIS)):
            problems.append(f"{chain} 的链头与末条不符")
        elif head.seq and head.seal != _seal(_head_text(chain, head.seq, head.last)):
            problems.append(f"{chain} 的链头被改动")
    return problems


def _check_whole(anchored: Anchored, entries: int, committed: bool) -> list[str]:
    """What no single entry shows: that anchors are missing where there must be some, or the chains themselves."""
    from jinmai.foundation.kernel.models import Installation, Organisation

    if not entries and Installation.objects.filter(city_loaded=True).exists() and Organisation.objects.exists():
        return ["已启用的平台没有任何留痕"]  # loading the city's overlay is witnessed
    return unanchored(anchored) if committed else []
