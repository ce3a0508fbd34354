"""Needs, orders, decisions and loans as facts, and the measures that the cockpit counts them by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jinmai.foundation import analytics

if TYPE_CHECKING:
    from jinmai.desks.financing.models import Decision, Loan, Need, Order, RenewalLetter

EVENT_TABLES = ("needs", "orders", "decisions", "loans", "renewals")
SOURCE = "融资对接"

PLACE = [
    ("number", "str", "案号"),
    ("subject_key", "str", "企业"),
    ("district", "str", "区县"),
    ("month", "str", "月份"),
]
WHO = [
    ("need", "str", "需求案号"),
    ("institution", "str", "机构代码"),
    ("institution_name", "str", "机构"),
    ("branch", "str", "经办网点代码"),
    ("branch_name", "str", "经办网点"),
    ("institution_kind", "str", "机构类型"),
    ("product", "str", "产品代码"),
    ("product_name", "str", "产品"),
    ("origin", "str", "数据来源"),
]
NEEDS = [
    *PLACE,
    ("happened_on", "date", "提交日期"),
    ("amount_fen", "fen", "需求额"),
    ("term_months", "int", "期限（月）"),
    ("purpose", "str", "用途"),
    ("channel", "str", "渠道"),
    ("status", "str", "状态"),
    ("origin", "str", "数据来源"),
]
ORDERS = [
    *PLACE,
    ("happened_on", "date", "提交日期"),
    *WHO,
    ("amount_fen", "fen", "需求额"),
    ("from_pool", "bool", "来自待抢池"),
    ("status", "str", "状态"),
]
DECISIONS = [
    *PLACE,
    ("happened_on", "date", "决定日期"),
    *WHO,
    ("granted", "bool", "是否授信"),
    ("granted_fen", "fen", "授信额"),
    ("rate_e9", "ratio", "年化利率"),
    ("reason", "str", "原因代码"),
    ("reason_name", "str", "未授信原因"),
    ("days_from_papers", "int", "材料齐全到决定（天）"),
]
LOANS = [
    *PLACE,
    ("happened_on", "date", "放款日期"),
    *WHO,
    ("contract", "str", "合同号"),
    ("disbursed_fen", "fen", "放款额"),
    ("rate_e9", "ratio", "年化利率"),
    ("first_time_inferred", "bool", "首贷户（平台推定）"),
    ("first_time_verified", "bool", "首贷户（机构核实）"),
]
RENEWALS = [
    *PLACE,
    ("happened_on", "date", "承诺日期"),
    *WHO,
    ("amount_fen", "fen", "承诺续贷额"),
    ("renew_by", "date", "承诺签约日"),
    ("status", "str", "状态"),
]


def _subject(need: Need) -> dict[str, Any]:
    from jinmai.foundation.kernel.subjects.directory import keys_of

    keys = keys_of([need.subject_id]).get(need.subject_id, [])
    preferred = sorted(keys, key=lambda key: (not key.startswith("uscc:"), key))
    return {"subject_key": preferred[0] if preferred else "", "origin": need.subject.origin}


def _dated(need: Need, day: Any) -> dict[str, Any]:
    return {"district": need.region_id, "happened_on": day, "month": f"{day:%Y-%m}"}


def _who(order: Order) -> dict[str, Any]:
    from jinmai.desks.financing.clocks import head_office

    branch = order.institution
    head = head_office(branch) if branch else None
    product = order.version.product if order.version else None
    return {
        "need": order.need.number,
        "institution": head.code if head else "",
        "institution_name": head.name if head else "",
        "branch": branch.code if branch else "",
        "branch_name": branch.name if branch else "",
        "institution_kind": head.kind if head else "",
        "product": product.code if product else "",
        "product_name": product.name if product else "",
    }


def _legal_day(moment: Any) -> Any:
    from jinmai.foundation.kernel.clock import LEGAL_ZONE

    return moment.astimezone(LEGAL_ZONE).date()


def need_row(need: Need) -> dict[str, Any]:
    """A sent need as a fact row; neither name nor contact leaves the desk."""
    return {
        "number": need.number,
        **_subject(need),
        **_dated(need, _legal_day(need.submitted_at)),
        "amount_fen": need.amount_fen,
        "term_months": need.term_months,
        "purpose": need.purpose,
        "channel": need.channel,
        "status": need.status,
    }


def order_row(order: Order) -> dict[str, Any]:
    """A referral order as a fact row."""
    return {
        "number": order.number,
        **_subject(order.need),
        **_dated(order.need, _legal_day(order.sent_at)),
        **_who(order),
        "amount_fen": order.need.amount_fen,
        "from_pool": order.from_pool,
        "status": order.status,
    }


def decision_row(decision: Decision) -> dict[str, Any]:
    """A decision as a fact row."""
    order = decision.order
    return {
        "number": order.number,
        **_subject(order.need),
        **_dated(order.need, decision.decided_on),
        **_who(order),
        "granted": decision.granted,
        "granted_fen": decision.amount_fen,
        "rate_e9": decision.rate_e9,
        "reason": decision.reason_id or "",
        "reason_name": decision.reason.name if decision.reason else "",
        "days_from_papers": decision.days_from_papers,
    }


def loan_row(loan: Loan) -> dict[str, Any]:
    """A loan as a fact row, inferred and verified first-time borrower apart."""
    order = loan.order
    return {
        "number": order.number,
        **_subject(order.need),
        **_dated(order.need, loan.disbursed_on),
        **_who(order),
        "contract": loan.contract_number,
        "disbursed_fen": loan.disbursed_fen,
        "rate_e9": order.decision.rate_e9,
        "first_time_inferred": loan.first_time_inferred,
        "first_time_verified": loan.first_time_verified,
    }


def renewal_row(letter: RenewalLetter) -> dict[str, Any]:
    """A promise to renew as a fact row."""
    order = letter.loan.order
    return {
        "number": letter.number,
        **_subject(order.need),
        **_dated(order.need, letter.issued_on),
        **_who(order),
        "amount_fen": letter.amount_fen,
        "renew_by": letter.renew_by,
        "status": letter.status,
    }


def _counted(where: Callable[[Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    return lambda t, on: t.count(where=where(t)) if where else t.count()


def _summed(column: str, where: Callable[[Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    return lambda t, on: t[column].sum(where=where(t) if where else None).fill_null(0).cast("int64")


def _firms(where: Callable[[Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    return lambda t, on: t.subject_key.nunique(where=where(t) if where else None)


def _mean_days(t: Any, on: Any) -> Any:
    """Whole days, half up; null while nothing was decided from complete papers."""
    known = t.days_from_papers.count()
    return ((t.days_from_papers.sum() * 2 + known) // (known.nullif(0) * 2)).cast("int64")


def declare() -> None:
    """Declare tables and measures; called when the app is ready."""
    for name, columns, label in (
        ("needs", NEEDS, "融资需求"),
        ("orders", ORDERS, "对接单"),
        ("decisions", DECISIONS, "授信决定"),
        ("loans", LOANS, "放款"),
        ("renewals", RENEWALS, "续贷承诺"),
    ):
        analytics.declare(analytics.EventTable(name, columns, label=label))
    _declare_flow()
    _declare_outcomes()
    _declare_renewals()


def _measure(name: str, label: str, unit: str, table: str, expression: Any, definition: str, where: Any = None) -> None:
    analytics.measure(
        name=name,
        label=label,
        unit=unit,
        definition=definition,
        table=table,
        expression=expression,
        absence="zero" if unit != "天" else "unknown",
        source=SOURCE,
        where=where,
    )


def _declare_flow() -> None:
    _measure(
        "needs_count", "融资需求", "笔", "needs", _counted(),
        "企业已提交的融资需求笔数，按首次提交日期计；草稿不计，撤回的仍计",
    )  # fmt: skip
    _measure(
        "needs_firms", "提出需求的企业", "户", "needs", _firms(), "已提交融资需求的企业户数，同一企业计一次"
    )  # fmt: skip
    _measure(
        "needs_amount", "需求金额", "万元", "needs", _summed("amount_fen"),
        "企业已提交的融资需求金额，同一需求发给几家机构只计一次",
    )  # fmt: skip
    _measure(
        "needs_met", "已满足需求", "笔", "needs", _counted(_is_met), "已有放款的融资需求笔数，按需求提交日期计", _is_met
    )
    _measure(
        "orders_count", "对接单", "笔", "orders", _counted(),
        "已发出的对接单笔数：一家机构对一笔需求的办理为一笔，待抢池中的计一笔，按发出日期计",
    )  # fmt: skip
    _measure(
        "decisions_count", "授信决定", "笔", "decisions", _counted(), "机构已作出的授信或不授信决定笔数，按决定日期计"
    )


def _declare_outcomes() -> None:
    _measure(
        "granted_count",
        "已授信",
        "笔",
        "decisions",
        _counted(_is_granted),
        "机构决定授信的笔数，按决定日期计",
        _is_granted,
    )
    _measure(
        "refused_count", "未授信", "笔", "decisions", _counted(_is_refused),
        "机构决定不授信的笔数，每笔有编码原因，按决定日期计", _is_refused,
    )  # fmt: skip
    _measure(
        "granted_amount", "授信金额", "万元", "decisions", _summed("granted_fen", _is_granted),
        "机构决定的授信额合计，按决定日期计；企业未接受的仍计，与放款、用信分列", _is_granted,
    )  # fmt: skip
    _measure(
        "disbursed_amount",
        "放款金额",
        "万元",
        "loans",
        _summed("disbursed_fen"),
        "机构登记的实际放款额合计，按放款日期计",
    )
    _measure("loans_count", "放款笔数", "笔", "loans", _counted(), "机构登记的放款笔数，按放款日期计")
    _measure(
        "first_time_inferred", "首贷户（平台推定）", "户", "loans", _firms(_is_inferred),
        "放款前平台无放款记录且企业未申报银行贷款的企业户数；未查征信，与机构核实分列", _is_inferred,
    )  # fmt: skip
    _measure(
        "first_time_verified", "首贷户（机构核实）", "户", "loans", _firms(_is_verified),
        "放款机构查询征信后确认放款前无贷款记录的企业户数", _is_verified,
    )  # fmt: skip
    _measure(
        "days_papers_to_decision", "材料齐全到决定平均用时", "天", "decisions", _mean_days,
        "从机构确认材料齐全之日到作出决定之日的自然日平均数，四舍五入到天；未确认齐全即不授信的不计", _has_days,
    )  # fmt: skip


def _declare_renewals() -> None:
    _measure(
        "renewal_letters_count", "续贷承诺函", "笔", "renewals", _counted(_is_standing),
        "机构出具的续贷承诺函笔数，按出具日期计；撤回的不计", _is_standing,
    )  # fmt: skip
    _measure(
        "renewal_letters_kept", "续贷承诺已兑现", "笔", "renewals", _counted(_is_kept),
        "在承诺的签约日以前办成续贷的承诺函笔数，按出具日期计", _is_kept,
    )  # fmt: skip
    _measure(
        "renewal_letters_broken", "续贷承诺未兑现", "笔", "renewals", _counted(_is_broken),
        "过了承诺的签约日仍没有续贷的承诺函笔数，按出具日期计", _is_broken,
    )  # fmt: skip


def _is_standing(t: Any) -> Any:
    return t.status != "withdrawn"


def _is_kept(t: Any) -> Any:
    return t.status == "kept"


def _is_broken(t: Any) -> Any:
    return t.status == "broken"


def _is_met(t: Any) -> Any:
    return t.status == "met"


def _is_granted(t: Any) -> Any:
    return t.granted


def _is_refused(t: Any) -> Any:
    return ~t.granted


def _is_inferred(t: Any) -> Any:
    return t.first_time_inferred


def _is_verified(t: Any) -> Any:
    return t.first_time_verified


def _has_days(t: Any) -> Any:
    return t.days_from_papers.notnull()
