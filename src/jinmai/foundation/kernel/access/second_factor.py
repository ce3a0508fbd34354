"""The second factor (第二因素): one-time codes by app, recovery codes on paper; passkeys have their own module.

Secrets lie encrypted (SM4-GCM) or as digests in django-otp's tables: a copy of the database gives nobody a code.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b32encode
from binascii import hexlify, unhexlify
from typing import Any

import segno
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from jinmai.foundation.kernel.access.models import PasskeyCredential, User
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home

SECRET_BYTES = 20
NONCE_BYTES = 12
TAG_BYTES = 8  # 12 + 20 + 8 bytes are the 80 hexadecimal digits that django-otp's column holds
CODES = 10
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 12


def _key() -> bytes:
    return current_home().key("second-factor")[:16]


def seal(secret: bytes) -> str:
    """The secret encrypted, as hexadecimal digits."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealer = Cipher(SM4(_key()), GCM(nonce, min_tag_length=TAG_BYTES)).encryptor()
    kept = sealer.update(secret) + sealer.finalize()
    return hexlify(nonce + kept + sealer.tag[:TAG_BYTES]).decode()


def unseal(kept: str) -> bytes:
    """The secret again; a changed one is refused by its tag."""
    content = unhexlify(kept.encode())
    nonce, body, tag = content[:NONCE_BYTES], content[NONCE_BYTES:-TAG_BYTES], content[-TAG_BYTES:]
    opener = Cipher(SM4(_key()), GCM(nonce, tag, min_tag_length=TAG_BYTES)).decryptor()
    return opener.update(body) + opener.finalize()


class SealedTotp(TOTPDevice):
    """django-otp's time-based codes over an encrypted secret."""

    class Meta:
        app_label = "kernel"
        proxy = True

    @property
    def bin_key(self) -> bytes:
        """The secret, for as long as a code is computed."""
        return unseal(self.key)


# ---------------------------------------------------------------- what an account has


def totp_of(user: User) -> SealedTotp | None:
    """The account's confirmed app, if any."""
    return SealedTotp.objects.filter(user=user, confirmed=True).first()


def has_factor(user: User) -> bool:
    """Whether the account has a second factor that it can sign in with."""
    return totp_of(user) is not None or PasskeyCredential.objects.filter(user=user).exists()


def factor_asked_of(user: User) -> bool:
    """Whether the profile asks one of this account's posts for a second factor."""
    roles = user.live_memberships(Clock.today()).values_list("role", flat=True)
    return any(policy().asks_factor_of(role) for role in roles)


def codes_left(user: User) -> int:
    """Recovery codes not used yet."""
    return StaticToken.objects.filter(device__user=user, device__confirmed=True).count()


# ---------------------------------------------------------------- enrolling


def begin_totp(user: User) -> SealedTotp:
    """The app that is being set up: the same secret until it is confirmed, whatever page is loaded again."""
    waiting = SealedTotp.objects.filter(user=user, confirmed=False).first()
    return waiting or SealedTotp.objects.create(
        user=user, name="totp", confirmed=False, key=seal(secrets.token_bytes(SECRET_BYTES))
    )


def shown_secret(device: SealedTotp) -> str:
    """The secret for typing by hand, in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def qr_of(device: SealedTotp) -> str:
    """The address of the app as a picture, for ``<img src>``."""
    return segno.make(device.config_url, error="m").svg_data_uri(scale=4, border=2)


def confirm_totp(user: User, code: str) -> bool:
    """Take the app being set up into use when its code is right; an app in use before is replaced."""
    waiting = SealedTotp.objects.select_for_update().filter(user=user, confirmed=False).first()
    if waiting is None or not waiting.verify_token(code.replace(" ", "")):
        return False
    SealedTotp.objects.filter(user=user, confirmed=True).delete()
    waiting.confirmed = True
    waiting.save(update_fields=["confirmed"])
    return True


def make_codes(user: User) -> list[str]:
    """Ten fresh recovery codes; those before lose their force. Only digests are kept."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery")
    codes = ["".join(secrets.choice(CODE_ALPHABET) for _letter in range(CODE_LENGTH)) for _code in range(CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code_digest(code)) for code in codes)
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def code_digest(code: str) -> str:
    """What is kept of a recovery code: 80 bits under the home's key."""
    plain = "".join(one for one in code.upper() if one in CODE_ALPHABET)
    digest = hmac.new(current_home().key("second-factor"), plain.encode(), hashlib.sha256).digest()
    return b32encode(digest[:10]).decode()


# ---------------------------------------------------------------- checking


def check_totp(user: User, code: str) -> bool:
    """Whether a code of the app is right, for the first and only time.

    The app's row is locked while it is checked, and remembers the time step: of several who send the same code at
    once one gets in, and a clock that steps back gives no old code a second life.
    """
    with transaction.atomic():
        device = SealedTotp.objects.select_for_update().filter(user=user, confirmed=True).first()
        return device is not None and bool(device.verify_token(code.replace(" ", "")))


def check_recovery_code(user: User, code: str) -> bool:
    """Whether a recovery code is one of the account's; it is used up by that."""
    with transaction.atomic():
        device = StaticDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        return device is not None and bool(device.verify_token(code_digest(code)))


def check_code(user: User, code: str) -> str:
    """``totp`` or ``recovery`` when the code is right, else empty: six digits are of the app, all else is of paper."""
    plain = code.replace(" ", "").replace("-", "")
    if plain.isdecimal() and len(plain) == 6:
        return "totp" if check_totp(user, plain) else ""
    return "recovery" if len(plain) == CODE_LENGTH and check_recovery_code(user, plain) else ""


def drop_factors(user: User) -> dict[str, Any]:
    """Take away every second factor (重置): app, passkeys and recovery codes."""
    return {
        "totp": SealedTotp.objects.filter(user=user).delete()[0],
        "codes": StaticDevice.objects.filter(user=user).delete()[0],
        "passkeys": PasskeyCredential.objects.filter(user=user).delete()[0],
    }
