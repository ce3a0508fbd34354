"""register_firm, update_firm: codes, size class, facts, refusals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from jinmai.desks.parties.actions import register_firm, register_firms, update_firm
from jinmai.desks.parties.models import Firm
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotAllowed, Refusal
from jinmai.foundation.kernel.ids import USCC_ALPHABET, uscc_check_character
from jinmai.foundation.kernel.outbox import OutboxRow

BODY = "91990101MA0000TE5"
CODE = BODY + uscc_check_character(BODY)


def entry(**changes: Any) -> dict[str, Any]:
    """A firm that can be registered."""
    given = {
        "name": "东汀区测试齿轮厂", "uscc": CODE, "region": "dongting", "industry_code": "C3453",
        "established_on": date(2015, 6, 1), "employees": 120, "revenue_fen": 3_000_000_000, "contact_name": "王小测",
        "contact_phone": "13912345678", "origin": "example",
    }  # fmt: skip
    return {**given, **changes}


def test_register(actor: Any) -> None:
    firm = register_firm(actor("chengyue"), **entry())
    assert firm.size_class == "小型"
    assert not firm.subject.provisional
    assert firm.code == CODE
    assert firm.masked_contact == "王**，139****5678"
    row = OutboxRow.objects.filter(table="firms_register", key=str(firm.pk)).latest("seq").row
    assert row["subject_key"] == f"uscc:{CODE}"
    assert row["size_class"] == "小型"
    assert "13912345678" not in str(row)
    assert "王小测" not in str(row)


def test_same_key_gives_the_same_firm(actor: Any) -> None:
    first = register_firm(actor("chengyue"), **entry(), idempotency_key="once")
    again = register_firm(actor("chengyue"), **entry(), idempotency_key="once")
    assert first.pk == again.pk


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"uscc": CODE[:-1]}, "JM-PAR-001"),
        ({"uscc": CODE[:-1] + next(c for c in USCC_ALPHABET if c != CODE[-1])}, "JM-PAR-001"),
        ({"uscc": None}, "JM-PAR-003"),
        ({"established_on": date(2999, 1, 1)}, "JM-PAR-004"),
        ({"revenue_fen": -1}, "JM-PAR-005"),
        ({"region": "没有的区"}, "JM-PAR-007"),
    ],
)
def test_refusals_leave_nothing(actor: Any, changes: dict[str, Any], code: str) -> None:
    before = Firm.objects.count()
    with pytest.raises(Refusal) as refused:
        register_firm(actor("chengyue"), **entry(**changes))
    assert refused.value.code == code
    assert Firm.objects.count() == before


def test_twice_is_refused(actor: Any) -> None:
    register_firm(actor("chengyue"), **entry())
    with pytest.raises(Refusal, match="JM-PAR-002"):
        register_firm(actor("chengyue"), **entry(name="另一个名字"))


def test_only_the_registrar(actor: Any) -> None:
    with pytest.raises(NotAllowed):
        register_firm(actor("heying"), **entry())


def test_update_moves_the_class_and_tells_the_facts(actor: Any) -> None:
    firm = register_firm(actor("chengyue"), **entry())
    changed = update_firm(actor("chengyue"), firm, employees=19, established_on=Clock.today() - timedelta(days=1))
    assert changed.size_class == "微型"
    assert OutboxRow.objects.filter(table="firms_register", key=str(firm.pk)).count() == 2
    with pytest.raises(Refusal, match="JM-PAR-006"):
        update_firm(actor("chengyue"), firm, uscc="x")


def test_unknown_size_when_data_lack(actor: Any) -> None:
    firm = register_firm(actor("chengyue"), **entry(revenue_fen=None))
    assert firm.size_class == ""


def sheet(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Three rows with codes of their own; ``changes`` go to the rows in order."""
    rows = []
    for number in range(3):
        body = f"91990101MA0000TE{number}"
        rows.append({**entry(uscc=body + uscc_check_character(body), name=f"东汀区测试第{number}厂")})
        rows[-1].pop("origin")
    return [{**row, **change} for row, change in zip(rows, [*changes, {}, {}, {}], strict=False)]


def test_a_sheet_of_firms_is_registered_as_one_deed(actor: Any) -> None:
    made = register_firms(actor("chengyue"), rows=sheet({"kind": "cooperative"}), origin="example")
    assert [firm.size_class for firm in made] == ["小型"] * 3 and made[0].subject.kind == "cooperative"
    rows = OutboxRow.objects.filter(table="firms_register", key__in=[str(firm.pk) for firm in made])
    assert {row.row["subject_key"] for row in rows} == {f"uscc:{firm.uscc}" for firm in made}
    one = register_firm(actor("chengyue"), **entry())
    assert {f.name: getattr(made[1], f.name) is None for f in Firm._meta.fields} == {
        f.name: getattr(one, f.name) is None for f in Firm._meta.fields
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"uscc": CODE[:-1]}, "JM-PAR-001"),
        ({"uscc": None}, "JM-PAR-001"),
        ({"established_on": date(2999, 1, 1)}, "JM-PAR-004"),
        ({"employees": -1}, "JM-PAR-005"),
        ({"region": "没有的区"}, "JM-PAR-007"),
        ({"uscc": sheet()[0]["uscc"]}, "JM-PAR-002"),
    ],
)
def test_one_bad_row_keeps_the_sheet_out_and_is_named(actor: Any, change: dict[str, Any], code: str) -> None:
    before = Firm.objects.count()
    with pytest.raises(Refusal) as refused:
        register_firms(actor("chengyue"), rows=sheet({}, change))
    assert refused.value.code == code and refused.value.reason.startswith("第 2 行") and Firm.objects.count() == before


def test_only_the_registrar_registers_a_sheet(actor: Any) -> None:
    with pytest.raises(NotAllowed):
        register_firms(actor("linqiushi"), rows=sheet())
