"""What is planted for the matrix: each tenant's things, marked with canaries, and who may rightly see them.

Who may see what is written down here a second time, by account and in the words of the desk, so that a wrong
``visible_to`` cannot agree with itself.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.backends.small_city import CAST, STRANGERS
from tests.security.surface import Door, doors

ACCOUNTS = {username: (organisation, role) for username, _, organisation, role in CAST + STRANGERS}
CITY = {"zhouqiming", "guqinghe", "linqiushi"}
SUPERVISION = {"zhengke"}
DEPARTMENTS = {"hanxue", "chengyue"}
ADMINISTRATORS = {"qiangong", "sungong", "ligong"}
SHUT_OUT = ("t_disabled", "t_expired")

#: Firm → its accountant, its district's clerk and street, and the canaries it carries.
FIRM_FAR = "t_firm_waishi"
FIRM_A, FIRM_B, FIRM_C = "xuan", "t_firm_xiling", "t_firm_dongting"
DISTRICT = {FIRM_A: {"shenyihe"}, FIRM_B: {"t_clerk_xiling"}, FIRM_C: {"shenyihe"}, FIRM_FAR: set(), "t_firm_revoked": set()}
STREET = {FIRM_A: {"milan"}, FIRM_B: set(), FIRM_C: {"milan"}}


#: Which kind of thing a kwarg names: first match of the route wins.
KINDS: tuple[tuple[str, str, str], ...] = (
    (r"firms/", "firm_id", "firm"),
    (r"institutions/", "institution_id", "institution"),
    (r"organisations/", "code", "organisation"),
    (r"accounts/", "pk", "account"),
    (r"posts/", "pk", "post"),
    (r"keys/", "pk", "api_key"),
    (r"errors/", "code", "refusal_code"),
    (r"financing/needs/", "pk", "need"),
    (r"financing/needs/", "need_id", "need"),
    (r"financing/orders/", "pk", "order"),
    (r"financing/orders/", "order_id", "order"),
    (r"financing/loans/", "pk", "loan"),
    (r"financing/loans/", "loan_id", "loan"),
    (r"financing/products/", "code", "product"),
    (r"financing/case/", "number", "case"),
    (r"financing/attestations/", "pk", "attestation"),
    (r"financing/evidence/", "pk", "evidence"),
    (r"financing/evidence/", "request_id", "evidence"),
    (r"financing/letters/", "pk", "letter"),
    (r"financing/letters/", "letter_id", "letter"),
    (r"financing/zones/", "code", "zone"),
    (r"credit/objections/", "pk", "objection"),
    (r"credit/objections/", "objection_id", "objection"),
    (r"credit/alerts/", "pk", "alert"),
    (r"credit/alerts/", "alert_id", "alert"),
    (r"credit/repairs/", "pk", "repair"),
    (r"credit/repairs/", "repair_id", "repair"),
    (r"rules/basis/", "ref", "basis"),
    (r"credit/subjects/", "subject_id", "sheet"),
    (r"cockpit/figures/", "measure", "measure"),
    (r"rules/", "rule_id", "rule"),
    (r"tasks/", "pk", "task"),
    (r"tasks/", "task_id", "task"),
    (r"delegations/", "pk", "delegation"),
    (r"delegations/", "post_id", "delegation"),
    (r"notices/", "pk", "notice"),
    (r"notices/", "notice_id", "notice"),
    (r"jobs/", "pk", "job"),
    (r"jobs/", "job_id", "job"),
    (r"intake/receipts/", "receipt_id", "receipt"),
    (r"intake/drafts/", "draft_id", "import_draft"),
    (r"intake/sources/", "source_name", "source"),
    (r"consents/", "consent_id", "consent"),
    (r"attachments/", "pk", "attachment"),
    (r"attachments/", "attachment_id", "attachment"),
    (r"documents/", "pk", "document"),
    (r"documents/", "document_id", "document"),
)


def kind_of(door: Door, kwarg: str) -> str | None:
    """The kind of thing this door's kwarg names, or None: nobody said."""
    for pattern, name, kind in KINDS:
        if name == kwarg and re.search(pattern, door.route):
            return kind
    return None


@dataclass(frozen=True)
class Canary:
    """A text that only some accounts may ever be sent."""

    text: str
    seen_by: frozenset[str]


@dataclass(frozen=True)
class Thing:
    """One planted row: its kind, its key in an address, who sees it, who may act on it."""

    kind: str
    label: str
    key: Any
    seen_by: frozenset[str]
    acted_on_by: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Untouched:
    """What a deed of anybody else must leave as it is, though no answer shows it."""

    label: str
    state: Callable[[], Any]
    acted_on_by: frozenset[str]


@dataclass
class Planted:
    """Everything planted in one city."""

    canaries: list[Canary] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    untouched: list[Untouched] = field(default_factory=list)

    def of(self, kind: str) -> list[Thing]:
        return [thing for thing in self.things if thing.kind == kind]


EVERYBODY = frozenset(ACCOUNTS)


def plant(city: Any) -> Planted:
    """Plant through actions; call it in a city's database."""
    from jinmai.foundation import analytics

    planted = Planted()
    for sow in (_firms, _financing, _mechanism, _papers, _consents, _rights, _months, _imports, _accounts, _keys, _work, _public_things):
        sow(city, planted)
    _another_citys(city, planted)
    _ended(city, planted)
    _saved_views(city, planted)
    analytics.refresh_facts()
    return planted


#: Institutions each firm dealt with: they know its name and, by the consent that went with it, its sheet.
DEALT_WITH = {
    FIRM_A: {"heying", "luosen", "t_manager_branch", "dingyiming"},
    FIRM_B: {"heying", "luosen", "t_manager_branch"},
    FIRM_C: {"t_manager_bank"},
}
INSTITUTIONS = {name for name, (_, role) in ACCOUNTS.items() if role.startswith("institution.")} - set(SHUT_OUT)


def _subject(city: Any, accountant: str) -> Any:
    return city.membership(accountant).organisation.subject


def _firms(city: Any, planted: Planted) -> None:
    """The register: the name is the bureau's, the departments', the district's; an institution needs a consent."""
    from jinmai.desks.parties.models import Firm

    for accountant in (FIRM_A, FIRM_B, FIRM_C):
        firm = Firm.objects.get(subject=_subject(city, accountant))
        offices = CITY | SUPERVISION | DEPARTMENTS | DISTRICT[accountant] | STREET[accountant]
        seen = frozenset(offices | DEALT_WITH[accountant] | {accountant})
        planted.things.append(Thing("firm", accountant, firm.pk, seen, frozenset({"chengyue"})))
        duty = {"zhouqiming", "linqiushi", "zhengke"} | DISTRICT[accountant]
        planted.things.append(
            Thing("sheet", accountant, firm.subject_id, frozenset(duty | DEALT_WITH[accountant] | {accountant}))
        )
        planted.canaries.append(Canary(firm.name, seen | ADMINISTRATORS))
        planted.canaries.append(Canary(firm.contact_phone, frozenset({accountant, "chengyue"})))


def _financing(city: Any, planted: Planted) -> None:
    """Needs and orders: a loan, an order not yet accepted, one accepted at another bank, one in the pool, drafts."""
    from jinmai.desks.financing import actions

    lent = _need(city, planted, FIRM_A, "甲一", {"heying", "luosen"}, contact={"heying", "luosen"}, product="p01")
    _lend(city, lent)
    _need(city, planted, FIRM_A, "甲二", {"dingyiming"}, contact=set(), product="p22")
    _need(city, planted, FIRM_B, "乙一", {"t_manager_branch", "luosen"}, contact=set(), product="p01")
    held = _need(city, planted, FIRM_C, "丙一", {"t_manager_bank"}, contact={"t_manager_bank"}, product="p04")
    actions.accept_order(city.actor("t_manager_bank"), held)
    _need(city, planted, FIRM_C, "丙二", INSTITUTIONS, contact=set(), product="")
    for accountant, mark in ((FIRM_A, "甲稿"), (FIRM_B, "乙稿")):
        _draft(city, planted, accountant, mark, frozenset({accountant}), frozenset({accountant}))


def _papers(city: Any, planted: Planted) -> None:
    """A paper on a need nobody has accepted yet, and one on an order that a bank holds."""
    from jinmai.desks.financing.models import Need
    from jinmai.foundation.kernel.documents.actions import hand_in
    from tests.security.papers import picture, upload

    readers = {"zhouqiming", "linqiushi"}
    held = Need.objects.get(note="金丝雀丙一用途").orders.get()
    for accountant, mark, row, banks in (
        (FIRM_A, "甲", Need.objects.get(note="金丝雀甲二用途"), set()),
        (FIRM_C, "丙", held, {"t_manager_bank"}),
    ):
        file = upload(f"金丝雀附件{mark}.png", picture("PNG"))
        made = hand_in(city.actor(accountant), upload=file, to=row, kind="other", label=f"金丝雀附件{mark}")
        seen = frozenset(readers | DISTRICT[accountant] | {accountant} | banks)
        planted.things += [
            Thing("document", mark, made.document_id, seen),
            Thing("attachment", mark, made.pk, seen, frozenset({accountant})),
        ]
        planted.canaries.append(Canary(f"金丝雀附件{mark}", seen))


def _handed_in(city: Any, accountant: str, row: Any, mark: str) -> Any:
    """A PDF whose page, and nothing but its page, says ``CANARY-`` and the mark."""
    from jinmai.foundation.kernel.documents.actions import hand_in
    from tests.security.papers import upload, written_pdf

    file = upload(f"金丝雀附件{mark}.pdf", written_pdf(f"CANARY-{mark}"))
    return hand_in(city.actor(accountant), upload=file, to=row, kind="other", label=f"金丝雀附件{mark}")


def _draft(
    city: Any, planted: Planted, accountant: str, mark: str, seen: frozenset[str], contact: frozenset[str]
) -> Any:
    from jinmai.desks.financing.actions import draft_need

    phone = "1375550" + "".join(f"{ord(letter) % 100:02d}" for letter in mark)
    need = draft_need(
        city.actor(accountant),
        amount_fen=1_234_567_00,
        term_months=12,
        purpose="采购原材料",
        note=f"金丝雀{mark}用途",
        contact_name=f"金丝雀{mark}联系人",
        contact_phone=phone,
    )
    planted.things.append(Thing("need", mark, need.pk, seen, frozenset({accountant})))
    planted.canaries += [
        Canary(f"金丝雀{mark}用途", seen),
        Canary(f"金丝雀{mark}联系人", contact),
        Canary(phone, contact),
    ]
    return need


def _need(
    city: Any, planted: Planted, accountant: str, mark: str, institutions: set[str], *, contact: set[str], product: str
) -> Any:
    """Draft and send a need; returns its order."""
    from jinmai.desks.financing.actions import submit_need
    from jinmai.desks.financing.models import ProductVersion

    offices = CITY | DISTRICT[accountant] | {accountant}
    seen = frozenset(offices | institutions)
    need = _draft(city, planted, accountant, mark, seen, frozenset(contact | {accountant}))
    today = date.today()
    submit_need(
        city.actor(accountant),
        need,
        versions=list(ProductVersion.objects.in_force(today).filter(product__code=product)) if product else [],
        to_pool=not product,
        consent=True,
        consent_until=today + timedelta(days=90),
    )
    order = need.orders.get()
    planted.things.append(Thing("order", mark, order.pk, seen, frozenset(institutions) if product else frozenset()))
    named = seen if product else frozenset(offices)  # in the pool an institution sees the order, not the need
    planted.things += [Thing("case", mark, need.number, named), Thing("case", f"对{mark}", order.number, seen)]
    return order


def _lend(city: Any, order: Any) -> None:
    """From acceptance to the loan."""
    from jinmai.desks.financing import actions

    manager, approver = city.actor("heying"), city.actor("luosen")
    actions.accept_order(manager, order)
    actions.papers_complete(manager, order)
    actions.decide_order(approver, order, granted=True, amount_fen=1_000_000_00, rate_e9=43_500_000, term_months=12)
    actions.accept_terms(city.actor(FIRM_A), order)
    actions.record_disbursement(manager, order, contract_number="金丝雀合同号甲一", disbursed_fen=800_000_00)


def _mechanism(city: Any, planted: Planted) -> None:
    """A word on a standard and a request to the tax bureau about firm A's need; a promise to renew its loan; a zone."""
    from jinmai.desks.financing import actions
    from jinmai.desks.financing.models import Loan

    loan = Loan.objects.get()
    need, clerk = loan.order.need, city.actor("shenyihe")
    offices = CITY | DISTRICT[FIRM_A]
    word = actions.attest_criterion(clerk, need, item="fixed_place", holds=True, evidence="金丝雀确认凭据甲")
    asked = actions.request_evidence(
        clerk, need, item="good_credit", organisation=city.organisation("dep_tax"), asked="金丝雀核实内容甲"
    )
    terms = {"amount_fen": 600_000_00, "term_months": 12, "conditions": "金丝雀续贷条件甲"}
    letter = actions.issue_renewal_letter(city.actor("heying"), loan, **terms)
    lenders, own = {"heying", "luosen"}, offices | {FIRM_A}
    acting = frozenset({"shenyihe", "linqiushi"})
    planted.things += [
        Thing("attestation", "甲一", word.pk, frozenset(own), acting),
        Thing("evidence", "甲一", asked.pk, frozenset(offices | {"hanxue"}), frozenset({"hanxue"})),
        Thing("letter", "甲一", letter.pk, frozenset(own | lenders), frozenset({"heying"})),
        Thing("zone", "首贷专区", "zone_first_loan", EVERYBODY),
    ]
    planted.canaries += [
        Canary("金丝雀确认凭据甲", frozenset(own)),
        Canary("金丝雀核实内容甲", frozenset(offices | {"hanxue"})),
        Canary("金丝雀续贷条件甲", frozenset(own | lenders)),
    ]
    for thing in planted.of("order") + planted.of("need") + planted.of("firm"):
        label = {"order": "financing.order", "need": "financing.need", "firm": "parties.firm"}[thing.kind]
        readers = {name for name in thing.seen_by if not (thing.kind == "need" and name in INSTITUTIONS)}
        planted.things.append(Thing("basis", f"{thing.kind}{thing.label}", f"{label}:{thing.key}", frozenset(readers)))


def _consents(city: Any, planted: Planted) -> None:
    """Consents went with the orders; whoever gave or received one may see it."""
    from jinmai.desks.financing.models import Loan
    from jinmai.foundation.kernel.consent.models import Consent

    insiders = {FIRM_A: {"heying", "luosen"}, FIRM_C: {"t_manager_bank"}, FIRM_B: {"luosen"}}
    for consent in Consent.objects.select_related("receiver", "subject__organisation"):
        accountant = next(name for name in insiders if _subject(city, name) == consent.subject)
        receivers = {name for name in INSTITUTIONS if city.membership(name).organisation_id == consent.receiver_id}
        seen = frozenset({accountant} | receivers)
        planted.things.append(
            Thing("consent", f"{accountant}→{consent.receiver.code}", consent.pk, seen, frozenset({accountant}))
        )
        planted.canaries.append(Canary(f'"id": "{consent.pk}"', seen))  # as the API lists it, and no address does
    for loan in Loan.objects.all():
        seen = frozenset(CITY | DISTRICT[FIRM_A] | {FIRM_A, "heying", "luosen"})
        planted.things.append(Thing("loan", "甲一", loan.pk, seen, frozenset({"heying", "luosen"})))
        planted.canaries.append(Canary("金丝雀合同号甲一", seen))


def _months(city: Any, planted: Planted) -> None:
    """A frozen month with what moved of firm A and of firm B, the latter looked at already."""
    from jinmai.desks.credit import actions, alerts, months
    from jinmai.desks.credit.models import ChangeAlert
    from jinmai.foundation.kernel.access.actor import Actor

    platform, bureau = Actor.platform(), {"linqiushi", "zhouqiming"}
    month = actions.freeze_month(platform, months.freeze(date(2026, 1, 1)))
    reasons = ({"measure": "sales_12m", "before": 200, "after": 100},)
    moved = {FIRM_A: "cumcm2020:E9001", FIRM_B: "cumcm2020:E9003"}
    actions.raise_alerts(platform, month, [alerts.Change(key, "A2", "B1", 1, reasons) for key in moved.values()])
    for mark, (firm, key) in zip("甲乙", moved.items(), strict=True):
        alert = ChangeAlert.objects.get(key=key)
        planted.things.append(Thing("alert", mark, alert.pk, frozenset(bureau | {firm})))
    actions.acknowledge_alert(city.actor("linqiushi"), alert, note="金丝雀画像变动乙")
    planted.canaries.append(Canary("金丝雀画像变动乙", frozenset(bureau | {FIRM_B})))


def _rights(city: Any, planted: Planted) -> None:
    """Firm A disputes a penalty (taken up), says its own word on a figure that stays, has one record repaired and asks
    for another; firm B's objection is not taken up yet, so that no department hears of it."""
    from jinmai.desks.credit import actions
    from jinmai.desks.credit.tests.penalties import bring_penalties, days_ago, entries, name_by_code
    from jinmai.foundation.kernel.documents.actions import hand_in
    from tests.security.papers import picture, upload

    bureau, clerk = {"linqiushi", "zhouqiming"}, city.actor("linqiushi")
    readers = {"zhouqiming", "linqiushi", "zhengke"} | DISTRICT[FIRM_A] | {FIRM_A}
    subject, own, tax = name_by_code(city), city.actor(FIRM_A), city.actor("hanxue")
    marks = {"金丝雀罚单甲": 200, "金丝雀已修复罚单甲": 300, "金丝雀待修复罚单甲": 20}
    bring_penalties(city, *((mark, "500.00", days_ago(days)) for mark, days in marks.items()))
    at = {one.line.title: one.line.target for one in entries(city, FIRM_A, subject)}
    for mark in marks:
        banks = set() if "已修复" in mark else DEALT_WITH[FIRM_A]
        planted.canaries.append(Canary(mark, frozenset(readers | banks | {"hanxue"})))

    disputed = actions.file_objection(own, target=at["金丝雀罚单甲"], reason="金丝雀异议甲理由")
    actions.accept_objection(clerk, disputed)
    hung = hand_in(own, upload=upload("金丝雀异议附件甲.png", picture("PNG")), to=disputed, kind="proof", label="金丝雀异议附件甲")
    stands = actions.file_objection(own, target="months_operating", reason="金丝雀异议乙理由")
    actions.accept_objection(clerk, stands)
    actions.verify_objection(city.actor("chengyue"), stands, finding="upheld", answer="金丝雀答复乙")
    actions.state_objection(own, stands, statement="金丝雀声明乙")
    waiting = actions.file_objection(city.actor(FIRM_B), target="sales_12m", reason="金丝雀异议丙理由")
    terms = {"duty_done_on": days_ago(2), "promise": "金丝雀承诺甲"}
    repaired = actions.file_repair(own, target=at["金丝雀已修复罚单甲"], duty_words="金丝雀履行甲", **terms)
    word = {"seriousness": "general", "duty_performed": True, "other_conditions": True, "words": "金丝雀认定甲"}
    actions.decide_repair(clerk, actions.attest_repair(tax, repaired, **word), granted=True, words="金丝雀决定甲")
    asked = actions.file_repair(own, target=at["金丝雀待修复罚单甲"], duty_words="金丝雀履行乙", **terms)

    for kind, label, case, department in (
        ("objection", "甲", disputed, {"hanxue"}), ("objection", "乙", stands, {"chengyue"}),
        ("repair", "甲", repaired, {"hanxue"}), ("repair", "乙", asked, {"hanxue"}),
    ):  # fmt: skip
        seen = frozenset(bureau | department | {FIRM_A})
        planted.things += [
            Thing(kind, label, case.pk, seen),
            Thing("basis", f"{kind}{label}", f"credit.{kind}:{case.pk}", seen),
        ]
    seen = frozenset(bureau | {FIRM_B})
    planted.things.append(Thing("objection", "丙", waiting.pk, seen))
    case_of = {"甲": frozenset(bureau | {"hanxue", FIRM_A}), "乙": frozenset(bureau | {"chengyue", FIRM_A}), "丙": seen}
    planted.canaries += [Canary(f"金丝雀异议{mark}理由", who) for mark, who in case_of.items()]
    planted.canaries += [Canary(f"金丝雀{word}", case_of["甲"]) for word in ("承诺甲", "履行甲", "履行乙", "认定甲", "决定甲")]
    planted.canaries += [
        Canary("金丝雀答复乙", case_of["乙"]),
        Canary("金丝雀声明乙", frozenset(readers | DEALT_WITH[FIRM_A] | case_of["乙"])),
        Canary("金丝雀异议附件甲", case_of["甲"]),
    ]
    planted.things += [
        Thing("document", "异议甲", hung.document_id, case_of["甲"]),
        Thing("attachment", "异议甲", hung.pk, case_of["甲"], frozenset({FIRM_A})),
    ]


def _imports(city: Any, planted: Planted) -> None:
    """A receipt is the organisation's that imported it, and the city's: the bureau's own, and one of 东汀区's."""
    from jinmai.foundation.intake.actions import GivenFile, import_files
    from jinmai.foundation.intake.models import Receipt

    offices = CITY | SUPERVISION | DEPARTMENTS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "金丝雀东汀回执.csv"
        path.write_text(
            "企业代号,发票号码,开票日期,金额,税额,价税合计,购方单位代号,发票状态\n"
            "E901,90010001,2026-03-02,100.00,13.00,113.00,B9001,有效发票\n"
            "E901,90010002,2026-02-30,100.00,13.00,113.00,金丝雀东汀退回,有效发票\n",  # a day there is not: sent back
            encoding="utf-8",
        )
        import_files(city.actor("shenyihe"), "invoices.output", [GivenFile(path, path.name)])
    for receipt in Receipt.objects.all():
        district = receipt.organisation.kind == "district_taskforce"
        seen = frozenset(offices | ({"shenyihe"} if district else set()))
        planted.things.append(Thing("receipt", receipt.file_name, receipt.pk, seen))
        if district:
            planted.canaries.append(Canary("金丝雀东汀回执", seen))
            planted.canaries.append(Canary("金丝雀东汀退回", frozenset({"linqiushi", "shenyihe"})))  # those who mend it
    for username, mark in (("linqiushi", "局稿"), ("shenyihe", "区稿")):
        draft = _import_draft(city, username, mark)
        planted.things.append(Thing("import_draft", mark, draft.pk, frozenset({username}), frozenset({username})))
        planted.canaries.append(Canary(f"金丝雀{mark}待导入.csv", frozenset({username})))


def _import_draft(city: Any, username: str, mark: str) -> Any:
    """A file on its way in is its post's alone until it has landed."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from jinmai.foundation.intake.drafts import start_import

    text = "企业代号,企业名称\nE9901,示例企业\n"
    return start_import(city.actor(username), [SimpleUploadedFile(f"金丝雀{mark}待导入.csv", text.encode())], "firms")


def _accounts(city: Any, planted: Planted) -> None:
    """Accounts and posts are the system's and the security administrator's."""
    seen = frozenset({"qiangong", "sungong"})
    for username in ("heying", FIRM_B):
        post = city.membership(username)
        planted.things.append(Thing("account", username, post.user_id, seen, seen))
        planted.things.append(Thing("post", username, post.pk, seen, frozenset({"sungong"})))
    for code in ("bank_city_jp", "firm_t_xiling"):
        planted.things.append(Thing("organisation", code, code, seen))


def _keys(city: Any, planted: Planted) -> None:
    """A key is the administrators' and its own institution's manager's; of its secret nobody sees anything again."""
    from tests.security.with_keys import issue

    for username, managers in (("heying", set()), ("dingyiming", {"dingyiming"}), ("t_manager_ml", {"t_manager_ml"})):
        key = issue(city, username, label=f"金丝雀密钥{username}")
        seen = frozenset({"qiangong", "sungong"} | managers)
        planted.things.append(Thing("api_key", username, key.pk, seen, seen))
        planted.canaries += [Canary(key.label, seen), Canary(key.shown.split("_", 2)[2], frozenset())]


def _work(city: Any, planted: Planted) -> None:
    """Tasks are their post's, notices too; jobs their organisation's and the system administrator's; a lent post's both."""
    from jinmai.foundation.kernel.access.actions import appoint
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.access.models import User
    from jinmai.foundation.kernel.clock import Clock
    from jinmai.foundation.kernel.jobs import enqueue
    from jinmai.foundation.kernel.notices.actions import notify
    from jinmai.foundation.kernel.notices.models import Notice
    from jinmai.foundation.kernel.work.delegations import delegate_post
    from jinmai.foundation.kernel.work.tasks import open_task

    verbs = {"heying": "financing.accept_order", FIRM_A: "kernel.grant_consent"}
    for username, verb in verbs.items():
        post, only = city.membership(username), frozenset({username})
        task = open_task(
            subject_ref="t:1", title="待办", verb=verb, organisation=post.organisation, role=post.role
        )
        planted.things.append(Thing("task", username, task.pk, only, only))
        (notice,) = notify(post, kind="order_addressed", title=f"金丝雀通知{username}")
        planted.things.append(Thing("notice", username, notice.pk, only, only))
        planted.canaries.append(Canary(notice.title, only))
        unread = Notice.objects.filter(pk=notice.pk).values_list("read_at", flat=True)
        planted.things.append(Thing("bulk_run", "/tasks/", _bulk_run(city, username), only))
        planted.canaries.append(Canary(f"金丝雀批量{username}", only))
        planted.untouched.append(Untouched(f"unread by {username}", unread.all().get, only))
    seen = frozenset({"qiangong"} | {name for name, (where, _) in ACCOUNTS.items() if where == "bureau"})
    job = enqueue(city.actor("linqiushi"), "credit.profile", {}, title="金丝雀任务")
    planted.things.append(Thing("job", "linqiushi", job.pk, seen, seen))
    planted.canaries.append(Canary(job.title, seen))
    stand_in = User.objects.create(username="t_stand_in", display_name="测试受托")
    appoint(Actor.platform(), user=stand_in, organisation=city.organisation("bureau"), role="supervision.section_chief")
    lent = delegate_post(city.actor("linqiushi"), to=stand_in, until=Clock.today() + timedelta(days=30))
    lender = frozenset({"linqiushi"})
    planted.things.append(Thing("delegation", "linqiushi", lent.pk, lender, lender))


def _bulk_run(city: Any, username: str) -> Any:
    """What came of one row of many, as its own reader finds it again."""
    from jinmai.foundation.ui.actions import begin_bulk, finish_bulk

    actor = city.actor(username)
    run = begin_bulk(
        actor, list_path="/tasks/", label="认领", operation="kernel.claim_task", asked=1, key=f"planted {username}"
    )
    line = {"label": f"金丝雀批量{username}", "url": "", "outcome": "done", "words": "已办理", "code": ""}
    return finish_bulk(actor, run_id=run.pk, lines=[line]).pk


def _public_things(city: Any, planted: Planted) -> None:
    """What everybody who holds the operation may open: the operation alone decides."""
    from jinmai.desks.parties.models import Institution

    everybody = EVERYBODY - ADMINISTRATORS
    institution = Institution.objects.get(organisation__code="bank_city_jp")
    planted.things += [
        Thing("institution", "江畔银行", institution.pk, everybody),
        Thing("product", "p01", "p01", EVERYBODY),
        Thing("refusal_code", "JM-ACC-001", "JM-ACC-001", EVERYBODY),
        Thing("measure", "needs_count", "needs_count", EVERYBODY),
        Thing("source", "firms", "firms", EVERYBODY),
        Thing("rule", "sme_classification_2017", "sme_classification_2017", EVERYBODY),
    ]


def _another_citys(city: Any, planted: Planted) -> None:
    """Another city's: its district, its firm, the firm's draft, a need sent to 惠民小贷, a paper on it, its consent.

    An installation is one city's: what another city's firm hands in here is this city's bureau's, as every firm's is,
    and the institution's it was sent to; no district, street or firm of this city comes near it.
    """
    from jinmai.desks.financing.actions import withdraw_need
    from jinmai.desks.parties.models import Firm
    from jinmai.foundation.kernel.consent.actions import revoke_consent
    from jinmai.foundation.kernel.consent.models import Consent

    _register_another_citys_firm()
    firm = Firm.objects.get(subject=_subject(city, FIRM_FAR))
    asked = {"dingyiming"}
    offices = CITY | SUPERVISION | DEPARTMENTS
    duty = frozenset({"zhouqiming", "linqiushi", "zhengke"} | asked)
    planted.things += [
        Thing("firm", FIRM_FAR, firm.pk, frozenset(offices | asked), frozenset({"chengyue"})),
        Thing("sheet", FIRM_FAR, firm.subject_id, duty),
    ]
    planted.canaries += [
        Canary(firm.name, frozenset(offices | asked | ADMINISTRATORS)),
        Canary(firm.contact_phone, frozenset({"chengyue"})),
    ]
    _draft(city, planted, FIRM_FAR, "外稿", frozenset(), frozenset())
    order = _need(city, planted, FIRM_FAR, "外一", asked, contact=set(), product="p22")
    made = _handed_in(city, FIRM_FAR, order.need, "WAI")
    readers = frozenset({"zhouqiming", "linqiushi"})
    planted.things += [
        Thing("document", "外", made.document_id, readers),
        Thing("attachment", "外", made.pk, readers),
    ]
    planted.canaries += [Canary("金丝雀附件WAI", readers), Canary("CANARY-WAI", readers)]
    consent = Consent.objects.get(subject=firm.subject)
    planted.things.append(Thing("consent", FIRM_FAR, consent.pk, frozenset(asked)))

    gone = "t_firm_revoked"
    _register_another_citys_firm(gone, "临川撤回测试有限公司", "E9005", "13900000005")
    firm = Firm.objects.get(subject=_subject(city, gone))
    order = _need(city, planted, gone, "撤一", asked, contact=set(), product="p22")
    withdraw_need(city.actor(gone), order.need, reason="不再需要")
    consent = Consent.objects.get(subject=firm.subject)
    if consent.revoked_at is None:
        revoke_consent(city.actor(gone), consent)
    planted.things += [
        Thing("firm", gone, firm.pk, frozenset(offices), frozenset({"chengyue"})),
        Thing("sheet", gone, firm.subject_id, duty - asked),
        Thing("consent", gone, consent.pk, frozenset(asked)),
    ]
    planted.canaries.append(Canary(firm.contact_phone, frozenset({"chengyue"})))


def _register_another_citys_firm(
    username: str = FIRM_FAR, name: str = "临川外市测试有限公司", key: str = "E9004", phone: str = "13900000004"
) -> None:
    from jinmai.desks.parties.actions import register_firm
    from jinmai.foundation.kernel.access.actions import appoint, register_user
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.organisations.actions import register_organisation
    from jinmai.foundation.kernel.organisations.models import Region
    from jinmai.foundation.kernel.subjects.actions import ensure_subjects
    from tests.backends.small_city import PASSWORD

    platform = Actor.platform()
    other, _made = Region.objects.get_or_create(code="waishi", defaults={"name": "临川市", "kind": "city"})
    district = {"name": "临川市南城区", "kind": "district", "parent": other}
    region, _made = Region.objects.get_or_create(code="waishi_nancheng", defaults=district)
    subject = ensure_subjects(platform, "cumcm2020", [key], origin="example")[key]
    register_firm(
        platform,
        name=name,
        subject=subject,
        region=region.code,
        industry_code="3484",
        established_on=date(2015, 3, 2),
        employees=30,
        revenue_fen=2_000_000_00,
        assets_fen=3_000_000_00,
        figures_as_of=date(2026, 6, 30),
        contact_name="外测",
        contact_phone=phone,
        origin="example",
    )
    firm = register_organisation(platform, code=username, name=name, kind="firm", region=region, subject=subject)
    user = register_user(platform, username=username, display_name="测试外市财务", password=PASSWORD)
    appoint(platform, user=user, organisation=firm, role="firm.accountant", since=date(2019, 1, 1))


def _ended(city: Any, planted: Planted) -> None:
    """What was taken back, shown to nobody again but for what is kept as history on purpose.

    A withdrawn case and a withdrawn word on a standard stay with the offices that acted on them; an import that was
    taken back stays in the list with its reason, without its rows and the firms that only it named; a revoked consent
    and a revoked key stay with who held and who manages them; a removed paper stays with who handed it in.
    """
    from jinmai.desks.financing import actions
    from jinmai.desks.financing.models import Need
    from jinmai.foundation.intake.drafts import abandon_draft
    from jinmai.foundation.kernel.access.keys import revoke_key
    from jinmai.foundation.kernel.documents.actions import detach
    from tests.security.with_keys import issue

    nobody: frozenset[str] = frozenset()
    need = Need.objects.get(note="金丝雀甲二用途")
    paper = _handed_in(city, FIRM_A, need, "CHE")
    detach(city.actor(FIRM_A), paper)
    draft = _import_draft(city, "linqiushi", "弃稿")
    abandon_draft(city.actor("linqiushi"), draft)
    planted.things += [
        Thing("document", "移除", paper.document_id, frozenset({FIRM_A})),
        Thing("attachment", "移除", paper.pk, nobody),
    ]
    planted.canaries += [Canary("CANARY-CHE", frozenset({FIRM_A})), Canary("金丝雀弃稿待导入", nobody)]
    _withdrawn_import(city, planted)
    key = issue(city, "t_manager_ml", label="金丝雀密钥已停用")
    revoke_key(city.actor("sungong"), key=key)
    administrators = frozenset({"qiangong", "sungong", "t_manager_ml"})
    planted.things.append(Thing("api_key", "已停用", key.pk, administrators, administrators))
    planted.canaries += [Canary(key.label, administrators), Canary(key.shown.split("_", 2)[2], nobody)]
    word = actions.attest_criterion(
        city.actor("shenyihe"), need, item="fixed_place", holds=True, evidence="金丝雀撤回凭据"
    )
    actions.withdraw_attestation(city.actor("shenyihe"), word, reason="有误")
    seen = frozenset(CITY | DISTRICT[FIRM_A] | {FIRM_A})
    planted.things.append(Thing("attestation", "撤回", word.pk, seen, frozenset({"shenyihe", "linqiushi"})))
    planted.canaries.append(Canary("金丝雀撤回凭据", seen))


def _withdrawn_import(city: Any, planted: Planted) -> None:
    """An import that was taken back: the receipt says so, what was in it is nobody's."""
    from jinmai.foundation.intake.actions import GivenFile, import_files, withdraw_import

    with tempfile.TemporaryDirectory() as folder:
        for source, name, lines in (
            ("invoices.output", "金丝雀撤回发票.csv", (
                "企业代号,发票号码,开票日期,金额,税额,价税合计,购方单位代号,发票状态",
                "E9001,99990001,2026-03-02,99000000.00,12870000.00,111870000.00,CANARYBUYER,有效发票",
            )),
            ("firms", "金丝雀撤回名单.csv", ("企业代号,企业名称", "E9911,金丝雀撤回企业有限公司")),
        ):  # fmt: skip
            path = Path(folder) / name
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            (receipt,) = import_files(city.actor("linqiushi"), source, [GivenFile(path, name)]).receipts
            withdraw_import(city.actor("linqiushi"), receipt, reason="导错了")
            seen = frozenset(CITY | SUPERVISION | DEPARTMENTS)
            planted.things.append(Thing("receipt", name, receipt.pk, seen))
            planted.canaries.append(Canary(name.removesuffix(".csv"), seen))
    planted.canaries.append(Canary("CANARYBUYER", frozenset()))
    planted.canaries.append(Canary("金丝雀撤回企业", frozenset()))


def _saved_views(city: Any, planted: Planted) -> None:
    """On every page a question that one post keeps to itself, by a city's and by a bank's post: any list may be on it."""
    from jinmai.foundation.ui.models import SavedView

    paths = set()
    for door in doors():
        if not door.is_api:
            keys = [thing.key for thing in planted.of(kind_of(door, door.kwargs[0]) or "")] if door.kwargs else [None]
            paths |= {door.path(dict.fromkeys(door.kwargs, key)) for key in keys}
    for username in ("zhouqiming", "t_manager_bank"):
        post = city.membership(username)
        SavedView.objects.bulk_create(
            SavedView(membership=post, organisation=post.organisation, list_path=path, name=f"金丝雀视图{username}")
            for path in sorted(paths)
        )
        planted.canaries.append(Canary(f"金丝雀视图{username}", frozenset({username})))
