"""What a reader keeps of a list (视图、选列): read once a page, written by actions."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.ui.models import ListChoice, SavedView


@dataclass
class Kept:
    """The saved views this reader may open on this list, its chosen columns and the view it opens with."""

    actor: Actor | None
    path: str
    columns: list[str] = field(default_factory=list)
    views: list[SavedView] = field(default_factory=list)
    default: SavedView | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Kept:
        """Nothing for a request without a post (a public page, the platform itself)."""
        actor = getattr(request, "actor", None)
        kept = cls(actor, request.path)
        if actor is None or actor.membership_id is None:
            return kept
        kept.views = list(
            SavedView.objects.visible_to(actor).filter(list_path=request.path).select_related("membership__user")
        )
        choice = ListChoice.objects.filter(membership_id=actor.membership_id, list_path=request.path).first()
        if choice is not None:
            kept.columns = list(choice.columns)
            kept.default = next((view for view in kept.views if view.pk == choice.default_view_id), None)
        return kept

    @property
    def may_keep(self) -> bool:
        """Whether this reader has a post to keep anything for."""
        return self.actor is not None and self.actor.membership_id is not None

    def is_own(self, view: SavedView) -> bool:
        """Whether the view is this reader's to rename, share or delete."""
        return self.actor is not None and view.membership_id == self.actor.membership_id
