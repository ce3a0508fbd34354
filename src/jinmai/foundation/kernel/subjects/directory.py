"""Finding subjects by code, and codes of subjects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from jinmai.foundation.kernel.errors import NotFound, Words
from jinmai.foundation.kernel.subjects.models import Identifier, Subject


def find_by_key(key: str) -> Subject:
    """The subject that goes by ``scheme:value``; refuses with JM-KER-404."""
    scheme, _, value = key.partition(":")
    found = Identifier.objects.select_related("subject").filter(scheme=scheme, value=value).first()
    if found is None:
        raise NotFound(reason=Words("没有标识为“%(value)s”的主体", value=value))
    return found.subject


def find_by_code(code: str) -> Subject:
    """The subject that goes by ``code`` in whatever scheme; refuses with JM-KER-404 when none or more than one does."""
    found = list(Identifier.objects.select_related("subject").filter(value=code)[:2])
    if len(found) != 1:
        raise NotFound(reason=Words("没有唯一标识为“%(code)s”的主体", code=code))
    return found[0].subject


def keys_of(subjects: Iterable[Subject | UUID]) -> dict[UUID, list[str]]:
    """The keys each subject goes by in fact rows, in order."""
    ids = [subject.pk if isinstance(subject, Subject) else subject for subject in subjects]
    keys: dict[UUID, list[str]] = defaultdict(list)
    for identifier in Identifier.objects.filter(subject_id__in=ids).order_by("scheme", "value"):
        keys[identifier.subject_id].append(identifier.key)
    return dict(keys)
