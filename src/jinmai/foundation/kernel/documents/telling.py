"""Whom a malicious file concerns: the people who handed it in, and the security administrators."""

from __future__ import annotations

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.documents.models import Document

SECURITY_ROLE = "admin.security"


def tell_infected(document: Document, found: str) -> None:
    """A notice to each of them; what was found is told to the security side only."""
    from jinmai.foundation.kernel.notices.actions import notify

    live = Membership.objects.live(Clock.today())
    senders = live.filter(organisation_id=document.organisation_id, user__display_name=document.uploaded_by)
    for membership in senders:
        notify(
            membership,
            kind="document_blocked",
            title=_("上传的文件含恶意内容，已拦截"),
            body=_("“%(name)s”已被拦截并销毁，没有人能打开。请先查杀本机病毒，再从原件重新制作后上传。")
            % {"name": document.name},
            subject_ref=object_ref(document),
        )
    for membership in live.filter(role=SECURITY_ROLE):
        notify(
            membership,
            kind="document_blocked",
            title=_("拦截到恶意文件：%(organisation)s") % {"organisation": document.organisation.name},
            body=_("上传人 %(person)s；查毒结果 %(found)s；摘要 %(digest)s")
            % {"person": document.uploaded_by, "found": found or "—", "digest": document.sha256[:16]},
            subject_ref=object_ref(document),
        )
