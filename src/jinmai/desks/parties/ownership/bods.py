"""Holdings as statements of the Beneficial Ownership Data Standard 0.4 (受益所有权数据标准), with ids that stay the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TextIO
from uuid import UUID, uuid5

from jinmai.desks.parties.ownership.edges import GRAIN, Edges
from jinmai.foundation.kernel.errors import Words, shown

VERSION = "0.4"
SPACE = UUID("6f1c7a5e-6d0b-5c53-9d3f-0c5a1d1c8a44")  # of our ids; never to be changed
PUBLISHER = "Jinmai"
UNKNOWN_SHARE = Words("持股比例未知")
TOO_MUCH = Words("各行合计超过百分之百")
UNKNOWN_HOLDER = Words("持股关系表未说明持有方是自然人还是组织")


CODE_SCHEME = "统一社会信用代码"  # Chinese only: the name of a scheme of ids


@dataclass(frozen=True)
class Who:
    """What is known of a party beyond its name in the edges: ``kind`` is person, company, state or "" (not known)."""

    name: str
    kind: str = ""
    code: str = ""


def record_id(*names: str) -> str:
    """The id of a company's record, or of the record of a holding (owner, owned): the same in every run.

    >>> record_id("A") == record_id("A"), record_id("A", "B") == record_id("B", "A")
    (True, False)
    """
    return f"jinmai-{uuid5(SPACE, json.dumps(names, ensure_ascii=False))}"


def statements(
    edges: Edges, on: date, publisher: str = PUBLISHER, who: Mapping[str, Who] | None = None
) -> Iterator[dict[str, Any]]:
    """One statement for each company and holder, then one for each holding in force, dated ``on``.

    Direct holdings only: what follows from them is for the reader to compute. A share that is not known, or a sum above
    100 %, is left out of its interest. Nothing is said of beneficial ownership, because a list of holders doesn't say it.
    ``who`` says what each name of the edges stands for; without it a holder that nobody holds is of unknown kind.
    """
    held, known = set(edges.owned.tolist()), who or {}
    for number, name in enumerate(edges.names):
        party = known.get(name, Who(name, "company" if number in held else ""))
        kind, details = _party(party)
        yield _statement(record_id(name), record_id(name), kind, details, on, publisher)
    rows = zip(edges.owner.tolist(), edges.owned.tolist(), edges.units.tolist(), edges.missing.tolist(), strict=True)
    for owner, owned, units, missing in rows:
        party, subject = edges.names[owner], edges.names[owned]
        details = {
            "isComponent": False,
            "subject": record_id(subject),
            "interestedParty": record_id(party),
            "interests": [_interest(units, missing)],
        }
        yield _statement(record_id(party, subject), record_id(subject), "relationship", details, on, publisher)


def _party(party: Who) -> tuple[str, dict[str, Any]]:
    details: dict[str, Any] = {"isComponent": False}
    if party.kind == "person":
        names = [{"type": "legal", "fullName": party.name}]
        return "person", {**details, "personType": "knownPerson", "names": names}
    entity: dict[str, Any] = {"type": {"company": "registeredEntity", "state": "stateBody"}.get(party.kind, "unknownEntity")}
    if entity["type"] == "unknownEntity":
        entity["details"] = shown(UNKNOWN_HOLDER)
    details |= {"entityType": entity, "name": party.name}
    if party.code:
        details["identifiers"] = [{"id": party.code, "schemeName": CODE_SCHEME}]
    return "entity", details


def _interest(units: int, missing: bool) -> dict[str, Any]:
    interest: dict[str, Any] = {"type": "shareholding", "directOrIndirect": "direct"}
    if missing:
        return {**interest, "details": shown(UNKNOWN_SHARE)}
    if units > GRAIN:
        return {**interest, "details": shown(TOO_MUCH)}
    percent = round(units * 100 / GRAIN, 13)
    return {**interest, "share": {"exact": int(percent) if percent.is_integer() else percent}}


def _statement(
    record: str, subject: str, kind: str, details: dict[str, Any], on: date, publisher: str
) -> dict[str, Any]:
    said = json.dumps([record, on.isoformat(), details], ensure_ascii=False, sort_keys=True)
    return {
        "statementId": str(uuid5(SPACE, said)),
        "declarationSubject": subject,
        "statementDate": on.isoformat(),
        "publicationDetails": {
            "publicationDate": on.isoformat(),
            "bodsVersion": VERSION,
            "publisher": {"name": publisher},
        },
        "recordId": record,
        "recordStatus": "new",
        "recordType": kind,
        "recordDetails": details,
    }


def write_statements(edges: Edges, on: date, file: TextIO) -> int:
    """Write a BODS document, a JSON array with one statement a line; how many."""
    count = 0
    file.write("[")
    for one in statements(edges, on):
        file.write((",\n" if count else "\n") + json.dumps(one, ensure_ascii=False))
        count += 1
    file.write("\n]\n")
    return count
