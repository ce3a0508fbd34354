"""A made-up group of firms, as a market regulator would send it, for the tests of holders."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.intake.models import Receipt
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.ids import uscc_check_character

HEADING = (
    "统一社会信用代码", "企业名称", "股东名称", "股东代码", "股东类型", "持股比例", "认缴出资额（万元）", "起始日", "截止日",
)  # fmt: skip


def code(number: int) -> str:
    """A credit code with the right check character."""
    body = f"91510000MA6H{number:05d}"
    return body + uscc_check_character(body)


FIRM, PARENT, SISTER, CHILD, CROSS = (code(number) for number in range(1, 6))
NAMES = {FIRM: "东汀精密机械有限公司", PARENT: "江畔控股有限公司", SISTER: "江畔物流有限公司", CHILD: "东汀配件有限公司",
         CROSS: "东汀工贸有限公司"}  # fmt: skip
#: Company, holder, holder's code, kind, share, subscribed, from, to.
GROUP: tuple[tuple[str, ...], ...] = (
    (PARENT, "韩雪松", "", "自然人", "80%", "800", "2019-01-01", ""),
    (PARENT, "许安宁", "", "自然人", "20%", "200", "2019-01-01", ""),
    (FIRM, "江畔控股有限公司", PARENT, "企业", "0.6", "300", "2020-01-01", ""),
    (FIRM, "许安宁", "", "自然人", "30%", "150", "2020-01-01", ""),
    (FIRM, "东汀工贸有限公司", CROSS, "企业", "10%", "50", "2024-09-01", ""),
    (SISTER, "江畔控股有限公司", PARENT, "企业", "100%", "500", "2021-01-01", ""),
    (CHILD, "东汀精密机械有限公司", FIRM, "企业", "70%", "70", "2022-01-01", ""),
    (CHILD, "周测", "", "自然人", "", "", "2022-01-01", ""),
    (CROSS, "东汀精密机械有限公司", FIRM, "企业", "40%", "40", "2024-09-01", ""),
    (CROSS, "某区国有资产中心", "", "机关", "60%", "60", "2024-09-01", ""),
)
ON = date(2026, 6, 1)


def write(path: Path, rows: Any) -> Path:
    """A file of such rows."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        sheet = csv.writer(stream)
        sheet.writerow(HEADING)
        sheet.writerows([company, NAMES.get(company, "某某有限公司"), *rest] for company, *rest in rows)
    return path


def bring(path: Path, rows: Any = GROUP, source: str = "holdings") -> Receipt:
    """Import rows; their receipt."""
    outcome = import_files(Actor.platform(), source, [GivenFile(write(path, rows), path.name)])
    if outcome.refused:
        raise outcome.refused[0][1]
    return outcome.receipts[0]


def name_the_firm(city: Any) -> Any:
    """Give the small city's firm its credit code, so that the file speaks of it; its register row."""
    from jinmai.desks.parties.models import Firm
    from jinmai.foundation.kernel.subjects.models import Identifier

    firm = Firm.objects.get(subject=city.membership("xuan").organisation.subject)
    Identifier.objects.create(subject=firm.subject, scheme="uscc", value=FIRM)
    Firm.objects.filter(pk=firm.pk).update(uscc=FIRM)
    return Firm.objects.get(pk=firm.pk)
