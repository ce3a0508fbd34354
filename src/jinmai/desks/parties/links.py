"""What other desks offer on a firm's page: each registers its own link, so this desk needs to know none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jinmai.desks.parties.models import Firm
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows


@dataclass(frozen=True)
class FirmLink:
    """A way on from a firm's page (办理入口), for roles that hold its operation."""

    operation: str
    label: Any
    icon: str
    address: Callable[[Firm], str]


FIRM_LINKS: dict[str, FirmLink] = {}


def offer(link: FirmLink) -> None:
    """Put a link on every firm's page; called when a desk is ready."""
    FIRM_LINKS[link.operation] = link


def links_for(actor: Actor, firm: Firm) -> list[dict[str, Any]]:
    """The links this actor may follow."""
    return [
        {"label": link.label, "icon": link.icon, "url": link.address(firm)}
        for link in FIRM_LINKS.values()
        if allows(actor, link.operation)
    ]
