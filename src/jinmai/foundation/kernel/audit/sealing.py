"""HMAC-SM3 over an entry's canonical text. Algorithm-compatible with 国密, not a certified module."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

FIELDS = (
    "chain",
    "seq",
    "recorded_at",
    "happened_at",
    "user_id_at",
    "actor_name",
    "role",
    "operation",
    "object_ref",
    "outcome",
    "code",
    "digest",
    "previous",
)
GENESIS = "0" * 64


def sealer(key: bytes) -> Callable[[bytes], str]:
    """A function that seals a message with HMAC-SM3 under ``key``; the platform's OpenSSL where it has SM3."""
    if "sm3" in hashlib.algorithms_available:
        base = hmac.new(key, digestmod="sm3")

        def seal(message: bytes) -> str:
            mac = base.copy()
            mac.update(message)
            return mac.hexdigest()

        return seal
    template = HMAC(key, hashes.SM3())

    def seal_portably(message: bytes) -> str:
        mac = template.copy()
        mac.update(message)
        return mac.finalize().hex()

    return seal_portably


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def canonical(values: Iterable[object]) -> bytes:
    """The text that is sealed: the entry's fields in their fixed order; times in UTC to the microsecond."""
    return _encode([_text(value) for value in values]).encode()


def canonical_row(row: Sequence[object]) -> bytes:
    """The same text for a row whose times are such texts already, as ``stored_rows`` reads them."""
    return _encode(row).encode()


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
