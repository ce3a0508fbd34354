"""Anchoring and checking the audit's chains, by the platform, again and again."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.audit.chain import anchor_heads, verify_chains
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.jobs.kinds import job_kind
from jinmai.foundation.kernel.jobs.running import JobRun
from jinmai.foundation.kernel.notices.actions import notify

logger = logging.getLogger("jinmai.audit")


@job_kind("kernel.anchor_audit", label=gettext_lazy("审计链锚定"), every=timedelta(hours=1))
def anchor_audit(step: JobRun) -> dict[str, Any]:
    """Write the chains' heads to the anchor file; done twice it only adds a line that says the same.

    The anchor's number and digest go to the program's log too, and leave the machine by whatever collects logs; as a
    warning, because that is written even where nobody has set up logging.
    """
    if not step.cursor.get("anchored"):
        anchor = anchor_heads()
        logger.warning("audit anchor %s at %s digest %s", anchor["number"], anchor["at"], anchor["seal"])
        step.commit({"anchored": anchor["at"], "chains": len(anchor["heads"])})
    return {"chains": step.cursor["chains"]}


@job_kind("kernel.verify_audit", label=gettext_lazy("审计链复核"), every=timedelta(days=1))
def verify_audit(step: JobRun) -> dict[str, Any]:
    """Recompute every chain; the auditors are told of a breach, once a run."""
    if "breaches" not in step.cursor:
        found = verify_chains()
        kept = {name: found[name] for name in ("chains", "entries", "breaches")}
        step.commit(kept, lambda: _tell_auditors(found["breaches"]))
    return dict(step.cursor)


def _tell_auditors(breaches: int) -> None:
    if not breaches:
        return
    for post in Membership.objects.live(Clock.today()).filter(role="admin.audit"):
        notify(
            post,
            kind="audit_breach",
            title=_("审计链复核发现 {count} 处不符").format(count=breaches),
            body=_("请打开“复核审计链”查看是哪几条，并保全现场。"),
            url=reverse("site:audit_verify"),
        )
