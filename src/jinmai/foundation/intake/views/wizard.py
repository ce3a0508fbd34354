"""The way of a file in (导入向导): upload, source, columns, dry run, import. Each step can be left and come back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jinmai.foundation.intake import drafts
from jinmai.foundation.intake.declarations import Field, sources
from jinmai.foundation.intake.forms import UploadForm
from jinmai.foundation.intake.models import ImportDraft, Receipt, top_rows
from jinmai.foundation.intake.parsing.headings import ranked
from jinmai.foundation.intake.template_sheet import TYPE_WORDS
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.pages import page
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.jobs import cancel_job

STEPS = (
    ("upload", gettext_lazy("上传文件")),
    ("source", gettext_lazy("选来源")),
    ("map", gettext_lazy("对应列")),
    ("check", gettext_lazy("试运行")),
    ("run", gettext_lazy("导入")),
)
#: What a column seems to hold, in the words of the page.
KINDS = {
    "code": gettext_lazy("统一社会信用代码"),
    "other_code": gettext_lazy("编码"),
    "firm_name": gettext_lazy("企业名称"),
    "party_name": gettext_lazy("单位或个人名称"),
    "office_name": gettext_lazy("机关名称"),
    "person_name": gettext_lazy("姓名"),
    "id_card": gettext_lazy("身份证号"),
    "phone": gettext_lazy("电话"),
    "address": gettext_lazy("地址"),
    "date": gettext_lazy("日期"),
    "month": gettext_lazy("月份"),
    "year": gettext_lazy("年度"),
    "money": gettext_lazy("金额"),
    "percent": gettext_lazy("百分比"),
    "count": gettext_lazy("数量"),
    "number": gettext_lazy("数字"),
    "serial": gettext_lazy("序号"),
    "bool": gettext_lazy("是否"),
    "category": gettext_lazy("分类"),
    "text": gettext_lazy("文字"),
    "empty": gettext_lazy("空列"),
}
NATURAL = {"uploaded": "source", "mapped": "check", "checked": "check", "confirmed": "run", "landed": "run"}
SHOWN_SAMPLES = 3
#: Sources shown at once; the others unfold.
NEAR_SOURCES = 4
SHOWN_REJECTS = 20


def _mine(request: HttpRequest, draft_id: UUID) -> ImportDraft:
    found = ImportDraft.objects.visible_to(request.actor).select_related("job").filter(pk=draft_id).first()
    if found is None:
        raise NotFound
    return found


def _url(draft: ImportDraft, step: str = "") -> str:
    address = reverse("intake:draft", args=[draft.pk])
    return f"{address}?step={step}" if step else address


def _step_bar(now: str, *, ended: bool = False) -> list[dict[str, Any]]:
    names = [name for name, _label in STEPS]
    at = names.index(now)
    return [
        {"label": label, "state": "done" if place < at or ended else "now" if place == at else "next"}
        for place, (_name, label) in enumerate(STEPS)
    ]


def _crumbs() -> list[tuple[str, str]]:
    return [(_("数据导入"), reverse("intake:receipt_list"))]


@page("intake.import_files")
def upload(request: HttpRequest) -> HttpResponse:
    """Upload one or several files; files that wait to be gone on with are listed beneath."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"source": request.GET.get("source", "")})
    if request.method == "POST" and form.is_valid():
        try:
            draft = drafts.start_import(request.actor, form.cleaned_data["files"], form.cleaned_data["source"])
            return redirect(_url(draft))
        except Refusal as refusal:
            form.refuse(refusal)
    context = {
        "form": form,
        "bar": _step_bar("upload"),
        "waiting": ImportDraft.objects.visible_to(request.actor).open().order_by("-touched_at")[:8],
        "sources": sources().values(),
        "crumbs": _crumbs(),
    }
    return render(request, "intake/upload.html", context, status=422 if form.errors else 200)


@page("intake.read_draft")
def draft(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """The step a draft is at, or an earlier one asked for."""
    found = _mine(request, draft_id)
    if request.method == "POST":
        return _act(request, found)
    return _show(request, found)


def _act(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    """One press of a button: the act it names, then the step that follows; a refusal stays where it was."""
    acts = {"source": _choose, "map": _map, "check": _check, "confirm": _confirm, "cancel": _cancel, "abandon": _abandon}
    asked = request.POST.get("do", "")
    if asked not in acts:
        return _show(request, found)
    try:
        return acts[asked](request, found)
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        step = {"confirm": "check", "cancel": "", "abandon": ""}.get(asked, asked)
        found = _mine(request, found.pk)
        mapped = _mapped(request.POST, found) if asked == "map" else None
        return _show(request, found, refusal=refusal, step=step, mapped=mapped, status=422)


def _choose(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    drafts.map_draft(request.actor, found, source=request.POST.get("source", ""))
    return redirect(_url(found, "map"))


def _map(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    mapped = drafts.map_draft(
        request.actor, found, source=found.source, mappings=_mapped(request.POST, found)
    )
    drafts.try_import(request.actor, mapped)
    return redirect(_url(found, "check"))


def _check(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    drafts.try_import(request.actor, found)
    return redirect(_url(found, "check"))


def _confirm(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    drafts.confirm_draft(request.actor, found)
    return redirect(_url(found))


def _cancel(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    if found.job is not None:
        cancel_job(request.actor, found.job)
    return redirect(_url(found))


def _abandon(request: HttpRequest, found: ImportDraft) -> HttpResponse:
    drafts.abandon_draft(request.actor, found)
    messages.success(request, _("已放弃，上传的文件已删除"))
    return redirect(reverse("intake:receipt_list"))


def _mapped(given: Mapping[str, str], found: ImportDraft) -> list[dict[str, Any] | None]:
    """The mapping as the page sends it: one set of fields for all files of the same columns."""
    if found.declared is None:
        return []
    mappings: list[dict[str, Any] | None] = [None] * len(found.files)
    for number, (_columns, places) in enumerate(_alike(found)):
        chosen = {one.name: given.get(f"f{number}_{one.name}", "") for one in found.declared.fields}
        positions = {name: int(place) for name, place in chosen.items() if place.isdigit()}
        for place in places:
            heading = found.guess(place, found.declared).heading_row
            mappings[place] = {"heading_row": heading, "positions": positions}
    return mappings


def _alike(found: ImportDraft) -> list[tuple[tuple[str, ...], list[int]]]:
    """Readable files grouped by their columns."""
    assert found.declared is not None
    groups: dict[tuple[str, ...], list[int]] = {}
    for place in found.readable:
        groups.setdefault(found.guess(place, found.declared).columns, []).append(place)
    return list(groups.items())


# ---------------------------------------------------------------- what each step shows


def _show(
    request: HttpRequest,
    found: ImportDraft,
    *,
    refusal: Refusal | None = None,
    step: str = "",
    mapped: list[dict[str, Any] | None] | None = None,
    status: int = 200,
) -> HttpResponse:
    if found.state == ImportDraft.State.ABANDONED:
        return render(request, "intake/gone.html", {"draft": found, "crumbs": _crumbs()})
    step = _allowed(found, step or request.GET.get("step", ""))
    ended = found.state == ImportDraft.State.LANDED
    context: dict[str, Any] = {
        "draft": found,
        "step": step,
        "bar": _step_bar(step, ended=ended),
        "refusal": refusal,
        "crumbs": _crumbs(),
        "can_abandon": found.state in drafts.CHANGEABLE,
    }
    if step == "run":
        context |= _run_step(found, request.actor)
    elif step == "map":
        context |= _map_step(found, mapped)
    else:
        context |= {"source": _source_step, "check": _check_step}[step](found)
    part = step == "run" and request.headers.get("HX-Request") == "true"
    answer = render(request, f"intake/{'progress' if part else step}.html", context, status=status)
    if part and (context["ended"] or context["stopped"]):
        answer["HX-Refresh"] = "true"  # the steps above change, too
    return answer


def _allowed(found: ImportDraft, asked: str) -> str:
    natural = NATURAL[found.state]
    order = ["source", "map", "check"]
    if natural == "run" or asked not in order:
        return natural
    if asked == "map" and found.declared is None:
        return "source"
    if asked == "check" and found.state != ImportDraft.State.CHECKED:
        return natural if natural != "check" else "map"
    return asked


def _source_step(found: ImportDraft) -> dict[str, Any]:
    readable, looked = found.readable, _looked_into(found)
    if not readable:
        return {"groups": [], "unreadable": True, "looked": looked}
    order = ranked(sources().values(), top_rows(found.files[readable[0]]))
    choices = [
        {
            "source": source,
            "guess": guess,
            "found": len(guess.positions),
            "missing": "、".join(guess.missing),
            "chosen": source.name == found.source,
            "likely": place == 0 and guess.fits,
        }
        for place, (source, guess) in enumerate(order)
    ]
    choices.sort(key=lambda one: not one["chosen"])
    near = [one for one in choices if one["found"] or one["chosen"]][:NEAR_SOURCES] or choices[:NEAR_SOURCES]
    return {"groups": [near, [one for one in choices if one not in near]], "unreadable": False, "looked": looked}


def _looked_into(found: ImportDraft) -> list[dict[str, Any]]:
    """What each file is, where nobody said its source: as ``jinmai inspect`` finds it."""
    return [
        {
            **file["inspected"],
            "name": file["name"],
            "columns": [{**one, "kind": KINDS.get(one["type"], one["type"])} for one in file["inspected"]["columns"]],
        }
        for file in found.files
        if file.get("inspected") and not file["inspected"]["failed"]
    ]


def _map_step(found: ImportDraft, mapped: list[dict[str, Any] | None] | None) -> dict[str, Any]:
    assert found.declared is not None
    groups = []
    for number, (columns, places) in enumerate(_alike(found)):
        top = top_rows(found.files[places[0]])
        held = (mapped[places[0]] if mapped else None) or found.mapping(places[0])
        below = [cells for row, cells in top if row > held["heading_row"]][:SHOWN_SAMPLES]
        options = [
            (place, heading or _("第 %(number)s 列（没有标题）") % {"number": place + 1})
            for place, heading in enumerate(columns)
        ]
        rows = [_field_row(one, number, held["positions"], options, below) for one in found.declared.fields]
        used = set(held["positions"].values())
        groups.append(
            {
                "files": [found.files[place]["name"] for place in places],
                "heading_row": held["heading_row"],
                "rows": rows,
                "unused": [label for place, label in options if place not in used and columns[place]],
                "missing": [row["field"].label for row in rows if row["missing"]],
            }
        )
    return {"groups": groups, "refused_files": [one for one in found.files if one.get("refused")]}


def _field_row(
    field: Field, number: int, positions: dict[str, int], options: list[tuple[int, str]], below: list[list[str]]
) -> dict[str, Any]:
    place = positions.get(field.name)
    samples = [cells[place] for cells in below if place is not None and place < len(cells) and cells[place]]
    return {
        "field": field,
        "name": f"f{number}_{field.name}",
        "type": TYPE_WORDS[field.type],
        "place": place,
        "options": options,
        "samples": "、".join(samples),
        "missing": place is None and not field.optional_column,
    }


def _check_step(found: ImportDraft) -> dict[str, Any]:
    assert found.declared is not None
    counts = {
        name: sum(one.get(name, 0) for one in found.findings)
        for name in ("rows", "accepted", "rejected", "duplicates", "totals")
    }
    files = [
        {"name": file["name"], "many": len(found.files) > 1, **finding}
        for file, finding in zip(found.files, found.findings, strict=True)
    ]
    reasons = sorted(
        ({**reason, "file": one["name"]} for one in files for reason in one.get("reasons", ())),
        key=lambda reason: -reason["count"],
    )
    rejects = [{**reject, "file": one["name"]} for one in files for reject in one.get("rejects", ())][:SHOWN_REJECTS]
    fields = found.declared.fields
    sample = [
        [row["row"], *(row.get(field.name, "") for field in fields)] for one in files for row in one.get("sample", ())
    ]
    return {
        "counts": counts,
        "files": files,
        "reasons": reasons,
        "rejects": rejects,
        "more_rejects": counts["rejected"] - len(rejects),
        "fields": fields,
        "sample": sample[:5],
        "notes": [(one["name"], note) for one in files for note in one.get("notes", ())],
        "can_confirm": counts["accepted"] + counts["duplicates"] > 0,
        "only_repeats": counts["accepted"] == 0 and counts["duplicates"] > 0,
    }


def _run_step(found: ImportDraft, actor: Actor) -> dict[str, Any]:
    keys = [one["receipt"] for one in found.outcomes if "receipt" in one]
    mine = Receipt.objects.visible_to(actor).filter(pk__in=keys).select_related("batch__tombstone")
    receipts = {str(one.pk): one for one in mine}
    lines = [
        {"name": file["name"], "receipt": receipts.get(outcome.get("receipt", "")), "refused": outcome.get("refused")}
        for file, outcome in zip(found.files, found.outcomes, strict=False)
    ]
    job = found.job
    return {
        "job": job,
        "ended": found.state == ImportDraft.State.LANDED,
        "stopped": job is not None and job.state in drafts.JOB_ENDED,
        "lines": lines,
        "left": len(found.files) - len(lines),
        "share": 100 * job.progress_done // job.progress_total if job and job.progress_total else 0,
    }
