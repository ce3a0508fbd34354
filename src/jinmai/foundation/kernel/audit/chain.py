"""Writing and verifying the chains."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
from jinmai.foundation.kernel.audit.reading import one_moment, stored_rows
from jinmai.foundation.kernel.audit.sealing import FIELDS, GENESIS, canonical, canonical_row, sealer
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home

ANCHOR_FILE = "audit-anchors.jsonl"
ANCHOR_EVERY_SECONDS = 3600
_anchored_at: dict[str, float] = {}


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
    _anchor_when_due()
    return entry


def _anchor_when_due() -> None:
    from django.db import transaction

    home = str(current_home().path)
    if time.monotonic() - _anchored_at.get(home, -ANCHOR_EVERY_SECONDS) >= ANCHOR_EVERY_SECONDS:
        _anchored_at[home] = time.monotonic()
        transaction.on_commit(anchor_heads, robust=True)


def anchor_heads() -> dict[str, Any]:
    """Append all heads together, sealed, to a file outside the database; a cut or rewritten tail then shows."""
    heads = {head.chain: [head.seq, head.last] for head in AuditHead.objects.order_by("pk")}
    anchor: dict[str, Any] = {"at": Clock.true_now().isoformat(), "heads": heads}
    anchor["seal"] = _seal(canonical(["anchor", anchor["at"], heads]))
    descriptor = os.open(current_home().log / ANCHOR_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(json.dumps(anchor, ensure_ascii=False) + "\n")
    return anchor


def _read_anchors(problems: list[str]) -> dict[tuple[str, int], str]:
    path = current_home().log / ANCHOR_FILE
    expected: dict[tuple[str, int], str] = {}
    if not path.exists():
        return expected
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            anchor = json.loads(line)
            sound = anchor["seal"] == _seal(canonical(["anchor", anchor["at"], anchor["heads"]]))
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            problems.append(f"锚点文件第 {number} 行被改动")
            continue
        expected |= {(chain, seq): last for chain, (seq, last) in anchor["heads"].items() if seq}
    return expected


def verify_chains() -> dict[str, Any]:
    """Recompute every chain against its seals, its head and the anchors.

    Returns ``{"chains", "entries", "breaches", "problems", "seconds"}``; a problem names chain and number. Finds
    edits, deletions, insertions, swaps, a cut tail, and a rewritten tail up to the last anchor.
    """
    started = time.perf_counter()
    problems: list[str] = []
    anchors = _read_anchors(problems)  # before the rows: an anchor written meanwhile may name entries not read here
    with one_moment():
        entries, last = _check_entries(anchors, problems)
        problems += [f"{chain} 第 {seq} 条在锚点中、库中已缺" for chain, seq in sorted(anchors)]
        problems += _check_heads(last)
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
