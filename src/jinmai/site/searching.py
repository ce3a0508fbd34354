"""What the search box finds (搜索): each kind under the operation that lists it, only what the actor may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.desks.financing.models import Need, Order, Product
from jinmai.desks.parties.models import Firm, Institution
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.organisations.models import Organisation

MOST = 20
#: A word that names more firms than this names none in particular: the first of them are looked at.
MANY = 500


@dataclass(frozen=True)
class Hit:
    """One thing found."""

    name: str
    url: str
    note: str


@dataclass(frozen=True)
class Group:
    """What was found of one kind."""

    label: str
    hits: list[Hit]


def find_firms(actor: Actor, text: str) -> Iterable[Hit]:
    """Firms by part of the name or the beginning of a code."""
    rows = Firm.objects.visible_to(actor).matching(text).select_related("region", "subject")
    for firm in rows.prefetch_related("subject__identifiers")[:MOST]:
        place = firm.region.name if firm.region else ""
        yield Hit(firm.name, reverse("parties:firm_detail", args=[firm.pk]), f"{firm.code}　{place}")


def find_institutions(actor: Actor, text: str) -> Iterable[Hit]:
    """Institutions by part of the name."""
    rows = Institution.objects.visible_to(actor).matching(text).select_related("organisation__region")
    for one in rows[:MOST]:
        place = one.organisation.region.name if one.organisation.region else ""
        note = "　".join(filter(None, (one.organisation.get_kind_display(), place)))
        yield Hit(one.organisation.name, reverse("parties:institution_detail", args=[one.pk]), note)


def firms_called(text: str) -> list[int]:
    """Keys of the firms' organisations whose name contains ``text``: few, so that their cases are found by index."""
    return list(
        Organisation.objects.filter(kind="firm", name__icontains=text).order_by().values_list("pk", flat=True)[:MANY]
    )


def needs_numbered(text: str) -> list[Any]:
    """Keys of the newest needs whose number contains ``text``, whoever may see them: only to find their orders by."""
    found = Need.objects.filter(number__icontains=text).order_by("-number")
    return list(found.values_list("pk", flat=True)[:MANY])


def may_be_number(text: str) -> bool:
    """Whether a case number could contain the text: each has digits and these signs, and nothing else of Chinese.

    >>> may_be_number("东汀"), may_be_number("〔2026〕011")
    (False, True)
    """
    return all(sign.isascii() or sign in "需对〔〕号" for sign in text)  # Chinese only: signs of a case number


def newest_keys(*questions: Any) -> list[Any]:
    """Keys of the newest by number of several questions together; each is asked by itself, so that it has an index."""
    numbers: dict[Any, str] = {}
    for rows in questions:
        numbers |= dict(rows.order_by("-number").values_list("pk", "number")[:MOST])
    return sorted(numbers, key=lambda key: numbers[key], reverse=True)[:MOST]


def find_orders(actor: Actor, text: str) -> Iterable[Hit]:
    """Referral orders by case number, or by the firm's name where the actor may read it."""
    rows = Order.objects.visible_to(actor)
    named = rows.filter(institution__isnull=False) if actor.is_institution else rows
    questions = [named.filter(need__organisation__in=firms)] if (firms := firms_called(text)) else []
    if may_be_number(text):
        questions += [rows.filter(number__icontains=text), rows.filter(need__in=needs_numbered(text))]
    keys = newest_keys(*questions)
    found = rows.select_related("need__organisation", "institution").in_bulk(keys)
    for order in (found[key] for key in keys):
        firm = order.need.organisation.name if order.names_firm_to(actor) else ""
        holder = order.institution.name if order.institution else _("待抢池")
        note = "　".join(filter(None, (firm, holder, order.get_status_display())))
        yield Hit(order.number, reverse("financing:order_detail", args=[order.pk]), note)


def find_needs(actor: Actor, text: str) -> Iterable[Hit]:
    """Needs by case number or the firm's name."""
    rows = Need.objects.visible_to(actor)
    questions = [rows.filter(organisation__in=firms)] if (firms := firms_called(text)) else []
    if may_be_number(text):
        questions.append(rows.filter(number__icontains=text))
    keys = newest_keys(*questions)
    found = rows.select_related("organisation").in_bulk(keys)
    for need in (found[key] for key in keys):
        note = f"{need.organisation.name}　{need.get_status_display()}"
        yield Hit(need.number, reverse("financing:need_detail", args=[need.pk]), note)


def find_products(actor: Actor, text: str) -> Iterable[Hit]:
    """Products by part of the name."""
    for product in Product.objects.filter(name__icontains=text).select_related("institution")[:MOST]:
        yield Hit(product.name, reverse("financing:product_detail", args=[product.code]), product.institution.name)


Finder = Callable[[Actor, str], Iterable[Hit]]
KINDS: tuple[tuple[str, str, Finder], ...] = (
    (gettext_lazy("企业"), "parties.view_firm", find_firms),
    (gettext_lazy("对接单"), "financing.view_order", find_orders),
    (gettext_lazy("融资需求"), "financing.view_need", find_needs),
    (gettext_lazy("机构"), "parties.view_institution", find_institutions),
    (gettext_lazy("产品"), "financing.view_product", find_products),
)


def search(actor: Actor, text: str) -> list[Group]:
    """Every kind the actor may open, at most twenty of each; nothing that it may not see."""
    groups = [
        Group(str(label), list(find(actor, text))) for label, operation, find in KINDS if allows(actor, operation)
    ]
    return [group for group in groups if group.hits]
