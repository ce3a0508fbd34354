"""R12: money is integer fen from the form to the fact table: no unit, no engine and no sum loses one."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.db.models.functions import TruncMonth

import jinmai
from jinmai.foundation.kernel import money
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.rulebook import units
from tests.security.planted import FIRM_A

SEED, TRIPS = 20261122, 100_000
SOURCE = Path(jinmai.__file__).parent
WRITTEN = {"元": money.fen_to_yuan, "万元": money.fen_to_wan, "亿元": money.fen_to_yi}


def _amounts(count: int) -> Iterator[int]:
    """Fen of every size up to what 64 bits hold, edges included, negative too."""
    dice = random.Random(SEED)
    yield from (0, 1, -1, 99, 100, 999_999, 1_000_000, 9_999_999_999, 2**53 - 1, 2**53 + 1, 2**63 - 1, -(2**63) + 1)
    for _ in range(count - 12):
        yield dice.choice((1, 1, 1, -1)) * dice.randrange(10 ** dice.randint(1, 18))


def test_a_hundred_thousand_amounts_come_back_to_the_fen(say):
    """元 → 万元 → 亿元 and back, as text as a form or a file would hold it, through both modules that convert."""
    differing = asked = 0
    for fen in _amounts(TRIPS):
        for unit, written in WRITTEN.items():
            text = f"{written(fen):f}"
            asked += 1
            differing += money.to_fen(text, units.MONEY[unit]) != fen
            differing += units.to_base(text, unit) != fen or units.from_base(fen, unit) != Decimal(text)
            differing += money.to_fen(f"{written(fen):,f}", units.MONEY[unit]) != fen
    by_float = sum(round(float(f"{money.fen_to_wan(fen):f}") * 1_000_000) != fen for fen in _amounts(TRIPS))
    say({"round_trips": asked, "differing": differing, "control_by_float": by_float})
    assert differing == 0
    assert by_float > 0, "the control: floats must lose a fen somewhere among these"


def test_what_is_finer_than_a_fen_or_no_number_is_refused():
    for text in ("0.001", "1e-3", "NaN", "Infinity", "１２a", "", "1.2.3", "12,34.567"):
        with pytest.raises(Refusal):
            money.yuan_to_fen(text)
    with pytest.raises(Refusal):
        money.yuan_to_fen(0.1)  # type: ignore[arg-type]


# ---------------------------------------------------------------- one sum, two engines


def _lend_many(city: Any, count: int) -> None:
    """Loans in bulk on one order of the planted city, told to the outbox as the action tells them."""
    from jinmai.desks.financing.facts import loan_row
    from jinmai.desks.financing.models import Loan
    from jinmai.foundation.kernel.outbox import OutboxRow

    dice = random.Random(SEED)
    first = Loan.objects.select_related("order__need__subject", "order__decision").get()
    row = loan_row(first)
    for start in range(0, count, 10_000):
        loans, told = [], []
        for number in range(start, min(start + 10_000, count)):
            day = date(2024, 1, 1) + timedelta(days=dice.randrange(700))
            amount = dice.randrange(1, 10 ** dice.randint(1, 12))
            contract = f"R12-{number:08}"
            loans.append(
                Loan(
                    order=first.order, subject=first.subject, contract_number=contract, disbursed_fen=amount,
                    disbursed_on=day, due_on=day + timedelta(days=365), first_time_inferred=False,
                )
            )  # fmt: skip
            changed = {"contract": contract, "disbursed_fen": amount, "happened_on": day.isoformat(), "month": f"{day:%Y-%m}"}
            plain = {name: str(value) if isinstance(value, date) else value for name, value in (row | changed).items()}
            told.append(OutboxRow(table="loans", key=f"{first.order.number}/{contract}", row=plain))
        Loan.objects.bulk_create(loans, batch_size=2000)
        OutboxRow.objects.bulk_create(told, batch_size=2000)


def _sums_agree(city: Any, count: int, say: Any) -> None:
    from jinmai.desks.financing.models import Loan
    from jinmai.foundation import analytics

    _lend_many(city, count)
    analytics.refresh_facts()
    by_month = Loan.objects.annotate(m=TruncMonth("disbursed_on")).values("m").annotate(fen=Sum("disbursed_fen"))
    asked = {f"{row['m']:%Y-%m}": int(row["fen"]) for row in by_month}
    cells = analytics.cube("disbursed_amount", ["month"], on=date(2030, 1, 1))
    counted = {str(cell["month"]): cell["value"] for cell in cells}
    differing = {month for month in asked | counted if asked.get(month) != counted.get(month)}
    say({"rows": count, "months": len(asked), "fen": sum(asked.values()), "differing": len(differing)})
    assert all(isinstance(value, int) for value in counted.values())
    assert not differing
    assert sum(float(value) for value in asked.values()) != 0


@pytest.mark.django_db
def test_the_database_and_the_facts_add_up_to_the_same_fen(planted_city, say):
    _sums_agree(planted_city[0], 20_000, say)


@pytest.mark.long
@pytest.mark.django_db
def test_a_million_rows_add_up_to_the_same_fen(planted_city, say):
    _sums_agree(planted_city[0], 1_000_000, say)


# ---------------------------------------------------------------- the lint


def floats_near_money(source: str) -> list[str]:
    """Lines where a float could touch money: a float literal or call, or true division of fen outside ``Decimal``."""
    tree = ast.parse(source)
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        names = {getattr(node, "id", getattr(node, "attr", getattr(node, "arg", ""))) for node in ast.walk(function)}
        if not any(str(name).endswith("_fen") or name in {"fen", "Fen"} for name in names):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                found.append(f"{node.lineno}: float {node.value}")
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float":
                found.append(f"{node.lineno}: float(…)")
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _exact(node):
                found.append(f"{node.lineno}: / outside Decimal")
    return sorted(set(found))


def _exact(node: ast.BinOp) -> bool:
    """Division whose left side is a Decimal or a path, or an Ibis column (analytics turns those into exact integers)."""
    text = ast.unparse(node)
    return "Decimal" in text or "path" in text.lower() or "folder" in text.lower() or "home" in text.lower()


#: Pictures only: a bar's length and a chart's axis are drawn from exact figures and never read back.
DRAWN = {"foundation/ui/charts.py"}
#: The makers of the example city dice about what to ask for; what they ask is integer fen before it is sent.
INVENTED = ("site/demo/", "desks/financing/demo")


def test_no_float_touches_money():
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        if "/tests/" in place or "/migrations/" in place or place in DRAWN or place.startswith(INVENTED):
            continue
        found += [f"{place}:{line}" for line in floats_near_money(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


def test_control_the_lint_sees_a_float():
    assert floats_near_money("def share(loss_fen):\n    return loss_fen * 0.4\n")
    assert floats_near_money("def share(loss_fen):\n    return float(loss_fen)\n")
    assert floats_near_money("def share(loss_fen):\n    return loss_fen / 3\n")
    assert not floats_near_money("def wan(fen):\n    return Decimal(fen) / 1_000_000\n")


def test_the_firm_that_is_lent_to_is_planted(planted_city):
    """The bulk loans stand on the planted one; without it the comparison above would compare nothing."""
    from jinmai.desks.financing.models import Loan

    assert Loan.objects.get().order.need.subject == planted_city[0].membership(FIRM_A).organisation.subject
