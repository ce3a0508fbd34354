"""Scanners for malicious content (查毒): an adapter to clamd, none for a demo, and what to do while it doesn't answer.

``JINMAI_SCANNER`` names it: ``none``, ``HOST:PORT`` of a clamd, or the path of its socket. Where it isn't said, homes
of profile ``demo`` and ``test`` have none, every other home keeps uploads in quarantine until one is named.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clamav_client import get_scanner

from jinmai.foundation.kernel.documents.models import Document
from jinmai.foundation.kernel.home import current_home

SECONDS = 20.0
WITHOUT = frozenset({"demo", "test"})


@dataclass(frozen=True)
class Verdict:
    """What a scanner says of a file: the state, and the name of what it found or why it couldn't say."""

    state: str
    words: str = ""


class Scanner(Protocol):
    """Whatever can say of a file whether it is malicious."""

    def scan(self, path: Path) -> Verdict:
        """The verdict; a scanner that doesn't answer says PENDING and never raises."""


class NoScanner:
    """No scanner is connected, and that was decided (示例环境): files are served and marked as such."""

    def scan(self, path: Path) -> Verdict:
        """Nothing was looked at."""
        return Verdict(Document.Scan.UNSCANNED)


class MissingScanner:
    """Nobody said which scanner: everything waits."""

    def scan(self, path: Path) -> Verdict:
        """Nobody can say yet."""
        return Verdict(Document.Scan.PENDING, "no scanner named")


class Clamd:
    """A clamd at an address; bytes are streamed, so it needs no access to the home."""

    def __init__(self, address: str) -> None:
        self.address = address

    def scan(self, path: Path) -> Verdict:
        """Clean, infected, or pending when the daemon is down, slow, or refuses the size."""
        try:
            found = get_scanner(
                {"backend": "clamd", "address": self.address, "timeout": SECONDS, "stream": True}
            ).scan(str(path))
        except Exception as fault:  # an address that is none, a socket that is gone: the file waits
            return Verdict(Document.Scan.PENDING, type(fault).__name__)
        if found.err is None and found.state == "OK":
            return Verdict(Document.Scan.CLEAN)
        if found.err is None and found.state == "FOUND":
            return Verdict(Document.Scan.INFECTED, str(found.details or "")[:120])
        return Verdict(Document.Scan.PENDING, type(found.err).__name__ if found.err else str(found.details)[:120])


def scanner() -> Scanner:
    """The scanner of this installation."""
    named = os.environ.get("JINMAI_SCANNER", "").strip()
    if named == "none" or not named and current_home().profile in WITHOUT:
        return NoScanner()
    return Clamd(named) if named else MissingScanner()
