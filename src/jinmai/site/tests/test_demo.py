"""The example city: the same firms for the same seed, true check characters, invoices that import without a reject."""

from __future__ import annotations

import csv
import doctest
from datetime import date
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from jinmai.cli import app
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.home import create_home
from jinmai.foundation.kernel.ids import check_uscc
from jinmai.site.demo import firms as firms_module
from jinmai.site.demo.firms import make_firms
from jinmai.site.demo.invoices import write

TODAY = date(2026, 11, 22)


def test_the_same_seed_makes_the_same_firms():
    assert doctest.testmod(firms_module).failed == 0
    made = make_firms(City.named("example"), TODAY)
    assert made == make_firms(City.named("example"), TODAY)
    assert len(made) >= 60 and len({firm.name for firm in made}) == len(made)
    assert all(check_uscc(firm.uscc).valid and firm.uscc[2:4] == "99" for firm in made)


def test_invoices_add_up_and_the_named_firm_sells_exactly_what_the_city_says(tmp_path):
    made = make_firms(City.named("example"), TODAY)[:3]
    with write(made, TODAY, tmp_path)["invoices.output.uscc"].open(encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    assert all(Decimal(row["金额"]) + Decimal(row["税额"]) == Decimal(row["价税合计"]) for row in rows)
    own = [
        Decimal(row["金额"])
        for row in rows
        if row["统一社会信用代码"] == made[0].uscc
        and row["发票状态"] == "有效发票"
        and date(2025, 11, 22) < date.fromisoformat(row["开票日期"]) <= TODAY
    ]
    assert sum(own) == Decimal("5917000.00")


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
