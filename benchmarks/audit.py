"""How fast the audit chain is written and verified: one JSON line.

    python benchmarks/audit.py [--entries 200000] [--database postgresql://…]

Entries are sealed and chained by the same functions as in an action, but stored in bulk, so that making them takes
seconds; ``jinmai audit verify`` is then run over them as it is. ``plain`` is the floor: HMAC-SM3 over the same texts,
without a database.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

CHAINS = 40


def fill(entries: int) -> float:
    """Store chained entries of 40 organisations; returns the seconds it took."""
    from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
    from jinmai.foundation.kernel.audit.sealing import FIELDS, GENESIS, canonical, sealer
    from jinmai.foundation.kernel.clock import Clock
    from jinmai.foundation.kernel.home import current_home

    seal = sealer(current_home().key("audit"))
    started = time.perf_counter()
    for number in range(CHAINS):
        chain, last, made = f"bench_{number}", GENESIS, []
        for seq in range(1, entries // CHAINS + 1):
            entry = AuditEntry(
                chain=chain,
                seq=seq,
                recorded_at=Clock.true_now(),
                happened_at=Clock.now(),
                user_id_at=7,
                actor_name="何盈",
                role="institution.account_manager",
                operation="financing.accept_order",
                object_ref="financing.order:6f1f3f0c-6d43-4c4e-9df9-3b8a0f6f4a51",
                outcome="ok",
                digest="d" * 64,
                previous=last,
            )
            entry.seal = last = seal(canonical(getattr(entry, name) for name in FIELDS))
            made.append(entry)
        AuditEntry.objects.bulk_create(made, batch_size=2000)
        text = canonical(["head", chain, len(made), last])
        AuditHead.objects.create(chain=chain, seq=len(made), last=last, seal=seal(text))
    return time.perf_counter() - started


def measure(entries: int = 200_000, database: str = "") -> dict[str, Any]:
    """Make a home, fill it, verify three times; the best of three counts, all are printed."""
    import os

    from jinmai.foundation.kernel.home import boot

    if database:
        os.environ["JINMAI_DATABASE"] = database
    with tempfile.TemporaryDirectory(prefix="jinmai-bench-") as folder:
        home = boot(Path(folder) / "home")
        from django.db import connection

        from jinmai.foundation.kernel.audit.chain import verify_chains
        from jinmai.foundation.kernel.audit.sealing import sealer

        fill_seconds = fill(entries)
        runs = [verify_chains() for _ in range(3)]
        seal = sealer(home.key("audit"))
        message = b"x" * 430
        started = time.perf_counter()
        for _ in range(entries):
            seal(message)
        plain = time.perf_counter() - started
        connection.close()
        best = min(run["seconds"] for run in runs)
        return {
            "benchmark": "audit",
            "engine": connection.vendor,
            "entries": runs[0]["entries"],
            "breaches": max(run["breaches"] for run in runs),
            "verify_records_per_s": round(runs[0]["entries"] / best),
            "runs_records_per_s": [round(run["entries"] / run["seconds"]) for run in runs],
            "plain_hmac_sm3_per_s": round(entries / plain),
            "fill_seconds": round(fill_seconds, 1),
        }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=200_000)
    options.add_argument("--database", default="")
    given = options.parse_args()
    print(json.dumps(measure(given.entries, given.database)))
