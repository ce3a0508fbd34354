"""The example city: the same for the same seed, true codes, believable sizes, invoices that import without a reject.

A small city is built once in a home of its own; the full one is a long test, because it takes minutes.
"""

from __future__ import annotations

import csv
import doctest
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jinmai.cli import app
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.home import create_home
from jinmai.foundation.kernel.ids import check_uscc
from jinmai.site.demo import firms as firms_module
from jinmai.site.demo import invoices as invoices_module
from jinmai.site.demo.firms import make_firms
from jinmai.site.demo.invoices import lines, write

TODAY = date(2026, 11, 22)
ROOT = Path(__file__).parents[4]
MOST_ACTIONS = 6000


@pytest.fixture(scope="module")
def made() -> list[firms_module.MadeFirm]:
    """The full city's firms."""
    return make_firms(City.named("example"), TODAY)


def test_the_same_seed_makes_the_same_firms(made):
    assert doctest.testmod(firms_module).failed == 0 and doctest.testmod(invoices_module).failed == 0
    assert made == make_firms(City.named("example"), TODAY)
    assert len({firm.name for firm in made}) == len({firm.uscc for firm in made}) == len(made)
    assert all(check_uscc(firm.uscc).valid and firm.uscc[2:4] == "99" for firm in made)


def test_six_hundred_firms_stand_where_the_city_says_in_the_trades_it_has(made):
    declared = City.named("example").read("firms.yaml")
    assert Counter(firm.district for firm in made) == declared["districts"] and len(made) == 600
    assert {firm.industry for firm in made} == {trade["code"] for trade in declared["trades"]}
    assert {firm.kind for firm in made} == {"legal_person", "individual_business", "cooperative", "family_farm"}
    by_code = {trade["code"]: trade["sales"] for trade in declared["trades"] if "kind" not in trade}
    for firm in made:
        low, high = by_code.get(firm.industry, (0, 1e9))
        assert firm.exact or firm.kind != "legal_person" or low <= firm.sales_wan <= high


def test_a_smaller_city_is_of_the_same_kind():
    small = make_firms(City.named("example"), TODAY, 0.1)
    assert 50 <= len(small) <= 75 and len({firm.district for firm in small}) == 7


def test_invoices_add_up_and_the_named_firm_sells_exactly_what_the_city_says(tmp_path, made):
    rows = []
    for delivery in write(made[:3], TODAY, tmp_path):
        with delivery.path.open(encoding="utf-8-sig") as handle:
            rows += list(csv.DictReader(handle)) if delivery.source == "invoices.output.uscc" else []
    assert all(Decimal(row["金额"]) + Decimal(row["税额"]) == Decimal(row["价税合计"]) for row in rows)
    own = [row for row in rows if row["统一社会信用代码"] == made[0].uscc and row["发票状态"] == "有效发票"]
    year = [Decimal(row["金额"]) for row in own if "2025-11-22" < row["开票日期"] <= "2026-11-22"]
    assert sum(year) == Decimal("5917000.00")
    assert min(row["开票日期"] for row in own) < "2024-12-31"


def test_a_season_shows_in_the_months(made):
    heating = [firm for firm in made if firm.industry == "4430" and not firm.trouble]
    by_month: Counter[int] = Counter()
    for firm in heating:
        for line in lines(firm, TODAY, sales=True):
            by_month[int(line[2][5:7])] += int(Decimal(line[4]))
    assert heating and sum(by_month[month] for month in (11, 12, 1, 2, 3)) > 10 * sum(by_month[m] for m in (5, 6, 7, 8, 9))


@pytest.mark.parametrize("profile", ["standard", "test"])
def test_erase_refuses_a_home_that_is_no_demo(tmp_path, profile):
    create_home(tmp_path / "home", profile)
    answer = CliRunner().invoke(app, ["demo", "--erase", "--home", str(tmp_path / "home"), "--json"])
    assert answer.exit_code == 2 and (tmp_path / "home" / "jinmai.toml").exists()


def test_erase_leaves_nothing_of_a_demo_behind(tmp_path):
    create_home(tmp_path / "home", "demo")
    answer = CliRunner().invoke(app, ["demo", "--erase", "--home", str(tmp_path / "home"), "--json"])
    assert answer.exit_code == 0 and not (tmp_path / "home").exists()


def test_erase_refuses_a_folder_of_other_files(tmp_path):
    (tmp_path / "photo.txt").write_text("x")
    answer = CliRunner().invoke(app, ["demo", "--erase", "--home", str(tmp_path), "--json"])
    assert answer.exit_code == 2 and (tmp_path / "photo.txt").exists()


class Built:
    """A city built by the command in a process of its own: what the command said, and the rows it left."""

    def __init__(self, home: Path, size: str) -> None:
        command = [sys.executable, "-c", "from jinmai.cli import main; main()", "demo", "--no-serve", "--json"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JINMAI_", "DJANGO_"))}
        run = subprocess.run(
            [*command, "--size", size, "--home", str(home)], capture_output=True, text=True, env=inherited, check=False
        )
        assert run.returncode == 0, run.stderr[-3000:]
        self.said: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
        self._rows = sqlite3.connect(home / "jinmai.sqlite3")

    def one(self, query: str) -> Any:
        """The first column of the first row."""
        return self._rows.execute(query).fetchone()[0]

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


@pytest.fixture(scope="module")
def small_city(tmp_path_factory) -> Iterator[Built]:
    """A small city, once for this module."""
    built = Built(tmp_path_factory.mktemp("small") / "home", "small")
    yield built
    built.close()


def test_a_small_city_is_built_by_the_command(small_city):
    said = small_city.said
    assert said["built"] and said["roles"] == 16 and said["actions"] <= MOST_ACTIONS
    assert small_city.one("select count(*) from parties_firm") == said["firms"]
    assert small_city.one("select count(*) from financing_need") >= said["needs"]
    assert small_city.one("select count(*) from kernel_consent where revoked_at is not null") > 0


@pytest.mark.long
def test_the_full_city_is_as_large_as_promised(tmp_path):
    city = Built(tmp_path / "home", "full")
    try:
        check_full(city)
    finally:
        city.close()


def check_full(city: Built) -> None:
    """What the example city promises, row by row."""
    assert city.said["actions"] <= MOST_ACTIONS and city.said["seconds"] > 0
    assert city.one("select count(*) from parties_firm") >= 595
    assert city.one("select count(*) from parties_institution i join kernel_organisation o on o.id=i.organisation_id "
                    "where o.parent_id is null") >= 35  # fmt: skip
    assert city.one("select count(*) from financing_product") == 28
    assert city.one("select count(distinct reason_id) from financing_decision where granted=0") == 20
    departments = "select count(distinct organisation_id) from kernel_membership m join kernel_organisation o "
    departments += "on o.id=m.organisation_id where o.kind in ('department', 'bureau')"
    assert city.one(departments) >= 19
    refused = "select count(distinct need_id) from financing_order where status='decided_refused'"
    sent = city.one("select count(*) from financing_need where submitted_at is not null")
    mended = refused + " and need_id in (select need_id from financing_order where status='disbursed')"
    assert 0.12 <= city.one(refused) / sent <= 0.3
    assert 0.2 <= city.one(mended) / city.one(refused) <= 0.5
    assert city.one("select count(distinct v.product_id) from financing_order o "
                    "join financing_productversion v on v.id=o.version_id") == 28  # fmt: skip
    check_troubles(city)
    days = city.one("select julianday(max(sent_at)) - julianday(min(sent_at)) from financing_order")
    assert days > 680
    for status in ("terms_declined", "declined", "withdrawn", "lost", "disbursed", "papers_requested", "sent"):
        assert city.one(f"select count(*) from financing_order where status='{status}'") > 0, status


def check_troubles(city: Built) -> None:
    """What went wrong in the city, so that every page of trouble has something to show."""
    counted = {
        "letters broken": "financing_renewalletter where status='broken'",
        "letters kept": "financing_renewalletter where status='kept'",
        "letters open": "financing_renewalletter where status='issued'",
        "evidence nobody gave": "financing_evidencerequest where status='asked'",
        "evidence given": "financing_evidencerequest where status='answered'",
        "not recommended": "financing_recommendation where recommended=0",
        "late tasks escalated": "kernel_task where escalated_at is not null and done_at is null",
        "posts lent": "kernel_membership where delegated_from_id is not null and active=1",
        "posts left": "kernel_membership where active=0",
        "tasks handed over": "kernel_notice where kind='tasks_handed_over'",
        "consents revoked": "kernel_consent where revoked_at is not null",
        "imports with rejects": "intake_receipt where rejected > 0",
        "batches withdrawn": "analytics_tombstone where merged=0",
        "papers": "kernel_attachment where detached_at is null",
        "refused deeds": "kernel_auditentry where outcome='refused'",
    }
    for what, rows in counted.items():
        assert city.one(f"select count(*) from {rows}") > 0, what


def test_the_small_city_has_every_trouble_but_a_kept_letter(small_city):
    assert small_city.said["letters_broken"] > 0 and small_city.said["handed_over"] > 0
    for table in ("financing_evidencerequest", "kernel_attachment", "kernel_notice", "financing_recommendation"):
        assert small_city.one(f"select count(*) from {table}") > 0, table


def test_nothing_happened_after_the_city_was_built(small_city):
    last = small_city.one("select max(happened_at) from kernel_auditentry")
    assert last[:19] <= small_city.one("select datetime('now')")[:19]
