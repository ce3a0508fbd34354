"""``jinmai model``: its one JSON line, its card as rules, its refusals; leaks ring, groups stay whole, chance stays chance."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from jinmai.desks.credit.modelling.labelled import Asked, labelled, read_labelled
from jinmai.desks.credit.modelling.scoring import points_of, read_card
from jinmai.desks.credit.modelling.validation import cross_validate, fold_places
from jinmai.foundation.intake.tables import read_table

ASKED = {"auc", "auc_sd", "folds", "repeats", "features", "excluded", "alarms", "shuffled_auc"}
ROWS = 400


@pytest.fixture
def model(capsys: pytest.CaptureFixture[str]):
    """Run a sub-command; exit code and its one JSON line."""

    def run(*options: Any) -> tuple[int, dict[str, Any]]:
        from typer.testing import CliRunner

        from jinmai.cli import app

        done = CliRunner().invoke(app, ["model", *(str(option) for option in options), "--json"])
        assert done.stdout.count("\n") == 1, done.output
        return done.exit_code, json.loads(done.stdout)

    return run


def firms(seed: int = 7) -> dict[str, list[str]]:
    """A table of our own: tax and age tell the outcome a little, a trade has a risk, gaps and a special value occur."""
    random = np.random.default_rng(seed)
    tax, age = random.normal(50, 20, ROWS), random.integers(1, 30, ROWS)
    trade = random.choice(["餐饮", "制造", "批发"], ROWS)
    danger = 0.8 - 0.03 * tax - 0.05 * age + 0.8 * (trade == "餐饮") + random.normal(0, 0.8, ROWS)
    bad = danger > np.quantile(danger, 0.75)
    written = [f"{value:.2f}" for value in tax]
    for row in random.choice(ROWS, 40, replace=False):
        written[row] = ""
    for row in random.choice(ROWS, 30, replace=False):
        written[row] = "-9999"
    return {
        "firm": [f"F{row // 2:05d}" for row in range(ROWS)],
        "tax": written,
        "age": [str(value) for value in age],
        "trade": trade.tolist(),
        "noise": [f"{value:.4f}" for value in random.normal(0, 1, ROWS)],
        "flag": ["是" if one else "否" for one in bad],
    }


def table(path: Path, columns: dict[str, list[str]]) -> Path:
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return table(tmp_path / "firms.csv", firms())


COMMON = ("--target", "flag", "--group", "firm", "--special", "-9999", "--repeats", "1")


# ---------------------------------------------------------------- what comes out


def test_a_fit_says_what_was_asked_and_scores_again_as_rules_data(model, data, tmp_path):
    out = tmp_path / "scorecard_firms.yaml"
    code, told = model("fit", "--data", data, *COMMON, "--on", "2026-03-01", "--period", "2025", "--out", out)
    assert code == 0 and set(told) >= ASKED
    assert told["auc"] > 0.7 and abs(told["shuffled_auc"] - 0.5) < 0.12
    assert {"tax", "age"} <= set(told["features"]) and told["group"] == "firm" and told["groups"] == ROWS // 2
    rule, card = read_card(out)
    assert rule.status == "example" and str(rule.values[-1].since) == "2026-03-01"
    assert card.record["data"] == {"file": "firms.csv", "digest": told["data_digest"], "period": "2025"}
    points, outside = points_of(read_table(data), card)
    again = _fitted(data).points(_read(data).columns)
    assert not outside and points.tolist() == again.tolist()
    tax = next(one for one in card.indicators if one.measure == "tax")
    assert tax.missing is not None and tax.special[0].members == (-9_999_000_000,)


def _read(data: Path):
    return read_labelled(data, Asked("flag", None, "firm", (), ("-9999",)))


def _fitted(data: Path):
    from jinmai.desks.credit.modelling.scorecard import fit_scorecard

    read = _read(data)
    return fit_scorecard(read.columns, read.bad)


def test_the_same_fit_gives_the_same_file(model, data, tmp_path):
    texts = []
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        out = tmp_path / place / "scorecard_firms.yaml"
        assert model("fit", "--data", data, *COMMON, "--alone", "--on", "2026-03-01", "--out", out)[0] == 0
        texts.append(out.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]


def test_a_card_in_force_is_judged_on_later_records(model, data, tmp_path):
    out = tmp_path / "scorecard_firms.yaml"
    model("fit", "--data", data, *COMMON, "--alone", "--out", out)
    later = table(tmp_path / "later.csv", firms(seed=8))
    code, told = model("evaluate", "--data", later, *COMMON, "--alone", "--card", out)
    champion = told["champion"]
    assert code == 0 and champion["id"] == "scorecard_firms" and champion["graded"] == ROWS
    assert champion["auc"] > 0.65 and champion["psi"]["words"] == "steady"
    assert sum(band["rows"] for band in champion["bands"]) == ROWS and len(champion["bands"]) == 6
    moved = firms(seed=8)
    moved["age"] = [str(int(value) + 25) for value in moved["age"]]
    code, told = model("evaluate", "--data", table(tmp_path / "moved.csv", moved), *COMMON, "--alone", "--card", out)
    assert told["champion"]["psi"]["words"] == "act"


def test_the_model_card_is_text_with_every_bin(model, data, tmp_path):
    out = tmp_path / "card.md"
    code, told = model("card", "--data", data, *COMMON, "--out", out)
    text = out.read_text(encoding="utf-8")
    assert code == 0 and told["file"] == str(out)
    for words in (
        "模型卡",
        "检验",
        "泄漏警报",
        "特殊值 -9999",
        "餐饮",
        "内部参考分档",
        f"{told['auc']:.4f}",
        told["data_digest"],
    ):
        assert words in text
    code, told = model("card", "--data", data, *COMMON, "--kind", "challenger", "--alone")
    assert code == 0 and "挑战模型" in told["card"]


def test_both_kinds_are_compared_on_the_same_folds(model, data):
    _, card = model("evaluate", "--data", data, *COMMON)
    _, challenger = model("evaluate", "--data", data, *COMMON, "--kind", "challenger")
    assert card["beside"]["auc"] == challenger["auc"] and challenger["beside"]["auc"] == card["auc"]
    assert card["gap"] == challenger["gap"] == pytest.approx(challenger["auc"] - card["auc"], abs=1.1e-4)


def test_a_direction_that_is_said_is_kept(model, data, tmp_path):
    said = tmp_path / "directions.yaml"
    said.write_text("age: {safer: higher, label: 经营年限, reason: 经营年限较短}\n", encoding="utf-8")
    out = tmp_path / "scorecard_firms.yaml"
    model("fit", "--data", data, *COMMON, "--alone", "--directions", said, "--out", out)
    age = next(one for one in read_card(out)[1].indicators if one.measure == "age")
    points = [one.points for one in age.bins]
    assert age.label == "经营年限" and points == sorted(points) and age.bins[0].reason == "经营年限较短"
    feature = next(
        one
        for one in yaml.safe_load(out.read_text("utf-8"))["values"][0]["value"]["record"]["features"]
        if one["name"] == "age"
    )
    assert feature["learned"] is False


# ---------------------------------------------------------------- honest figures


def test_groups_are_never_split(data):
    read = _read(data)
    assert read.groups is not None
    for seed in range(5):
        places = fold_places(read.bad, read.groups, 5, np.random.default_rng(seed))
        assert all(len(set(places[read.groups == group])) == 1 for group in range(int(read.groups.max()) + 1))
    free = fold_places(read.bad, None, 5, np.random.default_rng(0))  # the control: without groups they are
    assert any(len(set(free[read.groups == group])) > 1 for group in range(int(read.groups.max()) + 1))


def test_a_category_that_remembers_rows_stays_at_chance():
    """Everything that looks at the label is fitted inside the folds; the control fits it outside and sees a lot."""
    from jinmai.desks.credit.modelling.binning import bin_column
    from jinmai.desks.credit.modelling.labelled import Column
    from jinmai.desks.credit.modelling.scorecard import fit_scorecard

    random = np.random.default_rng(3)
    bad = random.random(1200) < 0.3
    names = [f"L{place:02d}" for place in random.integers(0, 50, 1200)]
    content = {"level": names, "flag": ["1" if one else "0" for one in bad]}

    class Given:
        names, rows = tuple(content), 1200

        def text(self, name: str) -> Any:
            return np.array(content[name], dtype=object)

        def numbers(self, name: str) -> Any:
            return np.array([float(cell) if cell in "01" else np.nan for cell in content[name]])

    read = labelled(Given(), Asked("flag"))
    honest = cross_validate(read, fit_scorecard, folds=5, repeats=2, seed=1)
    whole = bin_column(read.columns["level"], read.bad)
    assert whole is not None
    seen = Column("level", whole.weigh(read.columns["level"]), np.full(1200, -1))
    from dataclasses import replace

    leaking = cross_validate(replace(read, columns={"level": seen}), fit_scorecard, folds=5, repeats=2, seed=1)
    assert abs(honest.auc - 0.5) < 0.05 and leaking.auc > 0.57


@pytest.mark.parametrize(
    ("name", "leak", "kind"),
    [
        ("charge", lambda bad, random: [str(int(one) * 100 + int(random.integers(0, 3))) for one in bad], "too_strong"),
        ("closed_on", lambda bad, random: ["2025" if one else "" for one in bad], "missing_tells"),
        ("state", lambda bad, random: ["已核销" if one and random.random() < 0.4 else "在贷" for one in bad], "one_outcome"),
        ("term", lambda bad, random: [str(random.integers(10, 90) if one else 12 * random.integers(1, 30)) for one in bad], "granularity"),
    ],
)  # fmt: skip
def test_a_leak_rings_and_the_honest_columns_do_not(model, tmp_path, name, leak, kind):
    columns = firms()
    random = np.random.default_rng(5)
    columns[name] = leak([one == "是" for one in columns["flag"]], random)
    code, told = model("evaluate", "--data", table(tmp_path / "leak.csv", columns), *COMMON, "--alone")
    rang = {(one["column"], one["kind"]) for one in told["alarms"] if one["severity"] == "alarm"}
    assert code == 0 and (name, kind) in rang and {column for column, _ in rang} == {name}
    assert told["auc_without_alarmed"] is not None
    code, told = model("evaluate", "--data", tmp_path / "leak.csv", *COMMON, "--alone", "--exclude", name)
    assert not [one for one in told["alarms"] if one["severity"] == "alarm"] and name in told["excluded"]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--target", "nothing"), "JM-CRE-020"),
        (("--target", "flag", "--exclude", "nothing"), "JM-CRE-020"),
        (("--target", "flag", "--positive", "也许"), "JM-CRE-021"),
        (("--target", "trade"), "JM-CRE-021"),
        (("--target", "flag", "--folds", "50", "--group", "trade"), "JM-CRE-023"),
        (("--target", "flag", "--kind", "oracle"), "JM-CRE-030"),
        (("--target", "flag", "--out", "评分卡.yaml"), "JM-CRE-028"),
    ],
)
def test_refusals_name_what_to_do(model, data, options, code):
    done, told = model("fit", "--data", data, *options)
    assert done == 2 and told["code"] == code and "。" in told["error"]


def test_one_class_and_an_empty_column_are_refused(model, tmp_path):
    columns = firms()
    columns["flag"] = ["是"] * ROWS
    assert model("fit", "--data", table(tmp_path / "one.csv", columns), "--target", "flag")[1]["code"] == "JM-CRE-022"
    columns = firms() | {"empty": [""] * ROWS}
    assert model("fit", "--data", table(tmp_path / "empty.csv", columns), "--target", "flag")[1]["code"] == "JM-CRE-024"


def test_what_is_no_card_is_refused(model, data, tmp_path):
    wrong = tmp_path / "card.yaml"
    wrong.write_text("id: card\n", encoding="utf-8")
    assert model("evaluate", "--data", data, *COMMON, "--alone", "--card", wrong)[1]["code"] == "JM-CRE-026"
    absent = tmp_path / "absent.yaml"
    assert model("evaluate", "--data", data, *COMMON, "--alone", "--card", absent)[1]["code"] == "JM-CRE-026"


# ---------------------------------------------------------------- published tables


def canary(folder: Path, out: Path) -> Path:
    """The canary's four tables as one: a row a firm, its reports by year beside each other."""

    def rows(name: str) -> list[dict[str, str]]:
        with gzip.open(folder / f"FinalTest_{name}_test_sum.csv.gz", "rt", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))

    firms = {row["ID"]: dict(row) for row in rows("base")}
    for row in rows("knowledge"):
        firms[row["ID"]] |= row
    for name in ("money_report", "year_report"):
        for row in rows(name):
            year = row.pop("year").partition(".")[0]
            firms[row["ID"]] |= {f"{key}_{year}": value for key, value in row.items() if key != "ID"}
    columns = list(dict.fromkeys(key for row in firms.values() for key in row))
    return table(out, {key: [row.get(key, "") for row in firms.values()] for key in columns})


@pytest.mark.data
def test_the_alarm_rings_on_the_canary_and_on_term(model, data_dir, tmp_path):
    credit = data_dir / "credit"
    whole = canary(credit / "leak_canary", tmp_path / "canary.csv")
    _, told = model("evaluate", "--data", whole, "--target", "flag", "--repeats", "1", "--alone")
    assert told["auc"] == 1.0 and [one for one in told["alarms"] if one["severity"] == "alarm"]
    assert told["auc_without_alarmed"] < 0.55  # what is left of the wonder
    _, told = model(
        "evaluate", "--data", credit / "SBAcase.11.13.17.csv.gz", "--target", "Default", "--repeats", "1", "--alone"
    )
    rang = {one["column"] for one in told["alarms"] if one["severity"] == "alarm"}
    assert "Term" in rang and {"ChgOffDate", "ChgOffPrinGr", "MIS_Status"} <= rang | set(told["set_aside"])


@pytest.mark.data
def test_german_credit_reaches_its_goal(model, data_dir):
    code, told = model(
        "evaluate", "--data", data_dir / "credit" / "germancredit.csv.gz", "--target", "creditability",
        "--repeats", "1", "--alone",
    )  # fmt: skip
    assert code == 0 and told["auc"] >= 0.78 and not told["alarms"]


@pytest.mark.long
@pytest.mark.data
def test_polish_and_sba_reach_their_goals(model, data_dir):
    credit = data_dir / "credit"
    _, told = model("evaluate", "--data", credit / "polish_1year.arff.gz", "--target", "class", "--kind", "challenger")
    assert told["auc"] >= 0.95 and told["gap"] <= 0.07 and abs(told["shuffled_auc"] - 0.5) < 0.05
    leaking = ["Term", "ChgOff*", "daysterm", "BalanceGross", "MIS_Status", "xx", "Selected"]
    excluded = [part for name in leaking for part in ("--exclude", name)]
    _, told = model("evaluate", "--data", credit / "SBAcase.11.13.17.csv.gz", "--target", "Default", *excluded)
    assert told["auc"] >= 0.72 and not [one for one in told["alarms"] if one["severity"] == "alarm"]
