"""How many credit queries a post makes in a day (征信查询日常量): above it nobody is stopped, and the auditors are told."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access import throttle
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import CREDIT_ASSESSMENT, OWN_RECORD

LIMIT = "credit_query"


def count_queries(actor: Actor, purpose: str, subjects: int) -> None:
    """Count a booked read under its post's day, once a firm under consent; tells the auditors once, when it passes the norm.

    A figure's rows read under statutory duty are one query; one's own record is none. Counted in the reading
    transaction, so that what was not read is not counted either, and across all workers.
    """
    if actor.membership_id is None or purpose == OWN_RECORD:
        return
    added = subjects if purpose == CREDIT_ASSESSMENT else 1
    most = throttle.limits()[LIMIT].most
    made = throttle.count(f"{LIMIT}:{actor.membership_id}", Clock.today().toordinal(), added)
    if made > most >= made - added:
        _tell_auditors(actor, most)


def _tell_auditors(actor: Actor, most: int) -> None:
    from jinmai.foundation.kernel.notices.actions import notify

    for post in Membership.objects.live(Clock.today()).filter(role="admin.audit"):
        notify(
            post,
            kind="credit_norm",
            title=_("%(organisation)s有岗位今日查询超过 %(most)s 次") % {"organisation": actor.organisation_name, "most": most},
            body=_("请在审计留痕中核对查询目的；没有正当理由的，请安全管理员停用岗位或密钥。"),
            url=reverse("site:audit"),
        )
