"""Verbs on products and on the list of reasons for not granting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from jinmai.desks.financing.models import Product, ProductVersion, RefusalReason
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.rulebook import Condition

CITY_ROLES = ("bureau.section_chief", "system.platform")


@action("financing.publish_product")
def publish_product(
    actor: Actor,
    *,
    code: str,
    institution: Organisation,
    name: str,
    kind: str,
    category: str,
    effective_from: date,
    amount_fen: Sequence[int],
    term_months: Sequence[int],
    rate_e9: Sequence[int],
    clauses: list[Mapping[str, Any]],
    guarantee: str = "",
    promised_working_days: int,
    extra_cost: str = "",
    status: str = "local",
) -> ProductVersion:
    """Publish a product (产品上架) or a new version of it from ``effective_from`` on; the version before ends the day before.

    Amounts in fen, rates a year in 1e-9, clauses as the rulebook's condition JSON. The same content again changes nothing.
    Refuses a malformed clause (JM-RUL-003), another institution's product (JM-KER-404), a start that lies before the version
    in force (JM-FIN-030), and ranges turned round (JM-FIN-031).
    """
    if actor.role not in CITY_ROLES and not institution.path.startswith(actor.organisation_path):
        raise NotFound()
    if not 0 < amount_fen[0] <= amount_fen[1] or not 0 < term_months[0] <= term_months[1]:
        raise Refusal("JM-FIN-031", _("额度或期限的下限高于上限"), _("请核对产品参数"))
    condition = Condition.parse({"all": [dict(clause) for clause in clauses]})
    product, _made = Product.objects.update_or_create(
        code=code,
        defaults={"institution": institution, "name": name, "kind": kind, "category": category, "status": status},
    )
    latest = product.versions.order_by("-number").first()
    terms = {
        "amount_min_fen": amount_fen[0],
        "amount_max_fen": amount_fen[1],
        "term_min_months": term_months[0],
        "term_max_months": term_months[1],
        "rate_min_e9": rate_e9[0],
        "rate_max_e9": rate_e9[1],
        "guarantee": guarantee,
        "promised_working_days": promised_working_days,
        "extra_cost": extra_cost,
        "condition": condition.to_json(),
        "digest": condition.digest,
    }
    if latest is not None and latest.effective_from >= effective_from:
        if all(getattr(latest, field) == value for field, value in terms.items()):
            return latest
        raise Refusal("JM-FIN-030", _("新版本应晚于现行版本生效"), _("请把生效日改到现行版本之后"))
    if latest is not None and latest.effective_to is None:
        latest.effective_to = effective_from - timedelta(days=1)
        latest.save(update_fields=["effective_to"])
    number = latest.number + 1 if latest else 1
    return ProductVersion.objects.create(product=product, number=number, effective_from=effective_from, **terms)


@action("financing.load_reasons")
def load_reasons(actor: Actor, *, rows: Iterable[Mapping[str, Any]], status: str) -> None:
    """Bring the list of reasons for not granting (未授信原因目录) up to date, keyed by code."""
    for row in rows:
        fields = {name: value for name, value in row.items() if name != "code"}
        RefusalReason.objects.update_or_create(code=row["code"], defaults={**fields, "status": status})
