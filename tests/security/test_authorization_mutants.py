"""S1's control: every filter, taken away behind one door at a time, must be noticed by that door's own cells.

A mutant is a queryset class with ``visible_to`` and one door that calls it: a page and the API of one operation are two.
While the door's cells are asked, that one class lets every row through; the cells of the same door, and no others, must
show a leak. Which door calls which filter is found by watching the walk, so that a new filter brings its own mutants.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps

from tests.security.planted import ACCOUNTS, SHUT_OUT
from tests.security.surface import Door, doors
from tests.security.test_authorization_matrix import Matrix, _holds

#: Filters that decide nothing the operation has not decided: the register of institutions is everybody's who may open it.
BESIDE_THE_ROLE = {"InstitutionQuerySet"}
#: Where taking the filter away changes nothing that anybody is shown, and why.
EQUIVALENT = {
    ("OrderQuerySet", "financing.list_pool"): "the pool is open to every institution; its own conditions name it",
    ("OrderQuerySet", "financing.view_need"): "who may open a need sees all of its orders: its firm and its offices",
    ("FirmQuerySet", "parties.update_firm"): "the registration window registers the whole city",
    ("NeedQuerySet", "financing.view_order"): "for the need's papers: an institution's own acceptance decides, others see it",
    ("NeedQuerySet", "financing.print_order"): "as in view_order",
    ("OrderQuerySet", "financing.print_need"): "as in view_need",
    ("EvidenceRequestQuerySet", "financing.view_criteria"): "who may open a need's criteria sees every request about it",
    ("EvidenceRequestQuerySet", "financing.attest_criterion"): "as in view_criteria",
    ("EvidenceRequestQuerySet", "financing.request_evidence"): "reads back the request that the actor has just made",
    ("NeedQuerySet", "kernel.detach_document"): "only the organisation that handed it in takes it off: asked before the row",
    ("OrderQuerySet", "kernel.detach_document"): "as for a need's",
    ("ApiKeyQuerySet", "site.list_keys"): "both administrators who hold it see every key; a manager has another page",
    ("ReceiptQuerySet", "intake.withdraw_import"): "the section chief withdraws for the whole city",
    ("LoanQuerySet", "site.home"): "a sum without names, over rows that the page's own condition limits to the office",
}
#: What the default run mutates: each noun's list and one of its rows.
FIRST = {
    "financing.list_needs", "financing.view_need", "financing.list_orders", "financing.view_order", "financing.list_loans",
    "parties.list_firms", "parties.view_firm", "credit.list_consents", "credit.list_access", "intake.list_receipts",
    "intake.read_receipt", "financing.accept_order", "site.list_jobs", "site.list_notices", "financing.list_renewals",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of refusals are meant here; none of them needs a line in the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def filters() -> list[Any]:
    """Every queryset class of ours that decides by ``visible_to`` who sees its rows."""
    classes = {
        type(model._default_manager.get_queryset())
        for model in apps.get_models()
        if model.__module__.startswith("jinmai.") and hasattr(model._default_manager.get_queryset(), "visible_to")
    }
    return sorted((one for one in classes if one.__name__ not in BESIDE_THE_ROLE), key=lambda one: one.__qualname__)


def _actors(door: Door) -> list[str]:
    return [name for name in ACCOUNTS if name not in SHUT_OUT and _holds(name, door)]


class Brief(Matrix):
    """Three objects a door are enough to see which filters it calls, and what came of many rows where a page shows it."""

    def _places(self, door: Door, actor: str, method: str) -> Iterator[tuple[Any, str]]:
        for number, (thing, path) in enumerate(super()._places(door, actor, method)):
            if number < 3 or (not door.kwargs and thing is not None):
                yield thing, path


def _calls(planted_city: Any, everything: list[Door]) -> dict[Door, set[str]]:
    """Door → names of the filters it calls, for any actor who holds its operation."""
    called: dict[Door, set[str]] = {door: set() for door in everything}
    current: list[set[str]] = [set()]
    with pytest.MonkeyPatch.context() as patch:
        for rows in filters():
            true_filter = rows.visible_to

            def watched(self: Any, actor: Any, *rest: Any, _true=true_filter, _name=rows.__name__, **named: Any) -> Any:
                current[0].add(_name)
                return _true(self, actor, *rest, **named)

            patch.setattr(rows, "visible_to", watched)
        matrix = Brief(*planted_city)
        for door in everything:
            current[0] = called[door]
            matrix.walk(_actors(door), [door])
    assert not matrix.leaks, "the walk without a mutant must be clean:\n" + "\n".join(matrix.leaks[:10])
    return called


def _killed(planted_city: Any, rows: Any, door: Door) -> bool:
    """Whether the door's own cells show a leak while ``rows`` lets everything through."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "visible_to", lambda self, actor, *_rest, **_named: self)
        matrix = Matrix(*planted_city, stop_at_first=True)
        matrix.walk(_actors(door), [door])
    return bool(matrix.leaks)


def _mutate(planted_city: Any, everything: list[Door], say: Any) -> set[str]:
    """Take each filter away behind each of these doors; returns the filters that were called at all."""
    called = _calls(planted_city, everything)
    named = {rows.__name__: rows for rows in filters()}
    pairs = [(name, door) for door, names in called.items() for name in sorted(names)]
    mutants = [(name, door) for name, door in pairs if not _equivalent(name, door)]
    survived = [f"{name} in {door}" for name, door in mutants if not _killed(planted_city, named[name], door)]
    told = {"mutants": len(mutants), "killed": len(mutants) - len(survived), "survived": survived}
    say(told | {"filters": len(named), "doors": len(called), "equivalent": len(pairs) - len(mutants)})
    assert not survived, "\n".join(survived)
    return set().union(*called.values())


def _equivalent(name: str, door: Door) -> bool:
    """Named above; or a write by the API, which shows no page: its verb asks once more whose row it is, so that without the
    filter every answer stays the same 404 and nothing is left to notice."""
    return (name, door.operation) in EQUIVALENT or (door.is_api and "GET" not in door.methods)


def _guarded() -> list[Door]:
    return [door for door in doors() if door.operation and not door.public]


@pytest.mark.django_db
def test_filters_taken_away_are_noticed_by_their_own_doors(planted_city, say):
    """The operations that the first slice stands on; ``-m long`` takes all of them."""
    _mutate(planted_city, [door for door in _guarded() if door.operation in FIRST], say)


@pytest.mark.long
@pytest.mark.django_db
def test_each_filter_taken_away_is_noticed_by_each_of_its_doors(planted_city, say):
    called = _mutate(planted_city, _guarded(), say)
    assert {rows.__name__ for rows in filters()} == called, "a filter that no door calls is watched by nothing"
