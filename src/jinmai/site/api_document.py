"""The API's description (接口说明): an OpenAPI 3.1 document with examples, errors and how to sign in, in Chinese.

Ninja knows addresses and schemas; what a caller must know besides is added here, from the same places that the code
itself uses: the operation's words, its ``about``, the schemas' examples, the codes an action's docstring promises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.operation import Operation
from pydantic import BaseModel

from jinmai.foundation.kernel.access import api_once
from jinmai.foundation.kernel.access.api_problems import problem
from jinmai.foundation.kernel.action import ACTIONS
from jinmai.foundation.kernel.errors import Refusal
from jinmai.site.words import verb_words

CODE = re.compile(r"JM-[A-Z]{2,4}-\d{3}")
SAMPLE_ID = "019aab0f-1b2c-7a3d-8e4f-5a6b7c8d9e0f"
SAMPLE_KEY = "6f0f6a50-0b6a-4f5e-9a57-0c5d0f3c8a11"
PROBLEM = "Problem"
#: The answers that say no, and the code that stands for each in the examples.
ERRORS = {
    400: "JM-API-400",
    401: "JM-API-401",
    403: "JM-ACC-001",
    404: "JM-KER-404",
    405: "JM-API-405",
    409: "JM-FIN-010",
    413: "JM-API-413",
    415: "JM-API-415",
    422: "JM-API-422",
    429: "JM-API-429",
    500: "JM-API-500",
}


def described(api: NinjaAPI) -> None:
    """Give each operation an id that a client generator can use: the operation's own name."""
    for _place, operation in operations_of(api):
        operation.operation_id = id_of(operation)


def operations_of(api: NinjaAPI) -> Iterator[tuple[str, Operation]]:
    """Every operation with its path."""
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                yield path, operation


def id_of(operation: Operation) -> str:
    """``financing.draft_need`` as ``financing_draft_need``; a handler of another name beside it keeps its own, too."""
    named = operation.view_func.operation
    handler = operation.view_func.__name__
    name = named.replace(".", "_")
    return name if named.endswith(f".{handler}") else f"{name}_{handler}"


def document(api: NinjaAPI) -> dict[str, Any]:
    """The whole description, as plain JSON."""
    made = json.loads(json.dumps(api.get_openapi_schema(), cls=DjangoJSONEncoder))
    by_id = {operation.operation_id: operation for _place, operation in operations_of(api)}
    made["info"] |= {"title": _("金脉接口"), "description": _overview()}
    made["servers"] = [{"url": "/", "description": _("本平台")}]
    made["components"]["schemas"] |= _problem_schemas()
    made["components"]["responses"] = {f"Problem{status}": _error(status) for status in ERRORS}
    made["components"]["securitySchemes"] = {
        "KeyAuth": {"type": "http", "scheme": "bearer", "description": _("接口密钥，形如 jm_前缀_密文")},
        "ActorAuth": {"type": "apiKey", "in": "cookie", "name": "jinmai_session", "description": _("网页登录")},
    }
    for path, methods in made["paths"].items():
        for method, told in methods.items():
            _complete(told, by_id[told["operationId"]], method, path)
    return _without_titles(made)


def _overview() -> str:
    return _(
        "金融机构的系统用接口密钥办理与网页相同的事：同样的岗位、权限、时限和留痕。金额一律为以分计的整数字符串，"
        "利率为小数字符串，时间为 UTC，日期按北京时间。新建类请求须带 Idempotency-Key，断线后用原键重发，得到同一结果。"
        "出错时返回 RFC 9457 问题文档，type 指向说明页。"
    )


def _complete(told: dict[str, Any], operation: Operation, method: str, path: str) -> None:
    view = operation.view_func
    told["summary"] = verb_words(view.operation)
    told["description"] = _description(view)
    _parameters(told, view, method, path)
    takes_body = "requestBody" in told
    for media_type, sent in told.get("requestBody", {}).get("content", {}).items():
        sent["example"] = _body_example(operation) if media_type == "application/json" else _form_example(sent["schema"])
    for status, answered in told["responses"].items():
        answered["description"] = _("已新建") if status == "201" else _("成功")
        content = answered.get("content", {}).get("application/json")
        if content is not None and "schema" in content:
            content["example"] = _example_of(operation.response_models[int(status)].model_fields["response"].annotation)
    statuses = {401, 403, 405, 429, 500, 409} | ({400} if method == "post" else set())
    statuses |= {404} if "{" in path or takes_body or told["parameters"] else set()
    statuses |= {413, 415} if takes_body else set()
    statuses |= {422} if takes_body or told["parameters"] else set()
    for status in sorted(statuses):
        told["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _description(view: Any) -> str:
    parts = [str(view.about)]
    verb = ACTIONS.get(view.operation)
    codes = sorted(set(CODE.findall(verb.__doc__ or ""))) if verb else []
    if codes:
        parts.append(_("可能的拒绝：%(codes)s。") % {"codes": "、".join(codes)})
    return " ".join(part for part in parts if part)


def _parameters(told: dict[str, Any], view: Any, method: str, path: str) -> None:
    told.setdefault("parameters", [])
    for parameter in told["parameters"]:
        schema = parameter["schema"]
        if parameter["in"] == "path" and "example" not in parameter:
            plain = 42 if schema.get("type") == "integer" else "example"
            by_name = PATH_EXAMPLES.get(parameter["name"], plain)
            parameter["example"] = SAMPLE_ID if schema.get("format") == "uuid" else by_name
    if method == "post":
        told["parameters"] = [one for one in told["parameters"] if one["name"].lower() != api_once.HEADER.lower()]
        told["parameters"].append(
            {
                "in": "header",
                "name": api_once.HEADER,
                "required": bool(view.creates),
                "description": _("幂等键：每一笔一个 UUID，重发用原来的"),
                "schema": {"type": "string", "minLength": 1, "maxLength": api_once.LONGEST, "pattern": "^[!-~]+$"},
                "example": SAMPLE_KEY,
            }
        )


PATH_EXAMPLES = {"rule_id": "credit_objection_days", "measure": "needs_count"}
#: What a form that carries a file holds.
FORM_EXAMPLES = {
    "file": "合同.pdf",
    "subject_ref": f"financing.order:{SAMPLE_ID}",
    "kind": "contract",
    "label": "购销合同",
}


def _body_example(operation: Operation) -> Any:
    model = next(one for one in operation.models if one.__ninja_param_source__ == "body")
    (field,) = model.model_fields.values()
    return _example_of(field.annotation)


def _form_example(schema: dict[str, Any]) -> dict[str, str]:
    return {name: FORM_EXAMPLES.get(name, "") for name in schema["properties"]}


def _example_of(annotation: Any) -> Any:
    """The example of a schema, or a list of one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.EXAMPLE
    return [_example_of(annotation.__args__[0])]


def _problem_schemas() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        PROBLEM: {
            "type": "object",
            "description": _("问题文档（RFC 9457）"),
            "properties": {
                "type": {"type": "string", "format": "uri-reference", "description": _("说明页地址")},
                "title": text | {"description": _("发生了什么、为什么")},
                "status": {"type": "integer"},
                "detail": text | {"description": _("怎么办")},
                "code": {"type": "string", "pattern": "^JM-[A-Z]{2,4}-[0-9]{3}$"},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemField"}},
            },
            "required": ["type", "title", "status", "detail", "code"],
            "additionalProperties": False,
        },
        "ProblemField": {
            "type": "object",
            "description": _("哪一处不合要求：内容中的位置（RFC 6901），或参数名"),
            "properties": {"pointer": text, "parameter": text, "in": text, "detail": text, "code": text},
            "required": ["detail", "code"],
            "additionalProperties": False,
        },
    }


def _error(status: int) -> dict[str, Any]:
    words = {
        400: _("请求看不懂，或缺少幂等键"),
        401: _("未登录，或密钥无效"),
        403: _("岗位没有这项权限"),
        404: _("没有，或不在查看范围内"),
        405: _("方法不对"),
        409: _("当前不能办理，或同一请求正在办理"),
        413: _("内容过大"),
        415: _("内容类型不对"),
        422: _("内容不合要求，或同一幂等键提交了不同内容"),
        429: _("请求过于频繁"),
        500: _("平台故障"),
    }
    shown = Refusal(ERRORS[status], words[status], _("见说明页"))
    shown.status = status
    example = problem(shown)
    if status == 422:
        example["errors"] = [{"pointer": "#/amount_fen", "detail": _("缺少这一项"), "code": "missing"}]
    told: dict[str, Any] = {
        "description": words[status],
        "content": {
            "application/problem+json": {
                "schema": {"$ref": f"#/components/schemas/{PROBLEM}"},
                "example": example,
            }
        },
    }
    if status == 429:
        told["headers"] = {
            "Retry-After": {"description": _("几秒后再试"), "required": True, "schema": {"type": "integer", "minimum": 1}}
        }
    return told


def _without_titles(part: Any) -> Any:
    """The description without the English titles and descriptions that Pydantic takes from names and docstrings."""
    if isinstance(part, dict):
        schema = "type" in part or "anyOf" in part or "enum" in part
        left_out = {"title"} if schema and "version" not in part else set()
        if schema and str(part.get("description", "")).isascii():
            left_out.add("description")
        return {
            name: value if name == "example" else _without_titles(value)
            for name, value in part.items()
            if name not in left_out or not isinstance(value, str)
        }
    if isinstance(part, list):
        return [_without_titles(one) for one in part]
    return part
