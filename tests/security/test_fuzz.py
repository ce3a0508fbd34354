"""S3: no request that schemathesis can think of makes the API fail, leak or answer otherwise than described."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.security.chains import TOGETHER, Walked, walk
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


# ---------------------------------------------------------------- in chains


def _walked(planted_city, usernames: tuple[str, ...], chains: int, say) -> Walked:
    walked = Walked()
    walk(planted_city[1], usernames, chains, walked)
    say({"accounts": len(usernames)} | walked.told())
    assert not walked.server_errors, "\n".join(walked.server_errors[:5])
    assert not walked.findings, "\n".join(walked.findings[:5])
    return walked


@pytest.mark.django_db
@pytest.mark.parametrize("usernames", [*((one,) for one in ROLES), TOGETHER], ids=[*ROLES, "together"])
def test_no_chain_of_requests_makes_the_api_fail(planted_city, usernames, say):
    walked = _walked(planted_city, usernames, 12, say)
    assert walked.followed.total() >= 15 and len(walked.held & set(walked.asked)) >= len(walked.held) * 0.6


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("usernames", [*((one,) for one in ROLES), TOGETHER], ids=[*ROLES, "together"])
def test_no_chain_of_requests_makes_the_api_fail_in_200_chains_each(planted_city, usernames, say):
    walked = _walked(planted_city, usernames, 200, say)
    assert walked.followed.total() >= 500 and len(walked.held & set(walked.asked)) >= len(walked.held) * 0.8


@pytest.mark.django_db
def test_control_what_only_a_chain_meets_is_found_in_chains(planted_city, monkeypatch, say):
    """A need that was just made fails, or is not there, when it is opened: single cases never open one, chains do."""
    from jinmai.desks.financing.api import needs
    from jinmai.desks.financing.models import Need
    from jinmai.foundation.kernel.errors import NotFound
    from tests.security import fuzz as fuzzer

    planted, find_need = planted_city[1], needs.find_need
    known = {str(thing.key) for thing in planted.of("need")}
    turns = itertools.count()

    def only_the_planted(actor, key):
        if str(key) in known or not Need.objects.filter(pk=key).exists():
            return find_need(actor, key)
        raise NotFound() if next(turns) % 2 else ZeroDivisionError

    monkeypatch.setattr(needs, "find_need", only_the_planted)
    monkeypatch.setattr(fuzzer, "REFUSED_CASES", 1)
    found, walked = Found(), Walked()
    fuzz(planted, "xuan", 2, found)
    walk(planted, ("xuan",), 30, walked)
    say({"single_cases": found.statuses.total()} | walked.told())
    assert not found.server_errors and not found.findings, found.told()
    assert any("financing/needs/" in one for one in walked.server_errors), walked.told()
    assert any("Created resource not found" in one for one in walked.findings), walked.told()
