"""Search over what one may see (搜索)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jinmai.foundation.kernel.access.pages import page
from jinmai.site.searching import search

LONGEST = 60


@page("site.search")
def found(request: HttpRequest) -> HttpResponse:
    """Firms, institutions and cases by part of a name, credit code or case number."""
    text = request.GET.get("q", "").strip()[:LONGEST]
    groups = search(request.actor, text) if text else []
    count = sum(len(group.hits) for group in groups)
    return render(request, "site/search.html", {"text": text, "groups": groups, "count": count})
