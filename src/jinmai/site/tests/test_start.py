"""Start-up refuses a URL without an operation, a row that nothing carries out, a navigation that leads nowhere."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI

from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.access.permissions import Operation
from jinmai.foundation.kernel.errors import Broken
from jinmai.site import navigation, startup


def row(name: str) -> Operation:
    return Operation(name, "read", frozenset(), "city", "C1", "test")


@page("here.look")
def listed_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def bare_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def found(*patterns: object) -> list[startup.Reachable]:
    return list(startup.reachable(patterns))


def test_the_house_as_it_stands_starts():
    everything = startup.check()
    assert len(everything) > 15
    assert {"page", "api"} >= {one.kind for one in everything}


def test_control_a_listed_page_passes():
    startup.refuse_unlisted(found(path("x/", listed_view)), {"here.look": row("here.look")}, ())


def test_url_without_operation_stops_start_up():
    with pytest.raises(Broken, match=r"PAGE /x/ names no operation"):
        startup.refuse_unlisted(found(path("x/", bare_view)), {}, ())


def test_url_with_unknown_operation_stops_start_up():
    with pytest.raises(Broken, match=r"'here.look', which stands in no permissions.yaml"):
        startup.refuse_unlisted(found(path("x/", listed_view)), {}, ())


def test_api_route_without_operation_stops_start_up():
    api = NinjaAPI(urls_namespace="test-of-start-up", docs_url=None, openapi_url=None)

    @api.get("/things")
    def things(request: HttpRequest) -> list[str]:
        return []

    routes = found(path("api/", api.urls))
    assert ("GET", "/api/things", None) in [(one.method, one.address, one.operation) for one in routes]
    listed = {"here.look": row("here.look")}
    with pytest.raises(Broken, match=r"GET /api/things names no operation"):
        startup.refuse_unlisted([one for one in routes if one.kind == "api"], listed, ["here.look"])


def test_row_that_nothing_carries_out_stops_start_up():
    listed = {"here.look": row("here.look"), "here.act": row("here.act")}
    with pytest.raises(Broken, match=r"'here.act' is carried out by no action, page or route"):
        startup.refuse_unlisted(found(path("x/", listed_view)), listed, ())
    startup.refuse_unlisted(found(path("x/", listed_view)), listed, ["here.act"])


def test_action_without_a_row_stops_start_up():
    with pytest.raises(Broken, match=r"action 'here.act' stands in no permissions.yaml"):
        startup.refuse_unlisted([], {}, ["here.act"])


def navigate(monkeypatch: pytest.MonkeyPatch, url: str, operation: str) -> None:
    item = navigation.Item("某处", "home", url, operation)
    monkeypatch.setattr(navigation, "declared", lambda: {"admin.audit": [item]})


def test_navigation_to_nowhere_stops_start_up(monkeypatch):
    navigate(monkeypatch, "site:nowhere", "site.home")
    with pytest.raises(Broken, match="no page is named 'site:nowhere'"):
        navigation.check()


def test_navigation_to_what_the_role_lacks_stops_start_up(monkeypatch):
    navigate(monkeypatch, "site:organisations", "site.list_organisations")
    with pytest.raises(Broken, match="which it lacks"):
        navigation.check()


def test_every_operation_has_words():
    from jinmai.foundation.kernel.access.permissions import operations
    from jinmai.site.words import declared

    assert sorted(set(operations()) - set(declared())) == []
    assert sorted(set(declared()) - set(operations())) == []
