"""What a home's profile asks of accounts, passwords and sessions (安全策略): dated, cited data in ``policies/*.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jinmai.foundation.kernel.errors import Broken

PLACE = Path(__file__).parent / "policies"
VALUE_FIELDS = frozenset({"value", "from", "cite"})
CITE_FIELDS = frozenset({"document", "url", "article", "issued"})
TLS = frozenset({"always", "unless_closed_network", "never"})


@dataclass(frozen=True)
class Policy:
    """One profile's policy. Days and minutes are whole numbers; ``None`` means that nothing is asked.

    ``lock_apart``: wrong passwords are counted for the account and for the address each by itself (any address locks
    the account, any account locks the address); otherwise for the pair, and ``lock_account_after`` for the account from
    all addresses together within ``lock_minutes``. ``factor_asked_of``: first parts of the roles whose holders must have
    a second factor. ``answer_days``: how long a repeat of a creating request gets the first answer again; it may name
    people, and repeats come within minutes. ``operations_off``: what nobody may do in such a home.
    """

    profile: str
    label: str
    password_min_length: int
    password_classes: int
    password_days: int | None
    password_history: int
    first_password_changes: bool
    lock_after: int
    lock_minutes: int
    lock_apart: bool
    lock_account_after: int | None
    idle_minutes: int
    session_hours: int
    factor_asked_of: tuple[str, ...]
    unused_days: int | None
    answer_days: int
    tls: str
    operations_off: tuple[str, ...]
    audit_days_least: int
    audit_days: int

    def asks_factor_of(self, role: str) -> bool:
        """Whether a holder of ``role`` must have a second factor."""
        return role.partition(".")[0] in self.factor_asked_of


def declared(profile: str) -> dict[str, Any]:
    """The profile's file as it stands, for the page and the tests that read its citations."""
    path = PLACE / f"{profile}.yaml"
    if not path.exists():
        raise Broken(f"profile {profile!r} has no policy")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def policy_of(profile: str) -> Policy:
    """The policy of a profile; a wrong file stops start-up with one sentence."""
    said = declared(profile)
    values, cites = said["values"], said["cites"]
    wanted = {one.name for one in fields(Policy)} - {"profile", "label"}
    if set(values) != wanted:
        raise Broken(f"policy {profile}: unknown {sorted(set(values) - wanted)}, missing {sorted(wanted - set(values))}")
    for name, row in values.items():
        if set(row) != VALUE_FIELDS or (row["cite"] is not None and row["cite"] not in cites):
            raise Broken(f"policy {profile}: {name} has value, from and cite, and cites what stands under cites")
    for name, cite in cites.items():
        if set(cite) != CITE_FIELDS:
            raise Broken(f"policy {profile}: citation {name} has {sorted(CITE_FIELDS)}")
    plain = {name: tuple(row["value"]) if isinstance(row["value"], list) else row["value"] for name, row in values.items()}
    if plain["tls"] not in TLS:
        raise Broken(f"policy {profile}: tls is one of {sorted(TLS)}")
    return Policy(profile=said["profile"], label=said["label"], **plain)


def policy() -> Policy:
    """The policy of the home that was opened."""
    from jinmai.foundation.kernel.home import current_home

    return policy_of(current_home().profile)


@cache
def labels() -> dict[str, dict[str, str]]:
    """What each value is called on the screen, with its unit."""
    return yaml.safe_load((Path(__file__).parent / "policy_labels.yaml").read_text(encoding="utf-8"))
