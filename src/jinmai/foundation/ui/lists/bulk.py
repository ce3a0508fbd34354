"""One verb on many rows (批量办理): each row by its own action, so that one refusal does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import allows, require
from jinmai.foundation.kernel.errors import NotFound, Refusal, Words
from jinmai.foundation.ui import actions
from jinmai.foundation.ui.lists.asked import Asked
from jinmai.foundation.ui.models import BulkRun

if TYPE_CHECKING:
    from jinmai.foundation.ui.forms import Form
    from jinmai.foundation.ui.lists.page import ListPage

#: Each row takes its own transaction; an officer waits for the table, so the number is limited.
MOST_ROWS = 200
NAMED_WHEN_ASKED = 12
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BulkAction:
    """What may be done to many rows (批量): ``run(actor, row)`` carries the verb out and returns words, or refuses.

    ``operation`` is the verb's: it is offered to roles that hold it, and each row's action asks for it again.
    ``confirm`` says what will happen, in one sentence, before it does. With ``form``, its cleaned fields are asked for
    once and given to each ``run`` by name (a reason, a note).
    """

    name: str
    label: Any
    operation: str
    run: Callable[..., str | None]
    confirm: Any = ""
    icon: str = "list-check"
    form: type[Form] | None = None


def offered(page: ListPage, actor: Actor | None) -> list[BulkAction]:
    """Those the actor's role may carry out."""
    if actor is None or actor.membership_id is None:
        return []
    return [one for one in page.bulk if allows(actor, one.operation)]


def answer(page: ListPage, request: HttpRequest, asked: Asked) -> HttpResponse:
    """Ask once more, or carry out; refuses a verb that isn't offered, no rows (JM-UI-004) and too many (JM-UI-007)."""
    actor = asked.kept.actor
    chosen = next((one for one in page.bulk if one.name == request.POST["bulk"]), None)
    if chosen is None or actor is None or actor.membership_id is None:
        raise NotFound()
    require(actor, chosen.operation)
    keys = _keys(page, request, asked)
    form = chosen.form(request.POST if "confirmed" in request.POST else None) if chosen.form else None
    if "confirmed" in request.POST and (form is None or form.is_valid()):
        return _carry_out(page, asked, chosen, keys, request.POST.get("key", ""), form.cleaned_data if form else {})
    rows = find(page, keys)
    shown = {
        "list": page,
        "chosen": chosen,
        "form": form,
        "keys": keys,
        "key": request.POST.get("key") or str(uuid4()),
        "here": asked.address(),
        "named": [page.label_of(row, asked) for row in list(rows.values())[:NAMED_WHEN_ASKED]],
        "more": max(0, len(keys) - NAMED_WHEN_ASKED),
        "count": len(keys),
        "refusal": None,
    }
    return render(request, "ui/bulk_confirm.html", shown)


def _keys(page: ListPage, request: HttpRequest, asked: Asked) -> list[str]:
    """The rows chosen one by one, or all that the address finds now; fixed here, so that what was shown is what is done."""
    if request.POST.get("all") and "confirmed" not in request.POST:
        found = page.found(asked)[: MOST_ROWS + 1]
        keys = [page.key_of(row) for row in page.fetched(found)]
    else:
        keys = list(dict.fromkeys(request.POST.getlist("rows")))
    if not keys:
        raise Refusal("JM-UI-004", _("没有选中任何行"), _("请先勾选要办的行，再点批量办理"))
    if len(keys) > MOST_ROWS:
        raise Refusal(
            "JM-UI-007",
            Words("一次最多批量办理 %(most)d 行，您选了更多", most=MOST_ROWS),
            _("请用条件缩小范围，分几批办理"),
        )
    return keys


def find(page: ListPage, keys: Sequence[str]) -> dict[str, Any]:
    """The rows of those keys that are still in the reader's list, by key, in the order asked."""
    rows = page.rows
    if isinstance(rows, QuerySet) and page.row_key is None:
        rows = rows.filter(pk__in=[key for key in keys if _is_key(rows, key)])
    found = {page.key_of(row): row for row in page.fetched(rows)}
    return {key: found[key] for key in keys if key in found}


def _is_key(rows: QuerySet, key: str) -> bool:
    try:
        rows.model._meta.pk.to_python(key)
    except Exception:  # what a field raises for a text that is none of its keys differs by field
        return False
    return True


def _carry_out(
    page: ListPage, asked: Asked, chosen: BulkAction, keys: Sequence[str], key: str, given: dict[str, Any]
) -> HttpResponse:
    """Each row in its own transaction; the result is kept under an address of its own."""
    actor = asked.kept.actor
    assert actor is not None
    known = BulkRun.objects.visible_to(actor).filter(key=key).first()
    if known is None:
        run = actions.begin_bulk(
            actor,
            list_path=asked.path[:200],
            label=str(chosen.label)[:60],
            operation=chosen.operation,
            asked=len(keys),
            key=key[:64] or str(uuid4()),
        )
        rows = find(page, keys)
        lines = [_line(page, asked, actor, chosen, rows.get(one), given) for one in keys]
        known = actions.finish_bulk(actor, run_id=run.pk, lines=lines)
    return HttpResponseRedirect(asked.address(bulk=str(known.pk)))


def _line(
    page: ListPage, asked: Asked, actor: Actor, chosen: BulkAction, row: Any, given: dict[str, Any]
) -> dict[str, str]:
    """What came of one row."""
    if row is None:
        gone = _("这一行已不在您的清单里，可能刚被别人办理")
        return {"label": "—", "url": "", "outcome": "refused", "words": gone, "code": "JM-KER-404"}
    line = {"label": page.label_of(row, asked), "url": (page.row_url(row) if page.row_url else "") or "", "code": ""}
    try:
        words = chosen.run(actor, row, **given)
        return {**line, "outcome": "done", "words": str(words or _("已办理"))}
    except Refusal as refusal:
        words = "。".join(part.rstrip("。") for part in (refusal.reason, refusal.remedy) if part)
        return {**line, "outcome": "refused", "words": words, "code": refusal.code}
    except Exception:
        log.exception("bulk %s failed on one row", chosen.operation)
        return {**line, "outcome": "failed", "words": _("系统出错，这一行没有办成；已记录，请稍后单独办理"), "code": ""}


def show_result(page: ListPage, request: HttpRequest, asked: Asked) -> HttpResponse:
    """The table of what came of each row, to its own reader."""
    actor = asked.kept.actor
    try:
        number = UUID(asked.bulk)
    except ValueError:
        raise NotFound() from None
    run = BulkRun.objects.visible_to(actor).filter(pk=number, list_path=asked.path[:200]).first() if actor else None
    if run is None:
        raise NotFound()
    tones = {"done": (_("已办理"), "good"), "refused": (_("未办理"), "bad"), "failed": (_("出错"), "bad")}
    lines = [{**line, "chip": tones[line["outcome"]]} for line in run.lines]
    lines.sort(key=lambda line: line["outcome"] == "done")
    shown = {
        "list": page,
        "run": run,
        "lines": lines,
        "done": sum(line["outcome"] == "done" for line in run.lines),
        "stopped": sum(line["outcome"] != "done" for line in run.lines),
        "here": asked.address(),
        "refusal": None,
    }
    return render(request, "ui/bulk_result.html", shown)
