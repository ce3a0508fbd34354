"""A small, deterministic job of every kind, and what must be true once it has ended, however often it was killed.

A kind without an example stops ``test_every_kind_has_an_example``.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.jobs import JobRun, enqueue, job_kind
from jinmai.foundation.kernel.jobs.models import Job

TRIAL = "kernel.trial"
TRIAL_STEPS = 3


@job_kind(TRIAL, label="试验")
def trial(step: JobRun) -> dict[str, Any]:
    """Write one numbered notice a step."""
    from jinmai.foundation.kernel.notices.models import Notice

    def write(number: int) -> None:
        Notice.objects.create(
            membership_id=step.job.membership_id, kind="general", title="", subject_ref=f"{step.args['tag']}:{number}"
        )

    for number in range(step.cursor.get("next", 0), step.args["steps"]):
        step.check()
        sleep(step.args.get("pause", 0))
        step.commit({"next": number + 1}, lambda number=number: write(number))
    return {"steps": step.args["steps"]}


def make_small() -> None:
    """Let long work commit often, so that there are many moments to die at, and messages go out at any hour."""
    from jinmai.desks.credit import alerts as credit_alerts
    from jinmai.desks.credit import jobs as credit_jobs
    from jinmai.foundation.analytics import refresh
    from jinmai.foundation.kernel.access import jobs as access_jobs
    from jinmai.foundation.kernel.access.actions import accounts, answers
    from jinmai.foundation.kernel.access.policy import policy_of
    from jinmai.foundation.kernel.notices import jobs as notices_jobs
    from jinmai.foundation.kernel.notices.quiet import OutboundRule
    from jinmai.foundation.kernel.work import jobs as work_jobs

    always = OutboundRule(date(2020, 1, 1), time(0), time(0), working_days_only=False, default_channels={})
    notices_jobs.outbound_rule = lambda on: always

    accounts.policy = lambda: replace(policy_of("test"), unused_days=90)
    credit_alerts.has_moved = lambda *given, **width: True  # every firm moved: there is something to raise
    credit_jobs.STEP = 1
    refresh.CHUNK = 4
    work_jobs.STEP = 4
    answers.AT_ONCE = access_jobs.AT_ONCE = 4


class Example(ABC):
    """One kind: how a job of it is asked for, and what is wrong after it has ended (lost, doubled, or else)."""

    kind: str

    def __init__(self, city: Any) -> None:
        self.city = city
        self.round = 0

    def start(self) -> Job:
        """Ask for another job; its traces are told apart by the round."""
        self.round += 1
        return self.ask()

    @abstractmethod
    def ask(self) -> Job:
        """Enqueue."""

    @abstractmethod
    def faults(self, job: Job) -> tuple[int, int]:
        """How much was lost, how much was doubled."""

    def platform_job(self) -> Job:
        """One of a kind that the platform does by itself."""
        return enqueue(Actor.platform(), self.kind, {}, title=f"{self.kind} {self.round}")


class Trial(Example):
    kind = TRIAL

    def ask(self) -> Job:
        args = {"tag": f"trial{self.round}", "steps": TRIAL_STEPS}
        return enqueue(self.city.actor("linqiushi"), TRIAL, args, title="试验")

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.notices.models import Notice

        told = list(Notice.objects.filter(subject_ref__startswith=f"{job.args['tag']}:").values_list("subject_ref"))
        return TRIAL_STEPS - len(set(told)), len(told) - len(set(told))


class Import(Example):
    """Two files of invoices, each with its batch and its receipt."""

    kind = "intake.import"
    rows = 40

    def ask(self) -> Job:
        from django.core.files.uploadedfile import SimpleUploadedFile

        from jinmai.foundation.intake.drafts import confirm_draft, map_draft, start_import, try_import

        chief = self.city.actor("linqiushi")
        files = [SimpleUploadedFile(f"{part}.csv", self._file(part)) for part in range(2)]
        draft = start_import(chief, files, "invoices.output")
        draft = try_import(chief, map_draft(chief, draft, source="invoices.output"))
        return confirm_draft(chief, draft).job

    def _file(self, part: int) -> bytes:
        head = "企业代号,发票号码,开票日期,金额,税额,价税合计,购方单位代号,发票状态\n"
        lines = (
            f"E9001,K{self.round:04}{part}{number:03},2025-03-{number % 28 + 1:02},100.00,13.00,113.00,B1,有效发票\n"
            for number in range(self.rows)
        )
        return (head + "".join(lines)).encode()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.analytics.models import Batch
        from jinmai.foundation.intake.models import Receipt

        receipts = job.result.get("receipts", [])
        landed = Receipt.objects.filter(pk__in=receipts)
        accepted = sum(receipt.accepted for receipt in landed)
        here = Batch.objects.live().filter(source="invoices.output")
        kept = sum(batch.rows for batch in here)
        expected = self.before() + 2 * self.rows * self.round
        return max(0, 2 * self.rows - accepted), max(0, kept - expected) + max(0, len(receipts) - 2)

    def before(self) -> int:
        """Rows of the source before the first round."""
        if not hasattr(self, "_before"):
            from jinmai.foundation.analytics.models import Batch

            named = Batch.objects.live().filter(source="invoices.output").order_by("number")
            self._before = named.first().rows
        return self._before


class Refresh(Example):
    """Ten changes of one event table; each must stand once in the live batches."""

    kind = "analytics.refresh"
    changes = 10

    def ask(self) -> Job:
        from jinmai.desks.financing.models import Order  # noqa: F401 - the desk whose table is told of
        from jinmai.foundation.kernel.outbox import emit

        for number in range(self.changes):
            emit("needs", f"r{self.round}-{number}", {"amount_fen": 100 + number})
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        import duckdb

        from jinmai.foundation.analytics.models import Batch

        files = [str(batch.file) for batch in Batch.objects.live().filter(table="needs") if batch.file]
        read = f"SELECT key, seq FROM read_parquet({files}, union_by_name=true) WHERE key LIKE 'r{self.round}-%'"
        rows = duckdb.connect().execute(read).fetchall()
        return self.changes - len({key for key, _ in rows}), len(rows) - len(set(rows))


class Profile(Example):
    """Every firm's figures: killed or not, the digest is the same."""

    kind = "credit.profile"
    digest = ""

    def ask(self) -> Job:
        args = {"on": "2026-06-30", "known": "2026-06-30T00:00:00+08:00"}
        return enqueue(self.city.actor("linqiushi"), self.kind, args, title="画像")

    def faults(self, job: Job) -> tuple[int, int]:
        self.digest = self.digest or job.result["digest"]
        return int(job.result.get("digest") != self.digest or job.cursor != job.result), 0


class FreezeMonth(Example):
    """A month, one after the other: kept once, the replay gives its digest, and each firm's change is raised once."""

    kind = "credit.freeze_month"

    def month(self) -> date:
        return date(2024 + self.round // 12, self.round % 12 + 1, 1)

    def ask(self) -> Job:
        args = {"month": self.month().isoformat()}
        return enqueue(Actor.platform(), self.kind, args, title=f"{self.kind} {self.round}")

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.desks.credit import alerts, months
        from jinmai.desks.credit.models import ChangeAlert, PortraitMonth
        from jinmai.foundation.kernel.notices.models import Notice

        kept = PortraitMonth.objects.filter(month=self.month())
        if kept.count() != 1:
            return 1, max(0, kept.count() - 1)
        (month,) = kept
        expected = {change.key for change in alerts.changes(month)}
        raised = list(ChangeAlert.objects.filter(month=month).values_list("pk", "key"))
        told = sum(Notice.objects.filter(subject_ref=f"credit.changealert:{pk}").count() for pk, _ in raised)
        other = months.replayed(month) != month.digest or month.compared_at is None
        return len(expected - {key for _, key in raised}) + other, len(raised) - len(expected) + max(0, told - len(raised))


class Messages(Example):
    """Messages go out at least once; a repeat has the same key, by which the receiver knows it."""

    kind = "kernel.send_messages"
    number = 4

    def ask(self) -> Job:
        from jinmai.foundation.kernel.notices.models import ContactAddress, OutboundMessage

        user = self.city.membership("heying").user
        ContactAddress.objects.get_or_create(user=user, channel="sms", defaults={"address": "13900000009"})
        for _ in range(self.number):
            OutboundMessage.objects.create(
                channel="sms", user=user, template="order_addressed", text=f"round {self.round}",
                not_before=Clock.now() - timedelta(days=1),
            )  # fmt: skip
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.notices.models import OutboundMessage

        log = current_home().log / "outbox-sms.jsonl"
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
        keys = {line["key"] for line in lines if line["text"] == f"round {self.round}"}
        kept = OutboundMessage.objects.filter(text=f"round {self.round}")
        unsent = kept.exclude(state=OutboundMessage.State.SENT).count()
        return self.number - len(keys) + unsent, len(keys) - kept.count()


class Escalation(Example):
    """Overdue tasks are escalated, and whoever answers for them is told of each once."""

    kind = "kernel.escalate_tasks"
    number = 10

    def ask(self) -> Job:
        from jinmai.foundation.kernel.organisations.models import Organisation, Region
        from jinmai.foundation.kernel.work.models import Task

        for number in range(self.number):
            Task.objects.create(
                subject_ref=f"late{self.round}:{number}", title="超期", verb="financing.accept_order",
                organisation=Organisation.objects.get(code="bank_city_jp_dongting"), role="institution.account_manager",
                region=Region.objects.get(name="东汀区"), due_on=Clock.today() - timedelta(days=9),
                escalates_to="district.clerk",
            )  # fmt: skip
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.notices.models import Notice
        from jinmai.foundation.kernel.work.models import Task

        tasks = Task.objects.filter(subject_ref__startswith=f"late{self.round}:")
        titles = Notice.objects.filter(kind="task_escalated", membership=self.city.membership("shenyihe"))
        told = sum(int(title.split(" ")[0]) for title in titles.values_list("title", flat=True))
        expected = self.number * self.round
        return tasks.filter(escalated_at__isnull=True).count() + max(0, expected - told), max(0, told - expected)


class Unused(Example):
    """Accounts that lay unused are disabled, and each job witnesses that once."""

    kind = "kernel.disable_unused"
    number = 5

    def ask(self) -> Job:
        from jinmai.foundation.kernel.access.models import User

        long_ago = Clock.true_now() - timedelta(days=400)
        for number in range(self.number):
            name = f"unused{self.round}-{number}"
            User.objects.create(username=name, display_name="久未使用", password="!", created_at=long_ago)
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.access.models import User
        from jinmai.foundation.kernel.audit.models import AuditEntry

        left = User.objects.filter(username__startswith=f"unused{self.round}-", is_active=True).count()
        witnessed = AuditEntry.objects.filter(operation=self.kind, outcome="ok").count()
        return left + max(0, self.round - witnessed), max(0, witnessed - self.round)


class Answers(Example):
    """Answers past their days are emptied; each step witnesses that once, and their keys stay."""

    kind = "kernel.forget_answers"
    number = 12

    def ask(self) -> Job:
        from jinmai.foundation.kernel.access.models import IdempotencyKey

        long_ago = Clock.true_now() - timedelta(days=400)
        for number in range(self.number):
            IdempotencyKey.objects.create(
                organisation=self.city.organisation("bureau"), key=f"old{self.round}-{number}", operation="x",
                body_digest="x", object_ref="", status=201, answer="{}", created_at=long_ago,
            )  # fmt: skip
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.access.models import IdempotencyKey

        of_round = IdempotencyKey.objects.filter(key__startswith=f"old{self.round}-")
        left = of_round.exclude(answer="").count() + self.number - of_round.count()
        counted = job.result["emptied"] - self.number
        return left + max(0, -counted), max(0, counted)


class Anchor(Example):
    kind = "kernel.anchor_audit"

    def ask(self) -> Job:
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.audit.chain import verify_chains

        return verify_chains()["breaches"], 0


class Verify(Anchor):
    kind = "kernel.verify_audit"


class Tidy(Example):
    kind = "intake.tidy"

    def ask(self) -> Job:
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        return int("removed" not in job.result), 0


class Scan(Example):
    """Papers that wait for the scanner: each is let through once, and none is lost."""

    kind = "documents.scan"

    def ask(self) -> Job:
        from django.core.files.uploadedfile import SimpleUploadedFile

        from jinmai.foundation.kernel.documents.actions import store_document
        from jinmai.foundation.kernel.documents.models import Document

        chief = self.city.actor("linqiushi")
        self.papers = []
        for number in range(2):
            upload = SimpleUploadedFile(f"{number}.txt", f"材料 {self.round} {number}".encode(), "text/plain")
            paper = store_document(chief, upload=upload, level="C2", purpose="work")
            Document.objects.filter(pk=paper.pk).update(scan=Document.Scan.PENDING)
            self.papers.append(paper.pk)
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.foundation.kernel.documents.models import Document

        kept = Document.objects.filter(pk__in=self.papers)
        return len(self.papers) - kept.exclude(scan=Document.Scan.PENDING).count(), 0


class Letters(Example):
    """A promise to renew whose day has passed; it is marked once, and the timeline says so once."""

    kind = "financing.lapse_letters"

    def ask(self) -> Job:
        from jinmai.desks.financing import actions
        from jinmai.desks.financing.models import RenewalLetter

        letter = actions.issue_renewal_letter(
            self.city.actor("heying"), self._lend(), amount_fen=1_000_000, term_months=12
        )
        yesterday = Clock.today() - timedelta(days=1)
        RenewalLetter.objects.filter(pk=letter.pk).update(renew_by=yesterday, issued_on=yesterday)
        self.letter = letter
        return self.platform_job()

    def _lend(self) -> Any:
        from jinmai.desks.financing import actions
        from jinmai.desks.financing.models import ProductVersion

        firm, manager = self.city.actor("xuan"), self.city.actor("heying")
        need = actions.draft_need(
            firm, amount_fen=1_000_000, term_months=12, purpose="采购原材料", contact_name="许安", contact_phone="1"
        )
        chosen = ProductVersion.objects.in_force(Clock.today()).filter(product__code="p01")
        until = Clock.today() + timedelta(days=90)
        actions.submit_need(firm, need, versions=list(chosen), consent=True, consent_until=until)
        order = actions.accept_order(manager, need.orders.get())
        actions.papers_complete(manager, order)
        actions.decide_order(
            self.city.actor("luosen"), order, granted=True, amount_fen=1_000_000, rate_e9=40_000_000, term_months=12
        )
        actions.accept_terms(firm, order)
        actions.record_disbursement(manager, order, contract_number=f"续{self.round}", disbursed_fen=1_000_000)
        return order.loans.get()

    def faults(self, job: Job) -> tuple[int, int]:
        self.letter.refresh_from_db()
        told = self.letter.loan.order.need.events.filter(verb="lapse_renewal_letters").count()
        return int(self.letter.status != "broken") + max(0, 1 - told), max(0, told - 1)


class Alarms(Example):
    """An objection whose alarm day has come: it is reminded of once."""

    kind = "credit.alarm_objections"

    def ask(self) -> Job:
        from jinmai.desks.credit import actions

        firm = self.city.actor("xuan")
        objection = actions.file_objection(firm, target="months_operating", reason=f"成立日期有误 {self.round}")
        objection.alarm_after = 0
        objection.save(update_fields=["alarm_after"])
        self.objection = objection
        return self.platform_job()

    def faults(self, job: Job) -> tuple[int, int]:
        from jinmai.desks.credit import actions

        told = self.objection.events.filter(verb="alarm_objections").count()
        actions.withdraw_objection(self.city.actor("xuan"), self.objection, reason="已核对")
        return max(0, 1 - told), max(0, told - 1)


EXAMPLES: dict[str, type[Example]] = {
    one.kind: one
    for one in (
        Trial, Import, Refresh, Profile, FreezeMonth, Messages, Escalation, Unused, Answers, Anchor, Verify, Tidy, Scan,
        Letters, Alarms,
    )  # fmt: skip
}


def empty_log() -> None:
    """The stand-in's file of the rounds before."""
    (Path(current_home().log) / "outbox-sms.jsonl").unlink(missing_ok=True)

