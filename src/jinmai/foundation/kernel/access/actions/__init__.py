"""Verbs on accounts, posts and second factors."""

from jinmai.foundation.kernel.access.actions.accounts import (
    disable_account,
    disable_unused,
    enable_account,
    link_identity,
    register_user,
    reset_password,
    unlink_identity,
    unlock_account,
)
from jinmai.foundation.kernel.access.actions.answers import forget_answers
from jinmai.foundation.kernel.access.actions.factors import (
    add_passkey,
    ask_factor_reset,
    confirm_factor_reset,
    enrol_totp,
    remove_factor,
    rename_passkey,
    renew_recovery_codes,
)
from jinmai.foundation.kernel.access.actions.posts import appoint, dismiss, restrict_operation

__all__ = [
    "add_passkey",
    "appoint",
    "ask_factor_reset",
    "confirm_factor_reset",
    "disable_account",
    "disable_unused",
    "dismiss",
    "enable_account",
    "enrol_totp",
    "forget_answers",
    "link_identity",
    "register_user",
    "remove_factor",
    "rename_passkey",
    "renew_recovery_codes",
    "reset_password",
    "restrict_operation",
    "unlink_identity",
    "unlock_account",
]
