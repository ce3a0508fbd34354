"""Once (幂等): a creating request with the same key has one effect, and every repeat gets the first answer."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.api_problems import BadRequest
from jinmai.foundation.kernel.access.models import IdempotencyKey
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
FORM = re.compile(r"[!-~]{1,255}", re.ASCII)
#: Set while the API answers for the key, so that the action beneath keeps no second record of it.
kept_by_api: ContextVar[bool] = ContextVar("jinmai_kept_by_api", default=False)


class OtherContent(Refusal):
    """The key was used before, for something else (同一幂等键、不同内容)."""

    status = 422


def key_of(request: HttpRequest, *, required: bool) -> str:
    """The request's key, or nothing; refuses a creating request without one (JM-IDM-004).

    A key is at most 255 printable characters without spaces, whether required or not (JM-IDM-002).
    """
    key = request.headers.get(HEADER)
    if key is None:
        if required:
            raise BadRequest(
                "JM-IDM-004",
                _("缺少幂等键（请求头 Idempotency-Key）"),
                _("请为每一笔新建生成一个 UUID；重发时用原来的那个"),
            )
        return ""
    if not FORM.fullmatch(key):
        raise BadRequest(
            "JM-IDM-002",
            _("幂等键为空、过长，或含有空格等字符"),
            _("请用不超过 %(most)s 个字符的字母、数字和符号，如 UUID") % {"most": LONGEST},
        )
    return key


def answer_once(
    request: HttpRequest, actor: Actor, operation: str, key: str, respond: Callable[[], HttpResponse]
) -> HttpResponse:
    """The first answer to this key, effect and answer kept in one transaction; what failed keeps nothing.

    The same key of another organisation is another key. Refuses another content under the same key (JM-IDM-001, 422)
    and, on PostgreSQL, a repeat while the first is under way (JM-IDM-003, 409); on SQLite the repeat waits. A repeat
    so late that the answer is past its days is refused, too (JM-IDM-005, 409): it may name people whom the firm has
    hidden since.
    """
    digest = _digest(request, actor)
    with transaction.atomic():
        _claim(actor, key)
        kept = IdempotencyKey.objects.filter(organisation_id=actor.organisation_id, key=key).first()
        if kept is not None:
            return _replay(kept, digest)
        token = kept_by_api.set(True)
        try:
            response = respond()
        finally:
            kept_by_api.reset(token)
        if response.status_code < 400:
            IdempotencyKey.objects.create(
                organisation_id=actor.organisation_id,
                key=key,
                operation=operation,
                body_digest=digest,
                object_ref="",
                status=response.status_code,
                answer=response.content.decode(),
            )
    return response


def _replay(kept: IdempotencyKey, digest: str) -> HttpResponse:
    if kept.status is None or not hmac.compare_digest(kept.body_digest, digest):
        raise OtherContent(
            "JM-IDM-001", _("同一幂等键提交了不同内容"), _("新的一笔请换一个幂等键；重发请保持内容不变")
        )
    if not kept.answer or kept.created_at < Clock.now() - timedelta(days=policy().answer_days):
        raise Refusal("JM-IDM-005", _("这一笔早已办成，当时的答复已过保存期"), _("请查询已有的记录；另一笔请换一个幂等键"))
    response = HttpResponse(kept.answer, status=kept.status, content_type="application/json; charset=utf-8")
    response[REPLAYED] = "true"
    return response


def _digest(request: HttpRequest, actor: Actor) -> str:
    """Keyed digest of who asked what: the post, the address and the body to the byte; of a form its fields and files."""
    told = hmac.new(current_home().key("digest"), digestmod=hashlib.sha256)
    told.update(f"{actor.membership_id}\n{request.method}\n{request.get_full_path()}\n".encode())
    if request.content_type != "multipart/form-data":
        told.update(request.body)
        return told.hexdigest()
    told.update(repr(sorted(request.POST.lists())).encode())
    for name, file in sorted(request.FILES.items()):
        told.update(f"\n{name}\n{file.name}\n{file.size}\n".encode())
        for part in file.chunks():
            told.update(part)
        file.seek(0)
    return told.hexdigest()


def _claim(actor: Actor, key: str) -> None:
    """Hold the key until the transaction ends; SQLite's transaction holds the whole database already."""
    if connection.vendor != "postgresql":
        return
    number = hashlib.sha256(f"{actor.organisation_id}:{key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(number, "big", signed=True)])
        if not cursor.fetchone()[0]:
            raise Refusal("JM-IDM-003", _("同一幂等键的请求正在办理"), _("请稍候用原来的幂等键重发，会得到同一结果"))
