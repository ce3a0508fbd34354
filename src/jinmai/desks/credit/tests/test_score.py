"""The committed card: monotone points, hand-computed scores, bands, and what it never looks at."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from jinmai.desks.credit.card import RULE
from jinmai.desks.credit.facts import catalogue, dimensions, invoice_measures, of_dimension
from jinmai.desks.credit.groups import all_fields
from jinmai.desks.credit.sample import DECLARED, brief
from jinmai.foundation import analytics
from jinmai.foundation.rulebook import NotInForce, get, score

DAY = date(2020, 2, 29)


@pytest.fixture(scope="module")
def card():
    """The card in force on the fitted day."""
    return get(RULE, on=DAY)


def test_the_catalogue_has_sixty_three_measures_in_five_dimensions_each_with_all_that_is_asked():
    assert len(catalogue()) >= 63
    assert len(dimensions()) == 5
    assert all(len(of_dimension(slug)) >= 4 for slug in dimensions())
    for row in catalogue().values():
        assert row.label and row.unit and row.definition and row.source and row.months >= 0
        declared = analytics.get_measure(row.name)
        assert (declared.dimension, declared.min_months) == (row.dimension, row.months)
        assert declared.who_can_know in ("platform", "firm", "institution")
    assert len({row.label for row in catalogue().values()}) == len(catalogue())


def test_every_invoice_measure_can_be_consented_to_and_the_sample_label_cannot():
    assert set(invoice_measures()) <= set(all_fields())
    assert "sample_default" not in all_fields()
    assert set(brief().excluded).isdisjoint(all_fields())


def test_card_is_an_example_and_six_bands_stand_from_the_best_down(card):
    assert card.status == "example"
    assert [band.band for band in card.value.bands] == ["A1", "A2", "B1", "B2", "C1", "C2"]
    with pytest.raises(NotInForce):
        get(RULE, on=date(2020, 2, 28))


def test_points_are_monotone_the_sensible_way(card):
    safer = {candidate.measure: candidate.safer for candidate in brief().candidates}
    for indicator in card.value.indicators:
        points = [one.points for one in indicator.bins]
        assert points == sorted(points, reverse=safer[indicator.measure] == "lower"), indicator.measure
        assert all(one.reason for one in indicator.bins if one.points < max(points))
        assert min(points) <= indicator.missing.points <= max(points)


def test_score_is_the_sum_by_hand(card):
    """Read the file's own bins with a plain loop."""
    written = yaml.safe_load((DECLARED.parent / "rules" / f"{RULE}.yaml").read_text(encoding="utf-8"))
    value = written["values"][0]["value"]
    scale = {"万元": 1_000_000, "%": 10_000_000}
    for step in (0, 1, 7, 40, 400, 4000):
        figures, by_hand = {}, value["base_points"]
        for row in value["indicators"]:
            figures[row["measure"]] = step * scale.get(row["unit"], 1)
            fitting = [one for one in row["bins"] if one["below"] is None or step < float(one["below"])]
            by_hand += fitting[0]["points"]
        assert score(card.value, figures).points == by_hand
    nothing = score(card.value, {})
    assert nothing.points == value["base_points"] + sum(row["missing"]["points"] for row in value["indicators"])


def test_rating_and_label_are_never_looked_at(card):
    assert not set(card.value.measures()) & {"bank_rating", "sample_default"}
    assert "bank_rating" in brief().excluded
