"""The API's description as a page (接口说明) and as OpenAPI 3.1, both drawn from the running code; nothing from outside."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.pages import page
from jinmai.site.api import api
from jinmai.site.api_document import document


@page("site.api_docs")
def api_docs(request: HttpRequest) -> HttpResponse:
    """Operations by room, each with its fields, examples, curl and refusals."""
    told = document(api)
    rooms: dict[str, list[dict[str, Any]]] = {}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            rooms.setdefault(_(operation["tags"][0]), []).append(_shown(request, told, path, method, operation))
    errors = [
        {"status": name.removeprefix("Problem"), "words": one["description"],
         "example": _pretty(one["content"]["application/problem+json"]["example"])}
        for name, one in told["components"]["responses"].items()
    ]  # fmt: skip
    shown = {"rooms": rooms, "overview": told["info"]["description"], "errors": errors, "version": told["openapi"]}
    return render(request, "site/api_docs.html", shown)


@page("site.api_document")
def openapi(request: HttpRequest) -> HttpResponse:
    """The same, for machines."""
    return JsonResponse(document(api), json_dumps_params={"ensure_ascii": False, "indent": 1})


def _shown(
    request: HttpRequest, told: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> dict[str, Any]:
    body_type, body = next(iter(operation.get("requestBody", {}).get("content", {}).items()), ("", {}))
    answers = [
        {"status": status, "example": _pretty(media.get("example"))}
        for status, one in operation["responses"].items()
        for media in one.get("content", {}).values()
        if "example" in media
    ]
    refused = [status for status, one in operation["responses"].items() if "$ref" in one]
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation["description"],
        "parameters": [_parameter(one) for one in operation["parameters"]],
        "fields": _fields(told, body.get("schema", {})),
        "body": _pretty(body["example"]) if body else "",
        "answers": answers,
        "refused": "、".join(refused),
        "curl": _curl(request, path, method, operation, body_type, body.get("example")),
    }


def _parameter(one: Mapping[str, Any]) -> dict[str, Any]:
    places = {"path": _("地址"), "query": _("查询"), "header": _("请求头")}
    return {"name": one["name"], "where": places[one["in"]], "required": one["required"], "kind": _kind(one["schema"])}


def _fields(told: Mapping[str, Any], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        schema = told["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    required = set(schema.get("required", ()))
    return [
        {"name": name, "required": name in required, "kind": _kind(part)}
        for name, part in schema.get("properties", {}).items()
    ]


def _kind(schema: Mapping[str, Any]) -> str:
    """A field's type and bounds in words."""
    if "anyOf" in schema:
        return _("或 ").join(_kind(part) for part in schema["anyOf"])
    if "enum" in schema:
        return _("取值：%(values)s") % {"values": "、".join(_(str(value)) if value else "“”" for value in schema["enum"])}
    if schema.get("type") == "array":
        return _("列表：%(kind)s") % {"kind": _kind(schema.get("items", {}))}
    kinds = {"string": _("文字"), "integer": _("整数"), "boolean": "true / false", "null": "null", "number": _("数")}
    formats = {"date": _("日期"), "uuid": "UUID", "binary": _("文件")}
    words = formats.get(schema.get("format", ""), kinds.get(schema.get("type", ""), ""))
    bounds = [
        _("至多 %(most)s 字") % {"most": schema["maxLength"]} if "maxLength" in schema else "",
        f"{schema['minimum']}–{schema['maximum']}" if "minimum" in schema and "maximum" in schema else "",
    ]
    return "，".join(part for part in (words, *bounds) if part)


def _pretty(example: Any) -> str:
    return json.dumps(example, ensure_ascii=False, indent=2)


def _curl(
    request: HttpRequest, path: str, method: str, operation: Mapping[str, Any], body_type: str, example: Any
) -> str:
    for one in operation["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    lines = [f"curl -X {method.upper()} {request.build_absolute_uri(path)}", '-H "Authorization: Bearer $JINMAI_KEY"']
    if method == "post":
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if body_type == "application/json":
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}"]
    elif body_type:
        lines += [f"-F {shlex.quote(name + '=' + ('@' if name == 'file' else '') + str(value))}"
                  for name, value in example.items()]  # fmt: skip
    return " \\\n  ".join(lines)
