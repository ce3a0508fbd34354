"""The seal on a consent (授权书封签): HMAC-SM3 under the home's key over all that fixes its meaning.

A row changed past the actions does not fit its seal and is no consent. The revocation is sealed too, so that emptying
``revoked_at`` does not revive it. What no seal on the row itself can tell is a whole earlier row put back with its
earlier seal: the audit still has the revocation.
"""

from __future__ import annotations

import hmac
from datetime import date, datetime
from typing import Any

from jinmai.foundation.kernel.audit.sealing import canonical, sealer
from jinmai.foundation.kernel.home import current_home

KEY = "consent"
#: Everything of the row but the seal; ``tests/security/test_consent_door.py`` compares it with the model.
SEALED = (
    "id", "subject_id", "receiver_id", "purpose", "fields", "starts_on", "ends_on", "granted_by", "granted_at",
    "revoked_at", "revoked_by",
)  # fmt: skip


def seal_of(consent: Any) -> str:
    """The seal that fits the consent as it stands."""
    return sealer(current_home().key(KEY))(canonical([KEY, *(_plain(getattr(consent, name)) for name in SEALED)]))


def is_sealed(consent: Any) -> bool:
    """Whether the consent is as the platform wrote it."""
    return hmac.compare_digest(seal_of(consent).encode(), str(consent.seal).encode())


def _plain(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (datetime, list, type(None))) else str(value)
