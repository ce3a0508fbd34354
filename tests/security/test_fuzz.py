"""S3: no request that schemathesis can think of makes the API fail, leak or answer otherwise than described."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.security.fuzz import ROLES, Found, fuzz


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of refusals are meant here; none of them needs a line in the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _fuzzed(planted_city, username: str, cases: int, say) -> None:
    found = Found()
    fuzz(planted_city[1], username, cases, found)
    say({"role": username, "cases_each": cases} | found.told())
    unasked = [operation for operation in sorted(found.operations) if not found.asked[operation]]
    assert found.operations and not unasked, f"no case was made for {unasked}"
    assert not found.server_errors, "\n".join(found.server_errors[:10])
    assert not found.findings, "\n".join(found.findings[:10])


@pytest.mark.django_db
@pytest.mark.parametrize("username", ROLES)
def test_nothing_that_is_asked_makes_the_api_fail(planted_city, username, say):
    _fuzzed(planted_city, username, 12 if connection.vendor == "sqlite" else 4, say)


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("username", ROLES)
def test_nothing_that_is_asked_makes_the_api_fail_with_200_cases_each(planted_city, username, say):
    _fuzzed(planted_city, username, 200, say)


@pytest.mark.django_db
def test_control_a_fault_and_an_answer_outside_its_schema_are_found(planted_city, monkeypatch):
    """One handler made to fail, one made to answer more than its schema says: the fuzzer sees both."""
    from jinmai.desks.financing.api import orders, products
    from tests.security import fuzz as fuzzer

    def fails(*_args, **_named):
        raise ZeroDivisionError

    monkeypatch.setattr(orders, "order_out", fails)
    monkeypatch.setattr(products, "product_out", lambda version: {"product": version.product.code})
    found = Found()
    monkeypatch.setattr(fuzzer, "REFUSED_CASES", 2)
    fuzz(planted_city[1], "dingyiming", 2, found)
    assert any("/financing/orders" in one for one in found.server_errors), found.told()
    assert any("/financing/products" in one for one in found.server_errors), "an answer outside its schema is a fault"
