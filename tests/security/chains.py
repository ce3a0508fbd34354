"""S3, in chains: what one answer names, the next request asks for, as four roles; all checks on after each step.

schemathesis reads most links out of the schemas; ``LINKS`` adds those that only the field knows. The effects of a
chain stand until its end and are then undone.
"""

from __future__ import annotations

import itertools
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import transaction

from tests.security.fuzz import (
    DESCRIPTION,
    REFUSED_CASES,
    WITHOUT_SIGNING_IN,
    Found,
    application,
    held_by,
    key_of,
    things_of,
)

#: Accounts that pass one case on among them; each step is taken by one whose role holds it.
TOGETHER = ("xuan", "heying", "luosen", "dingyiming", "shenyihe", "linqiushi", "hanxue", "qiangong")
STEPS = 24  # in a chain
HERE = "/api/v1/"
#: Query parameters that only a known value leads anywhere with.
KNOWN = {"district": ("", "dongting"), "region": ("", "dongting"), "source": ("", "invoices.output"), "month": ("",)}
#: Days of an example, counted from today.
DAYS = {
    "since": 0, "starts_on": 0, "disbursed_on": 0, "kept_on": 0,
    "until": 30, "ends_on": 60, "consent_until": 60, "renew_by": 60,
}  # fmt: skip
#: From, to, and what of the answer is asked for: links that no schema tells.
LINKS: tuple[tuple[str, str, dict[str, str], dict[str, str]], ...] = (
    ("GET parties/firms", "POST parties/firms", {}, {}),
    ("GET credit/consents", "GET credit/subjects/{subject_id}/sheet", {"path.subject_id": "$response.body#/*/subject"}, {}),
    ("POST credit/consents", "GET credit/subjects/{subject_id}/sheet", {"path.subject_id": "$response.body#/subject"}, {}),
    ("GET credit/subjects/{subject_id}/sheet", "GET credit/access", {}, {}),
    ("GET credit/access", "GET credit/subjects/{subject_id}/sheet", {"path.subject_id": "$response.body#/*/subject"}, {}),
    ("POST financing/needs", "GET financing/products", {}, {}),
    ("GET financing/products", "POST financing/needs", {}, {}),
    ("POST financing/needs/{need_id}/evidence", "GET financing/evidence", {}, {}),
    (
        "GET financing/evidence", "POST financing/evidence/{request_id}/answer",
        {"path.request_id": "$response.body#/*/id"}, {},
    ),
    ("GET financing/renewals", "POST financing/loans/{loan_id}/letter", {"path.loan_id": "$response.body#/*/loan"}, {}),
    ("POST financing/orders/{order_id}/disburse", "GET financing/renewals", {}, {}),
    ("GET financing/zones", "GET financing/zones/{code}", {"path.code": "$response.body#/*/id"}, {}),
    (
        "GET cockpit/figures/", "GET cockpit/figures/{measure}/rows/", {"path.measure": "$response.body#/*/measure"}, {},
    ),
    (
        "POST documents/", "POST documents/attachments/{attachment_id}/detach",
        {"path.attachment_id": "$response.body#/id"}, {},
    ),
    (
        "GET documents/", "POST documents/attachments/{attachment_id}/detach",
        {"path.attachment_id": "$response.body#/*/id"}, {},
    ),
    ("POST worklist/delegations", "GET worklist/delegations", {}, {}),
    ("POST worklist/delegations", "POST worklist/delegations/{post_id}/end", {"path.post_id": "$response.body#/id"}, {}),
    ("GET worklist/delegations", "POST worklist/delegations/{post_id}/end", {"path.post_id": "$response.body#/*/id"}, {}),
    ("GET worklist/delegations", "POST worklist/tasks/hand-over", {}, {"to": "$response.body#/*/id"}),
    ("GET worklist/delegations", "POST worklist/delegations", {}, {}),
    (
        "GET financing/orders/{order_id}", "GET documents/",
        {"query.subject_ref": "financing.order:{$response.body#/id}"}, {},
    ),
    (
        "GET financing/orders/{order_id}", "POST documents/", {}, {"subject_ref": "financing.order:{$response.body#/id}"},
    ),
    ("GET worklist/notices", "POST worklist/notices/read", {}, {}),
)  # fmt: skip


@dataclass
class Walked(Found):
    """What was asked in chains, and by which links."""

    chains: int = 0
    #: Steps that asked for what an earlier answer had named.
    followed: Counter[str] = field(default_factory=Counter)
    #: Times that the same chain was answered otherwise.
    varying: int = 0
    #: Operations that one of the accounts holds.
    held: set[str] = field(default_factory=set)
    #: Operations that answered with a success at least once.
    answered: set[str] = field(default_factory=set)

    def told(self) -> dict[str, Any]:
        """As one line of JSON."""
        told = super().told()
        return {
            "operations": told["operations"],
            "chains": self.chains,
            "steps": told["cases"],
            "operations_held": len(self.held),
            "operations_held_reached": len(self.held & set(self.asked)),
            "operations_reached": len(self.asked),
            "operations_answered": len(self.answered),
            "links": len(self.followed),
            "followed": self.followed.total(),
            "varying": self.varying,
        } | {name: told[name] for name in ("statuses", "server_errors", "findings")}


def link(description: dict[str, Any]) -> None:
    """Write the links into a description, beside each successful answer."""
    at = {
        f"{method.upper()} {path.removeprefix(HERE)}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }
    for place, (source, target, parameters, body) in enumerate(LINKS):
        told: dict[str, Any] = {"operationId": at[target]["operationId"], "parameters": parameters}
        if body:
            told["requestBody"] = body
        (success,) = [status for status in at[source]["responses"] if str(status).startswith("2")]
        at[source]["responses"][success].setdefault("links", {})[f"link{place}"] = told


class Accounts:
    """Who asks: their keys, what their roles hold, and which planted things they know."""

    def __init__(self, planted: Any, usernames: tuple[str, ...]) -> None:
        self.usernames = usernames
        self.headers = {name: {"Authorization": f"Bearer {key_of(name)}"} for name in usernames}
        self.holds = {name: held_by(name) for name in usernames}
        self.things = {name: things_of(planted, name) for name in usernames}

    def who_holds(self, operation: Any) -> list[str]:
        """The accounts whose roles hold the operation."""
        return [name for name in self.usernames if self.holds[name][operation.definition.raw["operationId"]]]

    def one_for(self, operation: Any, before: str, dice: random.Random) -> str:
        """The account of the step before where it may take this one, else another that may."""
        holders = self.who_holds(operation)
        return before if before in holders else dice.choice(holders or list(self.usernames))


def walk(planted: Any, usernames: tuple[str, ...], chains: int, walked: Walked) -> None:
    """So many chains: four fifths of right requests only, one fifth with wrong ones among them."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.errors import Flaky
    from schemathesis import GenerationMode

    accounts, site = Accounts(planted, usernames), application(link)
    right, wrong = [GenerationMode.POSITIVE], [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    for described, modes, share in ((DESCRIPTION, right, 0.8), (WITHOUT_SIGNING_IN, wrong, 0.2)):
        schema = schemathesis.openapi.from_wsgi(described, site)
        schema.config.generation.update(modes=modes)
        machine, until = _machine(schema.as_state_machine(), accounts, walked), walked.chains + round(chains * share)
        for turn in itertools.count():
            if walked.chains >= until:
                break
            chosen = settings(
                max_examples=until - walked.chains, stateful_step_count=STEPS, database=None, deadline=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            try:
                seed(turn)(machine).run(settings=chosen)
            except Flaky:  # an answer was another one the second time (a limit reached, a date): on with other draws
                walked.varying += 1


def _following(inferred: Any, held: set[str]) -> Any:
    """A control that starts anew only at every fourth step, as long as there is a link to follow.

    What the role doesn't hold is asked for in the first steps only. All of it depends on the chain alone: Hypothesis
    must meet the same rules when it draws the same.
    """

    class Following(type(inferred)):  # type: ignore[misc]
        __slots__ = ("steps",)

        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.steps = 0

        def record_step(self, *given: Any) -> None:
            self.steps += 1
            super().record_step(*given)

        def allow_root_transition(self, source: str, bundles: Any) -> bool:
            if not self._is_asked(source) or (self.steps % 4 and self._leads_on(bundles)):
                return False
            return super().allow_root_transition(source, bundles)

        def allow_transition(self, source: str, target: str) -> bool:
            return self._is_asked(target) and super().allow_transition(source, target)

        def _is_asked(self, label: str) -> bool:
            return label in held or self.steps < REFUSED_CASES

        def _leads_on(self, bundles: Any) -> bool:
            sources = {
                source
                for name, kept in bundles.items() if kept for source in self.transitions.producer_labels_for_bundle(name)
            }  # fmt: skip
            return any(
                self.allow_transition(source, link.target.label)
                for source in sources
                for link in self.transitions.operations[source].outgoing
            )

    return Following(inferred.transitions, inferred.roots & held)


def _make_sense(case: Any, taken: set[str | None], dice: random.Random) -> None:
    """A key of its own, and for the most part what the description gives as an example, so that chains get far."""
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = secrets.token_hex(16)
    for name in sorted(set(case.query or {}) & set(KNOWN) - taken):
        case.query[name] = dice.choice(KNOWN[name]) if dice.random() < 0.8 else case.query[name]
    told = case.operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    if isinstance(case.body, dict) and told and None not in taken and dice.random() < 0.7:
        days = {name: str(date.today() + timedelta(days=days)) for name, days in DAYS.items() if name in told["example"]}
        case.body = case.body | {name: value for name, value in (told["example"] | days).items() if name not in taken}


def _machine(inferred: type, accounts: Accounts, walked: Walked) -> type:
    from schemathesis import GenerationMode
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import ensure_resource_availability, positive_data_acceptance

    every = [result.ok() for result in inferred.schema.get_all_operations()]
    held = {operation.label for operation in every if accounts.who_holds(operation)}
    walked.operations |= {operation.label for operation in every}
    walked.held |= held

    class Chain(inferred):  # type: ignore[misc]
        """One chain: a transaction of its own, undone at its end; faults are written down, and it goes on."""

        def setup(self) -> None:
            self.control = _following(self.control, held)
            self._undone = transaction.atomic()
            self._undone.__enter__()
            self._so_far: list[str] = []
            self._by: dict[str, str] = {}
            walked.chains += 1

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self._undone.__exit__(None, None, None)

        def step(self, input: Any) -> Any:
            case = input.case
            dice = random.Random(repr((len(self._so_far), case.operation.label, case.path_parameters, case.query)))
            before = self._by.get(input.transition.parent_id, "") if input.transition else ""
            self._account = self._by[case.id] = accounts.one_for(case.operation, before, dice)
            taken = {name for _place, name in input.applied_parameters}
            self._other = set(case.path_parameters or {}) - taken
            for name in sorted(self._other):
                known = accounts.things[self._account].get(name)
                if known and dice.random() < 0.8:  # those that may be acted on stand first
                    case.path_parameters[name] = str(known[min(dice.randrange(len(known)), dice.randrange(len(known)))])
            if case.meta.generation.mode is GenerationMode.POSITIVE:
                _make_sense(case, taken, dice)
            if input.transition is not None and (taken or not input.transition.parameters):
                walked.followed[input.transition.id] += 1
            return super().step(input)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": accounts.headers[self._account]}

        def validate_response(self, response: Any, case: Any, additional_checks: Any = None, **kwargs: Any) -> None:
            label = case.operation.label
            walked.statuses[response.status_code] += 1
            walked.asked[label] += 1
            self._so_far.append(f"{label} as {self._account} → {response.status_code}")
            where = "; ".join(self._so_far[-6:])
            if response.status_code < 300:
                walked.answered.add(label)
            if response.status_code >= 500:
                walked.server_errors.append(f"{where}\n    {case.as_curl_command()[:900]}")
                return
            left_out = [positive_data_acceptance] if case.media_type == "multipart/form-data" else []
            left_out += [ensure_resource_availability] if self._other or len(accounts.usernames) > 1 else []
            try:
                case.validate_response(
                    response, transport_kwargs=kwargs, recorder=self.recorder, excluded_checks=left_out,
                    headers=kwargs["headers"],
                )  # fmt: skip
            except FailureGroup as failures:
                asked = f"\n    {case.as_curl_command()[:900]}\n    {response.content[:300]!r}"
                walked.findings += [f"{where}: {one.title}: {one.message[:300]}{asked}" for one in failures.exceptions]

    return Chain
