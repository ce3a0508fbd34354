"""Small files in the many shapes that departments hand over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HEADING = ("企业代号", "发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态")
GOOD = (
    ("E9001", "1001", "2020-01-05", "B1", "100.00", "13.00", "113.00", "有效发票"),
    ("E9001", "1002", "2020-01-06", "B2", "-50.5", "-6.56", "-57.06", "有效发票"),
    ("E9002", "1003", "2020-01-07", "B1", "1200.25", "0", "1200.25", "作废发票"),
)


def csv_text(rows: Sequence[Sequence[str]], heading: Sequence[str] = HEADING) -> str:
    """The rows under their heading, comma-separated, quoted where needed."""
    quoted = [[f'"{cell}"' if "," in cell else cell for cell in row] for row in (heading, *rows)]
    return "".join(",".join(row) + "\n" for row in quoted)


def write_csv(
    path: Path, rows: Sequence[Sequence[str]] = GOOD, *, heading: Sequence[str] = HEADING, encoding: str = "utf-8"
) -> Path:
    """A csv file of these rows."""
    path.write_bytes(csv_text(rows, heading).encode(encoding))
    return path
