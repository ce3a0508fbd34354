"""What work leaves behind in the example city: a key, exports, an import in the background, a sheet read, an order urged."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.files.base import ContentFile

from jinmai.desks.credit.portrait import open_portrait
from jinmai.desks.financing import actions
from jinmai.desks.financing.clocks import front_role
from jinmai.desks.financing.models import Loan, Order, ProductVersion
from jinmai.foundation.intake import drafts
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.keys import issue_key
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.jobs import run_until_empty
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.actions import export_list
from jinmai.site.demo.people import People
from jinmai.site.demo.settling import office_hour

WAN = 1_000_000
SECTION_PRODUCT = "p01"
#: An order that nobody decides: papers complete so many days ago.
UNDECIDED_DAYS = 48
PENALTIES = "gov.tax_penalties"


def undecided(people: People, firm: Actor, today: date) -> Order:
    """An order whose papers have long been complete and which the bank's head office has not decided."""
    day = today - timedelta(days=UNDECIDED_DAYS)
    versions = ProductVersion.objects.in_force(day).filter(product__code=SECTION_PRODUCT)
    with Clock.at(office_hour(day, 9)):
        need = actions.draft_need(
            firm, amount_fen=95 * WAN, term_months=12, purpose="采购原材料", contact_name=firm.name,
            contact_phone="13900000002",
        )  # fmt: skip
        actions.submit_need(
            firm, need, versions=list(versions), consent=True, consent_until=today + timedelta(days=120)
        )
    order = Order.objects.select_related("institution").get(need=need)
    manager = people.acting(order.institution, front_role(order.institution))
    assert manager is not None
    with Clock.at(office_hour(day, 11)):
        actions.accept_order(manager, order)
        actions.record_contact(manager, order, note="电话联系，材料齐备")
        actions.papers_complete(manager, order)
    return order


def leave(people: People, late: Order, today: date) -> dict[str, int]:
    """The rest, on the day on which the city stands; how much of each."""
    bureau = Organisation.objects.get(code="bureau")
    chief = people.acting(bureau, "bureau.section_chief")
    with Clock.at(office_hour(today, 17, 40)):
        actions.urge_order(chief, late)
    return {
        "keys": _keys(people, today),
        "exports": _exports(chief, today),
        "imported_by_job": _import(chief, today),
        "sheets_read": _read_sheets(people, today),
        "urged": 1,
    }


def _keys(people: People, today: date) -> int:
    security = people.acting(Organisation.objects.get(code="platform"), "admin.security")
    made = 0
    for code, role, label in (
        ("bank_city_jp_dongting", "institution.account_manager", "信贷系统对接"),
        ("bank_city_jp", "institution.approver", "审批系统对接"),
        ("ml_huimin", "institution.manager", "业务系统对接"),
    ):
        post = Membership.objects.live(today).filter(organisation__code=code, role=role).order_by("pk").first()
        if post is not None:
            with Clock.at(office_hour(today, 10, 30)):
                issue_key(security, membership=post, label=label, expires_on=today + timedelta(days=180))
            made += 1
    return made


def _exports(chief: Actor, today: date) -> int:
    """Lists that left as files: each stands in the register with what was asked."""
    orders, loans = Order.objects.visible_to(chief), Loan.objects.visible_to(chief)
    asked: tuple[tuple[str, str, str, str, list[str], dict[str, str], Any], ...] = (
        ("/financing/orders/", "对接单", "financing.list_orders", "xlsx", ["number", "firm", "amount", "step", "due"],
         {"分组": "在办"}, orders.live()),
        ("/financing/loans/", "放款", "financing.list_loans", "csv", ["number", "firm", "institution", "amount", "on"],
         {}, loans),
    )  # fmt: skip
    for hour, (path, title, operation, kind, columns, conditions, rows) in enumerate(asked, start=14):
        with Clock.at(office_hour(today, hour, 20)):
            export_list(
                chief, list_path=path, title=title, operation=operation, file_kind=kind, columns=columns,
                conditions=conditions, row_count=rows.count(),
            )  # fmt: skip
    return len(asked)


def _import(chief: Actor, today: date) -> int:
    """A table of another department, brought in through the wizard and imported in the background."""
    firms = Order.objects.visible_to(chief).filter(need__subject__identifiers__scheme="uscc").order_by("number")
    named = firms.values_list("need__subject__identifiers__value", "need__organisation__name")[:2]
    lines = ["纳税人识别号,纳税人名称,行政处罚文号,处罚类别,罚款金额,处罚机构,处罚日期"]
    for place, (code, name) in enumerate(named, start=1):
        day = today - timedelta(days=20 * place)
        lines.append(f"{code},{name},示税罚〔{day.year}〕{place} 号,罚款,{place}00.00,示例市税务局第一税务所,{day}")
    upload = ContentFile(("\ufeff" + "\n".join(lines) + "\n").encode(), name="税务行政处罚.csv")
    with Clock.at(office_hour(today, 15, 10)):
        draft = drafts.start_import(chief, [upload], PENALTIES)
        draft = drafts.map_draft(chief, draft, source=PENALTIES)
        drafts.confirm_draft(chief, drafts.try_import(chief, draft))
        run_until_empty("demo")
    return len(lines) - 1


def _read_sheets(people: People, today: date) -> int:
    """The bank's approver reads the sheets of firms that agreed to it: the access book of both has a line."""
    orders = Order.objects.filter(
        institution__code="bank_city_jp_dongting", consent__revoked_at=None, consent__ends_on__gte=today
    )
    read = 0
    for order in orders.live().select_related("institution").order_by("-number")[:3]:
        manager = people.acting(order.institution, "institution.account_manager")
        assert manager is not None
        with Clock.at(office_hour(today, 16, 5 + read)):
            open_portrait(manager, order.need.subject_id, today)
        read += 1
    return read
