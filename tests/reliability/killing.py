"""Workers that are killed: at a commit of one's choosing, or at any moment, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass
from typing import Any

PATIENCE = 120.0
NEVER = 0


@dataclass(frozen=True)
class Plan:
    """When the worker dies: before or after its ``commit``-th commit (0: never); ``split`` takes the safeguard away."""

    commit: int = NEVER
    after: bool = False
    split: bool = False


def _die_at(plan: Plan, counted: Any) -> None:
    """Count the commits of this process, and end it with SIGKILL around the one that the plan names."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    committed = BaseDatabaseWrapper._commit

    def commit(self: Any) -> Any:
        counted.value += 1
        if counted.value == plan.commit and not plan.after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = committed(self)
        if counted.value == plan.commit:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    BaseDatabaseWrapper._commit = commit


def _split_commit(self: Any, cursor: dict[str, Any], effect: Any = None) -> Any:
    """The control: the effect in one transaction, the cursor in another."""
    from django.db import transaction

    from jinmai.foundation.kernel.jobs import lease

    with transaction.atomic():
        value = effect() if effect is not None else None
    with transaction.atomic():
        lease.renew(self.job, cursor=cursor, attempts=1)
    self.job.cursor = cursor
    return value


def _worker(plan: Plan, counted: Any, written: Any) -> None:
    from django.db import connections

    from jinmai.foundation.kernel.jobs.running import JobRun
    from jinmai.foundation.kernel.jobs.worker import run_until_empty
    from tests.reliability import examples  # noqa: F401 - declares the trial kind in this process, too

    connections.close_all()
    examples.make_small()
    if plan.split:
        JobRun.commit = _split_commit
    noted = JobRun._note_write
    JobRun._note_write = lambda self, seconds: (
        setattr(written, "value", max(written.value, seconds)), noted(self, seconds)
    )[1]  # fmt: skip
    _die_at(plan, counted)
    run_until_empty("worker")
    connections.close_all()


@dataclass(frozen=True)
class Ended:
    """How a worker ended: how many commits it made, whether it was killed, the longest write of a step."""

    commits: int
    killed: bool
    longest_write: float


def work(plan: Plan | None = None, kill_after: float | None = None) -> Ended:
    """Start a worker, let it end by itself, by its plan, or by SIGKILL after so many seconds."""
    from django.db import connections

    connections.close_all()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.ready", "tests.reliability.examples"])
    counted, written = context.Value("i", 0), context.Value("d", 0.0)
    process = context.Process(target=_worker, args=(plan or Plan(), counted, written), daemon=True)
    process.start()
    process.join(kill_after if kill_after is not None else PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
        if kill_after is None:
            raise AssertionError("the worker did not end")
    return Ended(counted.value, process.exitcode == -signal.SIGKILL, written.value)


def let_leases_end() -> None:
    """As if the half minute of the dead worker's lease had passed."""
    from jinmai.foundation.kernel.jobs.lease import OPEN, DatabaseTime
    from jinmai.foundation.kernel.jobs.models import Job

    Job.objects.filter(state__in=OPEN).update(lease_until=DatabaseTime(-1))


def kill_at_random(dice: random.Random, whole: float) -> bool:
    """One worker killed at any moment of the time that the whole job takes; whether it was still running."""
    ended = work(kill_after=dice.uniform(0.0, whole))
    let_leases_end()
    return ended.killed


def timed() -> tuple[Ended, float]:
    """A worker that isn't killed, and how long it took."""
    started = time.perf_counter()
    ended = work()
    return ended, time.perf_counter() - started
