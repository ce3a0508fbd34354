"""No page asks the database more than thirty times: every page of every role is walked and its questions counted.

The small city gets sixty more firms with needs, orders, clocks, loans and tasks first, so that a question asked once a
row shows itself.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jinmai.foundation.kernel.access.permissions import operations
from tests.backends.small_city import CAST
from tests.security.surface import Door, doors
from tests.security.test_authorization_matrix import NAMED_IN_QUERY, kind_of

pytestmark = pytest.mark.django_db

MOST = 30
MORE_CASES = 60
THINGS_EACH = 2
VALUE = re.compile(r"'[^']*'|\b[0-9a-f]{32}\b|\b\d+\b")
#: Where a transaction begins and ends is no question.
BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def too_many(place: str, asked: list[dict[str, str]]) -> str | None:
    """Why a page is refused: its address, how often it asks, and the question it repeats most."""
    if len(asked) <= MOST:
        return None
    shape, times = Counter(VALUE.sub("?", one["sql"]) for one in asked).most_common(1)[0]
    return f"{place} asks {len(asked)} times; {times} times: {shape[:300]}"


def count(client: Any, path: str) -> tuple[int, list[dict[str, str]]]:
    """Status of one page, and what it asked the database."""
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)
        if answer.streaming:
            b"".join(answer.streaming_content)
    return answer.status_code, [one for one in asked.captured_queries if not one["sql"].startswith(BOUNDARIES)]


def paths_of(door: Door, username: str, planted: Any) -> Iterator[str]:
    """The addresses behind a page: itself, or with some of the things this account may see."""
    if not door.kwargs:
        query = NAMED_IN_QUERY.get(door.name, "")
        yield door.path({}) + (f"?{query}" if query else "")
        return
    seen = [one for one in planted.of(kind_of(door, door.kwargs[0]) or "") if username in one.seen_by]
    for thing in seen[:THINGS_EACH]:
        yield door.path(dict.fromkeys(door.kwargs, thing.key))


def pages_of(role: str) -> list[Door]:
    """The pages whose operation the role holds."""
    pages = [door for door in doors() if door.operation and not door.is_api and not door.public]
    return [door for door in pages if role in operations()[door.operation].roles]


@pytest.fixture
def full_city(planted_city: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The planted city with sixty more cases, written straight into the tables."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from _bulk_city import BulkCity

    BulkCity(firms=MORE_CASES).grow(MORE_CASES)
    yield planted_city
    sys.modules.pop("_bulk_city", None)


@pytest.mark.parametrize(("username", "role"), [(username, role) for username, _name, _code, role in CAST])
def test_no_page_asks_more_than_thirty_times(full_city, client_as, username, role, say):
    _city, planted = full_city
    client, most, walked, refused = client_as(username), (0, ""), 0, []
    for door in pages_of(role):
        for path in paths_of(door, username, planted):
            status, asked = count(client, path)
            if status >= 400:
                continue
            walked += 1
            most = max(most, (len(asked), path))
            if why := too_many(f"{path} as {username}", asked):
                refused.append(why)
    say({"role": role, "pages": walked, "most": most[0], "page": most[1]})
    assert walked >= 3
    assert not refused, "\n".join(refused)


def test_control_a_page_that_asks_once_a_row_is_found(full_city, client_as, monkeypatch):
    from jinmai.foundation.kernel.organisations.models import Organisation
    from jinmai.site.views import organisations

    client = client_as("qiangong")
    status, asked = count(client, "/organisations/")
    assert (status, too_many("/organisations/", asked)) == (200, None)
    monkeypatch.setattr(organisations, "in_tree_order", lambda: list(Organisation.objects.order_by("path")))
    why = too_many("/organisations/", count(client, "/organisations/")[1])
    assert why is not None and "/organisations/" in why and "kernel_region" in why
