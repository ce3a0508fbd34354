"""Pages and routes of work: claim many, hand over before a post ends, lend a post, read notices, stop a job."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from jinmai.foundation.kernel.access.actions import appoint
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.jobs import enqueue
from jinmai.foundation.kernel.jobs.models import Job
from jinmai.foundation.kernel.notices.actions import notify
from jinmai.foundation.kernel.notices.models import Notice
from jinmai.foundation.kernel.work.models import Task
from jinmai.site.serve import job_worker, worker_command

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(city):
    """The account manager's post with three tasks."""
    membership = city.membership("heying")
    for number in range(3):
        Task.objects.create(
            subject_ref=f"t:{number}", title=f"第{number}件", verb="financing.accept_order", role=membership.role,
            organisation=membership.organisation,
        )  # fmt: skip
    return membership


def colleague_of(membership):
    user = User.objects.create(username="t_colleague", display_name="方晴")
    return appoint(Actor.platform(), user=user, organisation=membership.organisation, role=membership.role)


def test_claim_many_with_a_result_for_each(client_as, post):
    client = client_as("heying")
    rows = [str(task.pk) for task in Task.objects.all()]
    asked = client.post("/tasks/", {"bulk": "claim", "rows": rows})
    assert asked.status_code == 200 and "认领后由您本人办理" in asked.text
    key = asked.text.split('name="key" value="')[1].split('"')[0]
    done = client.post("/tasks/", {"bulk": "claim", "rows": rows, "confirmed": "1", "key": key}, follow=True)
    assert done.status_code == 200
    assert Task.objects.filter(claimed_by=post).count() == 3
    assert "本人" in client.get("/tasks/?claim=mine").text


def test_a_leavers_tasks_are_asked_for_before_the_post_ends(client_as, post):
    colleague = colleague_of(post)
    Task.objects.update(claimed_by=post)
    client = client_as("sungong")
    asked = client.post(f"/posts/{post.pk}/dismiss/")
    assert asked.status_code == 200 and "3 件已认领" in asked.text and "方晴" in asked.text
    assert Membership.objects.get(pk=post.pk).active
    assert client.post(f"/posts/{post.pk}/dismiss/", {"to": colleague.pk}).status_code == 302
    assert not Membership.objects.get(pk=post.pk).active
    assert Task.objects.filter(claimed_by=colleague).count() == 3


def test_hand_over_page(client_as, post):
    colleague = colleague_of(post)
    Task.objects.update(claimed_by=post)
    client = client_as("heying")
    assert "方晴" in client.get("/tasks/hand-over/").text
    assert client.post("/tasks/hand-over/", {"leaver": post.pk, "to": colleague.pk}).status_code == 302
    assert Task.objects.filter(claimed_by=colleague).count() == 3
    assert client.post("/tasks/hand-over/", {"leaver": "nobody", "to": "x"}).status_code == 404


def test_lend_a_post_switch_to_it_and_give_it_back(client_as, city):
    chief = client_as("linqiushi")
    to = User.objects.get(username="zhengke")
    days = {"since": Clock.today().isoformat(), "until": (Clock.today() + timedelta(days=2)).isoformat()}
    assert chief.post("/delegations/new/", {"to": to.pk, **days}).status_code == 302
    lent = Membership.objects.get(delegated_from__isnull=False)
    assert "委托中" in chief.get("/delegations/").text
    other = client_as("zhengke")
    assert "（受托）" in other.get("/").text
    assert other.post("/switch/", {"membership": lent.pk}).status_code == 302
    assert "受林秋实委托" in other.get("/delegations/").text
    assert chief.post(f"/delegations/{lent.pk}/end/").status_code == 302
    assert "已提前结束" in chief.get("/delegations/").text


def test_too_long_a_delegation_keeps_what_was_typed(client_as, city):
    to = User.objects.get(username="zhengke")
    until = (Clock.today() + timedelta(days=400)).isoformat()
    page = client_as("linqiushi").post(
        "/delegations/new/", {"to": to.pk, "since": Clock.today().isoformat(), "until": until}
    )
    assert "JM-WRK-023" in page.text and until in page.text


def test_the_bell_counts_and_a_notice_leads_on(client_as, post):
    (notice,) = notify(post, kind="order_addressed", title="对1号　受理", url="/financing/orders/")
    notify(post, kind="job_failed", title="外面", url="//elsewhere.example/")
    client = client_as("heying")
    assert 'class="bell"' in client.get("/").text
    assert client.post(f"/notices/{notice.pk}/open/").headers["Location"] == "/financing/orders/"
    outside = Notice.objects.get(title="外面")
    assert client.post(f"/notices/{outside.pk}/open/").headers["Location"] == "/notices/"
    assert client.post("/notices/read/").status_code == 302
    assert not Notice.objects.filter(membership=post, read_at__isnull=True).exists()


def test_addresses_and_choices_are_kept(client_as, city):
    client = client_as("heying")
    page = client.post("/notices/channels/", {"address.sms": "13900001111", "task_due_soon.sms": "on"}, follow=True)
    assert "13900001111" in page.text
    refused = client.post("/notices/channels/", {"address.sms": "电话", "address.dingtalk": ""})
    assert "JM-NOT-001" in refused.text and "电话" in refused.text


def test_a_job_is_watched_and_stopped_by_its_own_only(client_as, city):
    job = enqueue(city.actor("linqiushi"), "credit.profile", {}, title="全部画像")
    chief, other, system = client_as("linqiushi"), client_as("heying"), client_as("qiangong")
    assert "全部画像" in chief.get("/jobs/").text and "全部画像" in system.get("/jobs/").text
    assert "全部画像" not in other.get("/jobs/").text
    assert other.get(f"/jobs/{job.pk}/").status_code == 404
    assert 'hx-trigger="every 2s"' in chief.get(f"/jobs/{job.pk}/").text
    assert chief.post(f"/jobs/{job.pk}/cancel/").status_code == 302
    ended = chief.get(f"/jobs/{job.pk}/progress/")
    assert ended.headers["HX-Refresh"] == "true" and "hx-trigger" not in ended.text
    assert chief.post(f"/jobs/{job.pk}/cancel/").status_code == 409


def test_an_ended_job_shows_its_result_and_a_stopped_one_goes_on(client_as, city, actor):
    clerk = actor("shenyihe")
    job = enqueue(clerk, "intake.import", {"draft": "x"}, title="导入发票")
    Job.objects.filter(pk=job.pk).update(
        state="running", progress_done=3, progress_total=10, progress_words="正在查重", result={"receipts": ["1", "2"]}
    )
    client = client_as("shenyihe")
    page = client.get(f"/jobs/{job.pk}/").text
    assert "3 / 10（30%）" in page and "正在查重" in page and "接着导入" not in page
    Job.objects.filter(pk=job.pk).update(state="done")
    page = client.get(f"/jobs/{job.pk}/").text
    assert "完成：2 个文件已导入" in page and "30%" not in page and "正在查重" not in page and "接着导入" not in page
    Job.objects.filter(pk=job.pk).update(state="cancelled")
    page = client.get(f"/jobs/{job.pk}/").text
    assert "接着导入" in page and "正在查重" not in page
    assert client_as("heying").post(f"/jobs/{job.pk}/resume/").status_code == 404
    assert client.post(f"/jobs/{job.pk}/resume/").status_code == 302
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_what_a_job_made_is_linked_for_who_asked_for_it_only(client_as, city):
    job = enqueue(city.actor("linqiushi"), "intake.import", {"draft": "x"}, title="导入发票", url="/intake/drafts/x/")
    Job.objects.filter(pk=job.pk).update(state="done")
    assert "查看结果" in client_as("linqiushi").get(f"/jobs/{job.pk}/").text
    page = client_as("zhouqiming").get(f"/jobs/{job.pk}/")
    assert page.status_code == 200 and "导入发票" in page.text and "/intake/drafts/" not in page.text


def test_claimed_tasks_of_a_post_without_colleagues_are_released_from_the_page(client_as, post):
    Task.objects.update(claimed_by=post)
    client = client_as("heying")
    assert "释放 3 件" in client.get("/tasks/hand-over/").text
    assert client.post("/tasks/hand-over/", {"leaver": post.pk, "to": "release"}).status_code == 302
    assert not Task.objects.filter(claimed_by__isnull=False).exists()


def test_the_same_over_the_api(client_as, post):
    client = client_as("heying", HTTP_ACCEPT="application/json")
    (first, *_) = client.get("/api/v1/worklist/tasks").json()
    assert client.post(f"/api/v1/worklist/tasks/{first['id']}/claim").json()["claimed_by_me"] is True
    assert client.post(f"/api/v1/worklist/tasks/{first['id']}/release").json()["claimed_by"] is None
    job = enqueue(Actor.of(post), "credit.profile", {}, title="画像")
    assert client.post(f"/api/v1/worklist/jobs/{job.pk}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/v1/worklist/jobs/{job.pk}/cancel").json()["code"] == "JM-JOB-001"


@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_beside_the_pages_and_comes_back_when_killed(city, monkeypatch):
    """As ``jinmai serve`` starts it: a process of its own works at the queue; killed, another one takes its place."""
    from jinmai.foundation.kernel.home import current_home

    started = []
    monkeypatch.setattr(
        "jinmai.site.serve.worker_command", lambda home: started.append(1) or worker_command(home)
    )
    first = enqueue(city.actor("linqiushi"), "credit.profile", {"on": "2026-06-30"}, title="一")
    with job_worker(current_home().path) as running:
        assert ended(first) == Job.State.DONE
        holder = Job.objects.exclude(pk=first.pk).first()
        assert holder is not None, "the platform's own jobs were queued, too"
        running[0].kill()
        second = enqueue(city.actor("linqiushi"), "credit.profile", {"on": "2026-06-30"}, title="二")
        assert ended(second) == Job.State.DONE
    assert len(started) == 2


def ended(job: Job) -> str:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        job.refresh_from_db()
        if job.finished_at is not None:
            return job.state
        time.sleep(0.2)
    return "never"

