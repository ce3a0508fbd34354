"""Purposes of reading (查阅目的) and whose they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as mark

CREDIT_ASSESSMENT = "credit_assessment"
OWN_RECORD = "own_record"
STATUTORY_DUTY = "statutory_duty"
ORDER_HANDLING = "order_handling"

LABELS = {
    CREDIT_ASSESSMENT: _("授信评估"),
    OWN_RECORD: _("查看本企业数据"),
    STATUTORY_DUTY: _("依法履职"),
    ORDER_HANDLING: _("办理对接单"),
}
#: The field that stands for the papers a firm hands in (企业提交的材料): whoever opens them under consent needs it named.
PAPERS = "papers"
#: What the access book calls a contact that was shown (联系人). Written for the firm to read: Chinese.
CONTACT = mark("联系人和电话")
#: Purposes a firm can consent to.
CONSENTED = frozenset({CREDIT_ASSESSMENT})
#: Roles that read under statutory duty: every such read is booked.
STATUTORY_ROLES = frozenset(
    {
        "bureau.director",
        "city.leader",
        "bureau.section_chief",
        "supervision.section_chief",
        "district.clerk",
        "system.platform",
    }
)
