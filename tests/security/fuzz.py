"""S3: schemathesis asks every operation of the API as four roles, right and wrong bodies alike, all checks on.

``python tests/security/fuzz.py --cases 200`` builds a small city of its own and prints one line of JSON.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction

#: One of each kind of house: an institution, a firm, the bureau, an administrator.
ROLES = ("dingyiming", "xuan", "linqiushi", "qiangong")
DESCRIPTION = "/description-under-test.json"
#: The same without how to sign in: wrong bodies are asked with a right key, which no case puts another one over.
WITHOUT_SIGNING_IN = "/description-without-signing-in.json"
#: Cases an operation where the role is refused before anything is read.
REFUSED_CASES = 2
#: Kwargs of the API and the kinds of planted things they name.
KINDS = {
    "firm_id": "firm", "institution_id": "institution", "need_id": "need", "order_id": "order", "loan_id": "loan",
    "subject_id": "sheet", "consent_id": "consent", "measure": "measure", "rule_id": "rule", "receipt_id": "receipt",
    "draft_id": "import_draft", "source_name": "source", "document_id": "document", "attachment_id": "attachment",
    "request_id": "evidence", "letter_id": "letter", "task_id": "task", "notice_id": "notice", "job_id": "job",
    "post_id": "delegation", "code": "zone", "objection_id": "objection", "repair_id": "repair",
    "alert_id": "alert",
}  # fmt: skip


@dataclass
class Found:
    """What was asked and what came of it."""

    operations: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    #: Cases asked of each operation.
    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    server_errors: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As one line of JSON."""
        return {
            "operations": len(self.operations),
            "roles": len(self.roles),
            "cases": self.statuses.total(),
            "fewest_cases": min((self.asked[one] for one in self.operations), default=0),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "server_errors": len(self.server_errors),
            "findings": len(self.findings),
        }


def application(complete: Callable[[dict[str, Any]], None] | None = None) -> Callable[..., Iterable[bytes]]:
    """The site, with its description (completed by the caller) beside it; a fault of ours is an answer, not an exception."""
    from jinmai.site.api import api
    from jinmai.site.api_document import document

    site, whole = get_wsgi_application(), document(api)
    if complete:
        complete(whole)
    bare = json.loads(json.dumps(whole))
    del bare["components"]["securitySchemes"]
    for methods in bare["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    told = {DESCRIPTION: json.dumps(whole).encode(), WITHOUT_SIGNING_IN: json.dumps(bare).encode()}

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in told:
            start("200 OK", [("Content-Type", "application/json")])
            return [told[environ["PATH_INFO"]]]
        for sent in (request_started, request_finished):  # the case's transaction outlives its request
            sent.disconnect(close_old_connections)
        try:
            answer = site(environ, start)
            body = b"".join(answer)
            getattr(answer, "close", lambda: None)()
            return [body]
        finally:
            for sent in (request_started, request_finished):
                sent.connect(close_old_connections)

    return serve


def key_of(username: str) -> str:
    """A key for any post whatever, so that every role is asked through the same door."""
    import secrets

    from jinmai.foundation.kernel.access.keys import digest_of
    from jinmai.foundation.kernel.access.models import ApiKey, Membership

    secret = secrets.token_urlsafe(32)
    post = Membership.objects.get(user__username=username)
    made = ApiKey.objects.create(
        membership=post, label="fuzz", prefix=secrets.token_hex(4), secret_digest=digest_of(secret),
        created_by="fuzz", expires_on=date.today() + timedelta(days=9),
    )  # fmt: skip
    return f"jm_{made.prefix}_{secret}"


def fuzz(planted: Any, username: str, cases: int, found: Found) -> None:
    """Ask every operation as one account; effects are undone case by case."""
    import schemathesis
    from schemathesis import GenerationMode

    site = application()
    headers = {"Authorization": f"Bearer {key_of(username)}"}
    found.roles.add(username)
    holds, things = held_by(username), things_of(planted, username)
    for described, mode in ((DESCRIPTION, GenerationMode.POSITIVE), (WITHOUT_SIGNING_IN, GenerationMode.NEGATIVE)):
        for result in schemathesis.openapi.from_wsgi(described, site).get_all_operations():
            operation = result.ok()
            found.operations.add(operation.label)
            own = holds[operation.definition.raw["operationId"]]
            _ask(operation, mode, headers, things, cases if own else REFUSED_CASES, found, f"{operation.label} as {username}")


def held_by(username: str) -> dict[str, bool]:
    """Operation ids → whether the account's role holds them: where it doesn't, a few cases say so."""
    from jinmai.foundation.kernel.access.models import Membership
    from jinmai.foundation.kernel.access.permissions import operations
    from jinmai.site.api import api
    from jinmai.site.api_document import operations_of

    role = Membership.objects.get(user__username=username).role
    return {one.operation_id: role in operations()[one.view_func.operation].roles for _, one in operations_of(api)}


def things_of(planted: Any, username: str) -> dict[str, list[Any]]:
    """Per kwarg the keys of planted things, those first that the account may act on."""
    return {
        kwarg: [thing.key for thing in sorted(planted.of(kind), key=lambda one: username not in one.acted_on_by)]
        for kwarg, kind in KINDS.items()
    }


def _ask(
    operation: Any, mode: Any, headers: dict[str, str], things: dict[str, list[Any]], cases: int, found: Found, where: str
) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    right = mode is GenerationMode.POSITIVE

    def one(case: Any) -> None:
        dice = random.Random(repr((where, case.body, case.query, found.statuses.total())))
        for name in case.path_parameters or {}:
            if right and things.get(name) and dice.random() < 0.8:
                case.path_parameters[name] = str(dice.choice(things[name]))
        with transaction.atomic():
            response = case.call(headers=headers)
            found.statuses[response.status_code] += 1
            found.asked[operation.label] += 1
            if response.status_code >= 500:
                found.server_errors.append(f"{where}: {case.as_curl_command()}")
            else:
                try:
                    # a file is random bytes here: whether it is taken is for the tests of uploads and imports
                    left_out = [positive_data_acceptance] if case.media_type == "multipart/form-data" else []
                    case.validate_response(response, headers=headers, excluded_checks=left_out)
                except FailureGroup as failures:
                    found.findings += [f"{where}: {one.title}: {one.message[:300]}" for one in failures.exceptions]
                    found.findings[-1] += f"\n    {case.as_curl_command()[:600]}\n    {response.content[:300]!r}"
            transaction.set_rollback(True)

    try:
        strategy = operation.as_strategy(generation_mode=mode)
    except Exception:
        if right:
            raise
        return  # an operation without any parameter has nothing to get wrong
    run = settings(
        max_examples=max(1, cases // 2), database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(strategy)(one))  # fmt: skip
    try:
        run()
    except Unsatisfiable:
        return
    except Exception as error:  # noqa: BLE001 - told as a finding, with where it was
        found.findings.append(f"{where}: {type(error).__name__}: {str(error)[:300]}")


def main() -> None:
    """Fuzz a city of its own."""
    import argparse
    import sys
    import tempfile

    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--cases", type=int, default=20, help="cases an operation and role")
    cases = wanted.parse_args().cases
    with tempfile.TemporaryDirectory() as place:
        from jinmai.foundation.kernel.home import boot

        boot(place, profile="test")
        from tests.backends.small_city import City, build
        from tests.security.planted import plant

        build()
        planted, found = plant(City()), Found()
        for username in ROLES:
            fuzz(planted, username, cases, found)
            print(f"{username}: {found.told()}", file=sys.stderr)
    print("\n".join([*found.server_errors, *found.findings]), file=sys.stderr)
    print(json.dumps(found.told() | {"cases_each": cases}))
    raise SystemExit(1 if found.server_errors or found.findings else 0)


if __name__ == "__main__":
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
