"""S7: a consent altered past the platform opens no list, no register row and no sheet, as it opens no door."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.urls import reverse

from jinmai.desks.credit.portrait import consents_for
from jinmai.desks.parties.models import Firm, consenting_subjects
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent import models
from jinmai.foundation.kernel.consent.models import Consent
from tests.security.test_consent_door import TODAY, consented

pytestmark = pytest.mark.django_db

#: What somebody with the database may have written.
ALTERED = {
    "fields": {"fields": ["sales_12m", "void_rate_12m", "tax_arrears"]},
    "ends later": {"ends_on": TODAY + timedelta(days=3000)},
    "another name": {"granted_by": "他人"},
    "no seal": {"seal": ""},
}


@pytest.fixture
def on_the_day(city):
    with Clock.at(TODAY):
        yield city


def reached(city, consent) -> tuple[bool, bool, bool, bool]:
    """Whether the bank still meets the firm: among its consents, the subjects, the register rows, and the pages."""
    bank = city.actor("heying")
    subject = consent.subject_id
    listed = city.client("heying").get(reverse("credit:subject_list")).content.decode()
    return (
        consents_for(bank, TODAY).filter(subject_id=subject).exists(),
        subject in set(consenting_subjects(bank, TODAY).values_list("subject_id", flat=True)),
        Firm.objects.visible_to(bank).filter(subject_id=subject).exists(),
        consent.subject.name in listed,
    )


@pytest.mark.parametrize("altered", ALTERED)
def test_an_altered_consent_opens_no_list_and_others_stay(on_the_day, altered):
    bad, good = consented(on_the_day), consented(on_the_day, firm="t_firm_dongting")
    assert all(reached(on_the_day, bad)), "as it was given"
    Consent.objects.filter(pk=bad.pk).update(**ALTERED[altered])
    assert not any(reached(on_the_day, bad))
    assert all(reached(on_the_day, good))
    assert not consents_for(on_the_day.actor("heying"), TODAY, bad.subject_id).exists()


def test_control_without_the_seal_an_altered_consent_opens_them(on_the_day):
    bad = consented(on_the_day)
    Consent.objects.filter(pk=bad.pk).update(**ALTERED["fields"])
    with mock.patch.object(models, "is_sealed", return_value=True):
        assert all(reached(on_the_day, bad))
