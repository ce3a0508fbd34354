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
    """Lines where a float could touch money: a float literal, call, type or field, a constant that holds one, or true
    division outside ``Decimal``, in any function, lambda, class body or statement of the module that names fen."""
    tree = ast.parse(source)
    held = _float_constants(tree)
    found = []
    for scope in _scopes(tree):
        if not any(name.endswith("_fen") or name in {"fen", "Fen"} for node in ast.walk(scope) for name in _names(node)):
            continue
        for node in ast.walk(scope):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                found.append(f"{node.lineno}: float {node.value}")
            if isinstance(node, ast.Call) and _called(node) in {"float", "FloatField"}:
                found.append(f"{node.lineno}: {_called(node)}(…)")
            if isinstance(node, (ast.arg, ast.AnnAssign, ast.FunctionDef)) and _typed_as_float(node):
                found.append(f"{node.lineno}: fen of type float")
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and _names(node) & held:
                found.append(f"{node.lineno}: {ast.unparse(node)} holds a float")
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _exact(node):
                found.append(f"{node.lineno}: / outside Decimal")
    return sorted(set(found))


def _scopes(tree: ast.AST) -> Iterator[ast.AST]:
    """Functions and lambdas whole, defaults and decorators too; of modules and classes statement by statement."""
    yield from (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))
    bodies = [tree]
    while bodies:
        for child in ast.iter_child_nodes(bodies.pop()):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if hasattr(child, "body") and not isinstance(child, (ast.Lambda, ast.IfExp)):
                bodies.append(child)
            else:
                yield child


def _names(node: ast.AST) -> set[str]:
    """What a node is called by: a name, an attribute, an argument, a function or a key of text."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) and node.value.isidentifier() else set()
    return {str(getattr(node, name)) for name in ("id", "attr", "arg", "name") if getattr(node, name, None)}


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _typed_as_float(node: ast.arg | ast.AnnAssign | ast.FunctionDef) -> bool:
    named = _names(node.target if isinstance(node, ast.AnnAssign) else node)
    declared = node.returns if isinstance(node, ast.FunctionDef) else node.annotation
    inside = {name for part in ast.walk(declared) for name in _names(part)} if declared else set()
    return "float" in inside and any(name.endswith("_fen") or name == "fen" for name in named)


def _float_constants(tree: ast.AST) -> set[str]:
    """Names in capitals, of the module or a class, that a float is put into."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            if any(isinstance(part, ast.Constant) and isinstance(part.value, float) for part in ast.walk(node.value)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {name for target in targets for name in _names(target) if name.isupper()}
    return found


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


FLOATING = {
    "function": "def share(loss_fen):\n    return loss_fen * 0.4\n",
    "call": "def share(loss_fen):\n    return float(loss_fen)\n",
    "division": "def share(loss_fen):\n    return loss_fen / 3\n",
    "module": "SHARE_fen = 100 * 0.4\n",
    "under a condition of the module": "if True:\n    total_fen = 100 / 3\n",
    "class body": "class Share:\n    loss_fen = 100 * 0.4\n",
    "field": "class Loan(Model):\n    disbursed_fen = models.FloatField()\n",
    "type of a field": "class Share:\n    loss_fen: float\n",
    "type of an argument": "def share(loss_fen: float | None):\n    return loss_fen\n",
    "type of an answer": "def share_fen(one) -> float:\n    return one\n",
    "name of a function": "def share_fen(one):\n    return one.loss / 3\n",
    "lambda": "key = lambda loan: loan.disbursed_fen * 0.4\n",
    "lambda in a class": "class Share:\n    key = staticmethod(lambda loan: loan.disbursed_fen / 3)\n",
    "comprehension": "shares = [one.loss_fen * 0.4 for one in losses]\n",
    "comprehension in a class": "class Share:\n    all = {one: one.loss_fen / 3 for one in losses}\n",
    "generator": "total = sum(float(one.loss_fen) for one in losses)\n",
    "default": "def share(loss_fen, part=0.4):\n    return split(loss_fen, part)\n",
    "default of a lambda": "share = lambda loss_fen, part=0.4: split(loss_fen, part)\n",
    "decorator": "@limited(0.4)\ndef share(loss_fen):\n    return loss_fen\n",
    "key of text": "def share(row):\n    return row['loss_fen'] * 0.4\n",
    "constant of the module": "PART = 0.4\n\ndef share(loss_fen):\n    return loss_fen * PART\n",
    "constant of a class": "class Share:\n    PARTS = (0.4, 0.6)\n    def of(self, loss_fen):\n        return loss_fen * self.PARTS[0]\n",
}  # fmt: skip


@pytest.mark.parametrize("where", FLOATING)
def test_control_the_lint_sees_a_float(where):
    assert floats_near_money(FLOATING[where])


def test_control_the_lint_lets_exact_money_and_other_floats_be():
    assert not floats_near_money("def wan(fen):\n    return Decimal(fen) / 1_000_000\n")
    assert not floats_near_money("PAUSE = 0.5\nUNIT_fen = 1\n\nclass Loan:\n    paid_fen = 1\n    wait = 0.5\n")
    assert not floats_near_money("def wait():\n    sleep(0.5)\n\ndef paid(loan):\n    return loan.paid_fen\n")


def test_the_firm_that_is_lent_to_is_planted(planted_city):
    """The bulk loans stand on the planted one; without it the comparison above would compare nothing."""
    from jinmai.desks.financing.models import Loan

    assert Loan.objects.get().order.need.subject == planted_city[0].membership(FIRM_A).organisation.subject
