"""The four real invoice files: counts known beforehand, any order, the same figures again and later."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jinmai.foundation import analytics
from jinmai.foundation.intake.actions import GivenFile, import_files, withdraw_import
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock

pytestmark = pytest.mark.django_db
ON = date(2020, 2, 29)


def bring(source: str, folder: Path, *names: str) -> list[Any]:
    given = [GivenFile(folder / name, name) for name in names]
    outcome = import_files(Actor.platform(), source, given)
    assert not outcome.refused
    return outcome.receipts


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A few measures over the invoices, gone after the test."""
    from jinmai.foundation.analytics import declared

    monkeypatch.setattr(declared, "_measures", dict(declared._measures))
    sold = {
        "t_net_sales": ("invoices", lambda t, on: t.net_fen.sum(where=t.valid & (t.direction == "output"))),
        "t_void_ratio": ("invoices", lambda t, on: analytics.ratio((~t.valid).sum(), t.count())),
        "t_partners": ("invoices", lambda t, on: t.partner.nunique()),
        "t_top_partner": ("invoices_by_partner", lambda t, on: analytics.ratio(t.net_fen.max(), t.net_fen.sum())),
    }
    for name, (table, expression) in sold.items():
        analytics.measure(name=name, label=name, unit="", definition=name, table=table, expression=expression)
    return tuple(sold)


def test_counts_order_and_figures(home: Any, data_dir: Path, measures: tuple[str, ...], say: Any) -> None:
    folder = data_dir / "sme_invoices"
    receipts = [
        *bring("invoices.input", folder, "f1_input_invoices.csv.gz", "f2_input_invoices.csv.gz"),
        *bring("invoices.output", folder, "f1_output_invoices.csv.gz", "f2_output_invoices.csv.gz"),
    ]
    totals = {
        name: sum(getattr(one, name) for one in receipts) for name in ("rows", "accepted", "rejected", "duplicates")
    }
    assert totals == {"rows": 1_099_441, "accepted": 1_087_771, "rejected": 5, "duplicates": 11_665}
    say(totals | {"seconds": sum(one.seconds for one in receipts)})

    first = analytics.profile(ON, names=measures)
    assert first.firms == 425
    one = analytics.compute(measures, ON, keys=["cumcm2020:E124"])
    assert one["cumcm2020:E124"] == first.rows["cumcm2020:E124"]
    known = Clock.now()

    for again in ("f2_output_invoices.csv.gz", "f1_output_invoices.csv.gz"):
        (receipt,) = bring("invoices.output", folder, again)
        assert receipt.accepted == 0
    assert analytics.profile(ON, names=measures).digest == first.digest

    withdraw_import(Actor.platform(), receipts[0], reason="核对")
    later = analytics.profile(ON, names=measures)
    assert later.digest != first.digest  # the control: other facts, another digest
    earlier = analytics.profile(ON, known, names=measures)
    assert (earlier.digest, earlier.manifest.digest) == (first.digest, first.manifest.digest)

    (back,) = bring("invoices.input", folder, "f1_input_invoices.csv.gz")
    assert back.accepted == receipts[0].accepted
    anew = analytics.profile(ON, names=measures)
    assert (anew.digest, anew.manifest.digest) == (first.digest, first.manifest.digest)


def test_firms_and_rates(home: Any, data_dir: Path) -> None:
    folder = data_dir / "sme_invoices"
    receipts = bring("firms", folder, "f1_enterprises_123.csv", "f2_enterprises_302.csv")
    assert [receipt.accepted for receipt in receipts] == [123, 302]
    (rates,) = bring("rate_churn", folder, "附件3_银行贷款年利率与客户流失率.xlsx")
    assert (rates.rows, rates.accepted) == (29, 29)
