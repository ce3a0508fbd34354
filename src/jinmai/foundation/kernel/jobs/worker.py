"""The worker: takes one job after the other, in a process of its own."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from jinmai.foundation.kernel.jobs.lease import OPEN
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.jobs.queue import enqueue_due
from jinmai.foundation.kernel.jobs.running import run_next

logger = logging.getLogger("jinmai.jobs")
IDLE_SECONDS = 1.0
LOOK_FOR_DUE_SECONDS = 15.0


def worker_name() -> str:
    """Who has a job, for whoever looks: machine and process."""
    return f"{platform.node()[:40]}:{os.getpid()}"


def run_until_empty(owner: str) -> int:
    """Work until no job is open any more, also waiting for those whose lease has yet to run out; how many ended."""
    ended = 0
    while True:
        job = run_next(owner)
        if job is not None:
            ended += job.state not in OPEN
        elif Job.objects.filter(state__in=OPEN).exists():
            time.sleep(min(IDLE_SECONDS, 0.2))
        else:
            return ended


def work_forever(owner: str, stop: Callable[[], bool]) -> None:
    """Work until told to stop; a database that goes away is waited for."""
    looked = -LOOK_FOR_DUE_SECONDS
    while not stop():
        try:
            if time.monotonic() - looked >= LOOK_FOR_DUE_SECONDS:
                looked = time.monotonic()
                enqueue_due()
            worked = run_next(owner)
        except (OperationalError, InterfaceError):
            logger.warning("the database does not answer; the worker waits for it")
            connection.close()
            worked = None
        close_old_connections()
        if worked is None:
            time.sleep(IDLE_SECONDS)
