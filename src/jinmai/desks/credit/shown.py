"""How objections and repairs read on the screen: steps, whose turn, clock in words, what may be done, what happened."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as mark

from jinmai.desks.credit.casework import Case, alarm_of
from jinmai.desks.credit.models import DEPARTMENT_ROLES, Objection, Repair
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.work.clocks import remaining
from jinmai.foundation.ui.formats import day

OBJECTION_TONES = {
    "filed": "info", "papers": "warn", "verifying": "info", "corrected": "good", "upheld": "", "rejected": "",
    "withdrawn": "",
}  # fmt: skip
REPAIR_TONES = {
    "filed": "info",
    "papers": "warn",
    "deciding": "info",
    "granted": "good",
    "refused": "bad",
    "withdrawn": "",
}
#: Verb → (label, states it may be done in, by a single press, primary).
Verbs = dict[str, tuple[str, tuple[str, ...], bool, bool]]
OBJECTION_VERBS: Verbs = {
    "accept_objection": (mark("受理"), ("filed",), True, True),
    "reject_objection": (mark("不予受理"), ("filed",), False, False),
    "verify_objection": (mark("核实答复"), ("verifying",), False, True),
    "request_objection_papers": (mark("通知补正"), ("filed", "verifying"), False, False),
    "supply_objection_papers": (mark("材料已补正"), ("papers",), False, True),
    "state_objection": (mark("附本人声明"), ("upheld",), False, True),
    "withdraw_objection": (mark("撤回异议"), ("filed", "papers", "verifying"), False, False),
}
REPAIR_VERBS: Verbs = {
    "attest_repair": (mark("认定"), ("filed",), False, True),
    "decide_repair": (mark("作出决定"), ("deciding",), False, True),
    "request_repair_papers": (mark("通知补正"), ("filed", "deciding"), False, False),
    "supply_repair_papers": (mark("材料已补正"), ("papers",), False, True),
    "withdraw_repair": (mark("撤回申请"), ("filed", "papers", "deciding"), False, False),
}


def tone_of(case: Case) -> str:
    """The tone that repeats a case's state."""
    return (OBJECTION_TONES if isinstance(case, Objection) else REPAIR_TONES)[str(case.status)]


def due_of(case: Case, on: date | None = None) -> tuple[str, str] | None:
    """A live case's clock in words with its tone: 超期 2 个自然日, 第 16 天 还剩 4 个自然日, 停钟 第 3 天."""
    clock = case.clock
    if clock is None or not case.is_open:
        return None
    today = on or Clock.today()
    unit = _("工作日") if clock.kind == "working" else _("自然日")
    if clock.suspended_on is not None:
        return _("停钟　第 %(days)d 天") % {"days": (today - clock.suspended_on).days + 1}, ""
    left = remaining(clock, today)
    if clock.due_on < today:
        return _("超期 %(days)d 个%(unit)s") % {"days": max(1, -left), "unit": unit}, "bad"
    if clock.due_on == today:
        return _("今日到期"), "warn"
    alarm = alarm_of(case) if isinstance(case, Objection) else None
    if alarm is not None and alarm <= today:
        return _("第 %(day)d 天，还剩 %(days)d 天") % {"day": clock.days - left, "days": left}, "warn"
    return _("还剩 %(days)d 个%(unit)s") % {"days": left, "unit": unit}, "outline"


def turn_of(case: Case) -> str:
    """Whose turn it is (轮到谁)."""
    if not case.is_open:
        return "—"
    if case.status == "papers":
        return case.organisation.name
    department = case.status == "verifying" or (isinstance(case, Repair) and case.status == "filed")
    return case.owner.name if department else _("市局征信经办")


def steps_of(case: Case) -> list[dict[str, Any]]:
    """Where a case stands: done, now, next, stopped."""
    if isinstance(case, Objection):
        answered = case.closed_at if case.status in ("corrected", "upheld") else None
        moments = [(_("提出"), case.filed_at), (_("受理并标注"), case.accepted_at), (_("部门核实答复"), answered)]
    else:
        decided = case.closed_at if case.decided_on else None
        moments = [(_("申请并承诺"), case.filed_at), (_("部门认定"), case.attested_at), (_("市局决定"), decided)]
    steps, now_given = [], False
    for label, moment in moments:
        step: dict[str, Any] = {"label": label, "when": day(moment) if moment else ""}
        if moment is not None:
            step["state"] = "done"
        elif now_given:
            step["state"] = "next"
        elif case.is_open:
            step["state"], step["who"], now_given = "now", turn_of(case), True
        else:
            step["state"], step["note"], now_given = "stopped", case.get_status_display(), True
        steps.append(step)
    if case.status == "refused":
        steps[-1] |= {"state": "stopped", "note": case.get_status_display()}
    return steps


def events_of(case: Case) -> list[dict[str, Any]]:
    """The timeline."""
    return [
        {"at": one.at, "what": one.text, "who": f"{one.organisation_name}　{one.actor_name}", "note": one.note}
        for one in case.events.all()
    ]


def verbs_for(case: Case, actor: Actor) -> list[dict[str, Any]]:
    """What this actor may do with the case now, each with its address."""
    found = []
    for verb, (label, states, at_once, primary) in (
        OBJECTION_VERBS if isinstance(case, Objection) else REPAIR_VERBS
    ).items():
        if str(case.status) in states and allows(actor, f"credit.{verb}") and _sensible(verb, case, actor):
            url = reverse(f"credit:{verb}", args=[case.pk])
            found.append({"verb": verb, "label": _(label), "url": url, "at_once": at_once, "primary": primary})
    return found


def _sensible(verb: str, case: Case, actor: Actor) -> bool:
    """Whether the verb would not be refused for another reason than the state."""
    if verb == "state_objection":
        return isinstance(case, Objection) and not case.statement
    if verb.startswith("request_") and actor.role in DEPARTMENT_ROLES:
        return case.status == ("verifying" if isinstance(case, Objection) else "filed")
    return True


#: A condition's state: words and tone. What only the department can vouch for waits for its word.
STATE_WORDS = {
    "met": (mark("满足"), "good"),
    "not_met": (mark("不满足"), "bad"),
    "missing": (mark("缺数据（企业可补）"), "warn"),
    "institution": (mark("待部门认定"), "info"),
}


def state_of(state: str, gap: str = "") -> tuple[str, str]:
    """A condition's state in words with its tone; what is short says by how much."""
    words, tone = STATE_WORDS[state]
    return (f"{_(words)}　{gap}" if gap else _(words)), tone
