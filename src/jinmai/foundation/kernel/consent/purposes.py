"""Purposes of reading (查阅目的) and whose they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CREDIT_ASSESSMENT = "credit_assessment"
OWN_RECORD = "own_record"
STATUTORY_DUTY = "statutory_duty"

LABELS = {
    CREDIT_ASSESSMENT: _("授信评估"),
    OWN_RECORD: _("查看本企业数据"),
    STATUTORY_DUTY: _("依法履职"),
}
#: The field that stands for the papers a firm hands in (企业提交的材料): whoever opens them under consent needs it named.
PAPERS = "papers"
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
