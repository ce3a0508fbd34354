"""One firm against products: every clause in one of four states, with figure, threshold, gap and who could supply it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from jinmai.desks.financing import formulas
from jinmai.desks.financing.models import Need, ProductVersion
from jinmai.desks.financing.vocabulary import condition_of, describe, fields_of
from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import OWN_RECORD
from jinmai.foundation.kernel.subjects.models import Subject
from jinmai.foundation.rulebook import ClauseAnswer, Explanation, Figure, MeasureInfo, explain

#: Nearest first: what can be sent now, what lacks only a figure, what fails.
FITS_ORDER = {"yes": 0, "unknown": 1, "no": 2}
DECLARED_SOURCE = "本企业填报"


@dataclass(frozen=True)
class ProductAnswer:
    """How one product answers one firm on one day (应答)."""

    version: ProductVersion
    explanation: Explanation
    score: int

    @property
    def fits(self) -> str:
        """yes, no or unknown."""
        return self.explanation.answer

    @property
    def clauses(self) -> tuple[ClauseAnswer, ...]:
        """The clauses in the product's order."""
        return self.explanation.clauses

    @property
    def counts(self) -> dict[str, int]:
        """How many clauses are in each of the four states."""
        counted = Counter(clause.state for clause in self.clauses)
        return {state: counted.get(state, 0) for state in ("met", "not_met", "missing", "institution")}

    @property
    def standing(self) -> str:
        """What a firm can do about it: ``ready`` send it, ``supply`` figures first, ``near`` one clause short, ``far``."""
        counts = self.counts
        if counts["not_met"] == 0:
            return "supply" if counts["missing"] else "ready"
        return "near" if counts["not_met"] == 1 else "far"

    @property
    def order(self) -> tuple[int, int, str]:
        """Sorts nearest first."""
        return (FITS_ORDER[self.fits], -self.score, self.version.product.code)


@dataclass(frozen=True)
class Answers:
    """All products' answers to one firm, nearest first, and the facts they rest on."""

    on: date
    products: tuple[ProductAnswer, ...]
    figures: Mapping[str, Figure]
    measures: Mapping[str, MeasureInfo]
    manifest: Any

    def for_version(self, version: ProductVersion) -> ProductAnswer:
        """The answer of one product."""
        return next(answer for answer in self.products if answer.version.pk == version.pk)


def answer(
    version: ProductVersion, figures: Mapping[str, Figure], measures: Mapping[str, MeasureInfo], on: date
) -> ProductAnswer:
    """One product's answer to given figures."""
    told = explain(condition_of(version), figures, measures, on, status=version.product.status)
    counts = Counter(clause.answer for clause in told.clauses)
    score = formulas.match_score(counts["yes"], counts["no"], counts["unknown"], version.lowest_cost_e9)
    return ProductAnswer(version, told, score)


def read_figures(
    actor: Actor,
    subject: Subject,
    purpose: str,
    fields: Iterable[str],
    on: date,
    known: datetime | None = None,
) -> tuple[dict[str, Figure], Any]:
    """The firm's figures through the one read door, and the manifest they came from."""
    names = sorted(fields)
    if not names:
        return {}, None
    reading = analytics.read(actor, purpose, [subject], names, on, known=known)
    return _as_figures(reading.rows, subject.pk), reading.manifest


def _as_figures(rows: Mapping[UUID, Mapping[str, Any]], subject_id: UUID) -> dict[str, Figure]:
    found = rows.get(subject_id, {})
    return {name: Figure(one.value, one.as_of, one.source) for name, one in found.items() if one.value is not None}


def need_figures(need: Need, read: Mapping[str, Figure]) -> dict[str, Figure]:
    """What is read, what the firm states itself, and what follows from the need: purpose and debt to sales."""
    figures = dict(read)
    for name, stated in need.declared.items():
        if figures.get(name) is None and stated.get("value") is not None:
            day = date.fromisoformat(stated["as_of"]) if stated.get("as_of") else None
            figures[name] = Figure(stated["value"], day, DECLARED_SOURCE)
    figures["purpose"] = Figure(need.purpose, None, need.number)
    debt, sales = figures.get("bank_debt"), figures.get("sales_12m")
    if debt is not None and sales is not None:
        share = formulas.debt_to_sales(int(debt.value or 0), need.amount_fen, int(sales.value or 0))
        if share is not None:
            figures["debt_to_sales"] = Figure(share, sales.as_of, DECLARED_SOURCE)
    return figures


def answer_need(actor: Actor, need: Need, versions: Iterable[ProductVersion], on: date) -> Answers:
    """All products' answers to a need (自查): the firm reads its own figures; nothing is stored, no institution is told."""
    chosen = list(versions)
    read, manifest = read_figures(actor, need.subject, OWN_RECORD, fields_of(chosen), on)
    figures = need_figures(need, read)
    measures = describe()
    told = sorted((answer(version, figures, measures, on) for version in chosen), key=lambda one: one.order)
    return Answers(on, tuple(told), figures, measures, manifest)


def remember_answers(actor: Actor, need: Need, versions: Iterable[ProductVersion]) -> dict[UUID, dict[str, Any]]:
    """What the clauses said when the firm sent the need: answers by clause, digest and manifest, no figures."""
    chosen = list(versions)
    if not chosen:
        return {}
    answers = answer_need(actor, need, chosen, Clock.today())
    return {one.version.pk: _remembered(one, answers) for one in answers.products}


def _remembered(one: ProductAnswer, answers: Answers) -> dict[str, Any]:
    return {
        "on": str(answers.on),
        "fits": one.fits,
        "clauses": {clause.id: clause.state for clause in one.clauses},
        "version_digest": one.version.digest,
        "manifest": getattr(answers.manifest, "digest", None),
    }
