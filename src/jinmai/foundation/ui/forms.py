"""The one form (表单): one column, help under the field, units inside it, input kept when one field fails."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.money import fen_to_wan, wan_to_fen


class Form(forms.Form):
    """A form in Chinese words; draw it with ``ui/form.html`` or ``ui/form_page.html``."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages.setdefault("required", _("请填写"))
            field.error_messages["required"] = _("请填写")
            if isinstance(field.widget, forms.DateInput):
                field.widget.input_type = "date"
                field.widget.format = "%Y-%m-%d"  # the only form a date input takes, whatever the locale

    def refuse(self, refusal: Refusal) -> None:
        """Show an action's refusal above the form, the input kept."""
        self.add_error(None, str(refusal))


class CreatingForm(Form):
    """A form that makes something: a hidden key lets a repeated press find the first effect."""

    idempotency_key = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["idempotency_key"].initial = str(uuid4())


class MoneyWanField(forms.CharField):
    """An amount in 万元, cleaned to fen; refuses what is finer than a fen."""

    unit = _("万元")
    short = True

    def __init__(self, *, min_fen: int | None = None, max_fen: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_fen = min_fen
        self.max_fen = max_fen
        self.widget.attrs.setdefault("inputmode", "decimal")

    def prepare_value(self, value: Any) -> Any:
        """Fen shown as 万元."""
        return f"{fen_to_wan(value):f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        """Fen of the amount typed, between the bounds."""
        text = super().clean(value)
        if text in (None, ""):
            return None
        try:
            fen = wan_to_fen(text)
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from None
        if self.min_fen is not None and fen < self.min_fen:
            raise ValidationError(_("不能少于 %(least)s 万元") % {"least": f"{fen_to_wan(self.min_fen):f}"})
        if self.max_fen is not None and fen > self.max_fen:
            raise ValidationError(_("不能多于 %(most)s 万元") % {"most": f"{fen_to_wan(self.max_fen):f}"})
        return fen


class CountField(forms.IntegerField):
    """A whole number with its unit inside the field: ``CountField(unit="个月")``."""

    def __init__(self, *, unit: Any = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit = unit
        self.error_messages["invalid"] = _("请填写整数")


class PercentField(forms.DecimalField):
    """A percentage as typed (4.35), cleaned to a fraction as ``Decimal`` (0.0435)."""

    unit = "%"

    def clean(self, value: Any) -> Decimal | None:
        """The fraction."""
        percent = super().clean(value)
        return None if percent is None else percent / 100
