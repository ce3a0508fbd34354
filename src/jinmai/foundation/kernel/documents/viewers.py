"""Who may see an attachment: whoever may see the row it hangs on. Each desk says so for its nouns, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_noop

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.errors import Broken, NotFound, Refusal

Rows = Callable[[Actor], "models.QuerySet[Any]"]


@dataclass(frozen=True)
class Viewer:
    """How attachments of one noun are seen and written."""

    label: str
    rows: Rows
    read_operation: str
    write_operation: str
    #: The named subject that a row's papers are about, for its access book; ``None`` where they are about nobody.
    subject: Callable[[Any], UUID | None]
    #: Kinds of paper this actor may hand in for a row: (kind, label) pairs.
    kinds: Callable[[Actor, Any], Sequence[tuple[str, str]]]
    #: Why a row takes no papers (now), or ``None``.
    closed: Callable[[Actor, Any], Refusal | None]
    #: What the desk remembers of a paper that was attached or taken off: ``(actor, row, attachment, attached)``.
    noted: Callable[[Actor, Any, Any, bool], None]
    #: Whether the papers were handed in to this actor's office for the very case it handles: its statutory duty.
    handed_to: Callable[[Actor, Any], bool] = lambda actor, row: False

    def row(self, actor: Actor, key: object) -> Any:
        """The row, if this actor may see it and its papers; else ``None``."""
        if not allows(actor, self.read_operation):
            return None
        try:
            return self.rows(actor).filter(pk=key).first()
        except (ValidationError, ValueError, TypeError):
            return None

    def takes_from(self, actor: Actor, row: Any) -> bool:
        """Whether this actor may hand in a paper for the row now."""
        return bool(allows(actor, self.write_operation) and self.kinds(actor, row)) and self.closed(actor, row) is None


VIEWERS: dict[str, Viewer] = {}
ANY_PAPER = (("other", gettext_noop("其他材料")),)


def register(
    label: str,
    rows: Rows,
    *,
    read_operation: str,
    write_operation: str,
    subject: Callable[[Any], UUID | None] = lambda row: None,
    kinds: Callable[[Actor, Any], Sequence[tuple[str, str]]] = lambda actor, row: ANY_PAPER,
    closed: Callable[[Actor, Any], Refusal | None] = lambda actor, row: None,
    noted: Callable[[Actor, Any, Any, bool], None] = lambda actor, row, attachment, attached: None,
    handed_to: Callable[[Actor, Any], bool] = lambda actor, row: False,
) -> None:
    """Say who sees the papers of a noun: ``register("financing.need", rows_for, read_operation=…, write_operation=…)``.

    ``rows(actor)`` are the rows whose papers the actor may see: often ``Noun.objects.visible_to(actor)``, sometimes
    fewer.
    """
    VIEWERS[label] = Viewer(label, rows, read_operation, write_operation, subject, kinds, closed, noted, handed_to)


def viewer_of(row: models.Model) -> Viewer:
    """How attachments of this row's noun are seen; a noun that nobody registered is broken code."""
    try:
        return VIEWERS[row._meta.label_lower]
    except KeyError:
        raise Broken(f"nobody registered who sees the papers of {row._meta.label_lower!r}") from None


def seen(actor: Actor, subject_ref: str) -> tuple[Viewer, Any] | None:
    """The viewer and the row a reference names, if this actor may see it."""
    label, _colon, key = subject_ref.partition(":")
    viewer = VIEWERS.get(label)
    row = viewer.row(actor, key) if viewer and key else None
    return (viewer, row) if viewer and row is not None else None


def named(actor: Actor, subject_ref: str) -> tuple[Viewer, Any]:
    """The viewer and the row a reference names (JM-KER-404 for what is not there or not the actor's)."""
    found = seen(actor, subject_ref)
    if found is None:
        raise NotFound()
    return found
