"""Passkeys and security keys (通行密钥、安全密钥) as second factor, by WebAuthn; only public halves are kept."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from jinmai.foundation.kernel.access.models import PasskeyCredential, User
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal

CHALLENGE = "passkey_challenge"


@dataclass(frozen=True)
class Made:
    """A new credential whose answer was verified."""

    credential_id: str
    public_key: bytes
    sign_count: int

    def __str__(self) -> str:
        return self.credential_id


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _here(request: HttpRequest) -> tuple[str, str]:
    """The name that credentials are bound to, and the origin that must answer."""
    host = request.get_host()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return name, f"{request.scheme}://{host}"


def _known(user: User) -> list[PublicKeyCredentialDescriptor]:
    held = PasskeyCredential.objects.filter(user=user).values_list("credential_id", flat=True)
    return [PublicKeyCredentialDescriptor(id=_bytes(one)) for one in held]


def options_to_add(request: HttpRequest, user: User, platform: str) -> str:
    """What the browser is told to make, as JSON; the challenge waits in the session for one answer."""
    options = generate_registration_options(
        rp_id=_here(request)[0],
        rp_name=platform,
        user_id=str(user.pk).encode(),
        user_name=user.username,
        user_display_name=user.display_name,
        exclude_credentials=_known(user),
        authenticator_selection=AuthenticatorSelectionCriteria(user_verification=UserVerificationRequirement.PREFERRED),
    )
    request.session[CHALLENGE] = _text(options.challenge)
    return options_to_json(options)


def options_to_use(request: HttpRequest, user: User) -> str:
    """Which credentials may answer, as JSON."""
    options = generate_authentication_options(rp_id=_here(request)[0], allow_credentials=_known(user))
    request.session[CHALLENGE] = _text(options.challenge)
    return options_to_json(options)


def _challenge(request: HttpRequest) -> bytes:
    """The challenge, once."""
    kept = request.session.pop(CHALLENGE, "")
    if not kept:
        raise _refused()
    return _bytes(kept)


def _refused() -> Refusal:
    return Refusal("JM-ACC-037", _("通行密钥没有通过验证"), _("请重试，或改用验证码、恢复码"))


def verify_added(request: HttpRequest, credential: Any) -> Made:
    """The browser's new credential, verified against its challenge (JM-ACC-037)."""
    name, origin = _here(request)
    try:
        made = verify_registration_response(
            credential=credential, expected_challenge=_challenge(request), expected_rp_id=name, expected_origin=origin
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _refused() from None
    return Made(_text(made.credential_id), made.credential_public_key, made.sign_count)


def verify_used(request: HttpRequest, user: User, credential: Any) -> PasskeyCredential:
    """The browser's answer by one of the account's credentials (JM-ACC-037).

    The credential's row is locked meanwhile; a count that doesn't grow tells of a copied key and is refused.
    """
    name, origin = _here(request)
    challenge = _challenge(request)
    given = credential.get("id", "") if isinstance(credential, dict) else ""
    with transaction.atomic():
        held = PasskeyCredential.objects.select_for_update().filter(user=user, credential_id=given).first()
        if held is None:
            raise _refused()
        try:
            used = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=name,
                expected_origin=origin,
                credential_public_key=bytes(held.public_key),
                credential_current_sign_count=held.sign_count,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            raise _refused() from None
        held.sign_count, held.last_used_at = used.new_sign_count, Clock.true_now()
        held.save(update_fields=["sign_count", "last_used_at"])
    return held
