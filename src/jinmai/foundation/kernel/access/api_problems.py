"""What the API says when it says no: problem documents (RFC 9457), each with a stable code and a page about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import NotAllowed, NotFound, Refusal

API_PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
KEY_SCHEME = "Bearer"


class BadRequest(Refusal):
    """The request itself is not well formed (请求格式不对)."""

    status = 400


class NotSignedIn(Refusal):
    """Nobody is signed in, or the key does not hold: which of these, is not told (未登录或密钥无效)."""

    status = 401

    def __init__(self) -> None:
        super().__init__(
            "JM-API-401",
            _("未登录，或接口密钥无效"),
            _("请登录后再试；用密钥的，请核对密钥是否抄写完整、是否到期或已停用，岗位是否仍在任"),
        )


class Forged(NotAllowed):
    """A write of a session without the form's token (缺少防伪令牌)."""

    def __init__(self) -> None:
        super().__init__(
            "JM-API-403",
            _("缺少页面令牌，不能确认这次提交来自本平台的页面"),
            _("网页请刷新后重新提交；程序请改用接口密钥"),
        )


class WrongMethod(Refusal):
    """The address exists, but not for this method (方法不对)."""

    status = 405

    def __init__(self) -> None:
        super().__init__("JM-API-405", _("这个地址不接受这种请求方法"), _("可用的方法见应答头 Allow 与接口说明"))


class TooLarge(Refusal):
    """The body is larger than is read (内容过大)."""

    status = 413

    def __init__(self) -> None:
        super().__init__("JM-API-413", _("提交的内容过大"), _("请分次提交；文件请用上传"))


class WrongMediaType(Refusal):
    """The body is not JSON (内容类型不对)."""

    status = 415

    def __init__(self) -> None:
        super().__init__(
            "JM-API-415", _("只接受 JSON 内容"), _("请把内容写成 JSON，并注明 Content-Type: application/json")
        )


class Invalid(Refusal):
    """The body or an address does not fit its description; ``errors`` says where (内容不合要求)."""

    status = 422

    def __init__(self, errors: Iterable[Mapping[str, str]]) -> None:
        super().__init__(
            "JM-API-422", _("提交的内容不合要求，没有办理"), _("请按 errors 中每一处的提示改正后重新提交")
        )
        self.errors = list(errors)


class TooMany(Refusal):
    """More requests than the city allows in this time; ``retry_after`` in seconds (请求过于频繁)."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            "JM-API-429", _("请求过于频繁"), _("请在 %(seconds)s 秒后再试") % {"seconds": retry_after}
        )
        self.retry_after = retry_after


class Fault(Refusal):
    """A fault of ours; nothing is told of its inside (平台故障)."""

    status = 500

    def __init__(self) -> None:
        super().__init__(
            "JM-API-500", _("平台出了故障，这一步没有办成"), _("请稍后再试；再次出现时请告知系统管理员时间和地址")
        )


def by_status(status: int) -> Refusal:
    """The refusal for an answer that Django or Ninja made without one of ours."""
    kinds: dict[int, type[Refusal]] = {
        401: NotSignedIn, 404: NotFound, 405: WrongMethod, 413: TooLarge, 415: WrongMediaType, 500: Fault
    }  # fmt: skip
    if status in kinds:
        return kinds[status]()
    if status == 403:
        return NotAllowed("JM-ACC-002", _("您的账号目前没有有效岗位，或岗位没有这项权限"), _("请联系本单位的管理员"))
    if status < 500:
        return BadRequest("JM-API-400", _("请求看不懂，没有办理"), _("请对照接口说明核对地址、头和 JSON 的写法"))
    return Fault()


def where(refusal: Refusal) -> str:
    """The address of the page about this kind of refusal."""
    return f"/errors/{refusal.code}/"


def problem(refusal: Refusal) -> dict[str, Any]:
    """The refusal as a problem document: ``title`` what happened and why, ``detail`` what to do."""
    told: dict[str, Any] = {
        "type": where(refusal),
        "title": str(refusal.reason),
        "status": refusal.status,
        "detail": str(refusal.remedy),
        "code": refusal.code,
    }
    if isinstance(refusal, Invalid):
        told["errors"] = refusal.errors
    return told


def problem_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The problem document with the headers its status asks for."""
    response = JsonResponse(
        problem(refusal),
        status=refusal.status,
        content_type=MEDIA_TYPE,
        json_dumps_params={"ensure_ascii": False},
    )
    if isinstance(refusal, TooMany):
        response["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, NotSignedIn):
        response["WWW-Authenticate"] = f'{KEY_SCHEME} realm="jinmai"'
    response["Cache-Control"] = "no-store"
    return response


def invalid_fields(errors: Iterable[Mapping[str, Any]]) -> Invalid:
    """What the schema found, as pointers (RFC 6901) into the body, or names of the query, header or path."""
    return Invalid([_field(error) for error in errors])


#: The schema's own kinds of fault, in the user's words; other kinds are 不合要求.
WORDS = {
    "missing": lambda _error: _("缺少这一项"),
    "extra_forbidden": lambda _error: _("没有这一项，请删去"),
    "string_type": lambda _error: _("应为文字"),
    "int_type": lambda _error: _("应为整数"),
    "int_parsing": lambda _error: _("应为整数"),
    "bool_type": lambda _error: _("应为 true 或 false"),
    "bool_parsing": lambda _error: _("应为 true 或 false"),
    "date_from_datetime_parsing": lambda _error: _("应为日期，如 2026-11-22"),
    "date_parsing": lambda _error: _("应为日期，如 2026-11-22"),
    "date_type": lambda _error: _("应为日期，如 2026-11-22"),
    "uuid_parsing": lambda _error: _("应为 UUID"),
    "list_type": lambda _error: _("应为列表"),
    "json_invalid": lambda _error: _("不是 JSON"),
    "string_too_long": lambda error: _("不超过 %(most)s 个字") % {"most": error["ctx"]["max_length"]},
    "string_too_short": lambda error: _("至少 %(least)s 个字") % {"least": error["ctx"]["min_length"]},
    "too_long": lambda error: _("不超过 %(most)s 项") % {"most": error["ctx"]["max_length"]},
    "greater_than_equal": lambda error: _("不小于 %(least)s") % {"least": error["ctx"]["ge"]},
    "less_than_equal": lambda error: _("不大于 %(most)s") % {"most": error["ctx"]["le"]},
    "greater_than": lambda error: _("应大于 %(least)s") % {"least": error["ctx"]["gt"]},
    "string_pattern_mismatch": lambda error: _("写法不对，应合 %(pattern)s") % {"pattern": error["ctx"]["pattern"]},
    "literal_error": lambda error: _("应为 %(expected)s 之一") % {"expected": error["ctx"]["expected"]},
    "enum": lambda error: _("应为 %(expected)s 之一") % {"expected": error["ctx"]["expected"]},
}


def _field(error: Mapping[str, Any]) -> dict[str, str]:
    place, *names = error.get("loc", ("body",))
    if place == "body":
        names = names[1:]  # the handler's own name of the body
        told = {"pointer": "#" + "".join(f"/{_escaped(name)}" for name in names)}
    else:
        told = {"parameter": str(names[-1]) if names else str(place), "in": str(place)}
    words = WORDS.get(error.get("type", ""), lambda _error: _("不合要求"))
    return told | {"detail": str(words(error)), "code": str(error.get("type", "value_error"))}


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
