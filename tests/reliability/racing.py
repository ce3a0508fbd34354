"""Processes that start together and try the same thing, once a round; what each got is brought back and counted."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

PATIENCE = 600.0
WON, REFUSED = "won", "refused"


@dataclass(frozen=True)
class Outcome:
    """What one process got in one round: ``won``, ``refused`` or the error's text; with what the attempt returned."""

    process: int
    round: int
    said: str
    value: Any = None


def _process(
    number: int, attempt: Callable[[Any, Any], Any], who: Any, rounds: Sequence[Any], barrier: Any, box: Any
) -> None:
    from django.db import connection, connections

    from jinmai.foundation.kernel.errors import Refusal

    connections.close_all()
    connection.ensure_connection()
    outcomes = []
    for index, what in enumerate(rounds):
        barrier.wait(PATIENCE)
        value = None
        try:
            value = attempt(who, what)
            said = WON
        except Refusal:
            said = REFUSED
        except Exception as error:  # noqa: BLE001 - every fault is counted, whatever it is
            said = f"{type(error).__name__}: {error}"
        outcomes.append(Outcome(number, index, said, value))
    connections.close_all()
    box.put(outcomes)


def race(
    attempt: Callable[[Any, Any], Any], contestants: Sequence[Any], rounds: Sequence[Any], patience: float = PATIENCE
) -> list[Outcome]:
    """Each contestant in its own process tries ``attempt(contestant, round)`` in every round, started by a barrier."""
    from django.db import connections

    connections.close_all()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.ready"])
    barrier, box = context.Barrier(len(contestants)), context.Queue()
    processes = [
        context.Process(target=_process, args=(number, attempt, who, list(rounds), barrier, box), daemon=True)
        for number, who in enumerate(contestants)
    ]
    for process in processes:
        process.start()
    outcomes = [outcome for _ in processes for outcome in box.get(timeout=patience)]
    for process in processes:
        process.join(patience)
    return outcomes
