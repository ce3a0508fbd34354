"""Papers on objections and repairs (附件): who may see them, who hands them in, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.credit import casework
from jinmai.desks.credit.models import DEPARTMENT_ROLES, Objection, Repair
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.documents import viewers
from jinmai.foundation.kernel.errors import Refusal, Words

FIRM_KINDS = (
    ("proof", mark("证明材料")),
    ("performed", mark("履行凭证")),
    ("promise", mark("信用承诺书")),
    ("supplement", mark("补正材料")),
    ("other", mark("其他材料")),
)
OFFICE_KINDS = (("document", mark("原始文书")), ("finding", mark("核实材料")), ("other", mark("其他材料")))


def _kinds(actor: Actor, row: Any) -> Sequence[tuple[str, str]]:
    if actor.is_firm:
        return FIRM_KINDS
    return OFFICE_KINDS if actor.role in DEPARTMENT_ROLES and row.owner_id == actor.organisation_id else ()


def _handed_to(actor: Actor, row: Any) -> bool:
    """The department that verifies reads what the firm handed in for it; the firm finds that in its access book."""
    return actor.role in DEPARTMENT_ROLES and row.owner_id == actor.organisation_id


def _closed(actor: Actor, row: Any) -> Refusal | None:
    if row.is_open:
        return None
    return Refusal("JM-CRE-030", Words("%(state)s，不再收材料", state=row.get_status_display()), _("不需要再附材料"))


def _subject(row: Any) -> UUID:
    return row.subject_id


def _noted(actor: Actor, row: Any, attachment: Any, attached: bool) -> None:
    verb, text = ("attach_paper", _("上传附件")) if attached else ("detach_paper", _("移除附件"))
    words = dict((*FIRM_KINDS, *OFFICE_KINDS)).get(attachment.kind, "")  # its own words may name a person
    casework.note_event(actor, row, verb, text, _(words) if words else "")


def declare() -> None:
    """Say who sees the papers of objections and repairs: whoever sees the case."""
    for label, model, read, write in (
        ("credit.objection", Objection, "credit.view_objection", "credit.attach_objection_paper"),
        ("credit.repair", Repair, "credit.view_repair", "credit.attach_repair_paper"),
    ):
        viewers.register(
            label,
            model.objects.visible_to,
            read_operation=read,
            write_operation=write,
            subject=_subject,
            kinds=_kinds,
            closed=_closed,
            noted=_noted,
            handed_to=_handed_to,
        )
