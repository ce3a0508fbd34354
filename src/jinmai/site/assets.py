"""Addresses of stylesheets and scripts that change when the file does, so that no browser keeps an old one."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


@cache
def version_of(name: str) -> str:
    """The first digits of the file's digest; empty for a file that nobody has."""
    found = finders.find(name)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:10] if isinstance(found, str) else ""


class VersionedStorage(StaticFilesStorage):
    """Static files as they lie in the packages; nothing is copied, the address carries the version."""

    def url(self, name: str | None) -> str:
        """The file's address with its version."""
        version = version_of(name) if name else ""
        address = super().url(name)
        return f"{address}?v={version}" if version else address
