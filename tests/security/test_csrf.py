"""S12: every unsafe method without the CSRF token is refused, on pages and API alike; with the token it is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.conf import settings

from jinmai.foundation.kernel.access.permissions import operations
from tests.backends.small_city import CAST
from tests.security.surface import UNSAFE, Door, doors

NOBODY = UUID("00000000-0000-4000-8000-000000000000")
NOTHING = {"uuid": NOBODY, "uuidstr": NOBODY, "int": 999_999_999, "slug": "nothing", "str": "nothing"}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def unsafe_doors() -> list[tuple[Door, str]]:
    """Each door with each unsafe method it takes."""
    return [(door, method) for door in doors() for method in door.methods if method in UNSAFE and door.operation]


def somebody_who_may(door: Door) -> str:
    """A member of the cast whose role holds the door's operation."""
    roles = operations()[door.operation or ""].roles
    return next((username for username, _, _, role in CAST if role in roles), "qiangong")


def address(door: Door) -> str:
    import re

    kinds = {name: kind for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", door.route)}
    return door.path({name: NOTHING[kinds[name] or "str"] for name in door.kwargs})


@pytest.mark.django_db
def test_without_the_token_every_unsafe_method_is_refused(client_as, say):
    let_through = []
    for door, method in unsafe_doors():
        client = client_as(somebody_who_may(door), enforce_csrf_checks=True, raise_request_exception=False)
        answer = getattr(client, method.lower())(address(door), **_body(door))
        if answer.status_code != 403:
            let_through.append(f"{method} {address(door)}: {answer.status_code}")
    say({"unsafe": len(unsafe_doors()), "let_through": len(let_through)})
    assert not let_through


@pytest.mark.django_db
def test_control_with_the_token_it_is_not_the_token_that_refuses(client_as):
    token = "a" * 32
    refused = []
    for door, method in unsafe_doors():
        client = client_as(somebody_who_may(door), enforce_csrf_checks=True, raise_request_exception=False)
        client.cookies[settings.CSRF_COOKIE_NAME] = token
        answer = getattr(client, method.lower())(address(door), headers={"X-CSRFToken": token}, **_body(door))
        if answer.status_code == 403:
            refused.append(f"{method} {address(door)}: {answer.status_code}")
    assert not refused


def _body(door: Door) -> dict[str, str]:
    return {"data": "{}", "content_type": "application/json"} if door.is_api else {}
