"""What a firm points at on its own sheet: a figure or a record, read once through the door like the sheet itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from jinmai.desks.credit.groups import measure_fields
from jinmai.desks.credit.records import Line, lines_of, owner_of, record_tables, split
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import OWN_RECORD
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.rulebook import show


@dataclass(frozen=True)
class Target:
    """A figure or a record as it stood when the firm pointed at it."""

    name: str
    words: str
    owner: Organisation
    batch_number: int | None
    line: Line | None = None


def own_subject(actor: Actor) -> Subject:
    """The firm's own subject (JM-KER-404)."""
    found = Subject.objects.filter(pk=actor.subject_id).first() if actor.subject_id else None
    if found is None:
        raise NotFound()
    return found


def find_target(actor: Actor, name: str) -> Target:
    """The figure or record of the actor's own sheet; read and booked. Refuses what is not on it (JM-CRE-001)."""
    subject, today = own_subject(actor), Clock.today()
    table, _key = split(name)
    if table:
        return _record(actor, subject, name, table, today)
    return _figure(actor, subject, name, today)


def _record(actor: Actor, subject: Subject, name: str, table: str, today: date) -> Target:
    if table not in record_tables():
        raise _absent()
    reading = analytics.read(actor, OWN_RECORD, [subject], [], today, records=[table])
    departments = dict(Organisation.objects.filter(kind="department").values_list("code", "name"))
    line = next((one for one in lines_of(reading.records, departments) if one.target == name), None)
    if line is None:
        raise _absent()
    return Target(name, line.told[:400], _owner(name), line.batch.number, line)


def _figure(actor: Actor, subject: Subject, name: str, today: date) -> Target:
    if name not in measure_fields():
        raise _absent()
    reading = analytics.read(actor, OWN_RECORD, [subject], [name], today, traced=True)
    declared, figure = analytics.get_measure(name), reading.one()[name]
    batches = reading.batches.get(declared.table, [])
    words = f"{declared.label}　{_shown(figure.value, declared.unit)}　{figure.as_of}"  # Chinese only: a record
    return Target(name, words[:400], _owner(name), batches[0].number if batches else None)


def _shown(value: Any, unit: str) -> str:
    if value is None:
        return "缺数据"  # Chinese only: a record
    return show(value, unit) if isinstance(value, int) and not isinstance(value, bool) else said(str(value))


def _owner(name: str) -> Organisation:
    found = Organisation.objects.filter(code=owner_of(name), active=True).first()
    if found is None:
        raise Refusal("JM-CRE-012", _("来源部门没有在平台登记，不能转去核实"), _("请联系市局登记来源部门"))
    return found


def _absent() -> Refusal:
    return Refusal("JM-CRE-001", _("本企业的信用画像上没有这一项"), _("请从信用画像页的“提出异议”或“申请修复”进入"))
