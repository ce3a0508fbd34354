"""Forms of the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jinmai.desks.credit.groups import BY_SLUG, fields_of
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import CONSENTED, LABELS
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.forms import CreatingForm

USUAL_DAYS = 90


class ConsentForm(CreatingForm):
    """A firm lets an institution read its figures (授权查询): whom, what for, which figures, until when."""

    receiver = forms.ModelChoiceField(
        label=_("授权给"),
        queryset=Organisation.objects.none(),
        empty_label=_("请选择机构"),
        help_text=_("授权给总行的，其分支机构也可查阅"),
    )
    purpose = forms.ChoiceField(label=_("查阅目的"))
    groups = forms.MultipleChoiceField(
        label=_("数据项"), widget=forms.CheckboxSelectMultiple, help_text=_("没有勾选的，机构看不到")
    )
    starts_on = forms.DateField(label=_("开始日期"))
    ends_on = forms.DateField(label=_("截止日期"), help_text=_("到期自动失效，可随时撤回"))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        institutions = Organisation.objects.filter(kind__in=Organisation.FINANCIAL, active=True)
        self.fields["receiver"].queryset = institutions
        self.fields["purpose"].choices = [(purpose, LABELS[purpose]) for purpose in sorted(CONSENTED)]
        self.fields["groups"].choices = [(group.slug, group.label) for group in BY_SLUG.values()]
        self.fields["groups"].initial = list(BY_SLUG)
        self.fields["starts_on"].initial = Clock.today()
        self.fields["ends_on"].initial = Clock.today() + timedelta(days=USUAL_DAYS)

    def terms(self) -> dict[str, Any]:
        """What the verb takes."""
        given = {name: self.cleaned_data[name] for name in ("receiver", "purpose", "starts_on", "ends_on")}
        return {**given, "fields": fields_of(self.cleaned_data["groups"])}
