"""S2: an API write refuses a field it does not name, and no answer is wider than its schema."""

from __future__ import annotations

import json
import re
import types
import typing
from typing import Any

import pytest
from django.conf import settings
from ninja import Schema
from pydantic import BaseModel

from tests.security.surface import UNSAFE, api_operations
from tests.security.test_csrf import address, somebody_who_may, unsafe_doors

#: Public law as the rulebook holds it: a value may be a figure, a table or a ladder.
PUBLIC_LAW = {"RuleOnDay.citation", "RuleOnDay.value"}


def schemas_in(annotation: Any) -> set[type[BaseModel]]:
    """Every schema reachable from an annotation: lists, unions, nested fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        found = {annotation}
        for field in annotation.model_fields.values():
            found |= schemas_in(field.annotation) - {annotation}
        return found
    return {schema for part in typing.get_args(annotation) for schema in schemas_in(part)}


def _ours(schemas: set[type[BaseModel]]) -> set[type[BaseModel]]:
    return {schema for schema in schemas if schema.__module__.startswith("jinmai.")}


def _open(annotation: Any) -> bool:
    """Whether an annotation lets anything through: Any, a bare dict, object."""
    if annotation in (Any, dict, object):
        return True
    if typing.get_origin(annotation) is dict:
        return Any in typing.get_args(annotation)
    return any(_open(part) for part in typing.get_args(annotation) if not isinstance(part, types.EllipsisType))


def test_every_schema_that_reads_or_answers_is_closed():
    loose = set()
    for operation in api_operations():
        annotations = [parameter.annotation for parameter in operation.signature.signature.parameters.values()]
        for schema in _ours({one for annotation in annotations for one in schemas_in(annotation)}):
            if schema.model_config.get("extra") != "forbid":
                loose.add(schema.__qualname__)
    assert not loose


def test_every_answer_has_a_schema_and_none_is_anything():
    open_answers = []
    for operation in api_operations():
        for status, model in operation.response_models.items():
            if model is None or not hasattr(model, "model_fields"):
                if status < 300 and model is not None:
                    open_answers.append(f"{operation.view_func.__name__} {status}: no schema")
                continue
            for schema in _ours(schemas_in(model)):
                open_answers += [
                    f"{schema.__qualname__}.{name}"
                    for name, field in schema.model_fields.items()
                    if _open(field.annotation)
                ]
    assert not sorted(set(open_answers) - PUBLIC_LAW)


@pytest.mark.django_db
def test_an_unknown_field_is_refused_with_422(client_as, say):
    token, asked, taken = "a" * 32, 0, []
    for door, method in unsafe_doors():
        if not door.is_api or not _reads_a_body(door):
            continue
        client = client_as(somebody_who_may(door), raise_request_exception=False)
        client.cookies[settings.CSRF_COOKIE_NAME] = token
        body = json.dumps({"nobody_named_this": 1})
        answer = getattr(client, method.lower())(address(door), data=body, content_type="application/json")
        asked += 1
        named = "nobody_named_this" in answer.content.decode() and "extra_forbidden" in answer.content.decode()
        if answer.status_code != 422 or not named:
            taken.append(f"{method} {address(door)}: {answer.status_code} {answer.content[:200]!r}")
    say({"writes_with_a_body": asked, "taken": len(taken)})
    assert not taken


def _reads_a_body(door: Any) -> bool:
    for operation in api_operations():
        path = re.sub(r"{(?:\w+:)?(\w+)}", r"<\1>", operation.path)
        if re.sub(r"<\w+:", "<", f"/{door.route}").endswith(path):
            if set(operation.methods) & set(UNSAFE) & set(door.methods):
                return any("Body" in model.__name__ for model in operation.models)
    return False


def test_control_a_schema_that_is_not_strict_takes_the_field():
    class Loose(Schema):
        name: str = ""

    assert Loose(nobody_named_this=1) == Loose()
    assert _open(dict[str, Any]) and _open(list[dict]) and not _open(list[str])
