"""``match`` and ``explain`` agree: one condition, read one by one and in columns, on synthetic and on real figures."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from jinmai.desks.financing import formulas
from jinmai.desks.financing.answers import FITS_ORDER, answer, read_figures
from jinmai.desks.financing.commands import explain_one
from jinmai.desks.financing.matching import firms_known, match_all, rank
from jinmai.desks.financing.models import Product, ProductVersion
from jinmai.desks.financing.vocabulary import condition_of, describe, fields_of
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import STATUTORY_DUTY
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.subjects.models import Identifier
from jinmai.foundation.rulebook import Column, Figure
from jinmai.foundation.rulebook.units import dimension

pytestmark = pytest.mark.django_db
DAY = date(2020, 2, 29)
LATER = date(2026, 11, 20)
IN_FORCE_THEN = ["p11", "p21", "p22", "p23", "p25"]


def versions(on):
    return list(ProductVersion.objects.in_force(on).order_by("product__code"))


def test_all_28_products_are_published_and_five_were_in_force_in_2020(db):
    assert Product.objects.count() == 28
    assert [version.product.code for version in versions(DAY)] == IN_FORCE_THEN
    assert len(versions(LATER)) == 28
    known = describe()
    for version in versions(LATER):
        for leaf in condition_of(version).leaves():
            assert dimension(known[leaf.measure].unit) == dimension(leaf.unit), (version, leaf)


def some_value(rng, leaf):
    kind = dimension(leaf.unit)
    if kind == "truth":
        return rng.choice([True, False])
    if kind == "word":
        listed = leaf.threshold if isinstance(leaf.threshold, tuple) else (leaf.threshold,)
        return rng.choice([*listed, "别的"])
    bounds = leaf.threshold if isinstance(leaf.threshold, tuple) else (leaf.threshold,)
    return rng.choice(bounds) + rng.choice([-1, 0, 1, -(10**6), 10**6])


@pytest.mark.parametrize("on", [DAY, LATER])
def test_columns_answer_as_explain_does_on_synthetic_figures(db, on):
    rng, chosen, measures = random.Random(7), versions(on), describe()
    leaves = {leaf.measure: leaf for version in chosen for leaf in condition_of(version).leaves()}
    firms = [f"T{number}" for number in range(200)]
    values = {
        name: [some_value(rng, leaf) if rng.random() < 0.7 else None for _firm in firms]
        for name, leaf in leaves.items()
    }
    columns = {name: Column.of(column, leaves[name].unit) for name, column in values.items()}
    matched = {(one.firm, one.product): one for one in rank(firms, chosen, columns, on)}
    assert len(matched) == len(firms) * len(chosen)
    for row, firm in enumerate(firms):
        figures = {name: Figure(column[row]) for name, column in values.items() if column[row] is not None}
        told = sorted((answer(version, figures, measures, on) for version in chosen), key=lambda one: one.order)
        for place, one in enumerate(told, start=1):
            match = matched[firm, one.version.product.code]
            assert (match.fits, match.score, match.rank) == (one.fits, one.score, place)


def test_nearest_first(db):
    assert sorted(FITS_ORDER, key=FITS_ORDER.get) == ["yes", "unknown", "no"]


def test_a_premium_is_no_loans_cost(db):
    """Of products that fit alike the insurance stands last, however low its premium; as a bank's loan it would be first."""
    chosen = versions(LATER)
    insurance = next(one for one in chosen if one.product.category == Product.Category.INSURANCE)
    loans = [one for one in chosen if one.product.category == Product.Category.BANK]
    insurance.rate_min_e9 = 1
    told = {one.product.code: answer(one, {}, describe(), LATER) for one in [insurance, *loans]}
    score = told[insurance.product.code].score
    assert score % formulas.COST_STEPS == 0
    assert all(one.score % formulas.COST_STEPS for code, one in told.items() if code != insurance.product.code)
    insurance.product.category = Product.Category.BANK
    assert answer(insurance, {}, describe(), LATER).score == score + formulas.COST_STEPS - 1


def test_a_product_not_in_force_is_no_answer(city):
    with pytest.raises(Refusal) as refused:
        explain_one("E9001", "p01", DAY, None)
    assert refused.value.code == "JM-FIN-007" and "当日未生效" in str(refused.value)
    with pytest.raises(NotFound):
        explain_one("E9001", "p99", DAY, None)
    with pytest.raises(NotFound):
        explain_one("E0", "p11", DAY, None)


def test_explain_says_every_clause(city):
    told = explain_one("E9001", "p22", LATER, None)
    assert told["fits"] in ("yes", "no", "unknown") and [clause["id"] for clause in told["clauses"]] == [
        "c1", "c2", "c3", "c4", "c5"
    ]  # fmt: skip
    keys = {"id", "measure", "figure", "op", "threshold", "unit", "gap", "answer", "who_can_know", "status", "citation"}
    assert all(keys <= set(clause) for clause in told["clauses"])
    assert told["clauses"][4]["state"] == "institution"
    assert json.dumps(told, ensure_ascii=False)


def test_match_writes_the_file_whole(city, home, tmp_path):
    from jinmai.cli import app

    out = tmp_path / "match.csv"
    run = CliRunner().invoke(
        app, ["match", "--on", str(LATER), "--top", "5", "--out", str(out), "--home", str(home.path), "--json"]
    )
    assert run.exit_code == 0, run.output
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "firm,product,fits,score,rank"
    assert len(lines) == 1 + 5 * len(firms_known())
    assert not list(tmp_path.glob("*.part"))


def test_every_pair_of_the_real_firms_agrees(home, data_dir):
    """All 425 firms × the five products in force on 2020-02-29."""
    from jinmai.foundation.intake.actions import GivenFile, import_files

    folder, platform = data_dir / "sme_invoices", Actor.platform()
    for source, direction in (("invoices.input", "input"), ("invoices.output", "output")):
        paths = [folder / f"f{number}_{direction}_invoices.csv.gz" for number in (1, 2)]
        import_files(platform, source, [GivenFile(path, path.name) for path in paths], lambda text: None)
    chosen, measures = versions(DAY), describe()
    matched = {(one.firm, one.product): one for one in match_all(DAY)}
    assert len(matched) == 425 * 5
    fields = fields_of(chosen)
    subjects = {
        one.value: one.subject for one in Identifier.objects.select_related("subject").filter(scheme="cumcm2020")
    }
    from jinmai.foundation import analytics

    reading = analytics.read(platform, STATUTORY_DUTY, list(subjects.values()), fields, DAY)
    disagree = []
    for code, subject in subjects.items():
        read = reading.rows[subject.pk]
        figures = {
            name: Figure(one.value, one.as_of, one.source) for name, one in read.items() if one.value is not None
        }
        told = sorted((answer(version, figures, measures, DAY) for version in chosen), key=lambda one: one.order)
        for place, one in enumerate(told, start=1):
            match = matched[code, one.version.product.code]
            if (match.fits, match.score, match.rank) != (one.fits, one.score, place):
                disagree.append((code, one.version.product.code))
    assert disagree == []
    for code in ("E1", "E124", "E425"):
        alone, manifest = read_figures(platform, subjects[code], STATUTORY_DUTY, fields, DAY)
        assert manifest.digest == reading.manifest.digest
        for product in IN_FORCE_THEN:
            assert explain_one(code, product, DAY, None)["fits"] == matched[code, product].fits
    with Clock.at(LATER + timedelta(days=1)):
        assert {one.fits for one in match_all(DAY, top=1)} <= set(FITS_ORDER)
