"""Passwords (口令): what the profile asks of them, those that were used before, and when one must be changed."""

from __future__ import annotations

import secrets
import string
from datetime import timedelta

from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.access.models import PasswordRecord, User
from jinmai.foundation.kernel.access.policy import Policy, policy
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words

ONE_TIME_LENGTH = 16
#: Without the characters that are mistaken for one another on paper.
ONE_TIME_ALPHABETS = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKMNPQRSTUVWXYZ", "23456789")
NOT_SET = gettext_lazy("未设置口令")


def classes_in(password: str) -> int:
    """How many of the four classes occur: small letters, capitals, digits, anything else.

    >>> classes_in("jinmai-2026")
    3
    """
    small = any(one in string.ascii_lowercase for one in password)
    capital = any(one in string.ascii_uppercase for one in password)
    digit = any(one in string.digits for one in password)
    other = any(one not in string.ascii_letters + string.digits for one in password)
    return small + capital + digit + other


def demands(asked: Policy) -> str:
    """What a new password must be, in one sentence for the form."""
    parts = [_("至少 %(length)s 位") % {"length": asked.password_min_length}]
    if asked.password_classes:
        parts.append(_("含大写字母、小写字母、数字、符号中的 %(count)s 类") % {"count": asked.password_classes})
    parts += [_("不与账号相近"), _("不用常见口令")]
    if asked.password_history > 1:
        parts.append(_("不用最近 %(count)s 次用过的口令") % {"count": asked.password_history})
    return "，".join(parts)


def refuse_unfit(password: str, user: User | None = None) -> None:
    """Refuse a password that the profile doesn't allow (JM-ACC-020), or that was used before (JM-ACC-021)."""
    asked = policy()
    try:
        validate_password(password, user)
    except ValidationError:
        raise Refusal("JM-ACC-020", _("口令太弱"), demands(asked)) from None
    if classes_in(password) < asked.password_classes:
        raise Refusal("JM-ACC-020", _("口令太弱"), demands(asked))
    if user is not None and user.pk and was_used(password, user, asked.password_history):
        raise Refusal(
            "JM-ACC-021",
            _("新口令是用过的口令"),
            Words("请换一个最近 %(count)s 次没有用过的口令", count=asked.password_history),
        )


def was_used(password: str, user: User, times: int) -> bool:
    """Whether it is one of the account's last ``times`` passwords, the one in force among them."""
    kept = user.former_passwords.order_by("-set_at", "-pk").values_list("password", flat=True)[:times]
    encoded = list(dict.fromkeys([user.password, *kept]))[:times]
    return any(check_password(password, one) for one in encoded)


def set_password(user: User, password: str | None, *, must_change: bool) -> None:
    """Give an account a password; the hash is kept among the former ones, as many as the profile bars."""
    user.set_password(password)
    user.password_set_at = Clock.true_now() if password is not None else None
    user.must_change_password = must_change and password is not None
    user.save()
    if password is not None:
        PasswordRecord.objects.create(user=user, password=user.password, set_at=user.password_set_at)
        barred = user.former_passwords.order_by("-set_at", "-pk").values_list("pk", flat=True)[: kept_at_least()]
        user.former_passwords.exclude(pk__in=list(barred)).delete()


def kept_at_least() -> int:
    """How many former passwords are kept: five at least, so that a home may move to the stricter profile."""
    return max(policy().password_history, 5)


def one_time_password() -> str:
    """A password for the first sign-in, of every class that any profile asks for."""
    letters = [secrets.choice("".join(ONE_TIME_ALPHABETS)) for _turn in range(ONE_TIME_LENGTH)]
    for place, alphabet in enumerate(ONE_TIME_ALPHABETS):
        letters[place * 5 + 1] = secrets.choice(alphabet)
    text = "".join(letters)
    return f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}"


def why_change(user: User) -> str:
    """Why the password must be changed before anything else, in words; empty when it need not."""
    if not user.has_usable_password():
        return ""
    days = policy().password_days
    if user.must_change_password:
        return _("这是一次性口令，请先设一个只有您知道的口令。")
    if days is not None and (user.password_set_at is None or Clock.true_now() - user.password_set_at > timedelta(days=days)):
        return _("口令已用满 %(days)s 天，请换一个新口令。") % {"days": days}
    return ""


def unused_since(user: User) -> int | None:
    """Days since the account was last used, where the profile disables it for that; ``None`` when it is in use."""
    most = policy().unused_days
    last = max(moment for moment in (user.last_seen_at, user.last_login, user.created_at, user.password_set_at) if moment)
    days = (Clock.true_now() - last).days
    return days if most is not None and days > most else None
