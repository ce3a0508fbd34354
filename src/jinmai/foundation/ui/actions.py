"""What a list lets its reader do with it: keep views and columns, carry a verb out on many rows, take rows away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import operation_named
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.ui.models import BulkRun, ExportRecord, ListChoice, SavedView

LONGEST_NAME = 30
MOST_VIEWS = 30


def _fitting_name(actor: Actor, list_path: str, name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise Refusal("JM-UI-001", _("视图名称要有 1 到 30 个字"), _("请改一个名称"))
    if SavedView.objects.filter(membership_id=actor.membership_id, list_path=list_path, name=name).exists():
        raise Refusal("JM-UI-002", _("您在这个清单里已有同名视图"), _("请换一个名称，或先删除旧的"))
    return name


def _own(actor: Actor, view_id: Any) -> SavedView:
    view = SavedView.objects.filter(membership_id=actor.membership_id, pk=view_id).first()
    if view is None:
        raise NotFound()
    return view


@action("ui.save_view")
def save_view(
    actor: Actor,
    *,
    list_path: str,
    name: str,
    filters: Mapping[str, str],
    columns: Sequence[str] = (),
    sort: str = "",
    shared: bool = False,
) -> SavedView:
    """Keep the question a list is asked under a name (存为视图); ``shared`` offers it to the whole organisation.

    Refuses a name that is empty or too long (JM-UI-001) or taken on this list (JM-UI-002), and more than thirty views
    on one list (JM-UI-003).
    """
    name = _fitting_name(actor, list_path, name)
    if SavedView.objects.filter(membership_id=actor.membership_id, list_path=list_path).count() >= MOST_VIEWS:
        raise Refusal("JM-UI-003", _("一个清单最多存 30 个视图"), _("请先删除不用的视图"))
    return SavedView.objects.create(
        membership_id=actor.membership_id,
        organisation_id=actor.organisation_id,
        list_path=list_path,
        name=name,
        filters=dict(filters),
        columns=list(columns),
        sort=sort,
        shared=shared,
    )


@action("ui.rename_view")
def rename_view(actor: Actor, *, view_id: Any, name: str) -> SavedView:
    """Give one's own view another name (视图改名); refuses as ``save_view`` does."""
    view = _own(actor, view_id)
    view.name, view.updated_at = _fitting_name(actor, view.list_path, name), Clock.now()
    view.save(update_fields=["name", "updated_at"])
    return view


@action("ui.share_view")
def share_view(actor: Actor, *, view_id: Any, shared: bool) -> SavedView:
    """Offer one's own view to colleagues of the organisation, or take it back (共用、收回)."""
    view = _own(actor, view_id)
    view.shared, view.updated_at = shared, Clock.now()
    view.save(update_fields=["shared", "updated_at"])
    if not shared:
        ListChoice.objects.filter(default_view=view).exclude(membership_id=actor.membership_id).update(
            default_view=None
        )
    return view


@action("ui.delete_view")
def delete_view(actor: Actor, *, view_id: Any) -> SavedView:
    """Delete one's own view (删除视图); a list that opened with it opens unfiltered again."""
    view = _own(actor, view_id)
    key = view.pk
    view.delete()
    view.pk = key  # the audit entry still names what was deleted
    return view


@action("ui.choose_default_view")
def choose_default_view(actor: Actor, *, list_path: str, view_id: Any = None) -> ListChoice:
    """Open a list with a view from now on (默认打开); ``None`` opens it unfiltered."""
    view = None
    if view_id is not None:
        view = SavedView.objects.visible_to(actor).filter(list_path=list_path, pk=view_id).first()
        if view is None:
            raise NotFound()
    choice, _made = ListChoice.objects.update_or_create(
        membership_id=actor.membership_id, list_path=list_path, defaults={"default_view": view}
    )
    return choice


@action("ui.choose_columns")
def choose_columns(actor: Actor, *, list_path: str, columns: Sequence[str]) -> ListChoice:
    """Remember which columns of a list are shown, in which order (选列); none means the list's own choice."""
    choice, _made = ListChoice.objects.update_or_create(
        membership_id=actor.membership_id, list_path=list_path, defaults={"columns": list(columns)}
    )
    return choice


@action("ui.begin_bulk")
def begin_bulk(actor: Actor, *, list_path: str, label: str, operation: str, asked: int, key: str) -> BulkRun:
    """Write down that a verb begins on many rows (批量办理); the same press twice is refused (JM-UI-005)."""
    run, first = BulkRun.objects.get_or_create(
        membership_id=actor.membership_id,
        key=key,
        defaults={"list_path": list_path, "label": label, "operation": operation, "asked": asked},
    )
    if not first:
        raise Refusal("JM-UI-005", _("这一批已经办过或正在办"), _("请看这一批的结果，不要重复提交"))
    return run


@action("ui.finish_bulk")
def finish_bulk(actor: Actor, *, run_id: Any, lines: Sequence[Mapping[str, str]]) -> BulkRun:
    """Keep what came of each row (批量结果): done, or refused with the reason."""
    run = BulkRun.objects.filter(membership_id=actor.membership_id, pk=run_id, finished_at=None).first()
    if run is None:
        raise NotFound()
    run.lines, run.finished_at = [dict(line) for line in lines], Clock.now()
    run.save(update_fields=["lines", "finished_at"])
    return run


@action("ui.export_list")
def export_list(
    actor: Actor,
    *,
    list_path: str,
    title: str,
    operation: str,
    file_kind: str,
    columns: Sequence[str],
    conditions: Mapping[str, str],
    row_count: int,
) -> ExportRecord:
    """Book that a list leaves as a file (导出登记): the basis is the operation that opened the list and its purpose."""
    basis = operation_named(operation)
    return ExportRecord.objects.create(
        membership_id=actor.membership_id,
        organisation_code=actor.organisation_code,
        list_path=list_path,
        title=title[:200],
        operation=basis.name,
        purpose=basis.purpose,
        level=basis.level,
        file_kind=file_kind,
        columns=list(columns),
        conditions=dict(conditions),
        row_count=row_count,
    )
