"""The self-check's page (对照产品): the firm's figures left, products nearest first right, and the way out of each 'no'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median_high
from typing import Any

from django.utils.translation import gettext as _

from jinmai.desks.financing.answers import FITS_ORDER, Answers, ProductAnswer, answer_need
from jinmai.desks.financing.forms import FiguresForm
from jinmai.desks.financing.models import Decision, Need, Order, Product, ProductVersion
from jinmai.desks.financing.vocabulary import spoken
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import LEGAL_ZONE
from jinmai.foundation.kernel.errors import shown as said
from jinmai.foundation.kernel.money import fen_to_wan
from jinmai.foundation.rulebook import ClauseAnswer, show
from jinmai.foundation.rulebook.condition import shown

#: Fewer decisions than this say nothing about how long a product really takes.
ENOUGH_DECISIONS = 3
#: The firm's own figures, in the order of the page; what nobody supplied is left out, but for what the firm can state.
HIDDEN = frozenset({"purpose", "debt_to_sales"})


def match_context(actor: Actor, need: Need, versions: Sequence[ProductVersion], on: date) -> dict[str, Any]:
    """Everything the page shows."""
    answers = answer_need(actor, need, versions, on)
    sent = set(need.orders.filter(status__in=(*Order.LIVE, "disbursed")).values_list("version_id", flat=True))
    days = actual_days(one.version.product_id for one in answers.products)
    rows = [_row(one, answers, need, sent, days) for one in answers.products]
    rows.sort(key=lambda row: (FITS_ORDER[row["answer"].fits], row["outside"]))
    tally = Counter(one.standing for one in answers.products)
    return {
        "need": need,
        "on": on,
        "rows": rows,
        "figures": _figures(answers),
        "total": Product.objects.count(),
        "ready": tally["ready"],
        "supply": tally["supply"],
        "near": tally["near"],
        "far": tally["far"],
        "not_in_force": Product.objects.count() - len(rows),
        "manifest": answers.manifest,
    }


def _row(
    one: ProductAnswer, answers: Answers, need: Need, sent: set[Any], days: dict[Any, int | None]
) -> dict[str, Any]:
    version = one.version
    outside = not version.amount_min_fen <= need.amount_fen <= version.amount_max_fen
    return {
        "answer": one,
        "version": version,
        "product": version.product,
        "counts": one.counts,
        "standing": one.standing,
        "verdict": _verdict(one),
        "shortest": _shortest(one),
        "outside": outside,
        "amounts": [f"{fen_to_wan(fen):,f}" for fen in (version.amount_min_fen, version.amount_max_fen)],
        "sent": version.pk in sent,
        "actual_days": days.get(version.product_id),
        "ways": [_way(clause, one, answers) for clause in one.explanation.lacking],
        "clauses": [_clause(clause, one, answers) for clause in one.clauses],
    }


def _verdict(one: ProductAnswer) -> tuple[str, str]:
    """The chip at the row's end."""
    counts = one.counts
    if one.standing == "ready":
        return _("可提交"), "good"
    if one.standing == "supply":
        missing = [clause for clause in one.clauses if clause.state == "missing"]
        words = _("补 %(count)d 项即可") if all(map(_can_state, missing)) else _("缺 %(count)d 项数据")
        return words % {"count": counts["missing"]}, "warn"
    return _("%(count)d 项不满足") % {"count": counts["not_met"]}, "bad"


def _can_state(clause: ClauseAnswer) -> bool:
    """Whether the firm can supply the figure on the page of its own figures."""
    return clause.who_can_know == "firm" and (clause.measure in FiguresForm.ASKED or clause.measure in HIDDEN)


def _shortest(one: ProductAnswer) -> ClauseAnswer | None:
    """The one clause that is not met, where there is just one."""
    failing = [clause for clause in one.clauses if clause.state == "not_met"]
    return failing[0] if len(failing) == 1 else None


def _clause(clause: ClauseAnswer, one: ProductAnswer, answers: Answers) -> dict[str, Any]:
    short = clause.gap if clause.state == "not_met" and (clause.gap or 0) > 0 else None
    gap = show(short, clause.unit) if short else ""
    return {"clause": clause, "gap": gap, "figure": _figure_words(clause), "basis": _basis(clause, one, answers)}


def _figure_words(clause: ClauseAnswer) -> str:
    if clause.state == "institution":
        return _("平台不可知")
    return clause.figure_shown if clause.figure.value is not None else _("暂无")


def _basis(clause: ClauseAnswer, one: ProductAnswer, answers: Answers) -> str:
    """Where the figure comes from, or who could supply it."""
    info = answers.measures.get(clause.measure)
    if clause.state == "institution":
        return _("由机构查询后确认，平台不推断")
    if clause.state == "missing":
        if _can_state(clause):
            return _("本企业可以补填")
        return _("待%(source)s数据归集，到后自动重算") % {"source": said(info.source) if info and info.source else _("平台")}
    source = said(clause.figure.source or (info.source if info else ""))
    if clause.figure.as_of:
        return _("%(source)s　截至 %(day)s") % {"source": source, "day": clause.figure.as_of}
    return source


def _way(clause: ClauseAnswer, one: ProductAnswer, answers: Answers) -> dict[str, Any]:
    """One thing that would change the answer (怎样才能满足)."""
    info = answers.measures.get(clause.measure)
    label = said(clause.label)
    if clause.state == "institution":
        return {"text": _("“%(text)s”由%(name)s查询后确认，平台不推断，不影响提交") % {
            "text": clause.text, "name": one.version.product.institution.name}}  # fmt: skip
    if clause.state == "missing":
        if _can_state(clause):
            return {"text": _("补填%(label)s（本企业，约 2 分钟）") % {"label": label}, "supply": True}
        source = said(info.source) if info and info.source else _("平台")
        return {"text": _("%(label)s待%(source)s数据归集，到后自动重算") % {"label": label, "source": source}}
    gap = show(abs(clause.gap), clause.unit) if clause.gap else ""
    if clause.gap and clause.op in (">=", ">"):
        text = _("%(label)s再增 %(gap)s") % {"label": label, "gap": gap}
    elif clause.gap and clause.op in ("<=", "<"):
        text = _("%(label)s降低 %(gap)s") % {"label": label, "gap": gap}
    else:
        text = _("须%(text)s，现为 %(now)s") % {"text": clause.text or label, "now": clause.figure_shown}
    return {"text": text, "other": _without(clause, one, answers)}


def _without(clause: ClauseAnswer, one: ProductAnswer, answers: Answers) -> ProductAnswer | None:
    """The nearest product with nothing unmet, the same institution's first."""
    open_to_firm = [
        other
        for other in answers.products
        if other.standing in ("ready", "supply") and other.version.pk != one.version.pk
    ]
    own = one.version.product.institution_id
    return next(iter(sorted(open_to_firm, key=lambda other: other.version.product.institution_id != own)), None)


def _figures(answers: Answers) -> list[dict[str, Any]]:
    """The firm's figures with source and date, in the vocabulary's order; what it could state itself, if it hasn't."""
    rows = []
    for name in (*spoken(), *sorted(set(answers.figures) - set(spoken()))):
        figure, info = answers.figures.get(name), answers.measures.get(name)
        if info is None or name in HIDDEN or (figure is None and name not in FiguresForm.ASKED):
            continue
        words = shown(figure.value, info.unit) if figure else ""
        value, _space, unit = words.partition(" ")
        source = said(figure.source if figure else "") or info.source
        rows.append({"name": name, "label": info.label, "definition": info.definition, "source": source,
                     "as_of": figure.as_of if figure else None, "value": value, "unit": unit})  # fmt: skip
    return sorted(rows, key=lambda row: not row["value"])


def actual_days(products: Iterable[Any]) -> dict[Any, int | None]:
    """How many days a product's decisions really took from sending (实际中位), where there are enough of them."""
    taken: dict[Any, list[int]] = {}
    decided = Decision.objects.filter(order__version__product_id__in=set(products)).values_list(
        "order__version__product_id", "order__sent_at", "decided_on"
    )
    for product, sent_at, decided_on in decided:
        taken.setdefault(product, []).append((decided_on - sent_at.astimezone(LEGAL_ZONE).date()).days)
    return {product: median_high(days) if len(days) >= ENOUGH_DECISIONS else None for product, days in taken.items()}
