"""Account and password (账号口令)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.logins import Arrival, LoginAdapter
from jinmai.foundation.kernel.errors import Refusal


class PasswordLogin(LoginAdapter):
    """The form of the login page; five wrong passwords lock (the policy says how and for how long)."""

    kind = "password"

    def begin(self, request: HttpRequest, kept: dict[str, Any]) -> str:
        """The login page itself."""
        return reverse("site:login")

    def complete(self, request: HttpRequest, kept: Mapping[str, Any]) -> Arrival:
        """Refuses a wrong password, an unknown account and a disabled one in the same words (JM-ACC-042)."""
        user = authenticate(request, username=kept["username"], password=kept["password"])
        if user is None:
            raise Refusal("JM-ACC-042", _("账号或口令不正确"), _("连续五次不正确将被锁定"))
        return Arrival(user)  # type: ignore[arg-type]
