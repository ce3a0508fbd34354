"""The register as facts: told on registration and correction, and the measures over it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from jinmai.desks.parties.actions import register_firm, update_firm
from jinmai.desks.parties.formulas import months_operating
from jinmai.desks.parties.tests.test_register_firm import CODE, entry
from jinmai.foundation import analytics

NAMES = ["months_operating", "size_class", "industry_code", "region", "subject_kind"]
KEY = f"uscc:{CODE}"


def figures(on: date) -> dict[str, Any]:
    return analytics.compute(NAMES, on, keys=[KEY])[KEY]


def test_register_then_correct(actor: Any) -> None:
    firm = register_firm(actor("chengyue"), **entry())
    analytics.refresh_facts()
    assert figures(date(2020, 2, 29)) == {
        "months_operating": 56, "size_class": "小型", "industry_code": "C3453", "region": "东汀区",
        "subject_kind": "法人企业",
    }  # fmt: skip
    update_firm(actor("chengyue"), firm, employees=5, region="xiling", kind="cooperative")
    analytics.refresh_facts()
    now = figures(date(2026, 11, 20))
    assert (now["size_class"], now["region"], now["subject_kind"]) == ("微型", "西岭区", "农民专业合作社")
    assert figures(date(2015, 5, 31))["months_operating"] is None
    assert figures(date(2016, 12, 31))["size_class"] is None, "before the table was in force there is no class"


@pytest.mark.parametrize("founded", [date(2015, 6, 1), date(2016, 2, 29), date(2017, 1, 31), date(2019, 12, 31)])
def test_months_agree_with_the_formula(actor: Any, founded: date) -> None:
    register_firm(actor("chengyue"), **entry(established_on=founded))
    analytics.refresh_facts()
    for on in (founded, date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 31), date(2026, 11, 20)):
        assert figures(on)["months_operating"] == months_operating(founded, on), on


def test_what_was_not_registered_is_unknown(actor: Any) -> None:
    register_firm(actor("chengyue"), **entry(established_on=None, industry_code="", region=None))
    analytics.refresh_facts()
    found = figures(date(2026, 11, 20))
    assert found == {**dict.fromkeys(NAMES), "subject_kind": "法人企业"}
