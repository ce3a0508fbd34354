"""Forms of the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jinmai.desks.credit import conditions, corrections
from jinmai.desks.credit.groups import BY_SLUG, fields_of
from jinmai.desks.credit.models import Objection, Repair
from jinmai.desks.credit.records import split
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.purposes import CONSENTED, LABELS
from jinmai.foundation.kernel.errors import shown
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.forms import CreatingForm, Form

USUAL_DAYS = 90
#: What a firm promises unless it writes its own. Published as it stands: Chinese only.
PROMISE = (
    "本企业已纠正失信行为、履行法定义务，承诺今后依法诚信经营，自愿接受监督；如有违反，愿依法承担责任。"  # Chinese only
)


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


def _long(label: Any, *, rows: int = 4, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=400, widget=forms.Textarea(attrs={"rows": rows}), **more)


class ObjectionForm(CreatingForm):
    """A firm says what is wrong."""

    target = forms.CharField(widget=forms.HiddenInput, max_length=120)
    reason = _long(_("异议理由"), rows=5, help_text=_("写明哪里有误、应当是什么；提交后在异议页上传证明材料"))


class RepairForm(CreatingForm):
    """A firm asks for repair, with its promise."""

    target = forms.CharField(widget=forms.HiddenInput, max_length=120)
    duty_done_on = forms.DateField(label=_("义务履行完毕日期"), help_text=_("缴清罚款或整改验收的日期"))
    duty_words = _long(_("履行情况"), help_text=_("怎样履行完毕；提交后在申请页上传履行凭证"))
    promise = _long(_("信用承诺"), rows=5, help_text=_("向社会公开：承诺今后守法诚信经营，如有违反愿承担的责任"))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["promise"].initial = str(
            _("本企业已纠正失信行为、履行法定义务，承诺今后依法诚信经营，自愿接受监督；如有违反，愿依法承担责任。")
        )


class WhyForm(Form):
    """Why: for not taking up, for withdrawing."""

    reason = _long(_("原因"), help_text=_("对方会看到"))


class AcknowledgeForm(Form):
    """What was found about a change."""

    note = _long(_("核实情况"), help_text=_("企业会看到"))


class MissingPapersForm(Form):
    """What papers are missing."""

    papers = _long(_("需补正的材料"), rows=5, help_text=_("请一次性列明；发出后停钟，企业补正后继续计时"))


class PapersInForm(Form):
    """What was handed in."""

    note = _long(_("补正说明"), required=False, help_text=_("请先在本页下方上传材料，再确认已补正"))


class StatementForm(Form):
    """The subject's own words."""

    statement = _long(_("本人声明"), rows=5, help_text=_("会显示在这一项旁边，查看画像的人都能看到；提交后不能改"))


class VerifyForm(Form):
    """What the department found, and how it puts it right."""

    FINDINGS = (("corrected", _("有误，予以更正")), ("upheld", _("核实无误，予以保留")))

    finding = forms.ChoiceField(label=_("核实结果"), choices=FINDINGS, widget=forms.RadioSelect)
    answer = _long(_("书面答复"), help_text=_("写明核对了什么、依据什么；企业会看到"))

    def __init__(self, *arguments: Any, objection: Objection, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.table, _key = split(objection.target)
        if not self.table:
            batches = corrections.candidates(objection)
            self.fields["batch_number"] = forms.TypedChoiceField(
                label=_("更正所在的批次"),
                coerce=int,
                empty_value=None,
                required=False,
                choices=[("", _("请选择")), *((one.number, corrections.batch_words(one)) for one in batches)],
                help_text=_("选择更正时必填：异议提出之后重新报送或撤回的批次"),
            )
            return
        self.fields["remove"] = forms.BooleanField(
            label=_("这一条不属于该企业或不存在，整条移除"),
            required=False,
            help_text=_("只改个别内容的，不要勾选，填写下面各项"),
        )
        for column in corrections.columns_of(self.table):
            field = forms.CharField(label=shown(column.label), required=False, max_length=200)
            field.unit = "元" if column.type == "fen" else ""
            if column.type == "date":
                field.widget = forms.DateInput()
                field.widget.input_type = "date"
            self.fields[f"to_{column.name}"] = field

    def arguments(self) -> dict[str, Any]:
        """What ``verify_objection`` takes."""
        data = self.cleaned_data
        changes = {name.removeprefix("to_"): text for name, text in data.items() if name.startswith("to_")}
        return {
            "finding": data["finding"],
            "answer": data["answer"],
            "changes": changes,
            "remove": data.get("remove", False),
            "batch_number": data.get("batch_number"),
        }


class AttestForm(Form):
    """What the department vouches for."""

    WORD = (("yes", _("是")), ("no", _("否")))

    seriousness = forms.ChoiceField(label=_("失信信息的严重程度"), widget=forms.RadioSelect)
    duty_performed = forms.ChoiceField(label=_("已纠正失信行为、履行完毕义务"), choices=WORD, widget=forms.RadioSelect)
    other_conditions = forms.ChoiceField(
        label=_("法律法规规定的其他条件已满足"), choices=WORD, widget=forms.RadioSelect
    )
    words = _long(_("认定依据"), help_text=_("写明文书和履行凭证；企业会看到"))

    def __init__(self, *arguments: Any, repair: Repair, **named: Any) -> None:
        super().__init__(*arguments, **named)
        known = conditions.classes(repair.target, Clock.today())
        self.fields["seriousness"].choices = [(name, shown(words)) for name, words in known]

    def arguments(self) -> dict[str, Any]:
        """What ``attest_repair`` takes."""
        data = dict(self.cleaned_data)
        return {**data, **{name: data[name] == "yes" for name in ("duty_performed", "other_conditions")}}


class DecideForm(Form):
    """The bureau's decision."""

    outcome = forms.ChoiceField(
        label=_("决定"), choices=[("granted", _("准予修复")), ("refused", _("不予修复"))], widget=forms.RadioSelect
    )
    words = _long(_("理由"), help_text=_("写明各项条件是否满足；企业会看到"))

    def arguments(self) -> dict[str, Any]:
        """What ``decide_repair`` takes."""
        return {"granted": self.cleaned_data["outcome"] == "granted", "words": self.cleaned_data["words"]}
