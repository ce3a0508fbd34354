"""Forms of the registers."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from jinmai.desks.parties.models import Firm
from jinmai.foundation.kernel.organisations.models import Region
from jinmai.foundation.ui.forms import CountField, CreatingForm, MoneyWanField


class FirmForm(CreatingForm):
    """A firm's entry (企业登记); amounts in 万元."""

    name = forms.CharField(label=_("企业名称"), max_length=200)
    uscc = forms.CharField(
        label=_("统一社会信用代码"), max_length=18, help_text=_("18位，见营业执照；登记后不能在此更改")
    )
    kind = forms.ChoiceField(label=_("主体类型"), choices=Firm.Kind.choices)
    region = forms.ModelChoiceField(label=_("所在区县"), queryset=Region.objects.none(), empty_label=_("请选择"))
    industry_code = forms.CharField(
        label=_("行业代码"), max_length=5, required=False, help_text=_("GB/T 4754-2017，如 C3512；用于划分企业规模")
    )
    established_on = forms.DateField(label=_("成立日期"), required=False)
    employees = CountField(label=_("从业人员"), unit=_("人"), required=False, min_value=0)
    revenue_fen = MoneyWanField(label=_("营业收入"), required=False, min_fen=0)
    assets_fen = MoneyWanField(label=_("资产总额"), required=False, min_fen=0)
    figures_as_of = forms.DateField(label=_("规模数据截至"), required=False)
    contact_name = forms.CharField(
        label=_("联系人"), max_length=40, required=False, help_text=_("对接单受理后，受理机构才能看到")
    )
    contact_phone = forms.CharField(label=_("联系电话"), max_length=24, required=False)

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.fields["region"].queryset = Region.objects.exclude(kind="city")

    def entry(self) -> dict[str, object]:
        """What the verbs take: amounts in fen, blanks as None."""
        return {name: value for name, value in self.cleaned_data.items() if name != "idempotency_key"}


class FirmUpdateForm(FirmForm):
    """The same entry without the code, which a correction never changes."""

    uscc = None

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        del self.fields["idempotency_key"]


def initial_of(firm: Firm) -> dict[str, object]:
    """A firm's entry as the form shows it."""
    return {name: getattr(firm, name) for name in FirmUpdateForm.base_fields if name != "idempotency_key"}
