"""``jinmai explain`` and ``jinmai match``: products' answers, one firm clause by clause, or all firms at once."""

from __future__ import annotations

import csv
import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.commandline import (
    HomeOption,
    JsonOption,
    KnownOption,
    OnOption,
    command_run,
    parse_day,
    parse_moment,
)
from jinmai.foundation.kernel.errors import NotFound, Refusal

if TYPE_CHECKING:
    from jinmai.desks.financing.models import ProductVersion
    from jinmai.foundation.kernel.subjects.models import Subject

COLUMNS = ("firm", "product", "fits", "score", "rank")


def register(app: typer.Typer) -> None:
    """Add this desk's commands."""
    app.command("explain")(explain_command)
    app.command("match")(match_command)


def explain_command(
    firm: Annotated[str, typer.Option("--firm", help="企业代号或统一社会信用代码", metavar="CODE")],
    product: Annotated[str, typer.Option("--product", help="产品代码", metavar="ID")],
    on: OnOption = None,
    known: KnownOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """逐条说明一家企业是否符合一个产品；当日未生效的产品不作答（退出码 2）。"""
    with command_run(home, as_json) as run:
        day = parse_day(on, Clock.today())
        run.result(explain_one(firm, product, day, parse_moment(known)))


def match_command(
    out: Annotated[Path, typer.Option("--out", help="写入的 CSV 文件", metavar="FILE")],
    on: OnOption = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="每户列出最接近的几个产品，不写则全部")] = None,
    known: KnownOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """全部企业对当日生效的全部产品：是否符合、匹配分、名次。"""
    with command_run(home, as_json) as run:
        from jinmai.desks.financing.matching import match_all

        day = parse_day(on, Clock.today())
        rows = match_all(day, top, parse_moment(known))
        run.result({"on": str(day), **_write(out, rows)})


def explain_one(firm: str, product: str, on: date, known: datetime | None) -> dict[str, Any]:
    """One firm's answer from one product, every clause with figure, threshold and gap, as the command prints it."""
    from jinmai.desks.financing.answers import answer, read_figures
    from jinmai.desks.financing.vocabulary import describe, fields_of
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.consent.purposes import STATUTORY_DUTY

    version = version_in_force(product, on)
    subject = firm_named(firm)
    figures, manifest = read_figures(Actor.platform(), subject, STATUTORY_DUTY, fields_of([version]), on, known)
    told = answer(version, figures, describe(), on)
    return {
        "firm": firm,
        "product": product,
        "on": str(on),
        "fits": told.fits,
        "clauses": [clause.to_json() for clause in told.clauses],
        "manifest": getattr(manifest, "digest", None),
    }


def version_in_force(code: str, on: date) -> ProductVersion:
    """The product's version in force on a day: not being in force is no answer (JM-FIN-007)."""
    from jinmai.desks.financing.models import Product, ProductVersion

    found = ProductVersion.objects.in_force(on).filter(product__code=code).first()
    if found is not None:
        return found
    if not Product.objects.filter(code=code).exists():
        raise NotFound(reason=f"没有代码为“{code}”的产品")
    raise Refusal("JM-FIN-007", f"产品“{code}”{on} 当日未生效，不作答", "请换一个截至日期，或换一个产品")


def firm_named(code: str) -> Subject:
    """The firm that goes by a code in the files' scheme or by its credit code."""
    from jinmai.desks.financing.matching import SCHEMES
    from jinmai.foundation.kernel.subjects.models import Identifier

    found = Identifier.objects.select_related("subject").filter(scheme__in=SCHEMES, value=code).first()
    if found is None:
        raise NotFound(reason=f"没有代码为“{code}”的企业")
    return found.subject


def _write(out: Path, rows: Any) -> dict[str, Any]:
    """Write the matches whole or not at all."""
    firms: set[str] = set()
    products: set[str] = set()
    count = 0
    partial = out.with_name(f"{out.name}.part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow((row.firm, row.product, row.fits, row.score, row.rank))
            firms.add(row.firm)
            products.add(row.product)
            count += 1
    os.replace(partial, out)
    return {"firms": len(firms), "products": len(products), "rows": count, "out": str(out)}
