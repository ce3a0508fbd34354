"""A bank's own system, standing in for a real one: it knows the API's address, a key and the printed description, no more.

It runs as a process of its own on nothing but the standard library, as a bank's integrator would write it, and prints
what it lived through as one line of JSON: ``python stand_in_bank.py ADDRESS KEY``.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit

ROOM = "/api/v1/financing"
PAGE = 2


class Refused(Exception):
    """The platform said no, in a problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('title')}")
        self.status, self.problem = status, problem


class Line:
    """The wire to the platform."""

    def __init__(self, address: str, key: str) -> None:
        self.host, self.key = urlsplit(address).netloc, key
        self.cuts = self.replays = self.waits = 0

    def get(self, path: str, **query: Any) -> Any:
        return self._exchange("GET", f"{ROOM}{path}" + (f"?{urlencode(query)}" if query else ""), None, {})[1]

    def post(self, path: str, body: dict[str, Any] | None = None, *, cut: bool = False) -> Any:
        """A write under a key of its own; with ``cut`` the first answer is lost on the way and the same is sent again."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if cut:
            self._send_and_hang_up(f"{ROOM}{path}", body, headers)
        while True:
            try:
                answer, told = self._exchange("POST", f"{ROOM}{path}", body, headers)
            except Refused as refused:
                if refused.problem.get("code") != "JM-IDM-003":  # the first one is still under way
                    raise
                self.waits += 1
                time.sleep(0.05)
                continue
            self.replays += answer.getheader("Idempotency-Replayed") == "true"
            return told

    def _request(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Any:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        content = None if body is None else json.dumps(body)
        named = {"Authorization": f"Bearer {self.key}", **headers}
        if content is not None:
            named["Content-Type"] = "application/json"
        connection.request(method, path, content, named)
        return connection

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> tuple[Any, Any]:
        connection = self._request(method, path, body, headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        if answer.status >= 400:
            raise Refused(answer.status, told)
        return answer, told

    def _send_and_hang_up(self, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> None:
        connection = self._request("POST", path, body, headers)
        time.sleep(0.3)  # long enough for the platform to have acted, and nobody reads its answer
        connection.close()
        self.cuts += 1


def all_orders(line: Line, **query: Any) -> Iterator[dict[str, Any]]:
    """Every order, page by page."""
    offset = 0
    while True:
        page = line.get("/orders", limit=PAGE, offset=offset, **query)
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


def work(line: Line) -> dict[str, Any]:
    """A bank's day: what is new is accepted and the firm rung up; the first is lent to, the second refused."""
    new = sorted(all_orders(line, status="sent"), key=lambda one: one["number"])
    addressed = [one for one in new if not one["from_pool"]]
    lent, refused = addressed[0], addressed[1]
    for order in (lent, refused):
        assert order["contact_phone"] is None, "the contact shows only after acceptance"
        accepted = line.post(f"/orders/{order['id']}/accept", cut=order is lent)
        assert accepted["contact_phone"] and accepted["status"] == "accepted"
        line.post(f"/orders/{order['id']}/contact", {"note": "电话联系，资料已约"})
        line.post(f"/orders/{order['id']}/papers/complete")
    line.post(f"/orders/{refused['id']}/decide", {"granted": False, "reason": REASON, "explanation": "成立时间不足"})
    terms = {"granted": True, "amount_fen": "80000000", "rate": "0.0435", "term_months": 12}
    granted = line.post(f"/orders/{lent['id']}/decide", terms, cut=True)
    return {"listed": len(new), "lent": granted["id"], "refused": refused["id"], "terms": granted["decision"]}


def disburse(line: Line, order: str) -> dict[str, Any]:
    """After the firm accepted: the money goes out once, although the line breaks."""
    body = {"contract_number": "TG-2026-0001", "disbursed_fen": "80000000", "disbursed_on": TODAY or str(date.today())}
    paid = line.post(f"/orders/{order}/disburse", body, cut=True)
    try:
        line.post(f"/orders/{order}/disburse", body)  # another key: another deed, and that is refused
    except Refused as refused:
        second = refused.problem["code"]
    return {"loans": len(paid["loans"]), "second": second}


REASON, TODAY = "", ""

if __name__ == "__main__":
    address, key, task, *rest = sys.argv[1:]
    wire = Line(address, key)
    if task == "work":
        REASON = rest[0]
        lived = work(wire)
    else:
        lived = disburse(wire, rest[0])
    print(json.dumps(lived | {"cuts": wire.cuts, "replays": wire.replays, "waits": wire.waits}, ensure_ascii=False))
