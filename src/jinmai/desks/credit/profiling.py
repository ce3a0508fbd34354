"""Every firm's figures and band on a day, with a digest that is the same whenever and in whatever order it is run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from jinmai.desks.credit.card import RULE
from jinmai.desks.credit.facts import invoice_measures
from jinmai.foundation import analytics
from jinmai.foundation.rulebook import NotInForce, Score, get, score


@dataclass(frozen=True)
class Profiled:
    """Grades by subject key, the bands from the best down, and what all of it rests on."""

    grades: dict[str, Score]
    bands: tuple[str, ...]
    manifest_id: str
    digest: str
    rule_digest: str | None


def profile_all(on: date, known: datetime | None = None) -> Profiled:
    """The invoice measures and reference band (内部参考分档) of every firm with facts by ``on``, known by ``known``.

    On a day before the card was in force the figures stand without bands. The digest goes over figures and points.
    """
    found = analytics.profile(on, known, invoice_measures())
    try:
        rule = get(RULE, on=on)
    except NotInForce:
        ungraded = Score(None, None, "", (), (), ())
        return Profiled(dict.fromkeys(found.rows, ungraded), (), _text(found), found.digest, None)
    grades = {key: score(rule.value, row) for key, row in found.rows.items()}
    digest = hashlib.sha256(f"{found.digest}|{rule.digest}\n".encode())
    for key, grade in sorted(grades.items()):
        digest.update(f"{key}|{grade.points}|{grade.band}\n".encode())
    bands = tuple(band.band for band in rule.value.bands)
    return Profiled(grades, bands, _text(found), digest.hexdigest(), rule.digest)


def _text(found: analytics.Profile) -> str:
    return found.manifest.digest
