"""Verbs on consents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import Consent
from jinmai.foundation.kernel.consent.purposes import CONSENTED
from jinmai.foundation.kernel.consent.seal import seal_of
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.subjects.models import Subject

#: Who at the receiver is told that a firm took its consent back.
TOLD_OF_REVOCATION = ("institution.account_manager", "institution.manager")


@action("kernel.grant_consent", creates=True)
def grant_consent(
    actor: Actor,
    *,
    subject: Subject,
    receiver: Organisation,
    purpose: str,
    fields: Iterable[str],
    starts_on: date,
    ends_on: date,
) -> Consent:
    """The firm lets one institution read named fields for one purpose (授权查询).

    Refuses another firm's data (JM-KER-404), a purpose that cannot be consented to (JM-CON-010), no fields
    (JM-CON-011), an end before the start or in the past (JM-CON-012), and a receiver that is no institution
    (JM-CON-013). A provisional subject cannot consent.
    """
    if actor.subject_id != subject.pk or subject.provisional:
        raise NotFound()
    if purpose not in CONSENTED:
        raise Refusal("JM-CON-010", "这一目的不需要或不能由企业授权", "请选择“授信评估”")
    named = sorted(set(fields))
    if not named:
        raise Refusal("JM-CON-011", "没有选择授权查询的数据项", "请至少选择一组数据")
    if ends_on < starts_on or ends_on < Clock.today():
        raise Refusal("JM-CON-012", "授权的截止日期早于开始日期或今天", "请重新选择截止日期")
    if not receiver.is_financial:
        raise Refusal("JM-CON-013", Words("“%(name)s”不是可授权的金融机构", name=receiver.name), "请从机构名录中选择")
    consent = Consent(
        subject=subject,
        receiver=receiver,
        purpose=purpose,
        fields=named,
        starts_on=starts_on,
        ends_on=ends_on,
        granted_by=actor.name,
    )
    consent.seal = seal_of(consent)
    consent.save(force_insert=True)
    return consent


@action("kernel.revoke_consent")
def revoke_consent(actor: Actor, consent: Consent) -> Consent:
    """Take a consent back (撤回授权): the next read is refused; what was read before stays lawful and in the book."""
    own = Consent.objects.select_for_update().filter(pk=consent.pk, subject_id=actor.subject_id).first()
    if own is None:
        raise NotFound()
    if own.revoked_at is not None:
        raise Refusal("JM-CON-014", "这份授权已撤回", "无需重复操作")
    own.revoked_at = Clock.now()
    own.revoked_by = actor.name
    own.seal = seal_of(own)
    own.save(update_fields=["revoked_at", "revoked_by", "seal"])
    for role in TOLD_OF_REVOCATION:
        notify((own.receiver, role), kind="consent_revoked", title=_("%(name)s撤回了授权") % {"name": own.subject.name})
    return own
