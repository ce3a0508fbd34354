"""What the search box finds of this desk: needs and orders by case number or firm, products by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from jinmai.desks.financing import shown
from jinmai.desks.financing.models import Need, Order, Product
from jinmai.foundation.kernel.access.actor import Actor

MOST = 20


@dataclass(frozen=True)
class Found:
    """One thing found: its name, its address, and what stands beside it."""

    name: str
    url: str
    note: str


def needs(actor: Actor, text: str) -> Iterator[Found]:
    """Needs by case number or by the firm's name."""
    rows = Need.objects.visible_to(actor).filter(Q(number__icontains=text) | Q(organisation__name__icontains=text))
    for need in rows.select_related("organisation")[:MOST]:
        note = f"{need.organisation.name}　{need.get_status_display()}"
        yield Found(need.number, reverse("financing:need_detail", args=[need.pk]), note)


def orders(actor: Actor, text: str) -> Iterator[Found]:
    """Orders by case number; by the firm's name only where the actor may read it."""
    visible = Order.objects.visible_to(actor)
    named = visible.exclude(institution=None) if actor.is_institution else visible
    rows = visible.filter(number__icontains=text) | named.filter(need__organisation__name__icontains=text)
    for order in rows.select_related("need__organisation", "institution")[:MOST]:
        note = f"{shown.firm_of(order, actor)}　{shown.institution_of(order)}　{order.get_status_display()}"
        yield Found(order.number, reverse("financing:order_detail", args=[order.pk]), note)


def products(actor: Actor, text: str) -> Iterator[Found]:
    """Products by name or institution."""
    rows = Product.objects.filter(Q(name__icontains=text) | Q(institution__name__icontains=text))
    for product in rows.select_related("institution")[:MOST]:
        yield Found(product.name, reverse("financing:product_detail", args=[product.code]), product.institution.name)
