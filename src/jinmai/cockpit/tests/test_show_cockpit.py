"""Every figure of the cockpit opens exactly the rows it counts, within the districts that are the reader's."""

from __future__ import annotations

import doctest
import re

import pytest

from jinmai.cockpit import counting, formulas
from jinmai.cockpit.counting import Scope
from jinmai.cockpit.drilldown import rows_behind
from jinmai.cockpit.panels import panels
from jinmai.foundation import analytics

TOTALS = {"needs_amount": "amount_fen", "granted_amount": "granted_fen", "disbursed_amount": "disbursed_fen"}
FIRMS = ("first_time_verified", "first_time_inferred")


def counted(measure, rows):
    if measure in TOTALS:
        return sum(row[TOTALS[measure]] for row in rows)
    if measure in FIRMS:
        return len({row["subject_key"] for row in rows})
    if measure == "days_papers_to_decision":
        days = [row["days_from_papers"] for row in rows]
        return (2 * sum(days) + len(days)) // (2 * len(days)) if days else None
    return len(rows)


def test_formulas_hold_in_the_head():
    assert doctest.testmod(formulas).failed == 0


@pytest.mark.parametrize("measure", panels()["table"])
def test_each_figure_is_its_rows_by_district_and_month(told, actor, measure):
    chief = actor("linqiushi")
    scope = Scope.asked(chief, {"period": "all"})
    made = analytics.get_measure(measure)
    assert scope.count(measure) == counted(measure, rows_behind(chief, made, scope.filters, scope.on))
    cells = analytics.cube(measure, by=["district", "month"], filters=scope.filters, on=scope.on)
    assert len(cells) > 5
    for cell in cells[::7]:
        where = {"district": cell["district"], "month": cell["month"]}
        assert cell["value"] == counted(measure, rows_behind(chief, made, where, scope.on))


def test_a_row_too_many_would_show(told, actor):
    chief = actor("linqiushi")
    scope = Scope.asked(chief, {"period": "all"})
    rows = rows_behind(chief, analytics.get_measure("needs_count"), scope.filters, scope.on)
    assert scope.count("needs_count") != counted("needs_count", rows[1:])


def test_the_page_shows_the_figures_and_each_opens_its_rows(told, client_as):
    client = client_as("zhouqiming")
    answer = client.get("/cockpit/?period=all")
    page = answer.content.decode()
    assert answer.status_code == 200 and "驾驶舱" in page and "120" in page
    links = set(re.findall(r'href="(/cockpit/rows/\?[^"]+)"', page.replace("&amp;", "&")))
    assert len(links) >= 7
    for link in sorted(links):
        rows = client.get(link)
        assert rows.status_code == 200 and "口径" in rows.content.decode()
    needs = client.get("/cockpit/rows/?measure=needs_count&period=all").content.decode()
    assert "融资需求 · 120 笔" in needs


def test_each_step_of_the_funnel_opens_rows_headed_by_the_firms_it_counts(told, client_as, actor):
    scope = counting.Scope.asked(actor("guqinghe"), {"period": "all"})
    steps = counting.funnel(scope)
    assert len({step["value"] for step in steps}) > 1
    for step in steps:
        page = client_as("guqinghe").get(step["url"]).content.decode()
        assert f"{step['value']} 户" in re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[1]
    assert scope.count("needs_count") != steps[0]["value"]
    assert f"共 {scope.count('needs_count')} 笔" in client_as("guqinghe").get(steps[0]["url"]).content.decode()


def test_the_reasons_add_up_to_the_refusals_and_the_tiles_to_the_loans(told, actor):
    scope = counting.Scope.asked(actor("guqinghe"), {"period": "all"})
    refused = sum(bar["value"] for bar in counting.reasons(scope))
    assert refused == counting.refusals(scope)["value"] > 0
    assert sum(scope.count_by("loans_count", "district").values()) == scope.count("loans_count") > 0


def test_a_district_sees_itself_only(told, client_as):
    client = client_as("shenyihe")
    assert "40" in client.get("/cockpit/rows/?measure=needs_count&period=all").content.decode()
    assert client.get("/cockpit/?district=xiling").status_code == 404
    assert client.get("/cockpit/rows/?measure=needs_count&district=xiling").status_code == 404
    table = client.get("/cockpit/table/?measure=needs_count").content.decode()
    assert "东汀区" in table and "西岭区" not in table


def test_rows_that_were_opened_stand_in_the_firms_books(told, client_as):
    from jinmai.foundation.kernel.consent.models import AccessRecord

    before = AccessRecord.objects.count()
    client_as("linqiushi").get("/cockpit/rows/?measure=loans_count&period=all")
    booked = AccessRecord.objects.order_by("-id")[: AccessRecord.objects.count() - before]
    assert booked and {record.basis for record in booked} == {"statutory"}


def test_an_institution_has_no_cockpit(told, client_as):
    assert client_as("heying").get("/cockpit/").status_code == 403


@pytest.mark.parametrize("address", ["/cockpit/rows/?measure=nothing", "/cockpit/?period=week"])
def test_what_nobody_declared_is_not_there(told, client_as, address):
    assert client_as("linqiushi").get(address).status_code == 404


def test_the_api_gives_the_same_figures(told, client_as):
    client = client_as("linqiushi")
    figures = {one["measure"]: one for one in client.get("/api/v1/cockpit/figures/?period=all").json()}
    assert figures["needs_count"]["value"] == 120
    rows = client.get("/api/v1/cockpit/figures/needs_count/rows/?period=all").json()
    assert len(rows) == 120
