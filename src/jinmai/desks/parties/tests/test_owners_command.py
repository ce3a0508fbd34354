"""``jinmai owners``: its files, its one JSON line, its refusals; controllers and BODS statements; the published tables."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from jinmai.desks.parties.ownership.bods import record_id, statements
from jinmai.desks.parties.ownership.control import FINAL_HOLDER, MAJORITY, controllers

from .test_ownership import edges_from

GROUP = "owner,owned,share\n甲,乙,0.6\n乙,丙,0.5\n丙,乙,0.2\n丁,丁,\n甲,丙,0.1\n"


@pytest.fixture
def owners(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the command over a table as text; exit code, its JSON line, the pairs of its CSV."""

    def run(text: str | bytes, *options: str) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
        from typer.testing import CliRunner

        from jinmai.cli import app

        path, out = tmp_path / "edges.csv", tmp_path / "pairs.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        out.unlink(missing_ok=True)
        done = CliRunner().invoke(
            app, ["owners", "--edges", str(path), "--out", str(out), "--on", "2026-11-22", "--json", *options]
        )
        assert done.stdout.count("\n") == 1, done.output
        pairs = list(csv.DictReader(io.StringIO(out.read_text("utf-8")))) if out.exists() else []
        return done.exit_code, json.loads(done.stdout), pairs

    return run


# ---------------------------------------------------------------- what comes out


def test_pairs_and_counts(owners):
    code, told, pairs = owners(GROUP)
    assert code == 0
    assert pairs == [
        {"owner": "乙", "owned": "丙", "direct": "0.5", "integrated": "0.555555555556"},
        {"owner": "甲", "owned": "丙", "direct": "0.1", "integrated": "0.444444444444"},
        {"owner": "甲", "owned": "乙", "direct": "0.6", "integrated": "0.688888888889"},
    ]
    wanted = {"companies": 4, "edges": 5, "cycles": 1, "self_loops": 1, "missing_shares": 1, "over_100": [], "pairs": 3}
    assert {name: told[name] for name in wanted} == wanted
    assert 0 < told["truncation_bound"] < 1e-12
    assert (told["duplicate_edges"], told["undecided"], told["unsolved"]) == (0, 0, [])


def test_sums_above_the_whole_repeats_and_a_ring_are_told(owners):
    text = "owner,owned,share\nA,C,0.7\nB,C,0.6\nA,D,0.2\nA,D,0.1\nX,Y,1\nY,X,1\n"
    code, told, pairs = owners(text)
    assert code == 0
    assert (told["over_100"], told["over_100_sums"]) == (["C"], {"C": "1.3"})
    assert (told["duplicate_edges"], told["edges"], told["unsolved"]) == (1, 6, [["X", "Y"]])
    assert {"owner": "A", "owned": "D", "direct": "0.3", "integrated": "0.3"} in pairs


def test_direct_is_empty_where_unknown_and_nought_where_none(owners):
    _, _, pairs = owners("owner,owned,share\nA,B,1\nB,C,0.9\nA,C,\nB,D,1\n")
    told = {(row["owner"], row["owned"]): row["direct"] for row in pairs}
    assert (told["A", "C"], told["A", "D"], told["A", "B"]) == ("", "0", "1")


def test_the_same_rows_in_any_order_give_the_same_bytes(owners):
    head, *rows = GROUP.splitlines()
    assert owners(GROUP)[2] == owners("\n".join([head, *reversed(rows)]) + "\n")[2]


def test_a_day_decides_who_holds(owners):
    text = "owner,owned,share,from,to\nA,C,0.6,2020-01-01,2025-05-01\nB,C,0.6,2025-05-01,\n"
    assert [row["owner"] for row in owners(text, "--on", "2025-04-30")[2]] == ["A"]
    code, told, pairs = owners(text, "--on", "2025-05-01")
    assert ([row["owner"] for row in pairs], told["not_in_force"], told["over_100"]) == (["B"], 1, [])


def test_chinese_encodings_are_read(owners):
    assert len(owners(GROUP.encode("gb18030"))[2]) == 3


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(("text", "code", "line"), [
    ("owner,owned\nA,B\n", "JM-PAR-030", "share"),
    ("owner,owned,share\nA,B,0.1\n,B,0.2\n", "JM-PAR-031", "第 3 行"),
    ("owner,owned,share\nA,B,0.1\nA,C,25%\n", "JM-PAR-032", "第 3 行"),
    ("owner,owned,share\nA,B,四分之一\n", "JM-PAR-032", "第 2 行"),
    ("owner,owned,share\nA,B,0.1\nA,C,0.2\nA,D,-0.2\n", "JM-PAR-033", "第 4 行"),
    ("owner,owned,share\nA,B,25\n", "JM-PAR-033", "第 2 行"),
    ("owner,owned,share,to\nA,B,0.5,2020-2-9\n", "JM-PAR-034", "第 2 行"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(owners, text, code, line):
    exit_code, told, pairs = owners(text)
    assert (exit_code, told["code"], pairs) == (2, code, [])
    assert line in told["error"]


@pytest.mark.parametrize("threshold", ["0", "-0.1", "25%", "1.2", "nan", "x"])
def test_a_threshold_that_is_no_share_is_refused(owners, threshold):
    code, told, _ = owners(GROUP, "--threshold", threshold)
    assert (code, told["code"]) == (2, "JM-PAR-035")


def test_no_file_is_refused(tmp_path):
    from typer.testing import CliRunner

    from jinmai.cli import app

    given = ["owners", "--edges", str(tmp_path / "none.csv"), "--out", str(tmp_path / "o.csv"), "--json"]
    done = CliRunner().invoke(app, given)
    assert (done.exit_code, json.loads(done.stdout)["code"]) == (2, "JM-INT-007")


def test_no_home_and_no_django(tmp_path):
    """In a process of its own: nothing is created, Django is not set up."""
    (tmp_path / "e.csv").write_text(GROUP, "utf-8")
    code = (
        "import sys; sys.argv = ['jinmai', 'owners', '--edges', 'e.csv', '--out', 'o.csv', '--json']\n"
        "from jinmai.cli import main\n"
        "try: main()\n"
        "finally: from django.apps import apps; assert not apps.ready"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"e.csv", "o.csv"}


# ---------------------------------------------------------------- control


HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)


def heads(rows: list[tuple[str, str, str]], how: str) -> dict[str, set[str]]:
    """Company → who stands at its head, in one way."""
    found: dict[str, set[str]] = {}
    for one in controllers(edges_from(rows), HALF, QUARTER):
        if one.how == how:
            found.setdefault(one.company, set()).add(one.controller)
    return found


def test_a_chain_of_majorities_leads_to_its_head_however_thin_the_ownership():
    rows = [("P", "A", "0.51"), ("A", "B", "0.51"), ("B", "C", "0.51"), ("Q", "C", "0.49")]
    assert heads(rows, MAJORITY) == {"A": {"P"}, "B": {"P"}, "C": {"P"}}
    assert heads(rows, FINAL_HOLDER)["C"] == {"Q"}  # P's own part of C is 13 %
    chains = {one.company: one.chain for one in controllers(edges_from(rows), HALF, QUARTER) if one.how == MAJORITY}
    assert chains["C"] == ("P", "A", "B", "C")


def test_exactly_half_is_no_majority_and_exactly_a_quarter_is_a_final_holding():
    assert heads([("P", "A", "0.5")], MAJORITY) == {}
    assert heads([("P", "A", "0.25")], FINAL_HOLDER) == {"A": {"P"}}
    assert heads([("P", "A", "0.249")], FINAL_HOLDER) == {}


def test_controlled_companies_vote_with_their_head():
    rows = [("P", "A", "0.6"), ("P", "B", "0.6"), ("A", "C", "0.3"), ("B", "C", "0.3")]
    assert heads(rows, MAJORITY)["C"] == {"P"}
    assert "C" not in heads([*rows[1:], ("P", "A", "0.4")], MAJORITY)


def test_a_ring_is_nobodys_head_and_no_member_is_its_own():
    rows = [("A", "B", "1"), ("B", "A", "1"), ("S", "S", "0.9")]
    assert heads(rows, MAJORITY) == {} and heads(rows, FINAL_HOLDER) == {}


def test_whoever_may_be_held_is_no_final_holder():
    assert heads([("P", "A", ""), ("A", "B", "0.6")], FINAL_HOLDER) == {}


def test_the_rules_decide_and_must_be_in_force(owners, tmp_path):
    out = tmp_path / "heads.csv"
    _, told, _ = owners(GROUP, "--controllers", str(out))
    assert told["controllers"] == {FINAL_HOLDER: 2, MAJORITY: 2}
    assert "丙,甲,majority,0.6,甲→乙→丙" in out.read_text("utf-8")
    code, told, _ = owners(GROUP, "--controllers", str(out), "--on", "2020-01-01")
    assert code == 2 and told["code"].startswith("JM-RUL-")


# ---------------------------------------------------------------- BODS


KINDS = {"entity", "person", "relationship"}
ENTITY_TYPES = {
    "registeredEntity",
    "legalEntity",
    "arrangement",
    "anonymousEntity",
    "unknownEntity",
    "state",
    "stateBody",
}


def faults(document: list[dict[str, Any]]) -> list[str]:
    """What BODS 0.4 asks of a document and can be seen in the fixtures: the envelope, codes, references, shares."""
    found, records = [], {one.get("recordId"): one.get("recordType") for one in document}
    if len({one["statementId"] for one in document}) != len(document):
        found.append("statementId twice")
    for one in document:
        details, needed = one.get("recordDetails", {}), {"statementId", "declarationSubject", "statementDate"}
        needed |= {"publicationDetails", "recordId", "recordStatus", "recordType", "recordDetails"}
        found += [f"lacks {name}" for name in needed - set(one)]
        if not 32 <= len(one["statementId"]) <= 64:
            found.append("statementId length")
        if one.get("recordType") not in KINDS or details.get("isComponent") not in (True, False):
            found.append("kind")
        if (
            one["publicationDetails"].get("bodsVersion") != "0.4"
            or "name" not in one["publicationDetails"]["publisher"]
        ):
            found.append("publication")
        if records.get(one["declarationSubject"]) not in ("entity", "person"):
            found.append("declarationSubject")
        if one.get("recordType") == "entity" and details["entityType"]["type"] not in ENTITY_TYPES:
            found.append("entityType")
        if one.get("recordType") == "relationship":
            found += relationship_faults(details, records)
    return found


def relationship_faults(details: dict[str, Any], records: dict[str, str]) -> list[str]:
    party = details["interestedParty"]
    found = [] if records.get(details["subject"]) == "entity" else ["subject"]
    if not (isinstance(party, dict) and "reason" in party) and records.get(party) not in ("entity", "person"):
        found.append("interestedParty")
    for interest in details.get("interests", []):
        if not 0 <= interest.get("share", {}).get("exact", 0) <= 100 or not interest["type"]:
            found.append("share")
    return found


def document() -> list[dict[str, Any]]:
    rows = [("P", "A", "0.333333333333333"), ("A", "B", ""), ("A", "C", "0.6"), ("A", "C", "0.7"), ("B", "B", "0.1")]
    return list(statements(edges_from(rows), date(2026, 11, 22)))


def test_statements_are_what_the_standard_asks_for():
    told = document()
    assert faults(told) == []
    assert [one["recordType"] for one in told] == ["entity"] * 4 + ["relationship"] * 4
    shares = {
        (one["recordDetails"]["interestedParty"], one["recordDetails"]["subject"]):
            one["recordDetails"]["interests"][0].get("share") for one in told[4:]
    }  # fmt: skip
    assert shares[record_id("P"), record_id("A")] == {"exact": 33.3333333333333}
    assert shares[record_id("A"), record_id("B")] is None and shares[record_id("A"), record_id("C")] is None
    assert {one["statementDate"] for one in told} == {"2026-11-22"}


def test_control_a_broken_document_is_found():
    for spoil in (
        lambda told: told[0].pop("recordId"),
        lambda told: told[-1]["recordDetails"].update(subject="nobody"),
        lambda told: told[-1]["recordDetails"]["interests"][0]["share"].update(exact=120),
        lambda told: told[0]["recordDetails"]["entityType"].update(type="firm"),
        lambda told: told[1].update(statementId=told[0]["statementId"]),
    ):
        told = document()
        spoil(told)
        assert faults(told)


def test_ids_stay_the_same_and_a_changed_share_is_a_new_statement():
    assert document() == document()
    one, other = (list(statements(edges_from([("A", "B", share)]), date(2026, 1, 1))) for share in ("0.5", "0.6"))
    assert one[:2] == other[:2]
    assert one[2]["recordId"] == other[2]["recordId"] and one[2]["statementId"] != other[2]["statementId"]


def test_the_file_holds_them_all(owners, tmp_path):
    out = tmp_path / "bods.json"
    _, told, _ = owners(GROUP, "--bods", str(out))
    written = json.loads(out.read_text("utf-8"))
    assert told["statements"] == len(written) == 9 and faults(written) == []


@pytest.mark.data
def test_the_published_fixtures_pass_the_same_check_and_the_ring_is_told(data_dir):
    folder = data_dir / "ownership" / "bods_v04_fixtures" / "bods_fixtures" / "data"
    fixtures = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*/*.json"))}
    assert len(fixtures) == 3 and all(faults(fixture) == [] for fixture in fixtures.values())
    ring = next(fixture for name, fixture in fixtures.items() if "circular" in name)
    rows = [
        (one["recordDetails"]["interestedParty"], one["recordDetails"]["subject"],
         str(Fraction(one["recordDetails"]["interests"][0]["share"]["exact"], 100)))
        for one in ring if one["recordType"] == "relationship"
    ]  # fmt: skip
    from jinmai.desks.parties.ownership.integrated import integrated

    edges = edges_from(rows)
    assert integrated(edges, HALF).unsolved == (("rec-alpha-corp", "rec-beta-corp"),)
    assert controllers(edges, HALF, QUARTER) == []  # nobody in a ring is its beneficial owner


# ---------------------------------------------------------------- published tables


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def edge_text(rows: list[tuple[str, str, str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([("owner", "owned", "share"), *rows])
    return out.getvalue()


@pytest.mark.data
def test_listed_companies_top_ten_holders(owners, data_dir):
    """Percentages of one reporting day; the same row stands in several announcements."""
    rows = rows_of(data_dir / "ownership" / "cn_listed_top10_holders" / "top10_holders_2017.csv.gz")
    stated = {(one["holder_name"], one["ts_code"]): one["hold_ratio"] for one in rows if one["end_date"] == "20171231"}
    text = edge_text([(owner, code, str(Fraction(part) / 100 + 0.0)) for (owner, code), part in stated.items()])
    code, told, pairs = owners(text)
    assert code == 0 and told["edges"] == len(stated) > 1900
    assert (told["cycles"], told["self_loops"], told["missing_shares"], told["over_100"]) == (0, 0, 0, [])
    over = {pair for pair, part in stated.items() if Fraction(part) >= 25}
    assert {(row["owner"], row["owned"]) for row in pairs} == over and len(over) > 100


@pytest.mark.data
def test_shareholders_of_american_companies(owners, data_dir):
    """What ``weight`` is a share of is not written down; every sum is a whole or less."""
    rows = rows_of(data_dir / "ownership" / "us_shareholders" / "edges.csv.gz")
    code, told, pairs = owners(edge_text([(one["from"], one["to"], one["weight"]) for one in rows]))
    assert code == 0 and (told["edges"], told["cycles"], told["self_loops"]) == (7052, 0, 0)
    assert len(pairs) == sum(float(one["weight"]) >= 0.25 for one in rows)
    assert told["truncation_bound"] < 1e-11


@pytest.mark.data
def test_consolidation_without_shares_is_missing_not_guessed(owners, data_dir):
    """GLEIF says who consolidates whom, not how much is held."""
    rows = rows_of(data_dir / "ownership" / "gleif_sample" / "relationships.csv.gz")
    held = [
        (one["Relationship.EndNode.NodeID"], one["Relationship.StartNode.NodeID"], "") for one in rows
        if one["Relationship.RelationshipType"] == "IS_DIRECTLY_CONSOLIDATED_BY"
    ]  # fmt: skip
    code, told, pairs = owners(edge_text(held))
    assert code == 0 and pairs == []
    assert told["missing_shares"] == told["edges"] == len(held) == 190
