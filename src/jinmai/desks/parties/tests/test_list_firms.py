"""The registers' pages: who sees which firm, search by name part and code, contact masked, citation shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from jinmai.desks.parties.models import Firm, Institution


def firm_named(part: str) -> Firm:
    return Firm.objects.get(name__contains=part)


@pytest.mark.parametrize(
    ("username", "sees"),
    [
        ("linqiushi", {"东汀精密", "东汀测试", "西岭测试"}),
        ("shenyihe", {"东汀精密", "东汀测试"}),
        ("t_clerk_xiling", {"西岭测试"}),
        ("xuan", {"东汀精密"}),
        ("heying", set()),
    ],
)
def test_each_sees_its_own(client_as: Any, username: str, sees: set[str]) -> None:
    page = client_as(username).get(reverse("parties:firm_list")).content.decode()
    for part in ("东汀精密", "东汀测试", "西岭测试"):
        named = firm_named(part).name
        beside = page.replace("东汀精密机械有限公司 · 财务", "").count(f">{named}</a>")
        assert (beside > 0) == (part in sees), (username, part)


def test_not_yours_looks_like_not_there(client_as: Any) -> None:
    client = client_as("t_clerk_xiling")
    own = client.get(reverse("parties:firm_detail", args=[firm_named("西岭测试").pk]))
    other = client.get(reverse("parties:firm_detail", args=[firm_named("东汀精密").pk]))
    absent = client.get(reverse("parties:firm_detail", args=["00000000-0000-4000-8000-000000000000"]))
    assert (own.status_code, other.status_code, absent.status_code) == (200, 404, 404)
    assert "东汀精密" not in other.content.decode()


def test_search_by_part_and_code(client_as: Any) -> None:
    client = client_as("linqiushi")
    assert "东汀精密" in client.get(reverse("parties:firm_list"), {"q": "精密"}).content.decode()
    by_code = client.get(reverse("parties:firm_list"), {"q": "E9003"}).content.decode()
    assert "西岭测试建材" in by_code
    assert "东汀精密" not in by_code


def test_contact_is_masked_and_size_cites_its_source(client_as: Any) -> None:
    firm = firm_named("东汀精密")
    page = client_as("linqiushi").get(reverse("parties:firm_detail", args=[firm.pk])).content.decode()
    assert "13900000001" not in page
    assert "139****0001" in page
    assert "统计上大中小微型企业划分办法" in page
    own = client_as("xuan").get(reverse("parties:firm_detail", args=[firm.pk])).content.decode()
    assert "13900000001" in own


def test_contact_stays_out_of_exports(client_as: Any) -> None:
    answer = client_as("linqiushi").get(reverse("parties:firm_list"), {"export": "csv"})
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert "13900000001" not in body.decode("utf-8-sig")
    assert "东汀精密" in body.decode("utf-8-sig")


def test_institutions_stand_in_their_tree(client_as: Any) -> None:
    assert Institution.objects.filter(organisation__parent__isnull=True).count() >= 39
    heads = Institution.objects.filter(organisation__branches__institution__isnull=False).distinct()
    assert heads.filter(organisation__kind="bank").count() >= 3
    branch = Institution.objects.get(organisation__code="bank_city_jp_dongting")
    assert branch.is_branch
    page = client_as("xuan").get(reverse("parties:institution_detail", args=[branch.pk])).content.decode()
    assert "江畔银行东汀支行" in page
    assert "江畔银行西岭支行" in page


def test_overlay_is_safe_to_repeat(city: Any) -> None:
    from jinmai.desks.parties.overlay import load
    from jinmai.foundation.kernel.home import current_home

    before = Institution.objects.count()
    load(current_home().city)
    assert Institution.objects.count() == before


def test_api_answers_the_same(client_as: Any) -> None:
    rows = client_as("shenyihe").get("/api/v1/parties/firms").json()
    assert {row["name"] for row in rows} == {"东汀精密机械有限公司", "东汀测试五金有限公司"}
    assert "contact_phone" not in rows[0]
    other = client_as("shenyihe").get(f"/api/v1/parties/firms/{firm_named('西岭测试').pk}")
    assert other.status_code == 404
