"""Penalties of a firm as its tax bureau publishes them, brought in through intake: what the rights stories stand on."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jinmai.desks.credit.portrait import Entry, open_portrait
from jinmai.foundation.intake.actions import GivenFile, import_files
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import uscc_check_character
from jinmai.foundation.kernel.subjects.models import Identifier

HEAD = "纳税人识别号,纳税人名称,行政处罚文号,处罚类别,罚款金额,处罚机构,处罚日期"
FIRM = "firm_dongting_jm"
BODY = "91990100MA009001J"
CODE = BODY + uscc_check_character(BODY)


def name_by_code(city: Any, firm: str = FIRM, code: str = CODE) -> Any:
    """The firm's subject, going by a credit code besides its key in the invoices."""
    subject = city.organisation(firm).subject
    Identifier.objects.get_or_create(scheme="uscc", value=code, defaults={"subject": subject})
    return subject


def bring_penalties(city: Any, *rows: tuple[str, str, date], code: str = CODE, name: str = "罚单.csv") -> Any:
    """Import penalties (number, fine in 元, day) of the firm with that code; the receipt."""
    lines = [
        HEAD,
        *(f"{code},东汀精密机械有限公司,{no},罚款,{fine},市税务局第一税务所,{day}" for no, fine, day in rows),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        (receipt,) = import_files(city.actor("linqiushi"), "gov.tax_penalties", [GivenFile(path, name)]).receipts
    assert receipt.rejected == 0
    return receipt


def entries(city: Any, username: str, subject: Any, on: date | None = None, known: Any = None) -> list[Entry]:
    """The single records that this member of the cast finds on the sheet."""
    return list(open_portrait(city.actor(username), subject.pk, on or Clock.today(), known).records)


def days_ago(days: int) -> date:
    """That many days before today."""
    return Clock.today() - timedelta(days=days)
