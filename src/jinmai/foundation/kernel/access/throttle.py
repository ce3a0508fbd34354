"""How often may be asked (限流): counted in the database, so that every worker sees the same count.

A worker draws a small share of a window's allowance at a time (1 %), so that most requests write nothing; what was
asked never exceeds the limit, and falls short of it by less than a share a worker.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from django.db import connection

from jinmai.foundation.kernel.access.api_problems import TooMany
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.home import current_home

RULE = Path(__file__).parents[1] / "rules" / "request_limits.yaml"
SHARES = 100
#: Windows that ended so long ago are forgotten, now and then.
KEPT_SECONDS = 3 * 24 * 3600
_SWEEP_EVERY = 5_000


@dataclass(frozen=True)
class Limit:
    """So many requests within so many seconds."""

    name: str
    most: int
    seconds: int


@dataclass
class _Drawn:
    """What this worker drew of a window and has not used yet."""

    window: int
    left: int


_drawn: dict[str, _Drawn] = {}
_lock = threading.Lock()
_draws = 0
_forced: ContextVar[bool | None] = ContextVar("jinmai_limits", default=None)


def limits() -> dict[str, Limit]:
    """The city's limits by name: its own file's values over the shared ones."""
    home = current_home()
    return _read(str(home.city.folder / "rules" / RULE.name))


@cache
def _read(city_file: str) -> dict[str, Limit]:
    rows: dict[str, Limit] = {}
    for path in (RULE, Path(city_file)):
        if path.exists():
            value = yaml.safe_load(path.read_text(encoding="utf-8"))["values"][-1]["value"]
            rows |= {row["name"]: Limit(row["name"], row["most"], row["seconds"]) for row in value["rows"]}
    return rows


def in_force() -> bool:
    """Limits hold in every home but one of profile ``test``, where a test switches them on."""
    forced = _forced.get()
    if forced is not None:
        return forced
    return current_home().profile != "test" or os.environ.get("JINMAI_LIMITS") == "1"


@contextmanager
def switched_on() -> Iterator[None]:
    """Let the limits hold in a test."""
    token = _forced.set(True)
    _drawn.clear()
    try:
        yield
    finally:
        _forced.reset(token)
        _drawn.clear()


def refuse_too_many(name: str, who: object) -> None:
    """Count one request of ``who`` under the limit of that name; refuses beyond it with JM-API-429 (请求过于频繁)."""
    if in_force():
        limit = limits().get(name)
        if limit is None:
            raise Broken(f"no limit {name!r} in {RULE.name}")
        wait = _wait_for(limit, f"{name}:{who}")
        if wait:
            raise TooMany(wait)


def _wait_for(limit: Limit, key: str) -> int:
    """0 when there is room in the window under way, else the seconds until the next one."""
    moment = time.time()
    window = int(moment // limit.seconds)
    with _lock:
        held = _drawn.get(key)
        if held is not None and held.window == window and held.left > 0:
            held.left -= 1
            return 0
    share = max(1, limit.most // SHARES)
    taken = count(key, window, share)
    room = min(share, limit.most - (taken - share))
    if room <= 0:
        return max(1, int((window + 1) * limit.seconds - moment) + 1)
    with _lock:
        _drawn[key] = _Drawn(window, room - 1)
    return 0


def count(key: str, window: int, by: int = 1) -> int:
    """Add to a window's count in one statement, right on both engines; returns the new count."""
    global _draws
    _draws += 1
    with connection.cursor() as cursor:
        if _draws % _SWEEP_EVERY == 0:
            _sweep()
        cursor.execute(
            'INSERT INTO kernel_ratewindow ("key", "window", "count") VALUES (%s, %s, %s)'
            ' ON CONFLICT ("key", "window") DO UPDATE SET "count" = kernel_ratewindow."count" + excluded."count"'
            ' RETURNING "count"',
            [key[:200], window, by],
        )
        return int(cursor.fetchone()[0])


def _sweep() -> None:
    """Forget what no window needs: the oldest rows of every limit."""
    from jinmai.foundation.kernel.access.models import RateWindow

    for limit in limits().values():
        ended = int((time.time() - KEPT_SECONDS) // limit.seconds)
        RateWindow.objects.filter(key__startswith=f"{limit.name}:", window__lt=ended).delete()
    if len(_drawn) > 10 * _SWEEP_EVERY:
        _drawn.clear()
