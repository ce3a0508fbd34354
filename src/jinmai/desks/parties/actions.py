"""Verbs of the registers: register and correct a firm, register a sheet of firms, register an institution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.parties.basis import note_sizes
from jinmai.desks.parties.classification import classify
from jinmai.desks.parties.facts import KIND_TEXT
from jinmai.desks.parties.models import Firm, Institution
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.ids import check_uscc
from jinmai.foundation.kernel.organisations.models import Organisation, Region
from jinmai.foundation.kernel.outbox import emit
from jinmai.foundation.kernel.subjects.actions import ensure_subjects
from jinmai.foundation.kernel.subjects.models import Subject

CHANGEABLE = frozenset(
    {
        "name", "kind", "region", "industry_code", "established_on", "employees", "revenue_fen", "assets_fen",
        "figures_as_of", "contact_name", "contact_phone",
    }
)  # fmt: skip
SUBJECT_KINDS = {
    Firm.Kind.LEGAL_PERSON: Subject.Kind.ENTERPRISE,
    Firm.Kind.INDIVIDUAL_BUSINESS: Subject.Kind.INDIVIDUAL_BUSINESS,
    Firm.Kind.COOPERATIVE: Subject.Kind.COOPERATIVE,
    Firm.Kind.FAMILY_FARM: Subject.Kind.INDIVIDUAL_BUSINESS,
}
REASONS_UNKNOWN_CODE = {
    "length": mark("应为18位"),
    "alphabet": mark("含有不应出现的字符"),
    "check_character": mark("校验码不符"),
}


@action("parties.register_firm", creates=True)
def register_firm(
    actor: Actor,
    *,
    name: str,
    kind: str = Firm.Kind.LEGAL_PERSON,
    uscc: str | None = None,
    subject: Subject | None = None,
    region: Region | str | None = None,
    industry_code: str = "",
    established_on: date | None = None,
    employees: int | None = None,
    revenue_fen: int | None = None,
    assets_fen: int | None = None,
    figures_as_of: date | None = None,
    contact_name: str = "",
    contact_phone: str = "",
    origin: str = Subject.Origin.LOCAL,
) -> Firm:
    """Put a firm (企业) into the register, under its credit code or under a subject that facts already speak of.

    ``revenue_fen`` and ``assets_fen`` are fen, ``employees`` persons, all as of ``figures_as_of``. Refuses a code that
    is none (JM-PAR-001), a firm already registered (JM-PAR-002), one with neither code nor subject (JM-PAR-003), a
    founding day to come (JM-PAR-004), a negative amount (JM-PAR-005).
    """
    code = (uscc or "").strip().upper() or None
    whose = _subject(code, subject, name, kind, origin)
    if Firm.objects.filter(subject=whose).exists():
        raise Refusal("JM-PAR-002", Words("“%(name)s”已在企业名册中", name=name), "请在名册中查到该企业后更正")
    firm = Firm(
        subject=whose,
        name=name.strip(),
        kind=kind,
        uscc=code,
        region=_region(region),
        industry_code=industry_code.strip().upper(),
        established_on=established_on,
        employees=employees,
        revenue_fen=revenue_fen,
        assets_fen=assets_fen,
        figures_as_of=figures_as_of,
        contact_name=contact_name,
        contact_phone=contact_phone,
    )
    return _keep(actor, firm, "parties.register_firm")


@action("parties.register_firms")
def register_firms(
    actor: Actor, *, rows: Sequence[Mapping[str, Any]], origin: str = Subject.Origin.LOCAL
) -> list[Firm]:
    """Put a sheet of firms (企业批量登记) into the register, all or none; each row has the fields of ``register_firm``.

    Refuses like it, naming the row: a code that is none (JM-PAR-001), a firm already registered (JM-PAR-002), an
    unknown district (JM-PAR-007) and figures that cannot be (JM-PAR-004, JM-PAR-005).
    """
    regions = {key: region for region in Region.objects.all() for key in (region.code, region.name)}
    firms = []
    for number, row in enumerate(rows, 1):
        try:
            firms.append(_of_row(row, regions))
        except Refusal as refusal:
            raise _in_row(number, refusal) from None
    codes = [firm.uscc for firm in firms]
    known = set(Firm.objects.filter(uscc__in=codes).values_list("uscc", flat=True))
    if known or len(set(codes)) < len(codes):
        row = next(n for n, code in enumerate(codes, 1) if code in known or code in codes[: n - 1])
        reason = _("“%(name)s”已在企业名册中") % {"name": firms[row - 1].name}
        raise _in_row(row, Refusal("JM-PAR-002", reason, _("请删去重复的行后再登记")))
    return _land(actor, firms, origin)


@action("parties.update_firm")
def update_firm(actor: Actor, firm: Firm, **changes: Any) -> Firm:
    """Correct what the register says of a firm (变更登记); its size class follows.

    Takes the fields of ``register_firm`` but the code. Refuses another field (JM-PAR-006), a founding day to come
    (JM-PAR-004), a negative amount (JM-PAR-005).
    """
    strangers = sorted(set(changes) - CHANGEABLE)
    if strangers:
        raise Refusal("JM-PAR-006", Words("不能更正这些项目：%(names)s", names="、".join(strangers)), "统一社会信用代码有变的，请重新登记")
    if "region" in changes:
        changes["region"] = _region(changes["region"])
    held = Firm.objects.select_for_update().get(pk=firm.pk)
    for field, value in changes.items():
        setattr(held, field, value)
    held.updated_at = Clock.now()
    return _keep(actor, held, "parties.update_firm")


@action("parties.register_institution")
def register_institution(
    actor: Actor, organisation: Organisation, *, kind: str, scope: str = "", note: str = "", is_example: bool = False
) -> Institution:
    """Put a financial institution (机构) into the register, or bring its entry up to date.

    Refuses an organisation that is none (JM-PAR-010).
    """
    if not organisation.is_financial:
        raise Refusal("JM-PAR-010", Words("“%(name)s”不是金融机构", name=organisation.name), "请先核对机构类型")
    found, _made = Institution.objects.update_or_create(
        organisation=organisation, defaults={"kind": kind, "scope": scope, "note": note, "is_example": is_example}
    )
    return found


def _subject(code: str | None, subject: Subject | None, name: str, kind: str, origin: str) -> Subject:
    if code is None and subject is None:
        raise Refusal("JM-PAR-003", Words("“%(name)s”没有统一社会信用代码", name=name), "请填写营业执照上的18位代码")
    if code is not None:
        _check_code(code)
    if subject is None:
        assert code is not None
        kinds = {"kind": SUBJECT_KINDS[Firm.Kind(kind)], "origin": origin}
        subject = ensure_subjects(Actor.platform(), "uscc", [code], **kinds)[code]
    elif code is not None:
        _identify(subject, code)
    subject.name, subject.provisional = name.strip(), False
    subject.save(update_fields=["name", "provisional"])
    return subject


def _check_code(code: str) -> None:
    check = check_uscc(code)
    if not check.valid:
        reason = REASONS_UNKNOWN_CODE[check.reason or "length"]
        raise Refusal("JM-PAR-001", Words("“%(code)s”不是统一社会信用代码：%(reason)s", code=code, reason=reason), "请对照营业执照重新填写")


def _identify(subject: Subject, code: str) -> None:
    identifier, made = subject.identifiers.model.objects.get_or_create(
        scheme="uscc", value=code, defaults={"subject": subject}
    )
    if not made and identifier.subject_id != subject.pk:
        raise Refusal("JM-PAR-002", Words("代码“%(code)s”已属于名册中的另一家企业", code=code), "请核对代码")


def _region(region: Region | str | None) -> Region | None:
    if not isinstance(region, str):
        return region
    if not region:
        return None
    found = Region.objects.filter(code=region).first() or Region.objects.filter(name=region).first()
    if found is None:
        raise Refusal("JM-PAR-007", Words("没有区划“%(region)s”", region=region), "请从本市区县中选择")
    return found


def _in_row(number: int, refusal: Refusal) -> Refusal:
    _code, reason, remedy = refusal.args
    return Refusal(refusal.code, Words("第 %(row)d 行：%(reason)s", row=number, reason=reason), remedy)


def _of_row(row: Mapping[str, Any], regions: Mapping[str, Region]) -> Firm:
    region, code = row.get("region") or None, str(row.get("uscc") or "").strip().upper()
    if region is not None and region not in regions:
        raise Refusal("JM-PAR-007", Words("没有区划“%(region)s”", region=region), "请从本市区县中选择")
    _check_code(code)
    fields = {name: value for name, value in row.items() if name in CHANGEABLE and name != "region"}
    firm = Firm(**fields, uscc=code, region=regions.get(region or ""))
    _check(firm)
    return firm


def _land(actor: Actor, firms: list[Firm], origin: str) -> list[Firm]:
    """The subjects and rows of checked firms, and what the facts are told of them."""
    for kind in sorted({firm.kind for firm in firms}):
        some = {firm.uscc: firm for firm in firms if firm.kind == kind}
        kinds = {"kind": SUBJECT_KINDS[Firm.Kind(kind)], "origin": origin}
        subjects = ensure_subjects(Actor.platform(), "uscc", [code for code in some if code], **kinds)
        for code, firm in some.items():
            firm.subject = subjects[str(code)]
            firm.subject.name, firm.subject.provisional = firm.name, False
        Subject.objects.bulk_update([firm.subject for firm in some.values()], ["name", "provisional"])
    told = [(firm, classify(firm, Clock.today())) for firm in firms]
    for firm, found in told:
        firm.size_class = found.size_class or ""
    Firm.objects.bulk_create(firms)
    note_sizes(actor, told, "parties.register_firms")
    for firm in firms:
        emit("firms_register", firm.pk, fact_row(firm))
    return firms


def _check(firm: Firm) -> None:
    """Refuse a founding day to come and figures that cannot be."""
    if firm.established_on and firm.established_on > Clock.today():
        raise Refusal("JM-PAR-004", "成立日期晚于今天", "请核对营业执照")
    amounts = (firm.employees, firm.revenue_fen, firm.assets_fen)
    if any(amount is not None and amount < 0 for amount in amounts):
        raise Refusal("JM-PAR-005", "从业人员、营业收入、资产总额不能为负", "请核对后重新填写")


def _keep(actor: Actor, firm: Firm, operation: str) -> Firm:
    """Check, classify by the rule of the day, save with the rule that was used, and tell the facts."""
    _check(firm)
    told = classify(firm, Clock.today())
    firm.size_class = told.size_class or ""
    with transaction.atomic():
        firm.save()
        note_sizes(actor, [(firm, told)], operation)
        emit("firms_register", firm.pk, fact_row(firm))
    return firm


def fact_row(firm: Firm) -> dict[str, Any]:
    """The register's row as facts hold it: no name, no contact."""
    identifiers = sorted(firm.subject.identifiers.all(), key=lambda one: (one.scheme != "uscc", one.scheme, one.value))
    return {
        "subject_key": identifiers[0].key,
        "kind": KIND_TEXT[firm.kind],
        "region": firm.region.name if firm.region else None,
        "industry_code": firm.industry_code or None,
        "established_on": firm.established_on,
        "size_class": firm.size_class or None,
        "origin": firm.subject.origin,
    }
