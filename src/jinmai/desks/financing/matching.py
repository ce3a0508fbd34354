"""All firms against all products in force: the same answers as one by one, in columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from jinmai.desks.financing import formulas
from jinmai.desks.financing.answers import FITS_ORDER
from jinmai.desks.financing.models import ProductVersion
from jinmai.desks.financing.vocabulary import condition_of, describe, fields_of
from jinmai.foundation import analytics
from jinmai.foundation.kernel.subjects.models import Identifier, Subject
from jinmai.foundation.rulebook import Column, Condition, evaluate

FIRM_KINDS = (Subject.Kind.ENTERPRISE, Subject.Kind.INDIVIDUAL_BUSINESS, Subject.Kind.COOPERATIVE)
#: Which of a firm's codes a file shows first.
SCHEMES = ("uscc", "cumcm2020")
ANSWERS = {1: "yes", 0: "no", -1: "unknown"}


@dataclass(frozen=True)
class Match:
    """One firm and one product: whether it fits, its score, and its rank among that firm's products."""

    firm: str
    product: str
    fits: str
    score: int
    rank: int


@dataclass(frozen=True)
class Firm:
    """A firm's code as files show it, and every key its facts may go by."""

    code: str
    keys: tuple[str, ...]


def firms_known() -> list[Firm]:
    """Every firm that goes by a credit code or a code of the files, in order of code."""
    codes: dict[object, str] = {}
    keys: dict[object, list[str]] = defaultdict(list)
    identifiers = Identifier.objects.filter(subject__kind__in=FIRM_KINDS)
    for one in sorted(identifiers, key=lambda found: (found.scheme, found.value)):
        keys[one.subject_id].append(one.key)
    listed = [one for one in identifiers if one.scheme in SCHEMES]
    for one in sorted(listed, key=lambda found: (SCHEMES.index(found.scheme), found.value)):
        codes.setdefault(one.subject_id, one.value)
    return sorted((Firm(code, tuple(keys[subject])) for subject, code in codes.items()), key=lambda firm: firm.code)


def match_all(on: date, top: int | None = None, known: datetime | None = None) -> Iterator[Match]:
    """Every firm's products in force on a day, nearest first, the ``top`` ones of each (all when ``None``).

    Reads aggregates of the facts known by ``known``; what a product asks that no fact can answer is unknown, exactly as
    ``explain`` says of the same firm.
    """
    versions = list(ProductVersion.objects.in_force(on).order_by("product__code"))
    firms = firms_known()
    columns = _columns(versions, firms, on, known)
    yield from rank([firm.code for firm in firms], versions, columns, on, top)


def rank(
    firms: Sequence[str],
    versions: Sequence[ProductVersion],
    columns: Mapping[str, Column],
    on: date,
    top: int | None = None,
) -> Iterator[Match]:
    """The matches of given columns, one row a firm, in the firms' order and nearest first."""
    fits, scores = _answers(versions, columns, len(firms), on)
    for row, firm in enumerate(firms):
        order = sorted(
            range(len(versions)),
            key=lambda one, row=row: (
                FITS_ORDER[ANSWERS[int(fits[one][row])]], -int(scores[one][row]), versions[one].product.code
            ),
        )  # fmt: skip
        for place, one in enumerate(order[:top], start=1):
            code = versions[one].product.code
            yield Match(firm, code, ANSWERS[int(fits[one][row])], int(scores[one][row]), place)


def _answers(
    versions: Sequence[ProductVersion], columns: Mapping[str, Column], rows: int, on: date
) -> tuple[list[np.ndarray], list[list[int]]]:
    """Of each product the column of answers and the column of scores."""
    fits, scores = [], []
    for version in versions:
        condition = condition_of(version)
        fits.append(evaluate(condition, columns, on, rows=rows))
        clauses = [evaluate(Condition(leaf), columns, on, rows=rows) for leaf in condition.leaves()]
        met = sum((clause == 1).astype(np.int64) for clause in clauses)
        not_met = sum((clause == 0).astype(np.int64) for clause in clauses)
        score = [
            formulas.match_score(int(yes), int(no), len(clauses) - int(yes) - int(no), version.lowest_cost_e9)
            for yes, no in zip(met, not_met, strict=True)
        ]
        scores.append(score)
    return fits, scores


def _columns(
    versions: Iterable[ProductVersion], firms: Sequence[Firm], on: date, known: datetime | None
) -> dict[str, Column]:
    """The figures that clauses ask for, one column a measure."""
    fields = fields_of(versions)
    keys = sorted(key for firm in firms for key in firm.keys)
    if not fields or not keys:
        return {}
    tables = {analytics.get_measure(name).table for name in fields}
    found = analytics.compute(fields, on, analytics.manifest(on, known, tables=tables), keys)
    measures = describe()
    return {
        name: Column.of([_figure(found, firm.keys, name) for firm in firms], measures[name].unit) for name in fields
    }


def _figure(found: Mapping[str, Mapping[str, Any]], keys: Iterable[str], name: str) -> Any:
    """The figure under whichever of the firm's keys its facts go by, as the read door finds it."""
    known = [found[key][name] for key in keys if found[key][name] is not None]
    return next((value for value in known if value != 0), known[0] if known else None)
