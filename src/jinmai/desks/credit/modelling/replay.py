"""A card in force over past records (回放): the rulebook's own points against what became of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jinmai.desks.credit.fitting import auc
from jinmai.desks.credit.modelling.labelled import Labelled, is_missing, stripped
from jinmai.desks.credit.modelling.scorecard import risk_of
from jinmai.desks.credit.modelling.scoring import points_of, read_card
from jinmai.desks.credit.modelling.validation import calibration, stability_words
from jinmai.desks.credit.modelling.writing import drift_from
from jinmai.foundation.intake.tables import read_table


def replayed(path: Path, data: Labelled, card_file: Path) -> dict[str, Any]:
    """What the card in a rule file says of the labelled rows of a table: AUC, calibration, drift, bands with outcomes.

    Rows the card can't grade are counted and left out of the figures. Refuses as ``read_card`` and ``points_of`` do.
    """
    rule, card = read_card(card_file)
    table = read_table(path)
    points, outside = points_of(table, card)
    points = points[~is_missing(stripped(table, data.target))]
    graded = ~np.isnan(points)
    some, bad = points[graded], data.bad[graded]
    both = 0 < int(bad.sum()) < len(bad)
    drift = drift_from(card.record, some)
    bands = []
    for place, band in enumerate(card.bands):
        above = card.bands[place - 1].at_least if place else np.inf
        last = place == len(card.bands) - 1
        here = (some < above) & (last | (some >= band.at_least))
        bands.append({"band": band.band, "label": band.label, "rows": int(here.sum()), "bad": int(bad[here].sum())})
    return {
        "id": rule.id,
        "in_force_from": str(rule.values[-1].since),
        "auc": round(auc(bad, -some), 4) if both else None,
        "graded": int(graded.sum()),
        "ungraded": int((~graded).sum()),
        "outside": outside,
        "calibration": calibration(bad, risk_of(some)) if both else None,
        "psi": None if drift is None else {"value": round(drift, 4), "words": stability_words(drift)},
        "bands": bands,
    }
