"""The one clock: true time, or in a home of profile demo or test a time of one's choosing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from jinmai.foundation.kernel.errors import Broken

LEGAL_ZONE = ZoneInfo("Asia/Shanghai")
_shifted: ContextVar[datetime | None] = ContextVar("jinmai_clock", default=None)
_movable_profiles = frozenset({"demo", "test"})
_profile: str = "standard"


def set_profile(profile: str) -> None:
    """Told once by the home that was opened: whether this clock may be moved."""
    global _profile
    _profile = profile


class Clock:
    """Time for everything that is dated; legal days are counted in Asia/Shanghai."""

    @staticmethod
    def now() -> datetime:
        """The moment, aware, in UTC."""
        return _shifted.get() or datetime.now(UTC)

    @staticmethod
    def true_now() -> datetime:
        """True time, whatever the clock was set to: the audit's ``recorded_at``."""
        return datetime.now(UTC)

    @staticmethod
    def today() -> date:
        """The legal day in Asia/Shanghai."""
        return Clock.now().astimezone(LEGAL_ZONE).date()

    @staticmethod
    @contextmanager
    def at(moment: datetime | date) -> Iterator[None]:
        """Stand at ``moment`` (a date means ten in the morning, Asia/Shanghai); only in a demo or test home."""
        if _profile not in _movable_profiles:
            raise Broken(f"the clock of a home of profile {_profile!r} cannot be moved")
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time(10), LEGAL_ZONE)
        if moment.tzinfo is None:
            raise Broken("the clock takes an aware datetime")
        token = _shifted.set(moment.astimezone(UTC))
        try:
            yield
        finally:
            _shifted.reset(token)
