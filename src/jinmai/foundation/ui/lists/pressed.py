"""What was pressed on a list (清单上的按钮): views kept, renamed, shared, deleted; columns chosen; verbs on many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.ui import actions
from jinmai.foundation.ui.lists import bulk
from jinmai.foundation.ui.lists.asked import Asked
from jinmai.foundation.ui.lists.drawn import Drawn
from jinmai.foundation.ui.models import SavedView

if TYPE_CHECKING:
    from jinmai.foundation.ui.lists.page import ListPage


def answer(page: ListPage, request: HttpRequest, asked: Asked) -> HttpResponse | None:
    """Carry out what was pressed and go back to the list; a refusal stands above the list, nothing lost."""
    verb = KEEPERS.get(request.POST.get("keep", ""))
    if verb is None and "bulk" not in request.POST:
        return None
    try:
        if verb is None:
            return bulk.answer(page, request, asked)
        if not asked.kept.may_keep:
            raise NotFound()
        return HttpResponseRedirect(verb(page, request, asked))
    except NotFound:
        raise
    except Refusal as refusal:
        shown = {"list": Drawn(page, asked), **page.extra, "refusal": refusal}
        return render(request, page.template, shown, status=refusal.status)


def _save(page: ListPage, request: HttpRequest, asked: Asked) -> str:
    view = actions.save_view(
        asked.kept.actor,
        list_path=asked.path,
        name=request.POST.get("name", ""),
        filters=asked.conditions,
        columns=[column.name for column in asked.columns],
        sort=asked.query.get("sort", "") if asked.sort_column else "",
        shared="shared" in request.POST,
    )
    if "default" in request.POST:
        actions.choose_default_view(asked.kept.actor, list_path=asked.path, view_id=view.pk)
    messages.success(request, _("已存为视图“%(name)s”") % {"name": view.name})
    return asked.to(view.query)


def _named(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("saved", ""))
    except ValueError:
        raise NotFound() from None


def _rename(page: ListPage, request: HttpRequest, asked: Asked) -> str:
    view = actions.rename_view(asked.kept.actor, view_id=_named(request), name=request.POST.get("name", ""))
    messages.success(request, _("视图已改名为“%(name)s”") % {"name": view.name})
    return asked.address()


def _share(page: ListPage, request: HttpRequest, asked: Asked) -> str:
    view = actions.share_view(asked.kept.actor, view_id=_named(request), shared=request.POST.get("shared") == "1")
    words = _("“%(name)s”已与本单位同事共用") if view.shared else _("“%(name)s”不再共用")
    messages.success(request, words % {"name": view.name})
    return asked.address()


def _delete(page: ListPage, request: HttpRequest, asked: Asked) -> str:
    view = actions.delete_view(asked.kept.actor, view_id=_named(request))
    messages.success(request, _("已删除视图“%(name)s”") % {"name": view.name})
    return asked.address()


def _open_with(page: ListPage, request: HttpRequest, asked: Asked) -> str:
    view_id = _named(request) if request.POST.get("saved") else None
    choice = actions.choose_default_view(asked.kept.actor, list_path=asked.path, view_id=view_id)
    chosen: SavedView | None = choice.default_view
    if chosen is None:
        messages.success(request, _("以后打开这个清单时不带条件"))
    else:
        messages.success(request, _("以后打开这个清单时先显示“%(name)s”") % {"name": chosen.name})
    return asked.address()


def _columns(page: ListPage, request: HttpRequest, asked: Asked) -> str:
    known = {column.name for column in page.columns}
    wanted = [name for name in dict.fromkeys(request.POST.getlist("columns")) if name in known]
    actions.choose_columns(asked.kept.actor, list_path=asked.path, columns=wanted)
    return asked.address(columns=None)


KEEPERS = {
    "save": _save,
    "rename": _rename,
    "share": _share,
    "delete": _delete,
    "default": _open_with,
    "columns": _columns,
}
