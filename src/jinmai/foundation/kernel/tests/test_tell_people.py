"""Notices stay inside with all they say; what goes outside says nothing about anybody, in hours when it may."""

from __future__ import annotations

import ast
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import jinmai
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.clock import LEGAL_ZONE, Clock
from jinmai.foundation.kernel.errors import Broken, NotFound, Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.jobs import enqueue, run_until_empty
from jinmai.foundation.kernel.notices.actions import (
    choose_channels,
    notify,
    read_all_notices,
    read_notice,
    unread_of,
)
from jinmai.foundation.kernel.notices.kinds import notice_kinds
from jinmai.foundation.kernel.notices.models import Notice, OutboundMessage
from jinmai.foundation.kernel.notices.outbound import OutboundChannel, channels, register_channel
from jinmai.foundation.kernel.notices.quiet import outbound_rule

#: A Friday's noon, a working day.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=LEGAL_ZONE)
CANARIES = ("金丝雀公司", "91330100MA2CANARY9", "何盈", "8765.43", "13900007777", "对〔2026〕00047号")


@pytest.fixture
def heying(actor):
    """An account manager reached by both channels, for everything."""
    one = actor("heying")
    wanted = {kind: list(channels()) for kind in notice_kinds()}
    choose_channels(one, addresses={"sms": "13900007777", "dingtalk": "heying@gov"}, wanted=wanted)
    return one


def post_of(actor):
    return Membership.objects.get(pk=actor.membership_id)


def send():
    enqueue(Actor.platform(), "kernel.send_messages", {}, title="外发")
    run_until_empty("worker")


def sent(channel="sms"):
    log = current_home().log / f"outbox-{channel}.jsonl"
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def test_told_read_and_only_ones_own(heying, actor):
    first, second = (notify(post_of(heying), kind="order_addressed", title=title)[0] for title in ("一", "二"))
    assert unread_of(heying) == 2 and unread_of(actor("linqiushi")) == 0
    read_notice(heying, first)
    assert unread_of(heying) == 1
    with pytest.raises(NotFound):
        read_notice(actor("linqiushi"), second)
    read_all_notices(heying)
    assert unread_of(heying) == 0


def test_a_role_of_an_organisation_is_everybody_who_holds_it_today(city, actor):
    branch = city.organisation("bank_city_jp_dongting")
    notices = notify((branch, "institution.account_manager"), kind="order_addressed", title="一")
    assert [notice.membership_id for notice in notices] == [actor("heying").membership_id]


def test_a_kind_that_nobody_declared_is_broken_code(heying):
    with pytest.raises(Broken):
        notify(post_of(heying), kind="gossip", title="一")


def test_nothing_personal_goes_outside_whatever_is_told(heying):
    """Every kind is told with canaries in every field; not one of them stands in what a channel was given."""
    words = " ".join(CANARIES)
    with Clock.at(NOON):
        for kind in notice_kinds():
            notify(post_of(heying), kind=kind, title=words, body=words, url=f"/{words}", subject_ref=words[:100])
        send()
    lines = sent("sms") + sent("dingtalk")
    assert len(lines) == 2 * len(notice_kinds())
    texts = " ".join(line["text"] for line in lines)
    assert not [canary for canary in CANARIES if canary in texts]
    assert not any(mark in texts for mark in "%{}0123456789"), "a fixed sentence has no place for anything"


def test_control_a_message_made_of_the_title_would_be_caught(heying, monkeypatch):
    monkeypatch.setattr(
        "jinmai.foundation.kernel.notices.kinds.NoticeKind.message", property(lambda self: f"{self.text}{CANARIES[0]}")
    )
    with Clock.at(NOON):
        notify(post_of(heying), kind="order_addressed", title=CANARIES[0])
        send()
    assert any(CANARIES[0] in line["text"] for line in sent())


def test_every_notify_names_a_declared_kind():
    """Read from the source: each call with a literal kind names one that stands in kinds.yaml."""
    called = set()
    for path in Path(jinmai.__path__[0]).rglob("*.py"):
        if "/tests/" in path.as_posix():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "notify":
                called |= {
                    word.value.value for word in node.keywords
                    if word.arg == "kind" and isinstance(word.value, ast.Constant)
                }  # fmt: skip
    assert called and called <= set(notice_kinds()), called - set(notice_kinds())


@pytest.mark.parametrize(
    ("told", "goes_out"),
    [
        (datetime(2026, 11, 20, 12, 0, tzinfo=LEGAL_ZONE), datetime(2026, 11, 20, 12, 0, tzinfo=LEGAL_ZONE)),
        (datetime(2026, 11, 19, 23, 0, tzinfo=LEGAL_ZONE), datetime(2026, 11, 20, 8, 30, tzinfo=LEGAL_ZONE)),
        (datetime(2026, 11, 20, 3, 0, tzinfo=LEGAL_ZONE), datetime(2026, 11, 20, 8, 30, tzinfo=LEGAL_ZONE)),
        (datetime(2026, 11, 20, 21, 0, tzinfo=LEGAL_ZONE), datetime(2026, 11, 23, 8, 30, tzinfo=LEGAL_ZONE)),
        (datetime(2026, 9, 30, 21, 0, tzinfo=LEGAL_ZONE), datetime(2026, 10, 8, 8, 30, tzinfo=LEGAL_ZONE)),
    ],
    ids=["noon", "late-evening", "before-dawn", "over-the-weekend", "over-the-national-holiday"],
)
def test_quiet_hours_hold_a_message_until_a_working_morning(heying, told, goes_out):
    assert outbound_rule(told.date()).earliest(told) == goes_out
    with Clock.at(told):
        notify(post_of(heying), kind="order_addressed", title="一")
        send()
        at_once = len(sent())
    assert at_once == (1 if told == goes_out else 0)
    with Clock.at(goes_out):
        send()
    assert len(sent()) == 1


def test_a_channel_that_fails_is_tried_again_and_given_up(heying):
    class Broke(OutboundChannel):
        name, label, address_label = "sms", "短信", "手机号"

        def send(self, to, text, *, key):
            raise ConnectionError(f"no route to {to}")

    former = register_channel(Broke())
    try:
        moment = NOON
        with Clock.at(moment):
            notify(post_of(heying), kind="order_addressed", title="一")
        for _ in range(12):
            with Clock.at(moment):
                send()
            moment += timedelta(days=1)
    finally:
        register_channel(former)
    message = OutboundMessage.objects.get(channel="sms")
    assert (message.state, message.problem) == (OutboundMessage.State.FAILED, "ConnectionError")
    assert "13900007777" not in message.problem


def test_what_was_read_meanwhile_is_not_sent(heying):
    with Clock.at(NOON):
        (notice,) = notify(post_of(heying), kind="order_addressed", title="一")
        read_notice(heying, notice)
        send()
    assert sent() == [] and OutboundMessage.objects.filter(state="dropped").count() == 2


def test_the_city_chooses_for_those_who_did_not(actor):
    chief = actor("linqiushi")
    choose_channels(chief, addresses={"sms": "13900008888", "dingtalk": "lin@gov"}, wanted={})
    notify(post_of(chief), kind="task_escalated", title="一")
    notify(post_of(chief), kind="delegation_ended", title="二")
    assert list(OutboundMessage.objects.values_list("channel", "template")) == [("dingtalk", "task_escalated")]


@pytest.mark.parametrize("address", ["13", "138 0000 0000", "a" * 65, "<b>"], ids=["short", "spaces", "long", "tag"])
def test_an_address_that_is_none_is_refused(actor, address):
    with pytest.raises(Refusal, match="JM-NOT-001"):
        choose_channels(actor("heying"), addresses={"sms": address}, wanted={})


def test_an_unknown_channel_or_kind_is_refused(actor):
    for given in ({"addresses": {"pigeon": "1390000"}, "wanted": {}}, {"addresses": {}, "wanted": {"gossip": ["sms"]}}):
        with pytest.raises(Refusal, match="JM-NOT-002"):
            choose_channels(actor("heying"), **given)


def test_the_rule_has_a_day_from_which_it_counts():
    rule = outbound_rule(date(2026, 11, 20))
    assert rule.since <= date(2026, 11, 20)
    assert not rule.may_send(datetime(2026, 11, 21, 4, 0, tzinfo=UTC)), "a Saturday's noon in Shanghai"


def test_an_end_of_a_job_is_told(actor):
    from jinmai.foundation.kernel.jobs.models import Job

    job = enqueue(actor("linqiushi"), "credit.profile", {"on": "2026-06-30"}, title="画像")
    run_until_empty("worker")
    assert Job.objects.get(pk=job.pk).state == Job.State.DONE
    assert Notice.objects.get(kind="job_finished").membership_id == actor("linqiushi").membership_id
