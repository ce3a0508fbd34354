"""A graded sheet keeps its card and its facts, no figure and no band; who may open it may have it graded again."""

from __future__ import annotations

import pytest

from jinmai.desks.credit.portrait import open_portrait
from jinmai.foundation import analytics
from jinmai.foundation.kernel.action import object_ref
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.rulebook.uses import replay, uses_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def graded(city, actor):
    analytics.refresh_facts()
    subject = city.membership("xuan").organisation.subject
    portrait = open_portrait(actor("shenyihe"), subject.pk, Clock.today())
    (use,) = uses_of([object_ref(subject)])
    return portrait, use


def test_no_figure_and_no_band_is_kept(graded):
    portrait, use = graded
    assert portrait.grade.score.band and use.rule_id == "scorecard_invoices_2020" and use.rule_status == "example"
    assert {one["value"] for one in use.inputs} == {None} and {one["level"] for one in use.inputs} == {"C3"}
    assert str(portrait.grade.score.points) not in use.outcome["words"]
    assert set(use.outcome) == {"words", "seal"} and use.manifest == portrait.manifest


def test_asked_again_it_is_the_same_and_booked(graded, actor):
    _portrait, use = graded
    before = AccessRecord.objects.count()
    assert replay(actor("linqiushi"), use).same is True
    assert AccessRecord.objects.count() == before + 1
    use.outcome["seal"] = "0" * 64  # the control
    assert replay(actor("linqiushi"), use).same is False


def test_without_a_basis_nothing_is_graded_again_and_no_page_opens(graded, actor, client_as):
    _portrait, use = graded
    assert replay(actor("heying"), use).same is None
    page = f"/rules/basis/{use.subject_ref}/"
    assert client_as("heying").get(page).status_code == client_as("t_clerk_xiling").get(page).status_code == 404
    assert "内部参考分档" in client_as("xuan").get(page).content.decode()
