"""Keys for tests: one that holds, and one of each kind that doesn't."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any


def issue(city: Any, post: str, **more: Any) -> Any:
    """A key as the security administrator issues it; ``key.shown`` is the whole of it."""
    from jinmai.foundation.kernel.access.keys import issue_key

    given = {"membership": city.membership(post), "label": "对接测试", "expires_on": date.today() + timedelta(days=90)}
    return issue_key(city.actor("sungong"), **given | more)


def issue_dead(city: Any, post: str, how: str) -> Any:
    """A key that was ``revoked`` or has ``expired``."""
    from jinmai.foundation.kernel.access.keys import revoke_key
    from jinmai.foundation.kernel.access.models import ApiKey

    key = issue(city, post)
    if how == "revoked":
        revoke_key(city.actor("sungong"), key=key)
    else:
        ApiKey.objects.filter(pk=key.pk).update(expires_on=date.today() - timedelta(days=1))
    return key
