"""Pages of products with their clauses and versions, and of the coded reasons for not granting."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.desks.financing.match_page import actual_days
from jinmai.desks.financing.models import Product, ProductVersion, RefusalReason
from jinmai.desks.financing.vocabulary import condition_of, describe
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound
from jinmai.foundation.rulebook.condition import Leaf
from jinmai.foundation.rulebook.explain import STATE_WORDS, WHO_WORDS
from jinmai.foundation.ui.lists import Column, Filter, ListPage


def _percent(rate_e9: int) -> str:
    from jinmai.foundation.ui.formats import pct

    return pct(rate_e9, 2)


def _rates(version: ProductVersion) -> str:
    return f"{_percent(version.rate_min_e9)}–{_percent(version.rate_max_e9)}"


def _amounts(version: ProductVersion) -> str:
    from jinmai.foundation.kernel.money import fen_to_wan

    return f"{fen_to_wan(version.amount_min_fen):,f}–{fen_to_wan(version.amount_max_fen):,f}"


@page("financing.list_products")
def product_list(request: HttpRequest) -> HttpResponse:
    """产品: what institutions offer today."""
    listed = ListPage(
        title=_("产品超市") if request.actor.is_firm else _("金融产品"),
        subtitle=_("当日生效的产品版本；每一条条件都可以点开看"),
        columns=[
            Column("name", _("产品"), "product.name", kind="link", sort="product__name",
                   link=lambda version: reverse("financing:product_detail", args=[version.product.code])),
            Column("institution", _("机构"), "product.institution.name", sort="product__institution__name"),
            Column("category", _("类别"), "product.get_category_display", sort="product__category"),
            Column("amount", _("额度"), _amounts, unit=_("万元"), sort="amount_max_fen"),
            Column("term", _("期限"), lambda v: f"{v.term_min_months}–{v.term_max_months}", unit=_("月"),
                   sort="term_max_months"),
            Column("rate", _("年化成本"), _rates, sort="rate_min_e9"),
            Column("guarantee", _("担保方式"), "guarantee", record=True, default=False),
            Column("days", _("承诺"), "promised_working_days", kind="int", unit=_("工作日"),
                   sort="promised_working_days"),
            Column("clauses", _("条件"), lambda v: len(v.clauses), kind="int", unit=_("条"), default=False),
            Column("since", _("生效"), "effective_from", kind="date", sort="effective_from", default=False),
            Column("status", _("性质"), lambda v: _("示例") if v.product.status == "example" else "", kind="chip",
                   default=True),
        ],
        filters=[
            Filter("category", _("类别"), Product.Category.choices, field="product__category"),
            Filter("q", _("产品或机构"), kind="search", fields=("product__name", "product__institution__name")),
        ],
        rows=ProductVersion.objects.in_force(Clock.today()).order_by("product__code"),
        count_unit=_("个"),
        empty=_("当日没有生效的产品。机构上架产品后，会出现在这里"),
        export_name=_("金融产品"),
        row_url=lambda version: reverse("financing:product_detail", args=[version.product.code]),
    )  # fmt: skip
    return listed.respond(request)


@page("financing.view_product")
def product_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One product: its clauses in words, who can know each figure, and older versions."""
    versions = Prefetch("versions", queryset=ProductVersion.objects.order_by("-number"))
    product = (
        Product.objects.select_related("institution")
        .prefetch_related(versions)
        .annotate(order_count=Count("versions__orders"))
        .filter(code=code)
        .first()
    )
    if product is None:
        raise NotFound()
    listed = list(product.versions.all())
    today = Clock.today()
    current = next((one for one in listed if _in_force(one, today)), listed[0])
    context = {
        "product": product,
        "current": current,
        "in_force": _in_force(current, today),
        "versions": listed,
        "amounts": _amounts(current),
        "rates": _rates(current),
        "clauses": [_clause(leaf) for leaf in condition_of(current).leaves()],
        "actual_days": actual_days([product.pk]).get(product.pk),
        "states": STATE_WORDS.values(),
    }
    return render(request, "financing/product_detail.html", context)


def _in_force(version: ProductVersion, on: Any) -> bool:
    return version.effective_from <= on and (version.effective_to is None or version.effective_to >= on)


def _clause(leaf: Leaf) -> dict[str, Any]:
    info = describe().get(leaf.measure)
    who = leaf.who_can_know or (info.who_can_know if info else "platform")
    return {
        "text": leaf.text,
        "label": info.label if info else leaf.measure,
        "definition": info.definition if info else "",
        "source": info.source if info else "",
        "who": WHO_WORDS[who],
        "institution_only": who == "institution",
    }


@page("financing.list_reasons")
def reason_list(request: HttpRequest) -> HttpResponse:
    """未授信原因: each with who can mend it, how, and how long that usually takes."""
    tones = {"yes": "good", "partly": "warn", "wait": "info", "no": ""}
    chips = {value: (label, tones[value]) for value, label in RefusalReason.Repairable.choices}
    listed = ListPage(
        title=_("未授信原因与修复办法"),
        subtitle=_("机构不予授信时必须从中选择；企业据此修复后可再次对接"),
        columns=[
            Column("name", _("原因"), "name", wrap=True, sort="name", record=True),
            Column("repairable", _("能否修复"), "repairable", kind="chip", chips=chips, sort="repairable"),
            Column("step", _("修复办法"), "repair_step", wrap=True, record=True),
            Column("department", _("找谁"), "department", wrap=True, record=True),
            Column("evidence", _("凭什么认定"), "evidence", wrap=True, record=True),
            Column("days", _("通常需要"), "usual_working_days", kind="int", unit=_("工作日"),
                   sort="usual_working_days"),
            Column("next", _("下一步对接"), "next_referral", wrap=True, default=False),
            Column("closed", _("何为已修复"), "closed_by_new_fact", wrap=True, default=False),
        ],
        filters=[Filter("repairable", _("能否修复"), RefusalReason.Repairable.choices)],
        rows=RefusalReason.objects.order_by("code"),
        count_unit=_("条"),
        empty=_("本市还没有未授信原因目录"),
        export_name=_("未授信原因"),
    )  # fmt: skip
    return listed.respond(request)
