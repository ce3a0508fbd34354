"""The kernel's nouns, collected for Django, and the installation itself."""

from __future__ import annotations

from django.db import models

from jinmai.foundation.kernel.access.models import (
    ApiKey,
    FactorReset,
    IdempotencyKey,
    LoginIdentity,
    Membership,
    PasskeyCredential,
    PasswordRecord,
    RateWindow,
    Restriction,
    User,
)
from jinmai.foundation.kernel.access.second_factor import SealedTotp
from jinmai.foundation.kernel.audit.models import AuditEntry, AuditHead
from jinmai.foundation.kernel.consent.models import AccessRecord, Consent
from jinmai.foundation.kernel.documents.models import Attachment, Document
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.notices.models import ChannelChoice, ContactAddress, Notice, OutboundMessage
from jinmai.foundation.kernel.organisations.models import LeadingOffice, Organisation, Region
from jinmai.foundation.kernel.outbox import OutboxRow
from jinmai.foundation.kernel.subjects.models import Identifier, Subject
from jinmai.foundation.kernel.work.models import DueClock, Task


class Installation(models.Model):
    """The one installation this database belongs to: its home's id, and whether the city's overlay was loaded."""

    home_id = models.UUIDField()
    city_loaded = models.BooleanField(default=False)


__all__ = [
    "AccessRecord",
    "ApiKey",
    "Attachment",
    "AuditEntry",
    "AuditHead",
    "ChannelChoice",
    "Consent",
    "ContactAddress",
    "Document",
    "DueClock",
    "FactorReset",
    "IdempotencyKey",
    "Identifier",
    "Installation",
    "Job",
    "LeadingOffice",
    "LoginIdentity",
    "Membership",
    "Notice",
    "Organisation",
    "OutboundMessage",
    "OutboxRow",
    "PasskeyCredential",
    "PasswordRecord",
    "RateWindow",
    "Region",
    "Restriction",
    "SealedTotp",
    "Subject",
    "Task",
    "User",
]
