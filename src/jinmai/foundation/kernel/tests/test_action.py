"""``@action``: permitted, atomic, idempotent, audited — and each of these missed when it is taken away."""

from __future__ import annotations

import pytest

from jinmai.foundation.kernel import action as action_module
from jinmai.foundation.kernel.access.actions import appoint, register_user, restrict_operation
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.audit.chain import verify_chains
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.errors import NotAllowed, Refusal


def last_entry(actor):
    return AuditEntry.objects.filter(chain=actor.organisation_code).first()


def test_a_role_without_the_operation_is_refused_and_the_refusal_is_audited(actor):
    clerk = actor("shenyihe")
    with pytest.raises(NotAllowed) as refused:
        register_user(clerk, username="mallory", display_name="某人", password="x")
    assert refused.value.code == "JM-ACC-001"
    assert not User.objects.filter(username="mallory").exists()
    entry = last_entry(clerk)
    assert (entry.operation, entry.outcome, entry.code) == ("kernel.register_user", "refused", "JM-ACC-001")


def test_without_the_check_the_same_role_would_get_through(actor, monkeypatch):
    monkeypatch.setattr("jinmai.foundation.kernel.access.permissions.require", lambda *_: None)
    register_user(actor("shenyihe"), username="mallory", display_name="某人", password="x")
    assert User.objects.filter(username="mallory").exists()


def test_a_success_is_audited_by_ids_and_digest_never_by_value(actor):
    admin = actor("qiangong")
    made = register_user(admin, username="newcomer", display_name="新人", password="a-secret-pass")
    entry = last_entry(admin)
    assert (entry.outcome, entry.object_ref) == ("ok", f"kernel.user:{made.pk}")
    assert "a-secret-pass" not in str(vars(entry)) and "新人" not in str(vars(entry))
    assert verify_chains()["breaches"] == 0


def test_a_failure_after_the_body_leaves_neither_effect_nor_success(actor, monkeypatch):
    admin = actor("qiangong")

    def broken(*_, **__):
        raise OSError("audit cannot be written")

    monkeypatch.setattr("jinmai.foundation.kernel.audit.chain.record", broken)
    with pytest.raises(OSError):
        register_user(admin, username="newcomer", display_name="新人", password="x")
    assert not User.objects.filter(username="newcomer").exists()


def test_the_city_may_narrow_a_role(city, actor):
    security, admin = actor("sungong"), actor("qiangong")
    restrict_operation(security, operation="kernel.register_user", role=admin.role, reason="集中开户")
    from jinmai.foundation.kernel.access.models import Membership

    narrowed = Actor.of(Membership.objects.get(pk=admin.membership_id))
    with pytest.raises(NotAllowed):
        register_user(narrowed, username="newcomer", display_name="新人", password="x")


def test_an_administrator_holds_no_second_role(actor):
    security = actor("sungong")
    admin = actor("qiangong")
    user = User.objects.get(pk=admin.user_id)
    from jinmai.foundation.kernel.organisations.models import Organisation

    with pytest.raises(Refusal) as refused:
        appoint(
            security,
            user=user,
            organisation=Organisation.objects.get(code="bureau"),
            role="bureau.section_chief",
        )
    assert refused.value.code == "JM-ACC-011"


def test_the_same_key_returns_the_first_row_and_other_content_is_refused(actor):
    from jinmai.foundation.kernel.consent.actions import grant_consent
    from jinmai.foundation.kernel.consent.models import Consent

    consent = granted(actor, idempotency_key="form-1")
    assert granted(actor, idempotency_key="form-1") == consent
    assert Consent.objects.filter(pk=consent.pk).count() == 1
    with pytest.raises(Refusal) as refused:
        granted(actor, idempotency_key="form-1", fields=["purchases_12m"])
    assert refused.value.code == "JM-IDM-001"
    assert grant_consent.creates


def test_without_the_key_every_press_makes_another_row(actor):
    assert granted(actor) != granted(actor)


def test_a_refused_request_does_not_burn_its_key(actor):
    with pytest.raises(Refusal):
        granted(actor, idempotency_key="form-2", fields=[])
    assert granted(actor, idempotency_key="form-2")


def granted(actor, **changes):
    from datetime import timedelta

    from jinmai.foundation.kernel.clock import Clock
    from jinmai.foundation.kernel.consent.actions import grant_consent
    from jinmai.foundation.kernel.organisations.models import Organisation
    from jinmai.foundation.kernel.subjects.models import Subject

    firm = actor("xuan")
    values = {
        "subject": Subject.objects.get(pk=firm.subject_id),
        "receiver": Organisation.objects.get(code="bank_city_jp"),
        "purpose": "credit_assessment",
        "fields": ["sales_12m"],
        "starts_on": Clock.today(),
        "ends_on": Clock.today() + timedelta(days=30),
    }
    return grant_consent(firm, **(values | changes))


def test_every_action_has_a_permission_row_and_every_row_of_a_write_an_action():
    from jinmai.foundation.kernel.access.permissions import operations

    kernel_writes = {
        name for name, row in operations().items() if row.kind == "write" and name.startswith("kernel.")
    }
    assert kernel_writes == {name for name in action_module.ACTIONS if name.startswith("kernel.")}


@pytest.fixture
def nested(city, actor):
    """An action of the bureau's administrators that carries out another person's deed, and catches its refusal."""
    security, admin = actor("sungong"), actor("qiangong")

    def outer(inner):
        digest = "0" * 64
        return action_module._perform(security, "kernel.restrict_operation", set(), digest, inner)

    return outer, security, admin


def test_a_deed_inside_anothers_stands_under_its_own_name(nested, actor):
    outer, security, _ = nested
    firm = actor("xuan")
    outer(lambda: granted(actor))
    assert last_entry(firm).operation == "kernel.grant_consent" and last_entry(firm).actor_name == firm.name
    assert last_entry(security).operation == "kernel.restrict_operation"
    assert verify_chains()["breaches"] == 0


def test_a_deed_that_was_rolled_back_is_not_audited_as_done(nested, actor):
    outer, _, admin = nested

    def inner():
        def body():
            register_user(admin, username="undone", display_name="未成", password="x")
            raise Refusal("JM-ACC-010", "不成")

        with pytest.raises(Refusal):
            action_module._perform(admin, "kernel.register_user", set(), "0" * 64, body)

    done = AuditEntry.objects.filter(operation="kernel.register_user", outcome="ok")
    before = done.count()
    outer(inner)
    assert not User.objects.filter(username="undone").exists()
    assert done.count() == before
    register_user(admin, username="done", display_name="已成", password="x")
    assert done.count() == before + 1
