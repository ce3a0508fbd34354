"""Identifiers: opaque ids of our own, and the unified social credit code (统一社会信用代码, GB 32100-2015)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
USCC_LENGTH = 18
REGISTRIES = "123456789ANY"


def new_id() -> uuid.UUID:
    """A new opaque id."""
    return uuid.uuid4()


@dataclass(frozen=True)
class UsccCheck:
    """What a look at a credit code found: valid or not and why; warnings never make it invalid."""

    valid: bool
    reason: str | None = None
    warnings: tuple[str, ...] = ()


def uscc_check_character(body: str) -> str:
    """Check character of the first 17 characters (GB 32100-2015, 4.2): 31 minus the weighted sum modulo 31.

    >>> uscc_check_character("91350100M000100Y4")
    '3'
    """
    total = sum(USCC_ALPHABET.index(character) * weight for character, weight in zip(body, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def check_uscc(text: str) -> UsccCheck:
    """Whether a text is a unified social credit code: length, alphabet and check character, nothing else.

    Registry kind and region prefix are warnings, because published codes exist that break both.

    >>> check_uscc("91350100M000100Y43").valid
    True
    >>> check_uscc("91350100M000100Y44").reason
    'check_character'
    """
    if len(text) != USCC_LENGTH:
        return UsccCheck(False, "length")
    if any(character not in USCC_ALPHABET for character in text):
        return UsccCheck(False, "alphabet")
    if uscc_check_character(text[:-1]) != text[-1]:
        return UsccCheck(False, "check_character")
    warnings = []
    if text[0] not in REGISTRIES:
        warnings.append("registry")
    if not text[2:8].isdigit():
        warnings.append("region")
    return UsccCheck(True, None, tuple(warnings))
