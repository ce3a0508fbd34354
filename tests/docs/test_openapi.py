"""The API's description is what the code does: kept as a file, its examples true, its schemas closed and told apart."""

from __future__ import annotations

import difflib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "reference"
CHINESE = re.compile(r"[一-鿿]")


def reference_builder() -> Any:
    """``docs/reference/build.py`` as a module."""
    spec = importlib.util.spec_from_file_location("build_reference", PLACE / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return json.loads(reference_builder().render_openapi())


def operations(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_kept_description_is_the_codes(described):
    """A change of the API shows as a difference that a reviewer can read."""
    kept = (PLACE / "openapi.json").read_text(encoding="utf-8")
    made = json.dumps(described, ensure_ascii=False, indent=1) + "\n"
    difference = "\n".join(difflib.unified_diff(kept.splitlines(), made.splitlines(), "kept", "the code's", n=2, lineterm=""))
    assert made == kept, f"the API changed; if that is meant, run `make reference`:\n{difference[:3000]}"


def test_the_kept_pages_of_codes_are_the_codes():
    build = reference_builder()
    assert build.render_shown() == build.SHOWN.read_text(encoding="utf-8"), "run `make reference`"


def test_every_operation_says_in_chinese_what_it_does(described):
    silent = [
        name
        for name, one in operations(described)
        if not CHINESE.search(one["summary"]) or one["summary"] == "办理" or not CHINESE.search(one["description"])
    ]
    assert not silent, "give the route api_operation(…, about=_('…')) and its operation a line in site/words.yaml"


def test_every_example_fits_its_schema(described):
    """Bodies, answers, parameters, problems: each has an example, and it is a true one."""
    wrong, checked = [], 0
    for name, one in operations(described):
        for place, media in _media(one):
            if "application/json" not in media:
                continue
            content = media["application/json"]
            if content.get("example") in ({}, [{}], None) and content["schema"].get("properties", True):
                wrong.append(f"{name} {place}: no example (EXAMPLE of its schema)")
                continue
            checked += 1
            wrong += [f"{name} {place}: {fault}" for fault in _faults(described, content)]
        for parameter in one["parameters"]:
            if "example" in parameter:
                wrong += [f"{name} {parameter['name']}: {fault}" for fault in _faults(described, parameter)]
    for name, response in described["components"]["responses"].items():
        wrong += [f"{name}: {fault}" for fault in _faults(described, response["content"]["application/problem+json"])]
    assert checked > 50
    assert not wrong, "\n".join(wrong)


def _media(one: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "body", one.get("requestBody", {}).get("content", {})
    for status, answer in one["responses"].items():
        yield status, answer.get("content", {})


def _faults(told: dict[str, Any], content: dict[str, Any]) -> list[str]:
    schema = {**content["schema"], "components": told["components"]}
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message[:200] for error in checker.iter_errors(content["example"])]


def test_control_a_wrong_example_is_noticed(described):
    content = described["paths"]["/api/v1/financing/needs"]["post"]["requestBody"]["content"]["application/json"]
    assert not _faults(described, content)
    for change in ({"amount_fen": 1.5}, {"purpose": "别的"}, {"nobody_named_this": 1}):
        assert _faults(described, content | {"example": content["example"] | change})


def test_every_refusal_is_a_problem_document_and_429_says_when(described):
    for name, one in operations(described):
        refused = {status for status in one["responses"] if int(status) >= 400}
        assert refused >= {"401", "403", "405", "409", "429", "500"}, name
    for response in described["components"]["responses"].values():
        assert set(response["content"]) == {"application/problem+json"}
    assert "Retry-After" in described["components"]["responses"]["Problem429"]["headers"]


def test_schemas_of_one_name_are_one(described):
    """Two schemas under one name would show the caller the wrong one."""
    from ninja import Schema

    from tests.security.surface import api_operations
    from tests.security.test_strict_bodies import schemas_in

    classes: dict[str, set[type[Schema]]] = {}
    for operation in api_operations():
        for model in [*operation.response_models.values(), *operation.models]:
            for schema in schemas_in(model) if model is not None else ():
                if schema.__module__.startswith("jinmai."):
                    classes.setdefault(schema.__name__, set()).add(schema)
    assert {name for name, held in classes.items() if len(held) > 1} == set()


def test_the_description_is_valid_openapi(described):
    """3.1, unique ids, every reference leads somewhere, every path's kwargs are described."""
    assert described["openapi"].startswith("3.1")
    ids = [one["operationId"] for _, one in operations(described)]
    assert len(ids) == len(set(ids))
    for name, one in operations(described):
        named = set(re.findall(r"{(\w+)}", name))
        assert named == {parameter["name"] for parameter in one["parameters"] if parameter["in"] == "path"}, name
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(described))):
        part: Any = described
        for step in reference.split("/"):
            part = part[step]
