"""The overlay's products: earlier versions stay as they were published, loading again changes nothing."""

from __future__ import annotations

from datetime import date

import pytest

from jinmai.desks.financing.actions.products import publish_product
from jinmai.desks.financing.models import ProductVersion
from jinmai.desks.financing.overlay import load
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.errors import Refusal

pytestmark = pytest.mark.django_db


def versions():
    return list(ProductVersion.objects.order_by("pk").values())


def test_loading_again_changes_nothing(city):
    before = versions()
    load(City.named("example"))
    assert versions() == before and len(before) > 28


def test_each_day_has_its_version(city):
    for day, rate in ((date(2024, 6, 3), 38_000_000), (date(2025, 1, 1), 34_500_000), (date(2026, 11, 20), 34_500_000)):
        (found,) = ProductVersion.objects.in_force(day).filter(product__code="p01")
        assert found.rate_min_e9 == rate
    assert not ProductVersion.objects.in_force(date(2024, 2, 29)).filter(product__code="p01").exists()


def test_publishing_an_earlier_version_again_is_refused_unlike_loading_it(city):
    """The control: without looking at what is published, the second start of a city would stop here."""
    first = ProductVersion.objects.select_related("product__institution").get(product__code="p01", number=1)
    with pytest.raises(Refusal) as refused:
        publish_product(
            Actor.platform(),
            code="p01",
            institution=first.product.institution,
            name=first.product.name,
            kind=first.product.kind,
            category=first.product.category,
            status=first.product.status,
            effective_from=first.effective_from,
            amount_fen=[first.amount_min_fen, first.amount_max_fen],
            term_months=[first.term_min_months, first.term_max_months],
            rate_e9=[first.rate_min_e9, first.rate_max_e9],
            clauses=first.clauses,
            promised_working_days=first.promised_working_days,
        )
    assert refused.value.code == "JM-FIN-030"
