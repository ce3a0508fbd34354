"""What a product's clauses may ask about: measures that desks declare over facts, and figures no source has brought yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from jinmai.desks.financing.facts import EVENT_TABLES
from jinmai.desks.financing.models import ProductVersion
from jinmai.foundation import analytics
from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.rulebook import Condition, MeasureInfo

FILE = Path(__file__).with_name("clause_measures.yaml")
#: Figures of the need itself, never of facts.
OF_THE_NEED = frozenset({"purpose", "debt_to_sales"})


@cache
def spoken() -> dict[str, MeasureInfo]:
    """The measures of ``clause_measures.yaml`` by name."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))["measures"]
    return {
        row["id"]: MeasureInfo(
            name=row["id"],
            label=row["label"],
            unit=row["unit"],
            source=row["source"],
            who_can_know=row["who_can_know"],
        )
        for row in rows
    }


def declared_firm_measures() -> frozenset[str]:
    """Measures over facts whose grain is a firm: what a read of one firm, or a batch over all, can supply."""
    return frozenset(
        name
        for name, measure in analytics.measures().items()
        if measure.table not in EVENT_TABLES and analytics.get_table(measure.table).grain == "subject_key"
    )


def _said(info: MeasureInfo) -> MeasureInfo:
    """The same in the reader's language; the unit is a key and stays."""
    return replace(info, label=said(info.label), source=said(info.source))


def describe() -> dict[str, MeasureInfo]:
    """Every measure a clause may name; what a desk declares over facts wins in definition and source.

    In the reader's language: never keep the answer.
    """
    known = {name: _said(info) for name, info in spoken().items()}
    for name in declared_firm_measures():
        measure = analytics.measures()[name]
        worded = known.get(name)
        known[name] = MeasureInfo(
            name=name,
            label=worded.label if worded else said(measure.label),
            unit=worded.unit if worded else measure.unit,
            definition=said(measure.definition),
            source=said(measure.source) or (worded.source if worded else ""),
            who_can_know=measure.who_can_know,
        )
    return known


def fields_of(versions: Iterable[ProductVersion]) -> list[str]:
    """The figures to read for these products' clauses, and the sales that debt to sales is made from."""
    asked = {measure for version in versions for measure in condition_of(version).measures()}
    if "debt_to_sales" in asked:
        asked.add("sales_12m")
    return sorted(asked & declared_firm_measures())


def condition_of(version: ProductVersion) -> Condition:
    """The version's clauses as a condition; the digest kept at publication must still be its own."""
    condition = Condition.parse(version.condition)
    if condition.digest != version.digest:
        raise Broken(f"product version {version.pk}: its clauses are not those that were published")
    return condition


def check_words(names: Iterable[str], by: str) -> None:
    """Stop where a clause names a measure that nobody declared."""
    if missing := sorted(set(names) - set(describe())):
        raise Broken(f"{by} names measures that nobody declares: {', '.join(missing)}")
