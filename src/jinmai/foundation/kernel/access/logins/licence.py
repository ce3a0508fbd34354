"""The electronic business licence (电子营业执照): a firm scans, and comes back as its accountant.

The real service belongs to the market regulator and needs a contract; its own interface document decides the names of
its fields. What Jinmai needs of it is small and written down here as ``LicenceService``: an address to send the browser
to, and the exchange of the one-time ticket that comes back, server to server, for the unified social credit code of
the licence that was shown. ``HttpLicenceService`` speaks it to a stand-in; a contract replaces this class alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel import outgoing
from jinmai.foundation.kernel.access.logins import Arrival, LoginAdapter, failed
from jinmai.foundation.kernel.access.models import LoginIdentity, Membership, User
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.subjects.models import Identifier

ROLE = "firm.accountant"


@dataclass(frozen=True)
class Shown:
    """What the licence that was scanned says: the firm's code and name, and who held it."""

    uscc: str
    name: str
    holder: str


class LicenceService(ABC):
    """What Jinmai asks of the licence's service."""

    @abstractmethod
    def page(self, *, state: str, back: str) -> str:
        """The address of the page with the code to scan."""

    @abstractmethod
    def redeem(self, ticket: str, state: str) -> Shown | None:
        """What the ticket stands for, once; ``None`` when it is forged, used or old."""


class HttpLicenceService(LicenceService):
    """The service over HTTPS: forms signed with a shared secret, answers in JSON signed the same way."""

    def __init__(self, base: str, app_id: str, secret: str) -> None:
        self.base = base.rstrip("/")
        self.app_id = app_id
        self._secret = secret

    def sign(self, *parts: str) -> str:
        """HMAC-SHA256 over the parts, each on a line of its own."""
        return hmac.new(self._secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()

    def page(self, *, state: str, back: str) -> str:
        """``/scan`` with who asks, where to come back to, and a signature over both."""
        asked = {"app_id": self.app_id, "state": state, "back": back, "sign": self.sign(self.app_id, state, back)}
        return f"{self.base}/scan?{urlencode(asked)}"

    def redeem(self, ticket: str, state: str) -> Shown | None:
        """``/redeem``; an answer that isn't signed for this ticket and state counts for nothing."""
        form = {"app_id": self.app_id, "ticket": ticket, "state": state, "sign": self.sign(self.app_id, ticket, state)}
        answer = outgoing.post_form(f"{self.base}/redeem", form)
        said = answer.json() if answer.status == 200 else {}
        try:
            shown = Shown(str(said["uscc"]), str(said["name"]), str(said["holder"]))
            fits = self.sign(ticket, state, shown.uscc, shown.name, shown.holder)
            return shown if hmac.compare_digest(fits, str(said["sign"])) else None
        except (KeyError, TypeError):
            return None


class LicenceLogin(LoginAdapter):
    """A firm comes by its licence; the account is the accountant of the firm with that code."""

    kind = "licence"
    options = frozenset({"service", "app_id", "secret_file"})
    icon = "building"

    def service(self) -> LicenceService:
        """The service that the home names."""
        return HttpLicenceService(str(self.said["service"]), str(self.said["app_id"]), self.secret())

    def begin(self, request: HttpRequest, kept: dict[str, Any]) -> str:
        """The page with the code to scan."""
        kept["state"] = secrets.token_urlsafe(24)
        return self.service().page(state=kept["state"], back=request.build_absolute_uri(reverse("site:login_back")))

    def complete(self, request: HttpRequest, kept: Mapping[str, Any]) -> Arrival:
        """Refuses a ticket that doesn't fit (JM-ACC-041) and a firm without an account here (JM-ACC-043)."""
        if not hmac.compare_digest(request.GET.get("state", ""), str(kept.get("state", "\0"))):
            raise failed(self.label)
        shown = self.service().redeem(request.GET.get("ticket", ""), str(kept["state"]))
        if shown is None:
            raise failed(self.label)
        return Arrival(self._accountant(shown))

    def _accountant(self, shown: Shown) -> User:
        """The account linked with this holder of this licence; else the firm's accountant where there is just one."""
        linked = LoginIdentity.objects.filter(provider=self.name, external_id=f"{shown.uscc}:{shown.holder}")
        known = linked.select_related("user").first()
        subject = Identifier.objects.filter(scheme="uscc", value=shown.uscc).values("subject_id")
        posts = Membership.objects.live(Clock.today()).filter(
            role=ROLE, organisation__kind="firm", organisation__subject_id__in=subject
        )
        users = {post.user for post in posts.select_related("user")}
        if known is not None and known.user in users:
            return known.user
        if len(users) != 1:
            raise Refusal(
                "JM-ACC-043",
                Words("“%(firm)s”在本平台还没有可登录的账号，或不止一个", firm=shown.name),
                _("请联系所在区县金融工作专班登记企业账号，或先用账号口令登录"),
            )
        return users.pop()
