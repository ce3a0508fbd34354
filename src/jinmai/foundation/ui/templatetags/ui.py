"""The small parts of every page: ``{% load ui %}``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from django import forms, template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import Words, shown
from jinmai.foundation.kernel.recall import CHINESE, recall
from jinmai.foundation.ui import formats
from jinmai.foundation.ui.charts import Chart, spark_points

register = template.Library()
STATIC = Path(__file__).parents[1] / "static" / "ui"

register.filter("wan", formats.wan)
register.filter("yuan", formats.yuan)
register.filter("yi", formats.yi)
register.filter("number", formats.number)
register.filter("day", formats.day)
register.filter("minute", formats.minute)
register.filter("moment", formats.moment)
register.filter("zh_date", formats.zh_date)
register.filter("due_words", formats.due_words)
register.filter("due_tone", formats.due_tone)
register.filter("said", shown)


@register.filter
def data(text: Any) -> str:
    """A text of the city's own (数据), such as a name: as it was written, marked as Chinese on a page in another language."""
    words = "" if text is None else str(text)
    if (get_language() or "zh").startswith("zh") or not CHINESE.search(words):
        return words
    return format_html('<span lang="zh-Hans">{}</span>', words)


@register.filter
def spoken(text: Any) -> SafeString:
    """The attribute that marks an element as Chinese (数据语种), where its text is and the page isn't: of an option."""
    other = not (get_language() or "zh").startswith("zh") and CHINESE.search(str(text))
    return mark_safe(' lang="zh-Hans"' if other else "")


@register.filter
def record(text: Any) -> str:
    """A stored text (记录): the program's own sentence in the reader's language, anything else as it was written."""
    words = shown(text) if isinstance(text, Words) else str(text) if text else ""
    return mark_safe(recall(escape(words), data_of_escaped))  # escaped before its parts are marked


def data_of_escaped(words: str) -> str:
    """Like ``data``, of a text that is escaped already."""
    return str(data(mark_safe(words)))


@register.filter
def citation(cite: Any) -> str:
    """A citation (出处) as documents are cited, in Chinese."""
    return data(formats.citation_words(cite))


@register.filter
def pct(ratio: Any, places: int = 1) -> str:
    """A ratio as a percentage with one decimal."""
    return formats.pct(ratio, int(places))


@cache
def _drawing(name: str) -> str:
    text = (STATIC / "vendor" / "tabler-icons" / f"{name}.svg").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text[text.index(">") + 1 : text.rindex("</svg>")]).strip()


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of the vendored outline icons, drawn in the text's colour; hidden from screen readers."""
    return mark_safe(  # the drawing is a file of ours
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true">{_drawing(name)}</svg>'
    )


@register.simple_tag
def emblem() -> SafeString:
    """The platform's mark (平台标识)."""
    return mark_safe((STATIC / "logo.svg").read_text(encoding="utf-8"))


TONE_ICONS = {"good": "check", "warn": "alert-triangle", "bad": "x"}


@register.simple_tag
def chip(text: Any, tone: str = "") -> SafeString:
    """A state in words (状态); tones good, warn, bad, info, outline repeat it in colour."""
    return format_html('<span class="chip {}">{}</span>', tone, shown(str(text))) if text not in (None, "") else SafeString("")


CLAUSE_STATES = {
    "met": ("good", "check", "满足"),
    "not_met": ("bad", "x", "不满足"),
    "missing": ("warn", "file-search", "缺数据"),
    "institution": ("info", "building-bank", "机构自查"),
}


@register.simple_tag
def clause_state(state: str, gap: Any = "") -> SafeString:
    """A clause's answer (条款结果) as words and shape: 满足, 差 8.30 万元, 缺数据, 机构自查; ``gap`` is in words."""
    tone, drawing, words = CLAUSE_STATES[state]
    words = _("差 %(gap)s") % {"gap": gap} if state == "not_met" and gap else _(words)
    return format_html('<span class="chip {}">{}{}</span>', tone, icon(drawing), words)


@register.simple_tag
def squares(met: int = 0, not_met: int = 0, missing: int = 0, institution: int = 0) -> SafeString:
    """One small mark a clause, by state; the counts stand beside it in words, so readers skip it."""
    order = (("met", met), ("not_met", not_met), ("missing", missing), ("institution", institution))
    marks = "".join(f'<i class="{name}"></i>' for name, count in order for _turn in range(int(count or 0)))
    return mark_safe(f'<span class="squares" aria-hidden="true">{marks}</span>')


@register.inclusion_tag("ui/figure.html")
def figure(
    name: str,
    value: Any,
    unit: str = "",
    definition: str = "",
    as_of: Any = "",
    url: str = "",
    trend: Sequence[Any] | None = None,
    change: str = "",
    tone: str = "",
) -> dict[str, Any]:
    """A figure (数字): name, value, unit, definition 口径, as-of, link to its rows, trend; never a bare number."""
    drawn = formats.ABSENT if value is None else formats.number(value) if isinstance(value, int) else value
    if as_of and hasattr(as_of, "strftime"):
        as_of = formats.minute(as_of) if hasattr(as_of, "hour") else formats.day(as_of)
    return {
        "name": name,
        "value": drawn,
        "unit": formats.unit_after(drawn, shown(unit)),
        "definition": definition,
        "as_of": as_of,
        "url": url,
        "change": change,
        "tone": tone,
        "spark": spark_points(trend) if trend else None,
    }


@register.inclusion_tag("ui/timeline.html")
def timeline(events: Iterable[Any], empty: str = "") -> dict[str, Any]:
    """What happened, by whom (经过): items with ``at``, ``what``, and if known ``who``, ``note``, ``url``."""
    return {"events": list(events or ()), "empty": empty or _("还没有记录")}


STEP_WORDS = {"done": "已办", "now": "在办", "next": "下一步", "stopped": "已终止"}


@register.inclusion_tag("ui/steps.html")
def steps(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Where a case stands (已办/在办/下一步): items with ``label``, ``state``, ``who``, ``when``, ``note``.

    ``state`` is done, now, next or stopped.
    """
    return {"steps": [{**item, "word": _(STEP_WORDS.get(item.get("state", "next"), ""))} for item in items]}


@register.inclusion_tag("ui/refusal_banner.html")
def refusal_banner(refusal: Any) -> dict[str, Any]:
    """A refusal (拒绝办理): what happened, why, what to do, its code and its citation."""
    return {"refusal": refusal, "citation": data(formats.citation_words(getattr(refusal, "citation", None)))}


@register.inclusion_tag("ui/chart.html")
def chart(drawn: Chart, height: int | None = None) -> dict[str, Any]:
    """A chart and its figures as a table one click away; ``drawn`` comes from ``ui.charts``."""
    name = f"chart-{uuid4().hex[:8]}"
    return {
        "id": name,
        "option_id": f"{name}-option",
        "option": drawn.option,
        "table": drawn.table,
        "label": drawn.label,
        "source": drawn.source,
        "height": height or drawn.height,
    }


@register.inclusion_tag("ui/hbars.html")
def hbars(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Bars to scale with their figures: rows of ``label``, ``value``, ``display``, ``second``, ``url``, ``tone``.

    ``part`` (optional) is the share of ``value`` drawn in the tone; the remainder is drawn in grey.
    """
    listed = [dict(row) for row in rows]
    longest = max((float(row.get("value") or 0) for row in listed), default=0) or 1
    for row in listed:
        whole = float(row.get("value") or 0) / longest * 100
        row.setdefault("display", formats.number(row.get("value")))
        row.setdefault("second", "")
        if row.get("part") is None:
            row["parts"] = [{"tone": row.get("tone", ""), "width": f"{whole:.2f}"}]
        else:
            share = float(row["part"]) / longest * 100
            row["parts"] = [
                {"tone": row.get("tone", "good"), "width": f"{share:.2f}"},
                {"tone": "rest", "width": f"{whole - share:.2f}"},
            ]
    return {"rows": listed}


@register.inclusion_tag("ui/crumbs.html")
def crumb_line(crumbs: Iterable[tuple[str, str]] | None) -> dict[str, Any]:
    """Where this page lies: pairs of label and URL."""
    return {"crumbs": list(crumbs or ())}


@register.inclusion_tag("ui/field.html")
def form_field(field: forms.BoundField) -> dict[str, Any]:
    """One field: label, input with its unit inside, error, help."""
    widget = field.field.widget
    kind = "plain"
    if isinstance(widget, forms.CheckboxInput):
        kind = "checkbox"
    elif isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        kind = "options"
    short = isinstance(widget, forms.NumberInput | forms.DateInput) or getattr(field.field, "short", False)
    return {"field": field, "kind": kind, "unit": getattr(field.field, "unit", ""), "short": short}
