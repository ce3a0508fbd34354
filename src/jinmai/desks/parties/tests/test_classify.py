"""Size class of a firm: every boundary of all 16 industries against the figures as they were read."""

from __future__ import annotations

import csv
import re
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from jinmai.desks.parties.classification import classify_figures, size_classes
from jinmai.desks.parties.formulas import bare_code, months_operating

ON = date(2026, 11, 20)
CODES = {
    "agriculture": "A0111", "industry": "C3311", "construction": "E4710", "wholesale": "F5111", "retail": "F5211",
    "transport": "G5910", "storage": "G5920", "post": "G6010", "accommodation": "H6110", "catering": "H6210",
    "information_transmission": "I6311", "software_it": "I6510", "real_estate_development": "K7010",
    "property_management": "K7020", "leasing_business_services": "L7211", "other": "M7310",
}  # fmt: skip
FEN_PER_WAN = 1_000_000


@pytest.fixture(scope="module")
def table(data_dir: Path) -> dict[str, dict[str, tuple[int, int, int]]]:
    """industry → measure → lower bounds of small, medium, large in base units, from the facts beside the data."""
    found: dict[str, dict[str, tuple[int, int, int]]] = {}
    with (data_dir.parent / "facts" / "sme_classification.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            scale = FEN_PER_WAN if row["unit"] == "CNY_10k" else 1
            bounds = tuple(int(row[f"{name}_min"]) * scale for name in ("small", "medium", "large"))
            found.setdefault(row["industry_id"], {})[row["measure"]] = bounds
    return found


def twin(bounds: dict[str, tuple[int, int, int]], figures: dict[str, int | None]) -> str | None:
    """The class by a slow reading: below any small bound is micro; each class needs all its bounds; unknown is open."""
    if any(figures[name] is not None and figures[name] < steps[0] for name, steps in bounds.items()):
        return "微型"
    if any(figures[name] is None for name in bounds):
        return None
    for name, place in (("大型", 2), ("中型", 1)):
        if all(figures[measure] >= steps[place] for measure, steps in bounds.items()):
            return name
    return "小型"


def test_all_sixteen_industries_have_a_row(table: dict[str, dict[str, tuple[int, int, int]]]) -> None:
    assert set(table) == set(CODES)
    assert size_classes(ON) == ("微型", "小型", "中型", "大型")


@pytest.mark.parametrize("industry", sorted(CODES))
def test_every_boundary(industry: str, table: dict[str, dict[str, tuple[int, int, int]]]) -> None:
    """At, one below and one above every bound of every measure, and missing, in all combinations."""
    bounds = table[industry]
    steps = {name: [None, *sorted({b + d for b in values for d in (-1, 0, 1)})] for name, values in bounds.items()}
    tried = 0
    for combination in product(*steps.values()):
        figures = dict(zip(steps, combination, strict=True))
        found = classify_figures(CODES[industry], figures, ON)
        assert found.size_class == twin(bounds, figures), (industry, figures)
        tried += 1
    assert tried >= 10


def test_control_a_reading_by_any_bound_differs(table: dict[str, dict[str, tuple[int, int, int]]]) -> None:
    """A classifier that is content with one bound is caught by the boundaries."""
    figures = {"employees": 1000, "revenue": 2000 * FEN_PER_WAN - 1}
    assert classify_figures("C3311", figures, ON).size_class == "小型"
    one_is_enough = any(figures[name] >= steps[2] for name, steps in table["industry"].items())
    assert one_is_enough, "the careless reading would have said 大型"


@pytest.mark.parametrize(
    ("code", "industry"),
    [
        ("G5910", "交通运输业"), ("5910", "交通运输业"), ("G5951", "仓储业"), ("K7010", "房地产开发经营"),
        ("K7020", "物业管理"), ("K7030", "其他未列明行业"), ("K7090", "其他未列明行业"), ("Q8511", "其他未列明行业"),
    ],
)  # fmt: skip
def test_longest_code_decides_the_industry(code: str, industry: str) -> None:
    assert classify_figures(code, {}, ON).industry == industry


@pytest.mark.parametrize("code", ["", "J6610", "P8321", "G5310"])
def test_without_a_row_there_is_no_class_but_a_reason(code: str) -> None:
    found = classify_figures(code, {"employees": 5, "revenue": 5, "assets": 5}, ON)
    assert found.size_class is None
    assert found.unknown


def test_missing_figures_are_named() -> None:
    found = classify_figures("C3311", {"employees": 500, "revenue": None}, ON)
    assert found.size_class is None
    assert "营业收入" in found.unknown
    assert found.rule is not None
    assert found.rule.cite is not None
    assert "2017" in found.rule.cite.document


def test_before_the_table_there_is_no_class() -> None:
    assert classify_figures("C3311", {"employees": 500, "revenue": 1}, date(2016, 12, 31)).size_class is None


def test_codes_and_months() -> None:
    assert re.fullmatch(r"\d+", bare_code("C3512"))
    assert months_operating(date(2020, 1, 31), date(2020, 2, 29)) == 0
    assert months_operating(date(2020, 3, 1), date(2020, 2, 29)) is None


@pytest.mark.django_db
def test_a_classification_keeps_its_table_and_is_asked_again(actor, client_as):
    from jinmai.desks.parties.actions import update_firm
    from jinmai.desks.parties.models import Firm
    from jinmai.foundation.kernel.action import object_ref
    from jinmai.foundation.rulebook.uses import replay, uses_of

    firm = update_firm(actor("chengyue"), Firm.objects.get(name="东汀精密机械有限公司"), employees=19)
    first, second = uses_of([object_ref(firm)])
    assert (first.outcome["size_class"], second.outcome["size_class"]) == ("小型", "微型")
    assert second.rule_id == "sme_classification_2017" and second.citation["number"] == "国统字〔2017〕213号"
    assert replay(actor("chengyue"), second).same is True
    second.inputs[1]["value"] = 5000  # the control: other figures, another class
    assert replay(actor("chengyue"), second).same is False
    page = client_as("chengyue").get(f"/rules/basis/{object_ref(firm)}/?replay=all").content.decode()
    assert "微型" in page and "一致" in page and "国统字〔2017〕213号" in page
    assert client_as("t_clerk_xiling").get(f"/rules/basis/{object_ref(firm)}/").status_code == 404
