"""How bytes leave the gate over HTTP: always as an attachment, never sniffed, never run."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpResponse

from jinmai.foundation.kernel.documents.gate import Handed

#: Should a browser open it all the same: no script, no form, no plug-in, no other origin.
POLICY = "sandbox; default-src 'none'; style-src 'none'; script-src 'none'"


def respond(handed: Handed) -> HttpResponse:
    """The answer that carries a document."""
    response = HttpResponse(handed.content, content_type=handed.media_type)
    ending = handed.name.rpartition(".")[2] if handed.name.isascii() else handed.name.rpartition(".")[2][:5]
    plain = f"document.{ending}" if ending.isalnum() and ending.isascii() else "document"
    response["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(handed.name, safe='')}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store, private"
    return response
