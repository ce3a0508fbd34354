"""Keeping and replaying what rules were used for (依据): acts record it, pages show it, a replay asks again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max, Min, Model, QuerySet

from jinmai.foundation.analytics.models import Manifest
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.rulebook.book import load_rules
from jinmai.foundation.rulebook.figures import Value
from jinmai.foundation.rulebook.models import RuleUse
from jinmai.foundation.rulebook.rule import RuleValue, digest_of

#: Figures of this level never stand in a use: they are read again through the door, or not at all.
WITHHELD_LEVEL = "C3"


@dataclass(frozen=True)
class Input:
    """One figure that a rule was asked about: base units, the day it speaks of, who says so, and how sensitive it is."""

    name: str
    label: str
    value: Value
    unit: str
    source: str = ""
    as_of: date | None = None
    level: str = "C2"

    def kept(self) -> dict[str, Any]:
        """As a use keeps it: a C3 figure without its value."""
        withheld = self.level == WITHHELD_LEVEL
        return {
            "name": self.name,
            "label": str(self.label),
            "value": None if withheld else self.value,
            "unit": self.unit,
            "source": str(self.source),
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "level": self.level,
            "known": self.value is not None,
        }


@dataclass(frozen=True)
class Replay:
    """The same question asked again (复核): whether the answer is the same, in words, and what differs."""

    same: bool | None
    words: str
    differs: Sequence[str] = ()


#: Question → how it is asked again; a question nobody can ask again has none.
REPLAYS: dict[str, Callable[[Actor, RuleUse], Replay]] = {}


def replays(question: str) -> Callable[[Callable[[Actor, RuleUse], Replay]], Callable[[Actor, RuleUse], Replay]]:
    """Declare how a question is asked again: with that day's rule, on what was kept or on facts as then known."""

    def declare(ask: Callable[[Actor, RuleUse], Replay]) -> Callable[[Actor, RuleUse], Replay]:
        REPLAYS[question] = ask
        return ask

    return declare


@dataclass(frozen=True)
class Basis:
    """Rows of one noun whose basis has a page: who may see the row, under which operation, and how it is told."""

    label: str
    rows: Callable[[Actor], QuerySet[Any]]
    operation: str
    title: Callable[[Any], str]
    address: Callable[[Any], str]
    #: Other rows whose uses belong to the same story: a need's orders, an order's loans.
    others: Callable[[Actor, Any], Iterable[Model]] = lambda actor, row: ()
    #: What stands in place of the doer's names, where this actor may not read them (yet); empty: they may.
    unnamed: Callable[[Actor, Any, RuleUse], str] = lambda actor, row, use: ""


BASES: dict[str, Basis] = {}


def register_basis(basis: Basis) -> None:
    """Give a noun a page of its own basis; called when its app is ready."""
    BASES[basis.label] = basis


def row_behind(actor: Actor, ref: str) -> tuple[Basis, Any] | None:
    """The row a reference names, if this actor may see it; ``None`` alike for what is not there and not theirs."""
    label, _, key = ref.partition(":")
    basis = BASES.get(label)
    if basis is None or not allows(actor, basis.operation):
        return None
    from django.core.exceptions import ValidationError

    try:
        row = basis.rows(actor).filter(pk=key).first()
    except (ValueError, ValidationError):
        return None
    return None if row is None else (basis, row)


def record_use(
    actor: Actor,
    subject: Model,
    rule: RuleValue,
    *,
    question: str,
    operation: str,
    outcome: Mapping[str, Any],
    inputs: Iterable[Input] = (),
    manifest: str = "",
) -> RuleUse:
    """Keep that an act used a rule: its text's digest and citation, the figures, and what came of it.

    Called inside the act. ``outcome`` holds plain values and at least ``words``, what an officer reads.
    """
    use = use_of(
        actor, subject, rule, question=question, operation=operation, outcome=outcome, inputs=inputs, manifest=manifest
    )
    use.save(force_insert=True)
    return use


def record_many(uses: Iterable[RuleUse]) -> None:
    """Keep the uses of an act on many rows, made by ``use_of``."""
    RuleUse.objects.bulk_create(uses, batch_size=500)


def use_of(
    actor: Actor,
    subject: Model,
    rule: RuleValue,
    *,
    question: str,
    operation: str,
    outcome: Mapping[str, Any],
    inputs: Iterable[Input] = (),
    manifest: str = "",
) -> RuleUse:
    """A use as ``record_use`` keeps it, not yet kept."""
    return _made(
        actor,
        subject,
        question=question,
        operation=operation,
        inputs=inputs,
        manifest=manifest,
        outcome=outcome,
        rule_id=rule.id,
        rule_label=rule.label,
        rule_status=rule.status,
        value_since=rule.since,
        rule_digest=rule.digest,
        citation=rule.citation,
        on=rule.on,
    )


def record_terms(
    actor: Actor,
    subject: Model,
    *,
    label: str,
    status: str,
    digest: str,
    since: date,
    question: str,
    operation: str,
    outcome: Mapping[str, Any],
    inputs: Iterable[Input] = (),
    manifest: str = "",
) -> RuleUse:
    """Keep that an act used terms that are no rule of the rulebook: a product's clauses in one of their versions."""
    use = _made(
        actor,
        subject,
        question=question,
        operation=operation,
        inputs=inputs,
        manifest=manifest,
        outcome=outcome,
        rule_label=label,
        rule_status=status,
        value_since=since,
        rule_digest=digest,
        on=Clock.today(),
    )
    use.save(force_insert=True)
    return use


def _made(
    actor: Actor,
    subject: Model,
    *,
    inputs: Iterable[Input],
    manifest: str,
    outcome: Mapping[str, Any],
    **stands: Any,
) -> RuleUse:
    if "words" not in outcome:
        raise Broken(f"a use of {stands.get('rule_label')!r} says nothing in words")
    return RuleUse(
        subject_ref=object_ref(subject),
        inputs=[one.kept() for one in inputs],
        manifest=manifest or "",
        outcome=dict(outcome),
        rulebook_digest=load_rules().digest,
        actor_name=actor.name,
        organisation_id=actor.organisation_id,
        organisation_name=actor.organisation_name,
        at=Clock.now(),
        **stands,
    )


def inputs_digest(use: RuleUse) -> str:
    """SHA-256 of the figures as kept."""
    return digest_of(use.inputs)


def rule_then(use: RuleUse) -> RuleValue | None:
    """The rule as this rulebook has it for the use's day; ``None`` where it knows no such rule or no value that day."""
    rule = load_rules().rules.get(use.rule_id)
    dated = rule.value_on(use.on) if rule else None
    return RuleValue(rule, dated, use.on) if rule and dated else None


def replay(actor: Actor, use: RuleUse) -> Replay:
    """Ask the same question again, of that day's rule; first of all whether the rule's text is still the same."""
    from django.utils.translation import gettext as _

    ask = REPLAYS.get(use.question)
    if ask is None:
        return Replay(None, _("这一项没有可重算的内容"))
    if use.rule_id:
        now = rule_then(use)
        if now is None:
            return Replay(False, _("不一致"), (_("现行规则库中该日没有这条规则"),))
        found = ask(actor, use)
        if now.digest != use.rule_digest:
            differs = (_("规则文本与当日留存的摘要不同（规则库已更正）"), *found.differs)
            return Replay(found.same, found.words, differs)
        return found
    return ask(actor, use)


def known_then(manifest: str) -> datetime | None:
    """The moment up to which the batches of a kept manifest were known; without one, whatever is known now."""
    kept = Manifest.objects.filter(digest=manifest).first() if manifest else None
    return max((batch.known_at for batch in kept.batches), default=None) if kept else None


def uses_of(refs: Sequence[str]) -> QuerySet[RuleUse]:
    """The uses of these rows, in the order of the acts."""
    return RuleUse.objects.filter(subject_ref__in=list(refs)).order_by("at", "pk")


@dataclass(frozen=True)
class Used:
    """How often a rule was used to one question, and from when to when."""

    question: str
    count: int
    first: Any
    last: Any


def used(rule_id: str) -> list[Used]:
    """What a rule was used for so far, the most frequent first."""
    counted = (
        RuleUse.objects.filter(rule_id=rule_id)
        .values("question")
        .annotate(count=Count("pk"), first=Min("at"), last=Max("at"))
        .order_by("-count", "question")
    )
    return [Used(row["question"], row["count"], row["first"], row["last"]) for row in counted]


def used_by_text(rule_id: str) -> dict[str, int]:
    """How often each text of a rule was used, by digest."""
    counted = RuleUse.objects.filter(rule_id=rule_id).values("rule_digest").annotate(count=Count("pk"))
    return {row["rule_digest"]: row["count"] for row in counted.order_by()}


#: Latest uses looked at for those whose rows the reader may see.
LOOKED_AT, LISTED = 200, 8


def latest_uses(actor: Actor, rule_id: str) -> list[tuple[RuleUse, str]]:
    """The latest uses whose rows this actor may see, each with its row's title; one query a noun."""
    latest = list(RuleUse.objects.filter(rule_id=rule_id).order_by("-at", "-pk")[:LOOKED_AT])
    titles: dict[str, str] = {}
    for label in sorted({use.subject_ref.partition(":")[0] for use in latest}):
        basis = BASES.get(label)
        if basis is not None and allows(actor, basis.operation):
            keys = {use.subject_ref.partition(":")[2] for use in latest if use.subject_ref.startswith(f"{label}:")}
            for row in basis.rows(actor).filter(pk__in=keys):
                titles[object_ref(row)] = basis.title(row)
    return [(use, titles[use.subject_ref]) for use in latest if use.subject_ref in titles][:LISTED]
