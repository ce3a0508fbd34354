"""On what basis an actor may read facts of named subjects, and the booking of it. Used by the one read door only."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import witness
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent
from jinmai.foundation.kernel.consent.norm import count_queries
from jinmai.foundation.kernel.consent.purposes import (
    CONTACT,
    CREDIT_ASSESSMENT,
    LABELS,
    ORDER_HANDLING,
    OWN_RECORD,
    STATUTORY_DUTY,
    STATUTORY_ROLES,
)
from jinmai.foundation.kernel.consent.seal import is_sealed
from jinmai.foundation.kernel.errors import Broken, Refusal, Words
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject

Basis = AccessRecord.Basis
#: One reader leafing through one paper, or coming back to one contact, stands once in the access book.
ONE_READING = timedelta(minutes=10)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Grant:
    """Why the read is lawful: per subject the basis and, under consent, which one."""

    purpose: str
    fields: tuple[str, ...]
    bases: dict[UUID, tuple[str, UUID | None]]


def authorise(
    actor: Actor,
    subjects: Sequence[Subject | UUID],
    purpose: str,
    fields: Iterable[str],
    *,
    narrowed: bool = False,
) -> Grant:
    """The basis of reading ``fields`` of ``subjects``; locks the consents it rests on until the transaction ends.

    Statutory duty ends at the district's border: a firm seated elsewhere is not this actor's to read, unless the
    caller has ``narrowed`` the rows to the actor's own districts. Refuses with JM-CON-001 when one subject has no
    basis, with JM-CON-002 beyond the border. Must run inside the reading transaction, so that a revocation either
    waits for the read or is seen by it.
    """
    if not connection.in_atomic_block:
        raise Broken("authorise() runs inside the reading transaction")
    ids = [subject.pk if isinstance(subject, Subject) else subject for subject in subjects]
    wanted = tuple(sorted(set(fields)))
    if purpose == STATUTORY_DUTY and not narrowed:
        _require_own_districts(actor, ids)
    bases = {identity: _basis(actor, identity, purpose, set(wanted)) for identity in sorted(ids, key=str)}
    return Grant(purpose, wanted, bases)


def _require_own_districts(actor: Actor, ids: Iterable[UUID]) -> None:
    if not actor.sees_district:
        return
    seats = Organisation.objects.filter(subject_id__in=list(ids), region__isnull=False)
    if seats.exclude(region_id__in=actor.regions).exists():
        raise Refusal("JM-CON-002", "这家企业不在您的区县，不属于您的履职范围", "请由企业所在区县的专班或市局查阅")


def _basis(actor: Actor, subject_id: UUID, purpose: str, fields: set[str]) -> tuple[str, UUID | None]:
    if purpose == OWN_RECORD and actor.is_firm and actor.subject_id == subject_id:
        return Basis.OWN, None
    if purpose == STATUTORY_DUTY and actor.role in STATUTORY_ROLES:
        return Basis.STATUTORY, None
    if purpose == CREDIT_ASSESSMENT and actor.is_institution:
        consent = _consent(actor, subject_id, purpose, fields)
        if consent is not None:
            return Basis.CONSENT, consent.pk
    raise Refusal(
        "JM-CON-001",
        Words("没有以“%(purpose)s”为目的查阅这家企业数据的有效授权", purpose=LABELS.get(purpose, purpose)),
        "请由企业在“授权与查阅”中授权后再查；已撤回或到期的授权不能再用",
    )


def _consent(actor: Actor, subject_id: UUID, purpose: str, fields: set[str]) -> Consent | None:
    """The live consent given to the actor's organisation or one above it that covers all fields, locked; no other is.

    One that does not fit its seal is none, and an error in the log.
    """
    today = Clock.today()
    above = [int(part) for part in actor.organisation_path.split("/") if part]
    given = Consent.objects.live(today).filter(subject_id=subject_id, purpose=purpose, receiver_id__in=above)
    for key, covered in given.order_by("pk").values_list("pk", "fields"):
        if _covers(covered, fields):
            # Revoked between the look and the lock? The lock waits for that, and then the row is no longer live.
            held = Consent.objects.select_for_update().filter(pk=key).first()
            if held is not None and held.is_live(today) and _covers(held.fields, fields):
                if is_sealed(held):
                    return held
                logger.error("consent %s does not fit its seal: it was changed past the platform", held.pk)
    return None


def _covers(agreed: object, fields: set[str]) -> bool:
    """Whether every field is named in what was agreed to; who names no field is covered by no consent."""
    return bool(fields) and isinstance(agreed, list) and all(field in agreed for field in fields)


def book(actor: Actor, grant: Grant) -> None:
    """Write the lawful read into each subject's access book and into the audit."""
    AccessRecord.objects.bulk_create(
        [
            _line(actor, subject_id, grant.purpose, grant.fields, basis, consent_id, AccessRecord.Outcome.READ)
            for subject_id, (basis, consent_id) in grant.bases.items()
        ]
    )
    count_queries(actor, grant.purpose, len(grant.bases))
    witness(actor, operation="kernel.read_facts", object_ref=_refs(grant.bases), outcome="ok")


def book_contact(actor: Actor, subject_id: UUID) -> None:
    """Write that the subject's contact is shown on the strength of an accepted order: into its access book, and each
    time into the audit. Must run inside the transaction that reads the contact.
    """
    if not connection.in_atomic_block:
        raise Broken("book_contact() runs inside the reading transaction")
    if not booked_just_now(actor, subject_id, CONTACT):
        _line(
            actor, subject_id, ORDER_HANDLING, (CONTACT,), Basis.REFERRAL, None, AccessRecord.Outcome.READ
        ).save(force_insert=True)
    witness(actor, operation="kernel.read_facts", object_ref=_refs([subject_id]), outcome="ok")


def booked_just_now(actor: Actor, subject_id: UUID, field: str) -> bool:
    """Whether this reader's last reading of the field is still going on."""
    recent = AccessRecord.objects.filter(
        subject_id=subject_id,
        organisation_id=actor.organisation_id,
        actor_name=actor.name,
        outcome=AccessRecord.Outcome.READ,
        at__gte=Clock.now() - ONE_READING,
    )
    return any(fields == [field] for fields in recent.values_list("fields", flat=True))


def book_refusal(
    actor: Actor, subjects: Sequence[Subject | UUID], purpose: str, fields: Iterable[str], code: str
) -> None:
    """Write a refused read into each subject's access book and into the audit, in a transaction of its own."""
    ids = [subject.pk if isinstance(subject, Subject) else subject for subject in subjects]
    with transaction.atomic():
        AccessRecord.objects.bulk_create(
            [
                _line(
                    actor, identity, purpose, sorted(set(fields)), Basis.NONE, None, AccessRecord.Outcome.REFUSED
                )
                for identity in ids
            ]
        )
        witness(actor, operation="kernel.read_facts", object_ref=_refs(ids), outcome="refused", code=code)


def _refs(ids: Iterable[UUID]) -> str:
    listed = list(ids)
    return f"kernel.subject:{listed[0]}" if len(listed) == 1 else f"kernel.subject:*{len(listed)}"


def _line(
    actor: Actor,
    subject_id: UUID,
    purpose: str,
    fields: Iterable[str],
    basis: str,
    consent_id: UUID | None,
    outcome: str,
) -> AccessRecord:
    return AccessRecord(
        subject_id=subject_id,
        organisation_id=actor.organisation_id,
        organisation_name=actor.organisation_name,
        actor_name=actor.name,
        role=actor.role,
        purpose=purpose,
        fields=list(fields),
        basis=basis,
        consent_id=consent_id,
        outcome=outcome,
    )
