"""The smallest city: the overlay's regions, organisations and cast, a handful of firms and institutions, invoices.

Built once for a test process through actions, kept as a snapshot. The cast is the demo's (see ``CAST``); beside it
stand the strangers that the security tests need: another firm's accountant, another bank, another district, an
account that was closed and one whose post has ended.
"""

from __future__ import annotations

from datetime import date
from typing import Any

PASSWORD = "ceshi-Mima-2026"

#: username, name, organisation, role.
CAST = (
    ("zhouqiming", "周启明", "bureau", "bureau.director"),
    ("guqinghe", "顾清和", "city_gov", "city.leader"),
    ("linqiushi", "林秋实", "bureau", "bureau.section_chief"),
    ("shenyihe", "沈一禾", "district_dongting", "district.clerk"),
    ("milan", "米兰", "street_dongting_1", "street.visitor"),
    ("zhengke", "郑可", "bureau", "supervision.section_chief"),
    ("heying", "何盈", "bank_city_jp_dongting", "institution.account_manager"),
    ("luosen", "罗森", "bank_city_jp", "institution.approver"),
    ("yezhiqiu", "叶知秋", "fg_city", "institution.manager"),
    ("dingyiming", "丁一鸣", "ml_huimin", "institution.manager"),
    ("xuan", "许安", "firm_dongting_jm", "firm.accountant"),
    ("hanxue", "韩雪", "dep_tax", "department.officer"),
    ("chengyue", "程越", "dep_samr", "department.registrar"),
    ("qiangong", "钱工", "platform", "admin.system"),
    ("sungong", "孙工", "platform", "admin.security"),
    ("ligong", "李工", "platform", "admin.audit"),
)

#: The same roles in other organisations, and two accounts that must no longer get in.
STRANGERS = (
    ("t_firm_xiling", "测试西岭财务", "firm_t_xiling", "firm.accountant"),
    ("t_firm_dongting", "测试东汀财务", "firm_t_dongting", "firm.accountant"),
    ("t_manager_branch", "测试同行异支行", "bank_city_jp_xiling", "institution.account_manager"),
    ("t_manager_bank", "测试他行经理", "bank_state_tg_dongting", "institution.account_manager"),
    ("t_manager_ml", "测试他小贷", "ml_xinda", "institution.manager"),
    ("t_clerk_xiling", "测试西岭专班", "district_xiling", "district.clerk"),
    ("t_disabled", "测试停用", "bank_city_jp_dongting", "institution.account_manager"),
    ("t_expired", "测试离岗", "bank_city_jp_dongting", "institution.account_manager"),
)

#: Organisation, name, code in the invoices, district, contact, phone.
FIRMS = (
    ("firm_dongting_jm", "东汀精密机械有限公司", "E9001", "dongting", "许安", "13900000001"),
    ("firm_t_dongting", "东汀测试五金有限公司", "E9002", "dongting", "周测", "13900000002"),
    ("firm_t_xiling", "西岭测试建材有限公司", "E9003", "xiling", "吴测", "13900000003"),
)

#: Organisations the overlay may not have: code, name, kind, parent, region.
ORGANISATIONS = (
    ("platform", "示例市金脉平台运营中心", "platform", None, None),
    ("city_gov", "示例市人民政府", "government", None, None),
    ("bureau", "示例市地方金融管理局", "bureau", None, None),
    ("district_dongting", "东汀区融资协调工作专班", "district_taskforce", "bureau", "dongting"),
    ("district_xiling", "西岭区融资协调工作专班", "district_taskforce", "bureau", "xiling"),
    ("street_dongting_1", "东汀区槐荫街道办事处", "street", "district_dongting", "dongting"),
    ("dep_tax", "市税务局", "department", None, None),
    ("dep_samr", "市市场监督管理局", "department", None, None),
    ("bank_city_jp", "江畔银行", "bank", None, None),
    ("bank_city_jp_dongting", "江畔银行东汀支行", "bank", "bank_city_jp", "dongting"),
    ("bank_city_jp_xiling", "江畔银行西岭支行", "bank", "bank_city_jp", "xiling"),
    ("bank_state_tg_dongting", "泰和银行东汀支行", "bank", None, "dongting"),
    ("ml_xinda", "鑫达小额贷款有限公司", "small_loan", None, "beitang"),
    ("fg_city", "示例市融资担保集团有限公司", "guarantee", None, None),
    ("ml_huimin", "惠民小额贷款有限公司", "small_loan", None, "dongting"),
)


class City:
    """Handles on the small city that stands in the test's database."""

    def membership(self, username: str) -> Any:
        """The post of a member of the cast or of a stranger."""
        from jinmai.foundation.kernel.access.models import Membership

        return Membership.objects.select_related("user", "organisation__subject").get(user__username=username)

    def actor(self, username: str) -> Any:
        """The Actor of that account."""
        from jinmai.foundation.kernel.access.actor import Actor

        return Actor.of(self.membership(username))

    def client(self, username: str, **settings: Any) -> Any:
        """A Django test client signed in as that account."""
        from django.conf import settings as django_settings
        from django.test import Client

        from jinmai.foundation.kernel.access.models import User

        client = Client(**settings)
        client.force_login(User.objects.get(username=username), backend=django_settings.AUTHENTICATION_BACKENDS[-1])
        return client

    def organisation(self, code: str) -> Any:
        """The organisation of that code."""
        from jinmai.foundation.kernel.organisations.models import Organisation

        return Organisation.objects.get(code=code)


def build() -> None:
    """Build the small city in the booted home."""
    _register_organisations()
    _register_firms()
    _register_cast()
    _import_invoices()


def _register_organisations() -> None:
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.organisations.actions import register_organisation
    from jinmai.foundation.kernel.organisations.models import Organisation, Region

    for code, name in (("dongting", "东汀区"), ("xiling", "西岭区"), ("beitang", "北塘区")):
        Region.objects.get_or_create(code=code, defaults={"name": name, "kind": "district"})
    for code, name, kind, parent, region in ORGANISATIONS:
        if not Organisation.objects.filter(code=code).exists():
            register_organisation(
                Actor.platform(),
                code=code,
                name=name,
                kind=kind,
                parent=Organisation.objects.get(code=parent) if parent else None,
                region=Region.objects.get(code=region) if region else None,
            )


def _register_firms() -> None:
    """Each firm under a subject that invoices speak of, with an organisation of its own to sign in for."""
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.organisations.actions import register_organisation
    from jinmai.foundation.kernel.organisations.models import Organisation, Region
    from jinmai.foundation.kernel.subjects.actions import ensure_subjects

    platform = Actor.platform()
    for code, name, key, region, contact, phone in FIRMS:
        if Organisation.objects.filter(code=code, subject__isnull=False).exists():
            continue
        subject = ensure_subjects(platform, "cumcm2020", [key], origin="example")[key]
        _register(platform, name, subject, region, contact, phone)
        register_organisation(
            platform, code=code, name=name, kind="firm", region=Region.objects.get(code=region), subject=subject
        )


def _register(platform: Any, name: str, subject: Any, region: str, contact: str, phone: str) -> None:
    from jinmai.desks.parties.actions import register_firm

    register_firm(
        platform,
        name=name,
        subject=subject,
        region=region,
        industry_code="3484",
        established_on=date(2012, 5, 8),
        employees=46,
        revenue_fen=3_860_000_00,
        assets_fen=5_120_000_00,
        figures_as_of=date(2026, 6, 30),
        contact_name=contact,
        contact_phone=phone,
        origin="example",
    )


def _register_cast() -> None:
    from jinmai.foundation.kernel.access.actions import appoint, register_user
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.access.models import User
    from jinmai.foundation.kernel.organisations.models import Organisation

    platform = Actor.platform()
    for username, name, organisation, role in CAST + STRANGERS:
        user = User.objects.filter(username=username).first()
        if user is None:
            user = register_user(platform, username=username, display_name=name, password=PASSWORD)
        if not user.memberships.exists():
            where = Organisation.objects.get(code=organisation)
            appoint(platform, user=user, organisation=where, role=role, since=date(2019, 1, 1))
    User.objects.filter(username="t_disabled").update(is_active=False)
    ended = User.objects.get(username="t_expired").memberships.get()
    ended.until = date(2020, 1, 1)
    ended.save(update_fields=["until"])


def _import_invoices() -> None:
    """Two years of sales invoices of every firm, as a file through intake."""
    import tempfile
    from pathlib import Path

    from jinmai.foundation.intake.actions import GivenFile, import_files

    lines = ["企业代号,发票号码,开票日期,金额,税额,价税合计,购方单位代号,发票状态"]
    for place, (_, _, key, *_) in enumerate(FIRMS):
        for month in range(24):
            day = f"{2024 + (month + 10) // 12}-{(month + 10) % 12 + 1:02d}-15"
            for number in range(3):
                net = 80_000 + 1_000 * month + 500 * place
                status = "作废发票" if (month, number) == (5, 2) else "有效发票"
                lines.append(
                    f"{key},{place}{month:02d}{number},{day},{net}.00,{net * 13 // 100}.00,"
                    f"{net + net * 13 // 100}.00,B{number:04d},{status}"
                )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "销项发票.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        outcome = import_files(City().actor("linqiushi"), "invoices.output", [GivenFile(path, path.name)])
    assert outcome.receipts[0].accepted == len(lines) - 1, outcome
