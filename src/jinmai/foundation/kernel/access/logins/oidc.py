"""OpenID Connect (统一身份认证): authorization code with PKCE, state and nonce; keys and addresses by discovery."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from django.http import HttpRequest
from django.urls import reverse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from jinmai.foundation.kernel import outgoing
from jinmai.foundation.kernel.access.logins import Arrival, LoginAdapter, failed

#: Signatures by a key pair only: a shared secret or none at all is not taken.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
LEEWAY_SECONDS = 60
DISCOVERED_SECONDS = 600
_discovered: dict[str, tuple[float, dict[str, Any]]] = {}


class OidcLogin(LoginAdapter):
    """A provider that speaks OpenID Connect; ``trusts_factor`` takes its word for the second factor."""

    kind = "oidc"
    options = frozenset({"issuer", "client_id", "secret_file", "scope", "trusts_factor"})

    @property
    def issuer(self) -> str:
        """The provider's name of itself."""
        return str(self.said["issuer"])

    def discover(self) -> dict[str, Any]:
        """The provider's own description, remembered for ten minutes; one that names another issuer is refused."""
        kept = _discovered.get(self.issuer)
        if kept is None or time.monotonic() - kept[0] > DISCOVERED_SECONDS:
            found = outgoing.get(get_well_known_url(self.issuer, external=True)).json()
            if not isinstance(found, dict) or found.get("issuer") != self.issuer:
                raise failed(self.label)
            kept = _discovered[self.issuer] = (time.monotonic(), found)
        return kept[1]

    def begin(self, request: HttpRequest, kept: dict[str, Any]) -> str:
        """The provider's login page."""
        verifier = secrets.token_urlsafe(48)
        kept.update(state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=verifier)
        kept["redirect_uri"] = request.build_absolute_uri(reverse("site:login_back"))
        asked = {
            "response_type": "code",
            "client_id": self.said["client_id"],
            "redirect_uri": kept["redirect_uri"],
            "scope": self.said.get("scope", "openid"),
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        place = str(self.discover()["authorization_endpoint"])
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"

    def complete(self, request: HttpRequest, kept: Mapping[str, Any]) -> Arrival:
        """The account linked with the provider's ``sub``; refuses what doesn't fit (JM-ACC-041) and strangers (-040)."""
        given = request.GET
        if not hmac.compare_digest(given.get("state", ""), str(kept.get("state", "\0"))):
            raise failed(self.label)
        if "code" not in given or given.get("iss", self.issuer) != self.issuer:
            raise failed(self.label)
        claims = self._claims(self._tokens(given["code"], kept), str(kept["nonce"]))
        factor = "oidc" if self.said.get("trusts_factor") else ""
        return Arrival(self.account_of(str(claims["sub"])), factor)

    def _tokens(self, code: str, kept: Mapping[str, Any]) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": str(kept["redirect_uri"]),
            "code_verifier": str(kept["verifier"]),
        }
        place = str(self.discover()["token_endpoint"])
        answer = outgoing.post_form(place, form, auth=(str(self.said["client_id"]), self.secret()))
        tokens = answer.json() if answer.status == 200 else {}
        if not isinstance(tokens, dict) or "id_token" not in tokens:
            raise failed(self.label)
        return tokens

    def _claims(self, tokens: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        keys = outgoing.get(str(self.discover()["jwks_uri"])).json()
        try:
            token = jwt.decode(str(tokens["id_token"]), KeySet.import_key_set(keys), algorithms=ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.said["client_id"]},
            }
            params = {"nonce": nonce, "client_id": self.said["client_id"], "access_token": tokens.get("access_token")}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now=int(time.time()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, KeyError, TypeError):
            raise failed(self.label) from None
        return claims
