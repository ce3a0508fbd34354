"""S2: an API write refuses what it does not name, whatever the model calls it, and no answer is wider than its schema."""

from __future__ import annotations

import hashlib
import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from ninja import Schema
from ninja.operation import Operation
from pydantic import BaseModel

from jinmai.foundation.kernel.access.api_once import HEADER
from jinmai.foundation.kernel.access.permissions import operations
from tests.security.planted import ACCOUNTS
from tests.security.surface import UNSAFE, api_operations, body_of
from tests.security.test_csrf import address, somebody_who_may, unsafe_doors

#: Tables that may grow by a refusal: what was refused is witnessed, and counted.
WITNESSES = {"kernel_auditentry", "kernel_audithead", "kernel_ratewindow", "django_session", "axes_accesslog"}


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
    assert not sorted(set(open_answers))


def test_every_text_that_is_read_is_bounded():
    """No body field takes text without an end: each has a largest length, a pattern or a list of values."""
    unbounded = []
    for operation in api_operations():
        body = body_of(operation)
        for schema in _ours(schemas_in(body)) if body else ():
            for name, told in schema.model_json_schema()["properties"].items():
                for part in [told, *told.get("anyOf", []), told.get("items", {})]:
                    free = part.get("type") == "string" and not {"maxLength", "pattern", "enum", "format", "const"} & set(part)
                    if free or part.get("type") == "array" and "maxItems" not in part:
                        unbounded.append(f"{schema.__qualname__}.{name}")
    assert not unbounded


# ---------------------------------------------------------------- each write × each model field it doesn't name


def columns() -> list[str]:
    """Every column name of every model of ours: what a mass assignment would aim at."""
    ours = (model for model in apps.get_models() if model.__module__.startswith("jinmai."))
    return sorted({field.attname for model in ours for field in model._meta.concrete_fields} | {"nobody_named_this"})


def rows() -> dict[str, int]:
    """How many rows each table holds, and what its last writer left (enough to see that nothing was written)."""
    counted = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in WITNESSES:
                cursor.execute(f'SELECT COUNT(*) FROM "{table}"')
                counted[table] = cursor.fetchone()[0]
    return counted


def state(table_names: list[str]) -> str:
    """Every value of some tables, as one digest."""
    told = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in table_names:
            cursor.execute(f'SELECT * FROM "{table}"')
            told.update(repr(sorted(map(repr, cursor.fetchall()))).encode())
    return told.hexdigest()


def writes_with_a_body() -> Iterator[tuple[Any, str, Operation, type[BaseModel]]]:
    """Each door, method and schema of the writes that read a body."""
    for door, method in unsafe_doors():
        for operation in api_operations() if door.is_api else ():
            body = body_of(operation)
            if body is not None and method in operation.methods and _stands_at(operation, door.route):
                yield door, method, operation, body


def _stands_at(operation: Operation, route: str) -> bool:
    """Ninja writes kwargs in braces, Django in brackets; the room's own address stands before both."""
    return re.sub(r"<\w+:", "<", f"/{route}").endswith(re.sub(r"{(?:\w+:)?(\w+)}", r"<\1>", operation.path))


@pytest.mark.django_db
def test_no_write_takes_a_field_that_it_does_not_name(planted_city, say):
    """Each write, on an object of its actor's, with a right body and every other column: each is named, none written."""
    city, planted = planted_city
    asked, taken, seen = 0, [], set()
    names = columns()
    tables = [table for table in rows() if table.startswith(("financing_", "parties_", "kernel_", "intake_"))]
    aimed = [(*_aimed(city, planted, door), *rest) for door, *rest in writes_with_a_body()]
    before = (rows(), state(tables))  # signing in leaves its mark on the account
    for client, place, method, operation, body in aimed:
        seen.add(operation.view_func)
        strangers = {name: 1 for name in names if name not in body.model_fields}
        content = json.dumps(body.EXAMPLE | strangers)
        answer = client.generic(method, place, content, "application/json", headers={HEADER: place})
        told = {one["pointer"] for one in answer.json().get("errors", ()) if one["code"] == "extra_forbidden"}
        missed = sorted(name for name in strangers if f"#/{name}" not in told)
        asked += len(strangers)
        if answer.status_code != 422 or missed:
            taken.append(f"{method} {place}: {answer.status_code} {missed[:5]} {answer.content.decode()[:120]}")
    all_writes = {one.view_func for one in api_operations() if set(one.methods) & set(UNSAFE) and body_of(one)}
    say({"writes_with_a_body": len(seen), "of": len(all_writes), "fields": asked, "taken": len(taken)})
    assert seen == all_writes
    assert not taken, "\n".join(taken)
    assert (rows(), state(tables)) == before, "a refused body left something behind"


def _aimed(city: Any, planted: Any, door: Any) -> tuple[Any, str]:
    """A client that may act there, and the address of an object it may act on."""
    from tests.security.test_authorization_matrix import kind_of

    roles = operations()[door.operation].roles
    for thing in planted.of(kind_of(door, door.kwargs[0]) or "") if door.kwargs else ():
        who = next((one for one in (*sorted(thing.acted_on_by), *sorted(thing.seen_by)) if ACCOUNTS[one][1] in roles), None)
        if who:
            return city.client(who), door.path(dict.fromkeys(door.kwargs, thing.key))
    return city.client(somebody_who_may(door)), address(door)


def test_control_a_schema_that_is_not_strict_takes_the_field():
    """A schema of the framework's own kind drops what it doesn't know in silence: it is ours that refuse."""

    class Loose(Schema):
        name: str = ""

    assert Loose(nobody_named_this=1) == Loose()
    assert _open(dict[str, Any]) and _open(list[dict]) and not _open(list[str])


@pytest.mark.django_db
def test_control_without_the_extra_field_the_examples_are_well_formed(planted_city):
    """The same bodies without the extra field are not refused with 422: the field was the reason."""
    city, _ = planted_city
    for door, method, _operation, body in writes_with_a_body():
        client = city.client(somebody_who_may(door))
        nothing = dict.fromkeys(door.kwargs, "00000000-0000-4000-8000-000000000000")
        answer = client.generic(
            method, door.path(nothing), json.dumps(body.EXAMPLE), "application/json", headers={HEADER: door.route}
        )
        assert answer.status_code != 422, (door, answer.content.decode())
