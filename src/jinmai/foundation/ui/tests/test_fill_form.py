"""Forms keep what was typed, refuse clearly, and carry a key against double effects."""

from __future__ import annotations

import pytest
from django import forms
from django.template.loader import render_to_string

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.ui.forms import CountField, CreatingForm, MoneyWanField, PercentField


class NeedForm(CreatingForm):
    amount = MoneyWanField(label="需求额", min_fen=1_000_000, help_text="至少 1 万元")
    months = CountField(label="期限", unit="个月", required=False)
    rate = PercentField(label="年化成本", required=False)
    note = forms.CharField(label="用途")


def test_money_becomes_fen_and_a_ratio_a_fraction():
    form = NeedForm({"amount": "1,180.5", "months": "12", "rate": "4.35", "note": "采购", "idempotency_key": "k"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["amount"] == 1_180_500_000
    assert str(form.cleaned_data["rate"]) == "0.0435"


@pytest.mark.parametrize("typed", ["十万", "0.000001", "0.5", "", "1e3e"])
def test_bad_money_is_refused_and_the_rest_kept(typed):
    form = NeedForm({"amount": typed, "note": "采购原材料", "idempotency_key": "kept-key"})
    assert not form.is_valid() and "amount" in form.errors
    text = render_to_string("ui/form_fields.html", {"form": form})
    assert "采购原材料" in text and 'value="kept-key"' in text


def test_form_is_one_column_with_units_and_help():
    text = render_to_string("ui/form_fields.html", {"form": NeedForm()})
    assert '<span class="unit">万元</span>' in text and "至少 1 万元" in text and "选填" in text
    assert 'type="hidden" name="idempotency_key"' in text


def test_each_form_opened_has_its_own_key():
    keys = {NeedForm().fields["idempotency_key"].initial for _turn in range(3)}
    assert len(keys) == 3


def test_refusal_stands_above_the_form():
    form = NeedForm({"amount": "5", "note": "x", "idempotency_key": "k"})
    form.refuse(Refusal("JM-FIN-012", "对接单已被受理", "请另选一笔"))
    assert "对接单已被受理。请另选一笔（JM-FIN-012）" in render_to_string("ui/form_fields.html", {"form": form})
