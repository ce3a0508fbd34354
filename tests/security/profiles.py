"""A test's home under another profile: the policy and the settings that follow from it, as start-up derives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.test import Client, override_settings

from jinmai.foundation.kernel.access.policy import policy_of
from jinmai.foundation.kernel.home import current_home, enter_home
from jinmai.site.profile import settings_of


@contextmanager
def under_profile(profile: str, **declared: Any) -> Iterator[None]:
    """As if the home said ``profile``, and what else is given, in its ``jinmai.toml``."""
    before = current_home()
    enter_home(replace(before, profile=profile, declared={**before.declared, **declared}))
    try:
        with override_settings(**settings_of(policy_of(profile))):
            yield
    finally:
        enter_home(before)


def browser(address: str = "192.0.2.1", **named: Any) -> Client:
    """A test client as the proxy in front would pass it on."""
    return Client(REMOTE_ADDR=address, headers={"x-forwarded-proto": "https", "host": "testserver"}, **named)
