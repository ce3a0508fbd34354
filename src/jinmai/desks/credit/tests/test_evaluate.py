"""The reference scorecard on real invoices: honest AUC, no rating, the same card again, the same profile again."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason='Fitting needs the extra "fit".')

from jinmai.desks.credit import fitting  # noqa: E402
from jinmai.desks.credit.facts import invoice_measures  # noqa: E402
from jinmai.desks.credit.tests.twin import invoices, twin  # noqa: E402

DAY = "2020-02-29"
SOURCES = {
    "firms": ["f1_enterprises_123.csv", "f2_enterprises_302.csv"],
    "invoices.input": ["f1_input_invoices.csv.gz", "f2_input_invoices.csv.gz"],
    "invoices.output": ["f1_output_invoices.csv.gz", "f2_output_invoices.csv.gz"],
}
RULE_FILE = Path(__file__).parents[1] / "rules" / "scorecard_invoices_2020.yaml"
COMPUTE = """
import json, sys
from datetime import date
from jinmai.foundation.kernel.home import boot
boot(sys.argv[1])
from jinmai.foundation import analytics
names = json.loads(sys.argv[2])
print(json.dumps(analytics.compute(names, date.fromisoformat(sys.argv[3]), keys=json.loads(sys.argv[4]))))
"""


def run(*arguments: str, code: int = 0, script: str = "from jinmai.cli import main; main()") -> Any:
    """A command in a process of its own; its one JSON line."""
    kept = {name: value for name, value in os.environ.items() if name not in ("JINMAI_HOME", "DJANGO_SETTINGS_MODULE")}
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, env=kept)  # noqa: S603
    assert done.returncode == code, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def real_home(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the four invoice files and both lists of firms."""
    home = tmp_path_factory.mktemp("real") / "home"
    for source, files in SOURCES.items():
        paths = [str(data_dir / "sme_invoices" / name) for name in files]
        run("import", "--source", source, *paths, "--home", str(home), "--json")
    return home


@pytest.fixture(scope="module")
def evaluated(real_home: Path) -> dict[str, Any]:
    """What `jinmai credit evaluate` says."""
    return run("credit", "evaluate", "--repeats", "8", "--home", str(real_home), "--json")


def test_auc_without_the_rating(evaluated: dict[str, Any]) -> None:
    assert (evaluated["firms"], evaluated["defaults"]) == (123, 27)
    assert evaluated["auc_mean"] >= 0.85
    assert evaluated["auc_sd"] < 0.05
    assert abs(evaluated["shuffled_auc"] - 0.5) <= 0.1
    assert "bank_rating" in evaluated["excluded"]
    assert not set(evaluated["features"]) & set(evaluated["excluded"])


def test_control_the_rating_would_have_been_the_answer(data_dir: Path) -> None:
    """With the rating let in the same procedure rings: the exclusion is what keeps the figure honest."""
    with (data_dir / "sme_invoices" / "f1_enterprises_123.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    bad = np.array([row["是否违约"] == "是" for row in rows])
    rating = np.array([float("DCBA".index(row["信誉评级"])) for row in rows])
    candidates = [fitting.Candidate("bank_rating", "higher", "")]
    leaked = fitting.cross_validate({"bank_rating": rating}, bad, candidates, folds=5, repeats=3, seed=1)
    assert leaked.mean() > 0.95


def test_control_a_dishonest_fit_finds_signal_in_shuffled_labels() -> None:
    """Selecting on all rows sees what isn't there; selecting inside the folds doesn't."""
    random = np.random.default_rng(5)
    bad = np.arange(120) < 27
    columns = {f"noise_{number}": random.normal(size=120) for number in range(60)}
    candidates = [fitting.Candidate(name, "higher", "") for name in columns]
    honest = fitting.cross_validate(columns, bad, candidates, folds=5, repeats=4, seed=3, shuffled=True)
    dishonest = fitting.auc(bad, -fitting.fit(columns, bad, candidates).log_odds(columns))
    assert abs(honest.mean() - 0.5) < 0.1
    assert dishonest > 0.75


def test_fit_gives_the_committed_card_again(real_home: Path, tmp_path: Path) -> None:
    out = tmp_path / "card.yaml"
    run("credit", "fit", "--out", str(out), "--home", str(real_home), "--json")
    assert _undated(out) == _undated(RULE_FILE)


def _undated(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("checked_on")]


def test_profile_is_the_same_again_and_after_further_batches(real_home: Path, tmp_path: Path) -> None:
    first = run("profile", "--on", DAY, "--home", str(real_home), "--json")
    assert (first["firms"], first["graded"]) == (425, 425)
    assert sum(first["bands"].values()) == 425
    moment = run(str(real_home), script=NOW)["now"]
    further = tmp_path / "further.csv"
    further.write_text(
        "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n"
        "E124,90000001,2020-02-20,B00001,100000.00,13000.00,113000.00,有效发票\n",
        encoding="utf-8",
    )
    run("import", "--source", "invoices.output", str(further), "--home", str(real_home), "--json")
    known = run("profile", "--on", DAY, "--known", moment, "--home", str(real_home), "--json")
    now = run("profile", "--on", DAY, "--home", str(real_home), "--json")
    assert (known["digest"], known["manifest"], known["bands"]) == (first["digest"], first["manifest"], first["bands"])
    assert now["digest"] != first["digest"]


NOW = """
import json, sys
from jinmai.foundation.kernel.clock import Clock
print(json.dumps({"now": Clock.true_now().isoformat()}))
"""


def test_missing_imports_are_named(tmp_path: Path) -> None:
    refused = run("credit", "evaluate", "--home", str(tmp_path / "empty"), "--json", code=2)
    assert refused["code"] == "JM-CRE-001"
    for source in SOURCES:
        assert source in refused["error"]


def test_measures_agree_with_a_plain_reading(real_home: Path, data_dir: Path) -> None:
    """Measures of some firms on two days against a reading of the files row by row, without any engine."""
    firms = ("E2", "E36", "E52", "E88", "E113", "E117", "E121", "E123")
    sold = invoices(data_dir, "f1_output_invoices.csv.gz", "购方单位代号", firms)
    bought = invoices(data_dir, "f1_input_invoices.csv.gz", "销方单位代号", firms)
    keys = [f"cumcm2020:{firm}" for firm in firms]
    for on in (date(2020, 2, 29), date(2019, 7, 15), date(2018, 12, 31)):
        expected = {f"cumcm2020:{firm}": twin(sold[firm], bought[firm], on) for firm in firms}
        names = sorted(expected[keys[0]])
        missing = set(invoice_measures()) - set(names)
        assert not missing, f"no twin computes {sorted(missing)}"
        found = run(str(real_home), json.dumps(names), on.isoformat(), json.dumps(keys), script=COMPUTE)
        for key in keys:
            assert found[key] == expected[key], (key, on)
