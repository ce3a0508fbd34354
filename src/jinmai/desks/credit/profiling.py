"""Every firm's figures and band on a day, with a digest that is the same whenever and in whatever order it is run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jinmai.desks.credit.card import RULE
from jinmai.desks.credit.facts import catalogue
from jinmai.foundation import analytics
from jinmai.foundation.rulebook import NotInForce, Score, get, score

UNGRADED = Score(None, None, "", (), (), ())


@dataclass(frozen=True)
class Profiled:
    """Figures and grades by subject key, the bands from the best down, and what all of it rests on."""

    rows: Mapping[str, Mapping[str, Any]]
    grades: dict[str, Score]
    bands: tuple[str, ...]
    manifest_id: str
    digest: str
    rule_digest: str | None


def profile_all(on: date, known: datetime | None = None) -> Profiled:
    """The catalogue's measures and reference band (内部参考分档) of every firm with facts by ``on``, known by ``known``.

    On a day before the card was in force the figures stand without bands, as do firms without one figure that the card
    looks at. The digest goes over figures and points.
    """
    found = analytics.profile(on, known, list(catalogue()))
    try:
        rule = get(RULE, on=on)
    except NotInForce:
        return Profiled(found.rows, dict.fromkeys(found.rows, UNGRADED), (), _text(found), found.digest, None)
    looked_at = rule.value.measures()
    grades = {
        key: score(rule.value, row) if any(row[name] is not None for name in looked_at) else UNGRADED
        for key, row in found.rows.items()
    }
    digest = hashlib.sha256(f"{found.digest}|{rule.digest}\n".encode())
    for key, grade in sorted(grades.items()):
        digest.update(f"{key}|{grade.points}|{grade.band}\n".encode())
    bands = tuple(band.band for band in rule.value.bands)
    return Profiled(found.rows, grades, bands, _text(found), digest.hexdigest(), rule.digest)


def _text(found: analytics.Profile) -> str:
    return found.manifest.digest
