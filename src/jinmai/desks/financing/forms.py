"""Forms of the desk: each field as the bureau says it, cleaned to the units that actions take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jinmai.desks.financing import criteria, formulas
from jinmai.desks.financing.models import (
    EvidenceRequest,
    Loan,
    Need,
    Order,
    ProductVersion,
    RefusalReason,
    RenewalLetter,
)
from jinmai.desks.financing.vocabulary import spoken
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, shown
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.kernel.recall import recall
from jinmai.foundation.rulebook import from_base, to_base
from jinmai.foundation.ui.forms import CountField, CreatingForm, Form, MoneyWanField, PercentField

RATIO_ONE = 1_000_000_000
#: How long a consent may run, in months; the firm chooses.
CONSENT_MONTHS = (3, 6, 12)


def rate_to_e9(rate: Decimal) -> int:
    """A yearly rate as a fraction, in integers of 1e-9.

    >>> rate_to_e9(Decimal("0.0435"))
    43500000
    """
    return int((rate * RATIO_ONE).to_integral_value())


class NeedForm(CreatingForm):
    """What money is needed."""

    amount_fen = MoneyWanField(
        label=_("需要多少"), min_fen=1, help_text=_("按实际缺口填写，可以是小数，如 180 或 62.5")
    )
    term_months = CountField(label=_("用多久"), unit=_("个月"), min_value=1, max_value=360)
    purpose = forms.ChoiceField(label=_("用来做什么"), choices=Need.Purpose.choices)
    guarantee = forms.ChoiceField(
        label=_("能提供的担保"), choices=Need.Guarantee.choices, help_text=_("没有抵押物请选“信用”")
    )
    contact_name = forms.CharField(label=_("联系人"), max_length=40)
    contact_phone = forms.CharField(
        label=_("联系电话"), max_length=24, help_text=_("机构受理对接单之后才看得到联系人和电话")
    )
    note = forms.CharField(
        label=_("补充说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class FiguresForm(Form):
    """Figures that only the firm can state; each becomes a figure with today's date and the firm as its source."""

    ASKED = (
        "bank_debt",
        "asset_liability_ratio",
        "guarantees_to_net_assets",
        "ltv",
        "receivable_confirmed",
        "receivable_days_left",
        "owner_contribution",
        "owner_age",
    )

    def __init__(self, *args: Any, need: Need, **kwargs: Any) -> None:
        self.base_fields = {}
        super().__init__(*args, **kwargs)
        for name in self.ASKED:
            info = spoken()[name]
            field = forms.CharField(label=shown(info.label), required=False)
            field.unit, field.short = info.unit, True
            field.widget.attrs["inputmode"] = "decimal"
            stated = need.declared.get(name, {}).get("value")
            field.initial = None if stated is None else f"{from_base(stated, info.unit):f}"
            self.fields[name] = field

    def clean(self) -> dict[str, Any]:
        """Base-unit integers; what is left empty is unknown, not zero."""
        for name in self.ASKED:
            text = (self.cleaned_data.get(name) or "").strip().replace(",", "")
            if not text:
                continue
            try:
                self.cleaned_data[name] = to_base(text, spoken()[name].unit)
            except Refusal as refusal:
                self.add_error(name, str(refusal))
        return self.cleaned_data

    def declared(self, before: dict[str, Any]) -> dict[str, Any]:
        """What the need keeps: unchanged figures keep their date."""
        today, kept = str(Clock.today()), {}
        for name in self.ASKED:
            value = self.cleaned_data.get(name)
            if value in (None, ""):
                continue
            same = before.get(name, {}).get("value") == value
            kept[name] = before[name] if same else {"value": value, "as_of": today}
        return kept


class SubmitForm(Form):
    """Send a need: the consent is an act of its own."""

    products = forms.ModelMultipleChoiceField(
        queryset=ProductVersion.objects.none(), required=False, widget=forms.MultipleHiddenInput
    )
    to_pool = forms.BooleanField(label=_("同时放入待抢池（不显示企业名称，任何一家机构可以抢单）"), required=False)
    months = forms.TypedChoiceField(
        label=_("授权期限"),
        coerce=int,
        choices=[(months, _("自今日起 %(months)d 个月") % {"months": months}) for months in CONSENT_MONTHS],
        widget=forms.RadioSelect,
        initial=CONSENT_MONTHS[0],
        help_text=_("到期自动失效；在“授权与查阅”中随时可以撤回，撤回后机构立即不能再查"),
    )
    consent = forms.BooleanField(
        label=_("本企业同意：上列机构以及抢单的一家机构，为本次授信评估查询本企业信用画像、查看本企业提交的材料"),
        required=False,
        help_text=_("不同意就不会提交；机构每次查询都会记入本企业的查阅记录"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["products"].queryset = ProductVersion.objects.in_force(Clock.today())

    def arguments(self) -> dict[str, Any]:
        """What ``submit_need`` takes."""
        data = self.cleaned_data
        return {
            "versions": list(data["products"]),
            "to_pool": data["to_pool"],
            "consent": data["consent"],
            "consent_until": formulas.months_after(Clock.today(), data["months"]),
        }


class ReasonForm(Form):
    """Why: for withdrawing, declining an order, declining terms."""

    reason = forms.CharField(label=_("原因"), max_length=200, widget=forms.Textarea(attrs={"rows": 3}))


class NothingForm(Form):
    """A verb that asks for nothing more."""


class NoteForm(Form):
    """What was said or seen."""

    note = forms.CharField(
        label=_("情况记录"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )


class PapersForm(Form):
    """What papers are missing."""

    papers = forms.CharField(
        label=_("需补正的材料"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("请一次性列明；发出后办理时限停钟，补正齐全后继续计时"),
    )


class DecisionForm(Form):
    """Terms, or one coded reason."""

    outcome = forms.ChoiceField(
        label=_("决定"), choices=[("granted", _("同意授信")), ("refused", _("不予授信"))], widget=forms.RadioSelect
    )
    amount_fen = MoneyWanField(
        label=_("授信额"), required=False, min_fen=1, help_text=_("同意授信时必填，不超过企业申请额")
    )
    rate = PercentField(
        label=_("年化利率"),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=7,
        decimal_places=4,
        help_text=_("同意授信时必填"),
    )
    term_months = CountField(label=_("期限"), unit=_("个月"), required=False, min_value=1, max_value=360)
    guarantee = forms.CharField(label=_("担保方式"), max_length=80, required=False)
    reason = forms.ModelChoiceField(
        label=_("未授信原因"),
        queryset=RefusalReason.objects.none(),
        required=False,
        empty_label=_("请选择原因"),
        help_text=_("不予授信时必选；企业会看到原因、修复办法和主管部门"),
    )
    explanation = forms.CharField(
        label=_("说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].queryset = RefusalReason.objects.all()
        self.fields["reason"].label_from_instance = lambda reason: recall(str(reason))
        self.fields["amount_fen"].initial = order.need.amount_fen
        self.fields["term_months"].initial = order.need.term_months
        if order.version:
            self.fields["guarantee"].initial = order.version.guarantee

    def arguments(self) -> dict[str, Any]:
        """What ``decide_order`` takes."""
        data = self.cleaned_data
        if data["outcome"] == "refused":
            reason = data["reason"].pk if data["reason"] else None
            return {"granted": False, "reason": reason, "explanation": data["explanation"]}
        return {
            "granted": True,
            "amount_fen": data["amount_fen"],
            "rate_e9": None if data["rate"] is None else rate_to_e9(data["rate"]),
            "term_months": data["term_months"],
            "guarantee": data["guarantee"],
            "explanation": data["explanation"],
        }


class DisbursementForm(Form):
    """Money that reached the firm."""

    contract_number = forms.CharField(label=_("合同号或借据号"), max_length=60)
    disbursed_fen = MoneyWanField(label=_("放款额"), min_fen=1)
    disbursed_on = forms.DateField(label=_("放款日期"), widget=forms.DateInput)

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        paid = sum(loan.disbursed_fen for loan in order.loans.all())
        self.fields["disbursed_fen"].initial = order.decision.amount_fen - paid
        self.fields["disbursed_on"].initial = Clock.today

    def arguments(self) -> dict[str, Any]:
        """What ``record_disbursement`` takes."""
        return dict(self.cleaned_data)


class TakeForm(Form):
    """Which of the institution's own products the order is taken for."""

    product = forms.ModelChoiceField(
        label=_("拟用产品"),
        queryset=ProductVersion.objects.none(),
        required=False,
        empty_label=_("抢单后再定"),
    )

    def __init__(self, *args: Any, own: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].queryset = own
        self.fields["product"].label_from_instance = lambda version: version.product.name

    def arguments(self) -> dict[str, Any]:
        """What ``take_order`` takes."""
        return {"version": self.cleaned_data["product"]}


class VerifyForm(Form):
    """The institution's word on a first-time borrower."""

    answer = forms.ChoiceField(
        label=_("放款前有无贷款记录"),
        choices=[("yes", _("没有，是首贷户")), ("no", _("有，不是首贷户"))],
        widget=forms.RadioSelect,
        help_text=_("以本机构放款前的征信查询为准；平台推定不因此改变，两者分列统计"),
    )


def _standards() -> list[tuple[str, Any]]:
    rule = criteria.standards_rule(Clock.today())
    return [(item.id, recall(item.text)) for item in rule.value.items] if rule else []


class AttestForm(Form):
    """Vouch for one standard: which, whether it holds, and on what evidence."""

    item = forms.ChoiceField(label=_("标准"))
    holds = forms.ChoiceField(
        label=_("结论"), choices=[("yes", _("符合")), ("no", _("不符合"))], widget=forms.RadioSelect
    )
    evidence = forms.CharField(
        label=_("看过的凭据"), max_length=200, help_text=_("写明材料名称、编号或来源，如“营业执照副本、近6个月开票记录”")
    )
    request = forms.ModelChoiceField(
        label=_("依据的核实回复"), queryset=EvidenceRequest.objects.none(), required=False, empty_label=_("不引用")
    )
    note = forms.CharField(
        label=_("说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("判为不符合的，须写明事实，企业据此修复"),
    )  # fmt: skip

    def __init__(self, *args: Any, need: Need, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = _standards()
        answered = EvidenceRequest.objects.visible_to(actor).filter(need=need, status="answered")
        self.fields["request"].queryset = answered.select_related("organisation")
        self.fields["request"].label_from_instance = lambda one: (
            f"{one.number}　{one.organisation.name}　{one.get_finding_display()}"
        )

    def arguments(self) -> dict[str, Any]:
        """As the action takes them."""
        return {**self.cleaned_data, "holds": self.cleaned_data["holds"] == "yes"}


class EvidenceForm(Form):
    """Ask an office to look: which standard, which office, what to look at."""

    item = forms.ChoiceField(label=_("标准"))
    organisation = forms.ChoiceField(label=_("请谁核实"))
    asked = forms.CharField(
        label=_("核实什么"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("写明要看的情况和要附的材料，如“门头照、车间照各一张”"),
    )  # fmt: skip

    def __init__(self, *args: Any, need: Need, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = _standards()
        self.fields["organisation"].choices = _offices(need)

    def arguments(self) -> dict[str, Any]:
        """As the action takes them: the office and its role apart."""
        code, _mark, role = self.cleaned_data["organisation"].partition("|")
        return {
            "item": self.cleaned_data["item"],
            "asked": self.cleaned_data["asked"],
            "organisation": Organisation.objects.get(code=code),
            "role": role,
        }


#: Offices that a clerk asks most often stand first.
FIRST_ASKED = ("dep_samr", "dep_tax", "dep_dr", "dep_court")


def _offices(need: Need) -> list[tuple[str, list[tuple[str, str]]]]:
    """Who can be asked about a need: the district's streets, the city's departments, institutions that hold an order."""
    active = Organisation.objects.filter(active=True)
    streets = active.filter(kind="street", region_id=need.region_id).order_by("name")
    departments = sorted(
        active.filter(kind="department"),
        key=lambda one: (FIRST_ASKED.index(one.code) if one.code in FIRST_ASKED else len(FIRST_ASKED), one.name),
    )
    banks = active.filter(pk__in=need.orders.exclude(institution=None).values("institution_id")).order_by("name")
    held = set(
        Membership.objects.filter(organisation__in=departments, until=None).values_list("organisation_id", "role")
    )
    listed = [
        (f"{one.code}|{role}", f"{one.name}{words}") for one in departments for role, words in _roles_at(one, held)
    ]
    return [
        (str(_("镇街")), [(f"{one.code}|", one.name) for one in streets]),
        (str(_("市级部门")), listed),
        (str(_("机构")), [(f"{one.code}|", one.name) for one in banks]),
    ]


def _roles_at(department: Organisation, held: set[tuple[int, str]]) -> list[tuple[str, str]]:
    """A department's officer, and its registration window where somebody holds that post."""
    window = (department.pk, "department.registrar") in held
    officer = (department.pk, "department.officer") in held
    found = [("department.registrar", str(_("（登记窗口）")))] if window else []
    return [("department.officer", ""), *found] if officer or not window else found


class FindingForm(Form):
    """What an office found."""

    finding = forms.ChoiceField(label=_("核实结果"), choices=EvidenceRequest.Finding.choices, widget=forms.RadioSelect)
    answer = forms.CharField(
        label=_("看到、查到的情况"), max_length=400, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("写事实，不写结论；照片、证明请先在上面“附件”里上传，回复之后不再收材料"),
    )  # fmt: skip


class ConcludeForm(Form):
    """The task force's conclusion."""

    recommended = forms.ChoiceField(
        label=_("结论"), choices=[("yes", _("推荐")), ("no", _("暂不推荐"))], widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("理由"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("暂不推荐的，写明原因和需要补的材料，企业会看到"),
    )  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """As the action takes them."""
        return {"recommended": self.cleaned_data["recommended"] == "yes", "reason": self.cleaned_data["reason"]}


class LetterForm(Form):
    """A promise to renew."""

    amount_fen = MoneyWanField(label=_("承诺续贷额"), min_fen=1)
    term_months = CountField(label=_("期限"), unit=_("个月"), min_value=1, max_value=120)
    renew_by = forms.DateField(label=_("最迟签约日"), widget=forms.DateInput, help_text=_("不晚于贷款到期日；过期未办记为未兑现"))
    conditions = forms.CharField(
        label=_("附带条件"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("如“按时付息、五级分类保持正常”；没有则留空"),
    )  # fmt: skip

    def __init__(self, *args: Any, loan: Loan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount_fen"].initial = loan.disbursed_fen
        self.fields["term_months"].initial = 12
        self.fields["renew_by"].initial = loan.due_on

    def arguments(self) -> dict[str, Any]:
        """As the action takes them."""
        return dict(self.cleaned_data)


class KeepForm(Form):
    """How a promise was kept."""

    new_loan = forms.ModelChoiceField(
        label=_("续贷的放款"), queryset=Loan.objects.none(), required=False, empty_label=_("不在平台登记")
    )
    kept_on = forms.DateField(label=_("续贷签约日"), widget=forms.DateInput)
    note = forms.CharField(
        label=_("续贷合同"), max_length=200, required=False, help_text=_("没有在平台登记新放款的，写明续贷合同号")
    )

    def __init__(self, *args: Any, letter: RenewalLetter, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newer = Loan.objects.visible_to(actor).filter(
            subject_id=letter.loan.subject_id, disbursed_on__gte=letter.issued_on
        )
        self.fields["new_loan"].queryset = newer.exclude(pk=letter.loan_id)
        self.fields["new_loan"].label_from_instance = lambda one: f"{one.contract_number}　{one.disbursed_on}"
        self.fields["kept_on"].initial = Clock.today()

    def arguments(self) -> dict[str, Any]:
        """As the action takes them."""
        return dict(self.cleaned_data)
