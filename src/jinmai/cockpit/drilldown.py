"""The rows behind a figure, with the firms' names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import Q

from jinmai.foundation import analytics
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.consent.purposes import STATUTORY_DUTY
from jinmai.foundation.kernel.subjects.models import Identifier


def firm_names(keys: Iterable[str]) -> dict[str, str]:
    """Names of the subjects that these keys (``scheme:value``) go by; the code where there is no name."""
    wanted = {key.partition(":")[::2] for key in keys if key}
    by_scheme: dict[str, list[str]] = {}
    for scheme, value in wanted:
        by_scheme.setdefault(scheme, []).append(value)
    condition = Q(pk__in=[])
    for scheme, values in by_scheme.items():
        condition |= Q(scheme=scheme, value__in=values)
    found = Identifier.objects.filter(condition).select_related("subject")
    return {identifier.key: identifier.subject.name or identifier.value for identifier in found}


def rows_behind(actor: Actor, made: Any, filters: Mapping[str, Any], on: date) -> list[dict[str, Any]]:
    """The rows a figure counts, newest first, read under statutory duty and booked; refuses as the read door does."""
    rows = analytics.read_rows(actor, STATUTORY_DUTY, made.table, filters, measure=made.name, on=on)
    names = firm_names(row["subject_key"] for row in rows)
    for row in rows:
        row["firm"] = names.get(row["subject_key"], row["subject_key"])
    return sorted(rows, key=lambda row: (str(row.get("happened_on") or ""), str(row.get("number"))), reverse=True)
