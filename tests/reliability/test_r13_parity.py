"""R13: the same questions give the same answers on SQLite and PostgreSQL.

More than 500 questions are made from the pages themselves: every list that a role can export, with its own filters, sorts and
searches, drawn with a seed; as many again as a third of them from the API's description: every list and every thing that a
role may read, with its own parameters. On PostgreSQL the same test is run once more on SQLite in a process of its own, and
the exported rows and the JSON are compared byte for byte, after what differs by nature (ids, times of day) was taken out.

Rules that make it so: texts are compared and sorted by code point on both engines (``COLLATE "C"`` databases), search
is plain containment without case for ASCII only, nulls stand last, every sort ends in the primary business key, and
JSON is read whole in Python, never queried by path.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from jinmai.foundation.kernel.access.models import ApiKey
from tests.reliability import examples  # noqa: F401 - its kind of job stands in a filter, whichever tests ran before
from tests.security.fuzz import KINDS, held_by
from tests.security.surface import doors

SEED = 20261122
QUERIES, JSON_QUERIES = 560, 240
JSON = "JSON"
ACCOUNTS = ("linqiushi", "shenyihe", "heying", "luosen", "xuan", "zhouqiming", "qiangong", "sungong", "ligong", "milan")
SEARCHES = ("", "测试", "精密", "东汀", "江畔", "A", "a", "p0", "有限公司", "%", "_", "'", "银 行")
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENTS = re.compile(r"\d{2}:\d{2}(:\d{2})?(\.\d+)?")
#: An amount or a code is digits only; a digest hardly ever, unless it is cut to twelve.
DIGESTS = re.compile(r"\b(?=\d*[a-f])[0-9a-f]{12,64}\b|\b\d{12}\b|\bjm_[0-9a-f]{8}_")


#: What is put into parameters of the API whose description names no choices.
CHOICES: dict[str, tuple[Any, ...]] = {
    "q": SEARCHES, "limit": (1, 2, 3, 5, 50, 200), "offset": (0, 0, 1, 2, 5), "within": (0, 60, 365, 3660),
    "region": ("", "dongting", "xiling", "Dongting"), "district": ("", "dongting", "xiling"), "size": ("", "微型", "小型", "中型"),
    "source": ("", "invoices.output", "firms", "gov.tax_penalties"), "on": ("2025-06-30", "2026-11-22"),
    "known": ("2026-06-30", "2026-11-22"),
    "month": ("", "2026-11", "2026-10", "2025-12"),
}  # fmt: skip


def _lists(client: Any) -> dict[str, dict[str, list[str]]]:
    """Address of each list that this account can export → its sorts and the choices of its filters."""
    found = {}
    for door in doors():
        if door.kwargs or door.is_api or "GET" not in door.methods or not door.operation:
            continue
        answer = client.get(door.path({}))
        text = answer.content.decode(errors="replace") if not answer.streaming else ""
        if answer.status_code != 200 or "export=csv" not in text:
            continue
        offered = {"sort": sorted(set(re.findall(r"[?&;]sort=(-?\w+)", text)))}
        for select in re.finditer(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', text, re.S):
            offered[select[1]] = [value for value in re.findall(r'<option value="([^"]*)"', select[2]) if value]
        if 'name="q"' in text:
            offered["q"] = list(SEARCHES)
        found[door.path({})] = offered
    return found


def _questions(offered: dict[str, dict[str, list[str]]], dice: random.Random, count: int) -> list[str]:
    made: dict[str, None] = {}
    for _ in range(count * 20):
        path = dice.choice(sorted(offered))
        asked = {"export": "csv"}
        for name, choices in sorted(offered[path].items()):
            if choices and dice.random() < (0.9 if name == "sort" else 0.35):
                choice = dice.choice(choices)
                asked[name] = f"-{choice}" if name == "sort" and dice.random() < 0.5 else choice
        made[f"{path}?{urlencode(asked)}"] = None
        if len(made) == count:
            break
    return list(made)


def _read_by_api(account: str) -> dict[str, dict[str, Any]]:
    """Address of each reading operation of the API that answers JSON and that the account's role holds → its parameters."""
    from jinmai.site.api import api
    from jinmai.site.api_document import document

    held, found = held_by(account), {}
    for path, methods in document(api)["paths"].items():
        told = methods.get("get")
        if told and held[told["operationId"]] and "application/json" in told["responses"]["200"]["content"]:
            found[path] = {one["name"]: one for one in told["parameters"]}
    return found


def _json_questions(account: str, planted: Any, dice: random.Random, count: int) -> dict[str, str]:
    """Question, its things named by kind and number (their ids differ) → its address."""
    read, made = _read_by_api(account), {}
    for _ in range(count * 20):
        path = dice.choice(sorted(read))
        named, asked = {}, {}
        for name, parameter in sorted(read[path].items()):
            if parameter["in"] == "path" or name == "subject_ref":
                kind = KINDS[name] if parameter["in"] == "path" else "order"  # papers only of orders of its own
                seen = [
                    (place, one)
                    for place, one in enumerate(planted.of(kind))
                    if account in (one.seen_by if parameter["in"] == "path" else one.acted_on_by)
                ]
                place, thing = dice.choice(seen) if seen else (0, None)
                named[name] = (f"{kind} {place}", thing and f"{'' if name in KINDS else 'financing.order:'}{thing.key}")
            elif dice.random() < 0.6:
                asked[name] = dice.choice(parameter["schema"].get("enum") or CHOICES[name])
        if any(key is None for _label, key in named.values()):
            continue  # the account sees none of these
        label, address = path, path
        for name, (thing, key) in named.items():
            label, address = label.replace(f"{{{name}}}", f"<{thing}>"), address.replace(f"{{{name}}}", key)
            if name == "subject_ref":
                label, address = f"{label}?of=<{thing}>", f"{address}?{urlencode({name: key})}"
        query = urlencode(asked)
        join = "&" if "?" in address else "?"
        made[f"{label}{join}{query}"] = f"{address}{join}{query}"
        if len(made) == count:
            break
    return made


def _plain(answer: Any) -> str:
    """An answer's status and text, without what differs by nature; JSON line by line."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = content.decode("utf-8-sig", errors="replace")
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=0)
    for pattern in (UUIDS, MOMENTS, DIGESTS):
        text = pattern.sub("…", text)
    return f"{answer.status_code} {text}"


def _name_keys_in_order() -> None:
    """A key's beginning is drawn by chance, and searches find keys by it."""
    for number, key in enumerate(ApiKey.objects.order_by("label", "membership__user__username")):
        ApiKey.objects.filter(pk=key.pk).update(prefix=f"{number:08d}")


def _answers(city: Any, planted: Any) -> dict[str, str]:
    """Question (account and address) → the exported text or the JSON, without what differs by nature."""
    dice, told = random.Random(SEED), {}
    _name_keys_in_order()
    for account in ACCOUNTS:
        client = city.client(account)
        offered = _lists(client)
        for question in _questions(offered, dice, QUERIES // len(ACCOUNTS)) if offered else ():
            told[f"{account} {question}"] = _plain(client.get(question))
    for account in ACCOUNTS:
        client, dice = city.client(account), random.Random(f"{SEED} {account}")
        for question, address in _json_questions(account, planted, dice, JSON_QUERIES // len(ACCOUNTS)).items():
            told[f"{account} {JSON} {question}"] = _plain(client.get(address))
    return told


def _on_the_other_engine(place: Path) -> dict[str, str]:
    """The same test on SQLite, in a process of its own, which leaves its answers in a file."""
    path = place / "answers.json"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JINMAI_HOME", "JINMAI_TEST_", "PYTEST_", "DJANGO_"))
    }
    environment |= {"JINMAI_TEST_DATABASE": "sqlite", "JINMAI_PARITY_FILE": str(path)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"{__file__}::test_lists_answer"],
        env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert path.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(path.read_text(encoding="utf-8"))


def _expected(question: str) -> tuple[str, ...]:
    """Rows; by the API a district or an order's papers may be not there for the account, on both engines alike."""
    return ("200", "404") if f" {JSON} " in question else ("200",)


def _counted(told: dict[str, str]) -> dict[str, int]:
    """How many questions, of which kind, and how many of them were answered with rows."""
    by_json = {question: answer for question, answer in told.items() if question.split(" ")[1] == JSON}
    return {
        "questions": len(told),
        "of_json": len(by_json),
        "addresses_of_json": len({question.split(" ")[2].partition("?")[0] for question in by_json}),
        "with_rows": sum(answer.count("\n") > 1 for answer in told.values()),
        "json_with_rows": sum(answer.count("\n") > 1 for answer in by_json.values()),
    }


@pytest.mark.django_db
def test_lists_answer(planted_city, say):
    """Every question is answered with rows, not with a fault; the answers are left for the other engine's run."""
    told = _answers(*planted_city)
    faults = [f"{one}: {text[:200]}" for one, text in told.items() if not text.startswith(_expected(one))]
    counted = _counted(told)
    say(counted | {"faults": len(faults)})
    assert not faults, "\n".join(faults[:10])
    assert counted["questions"] >= 700 and counted["of_json"] >= 200 and counted["addresses_of_json"] >= 30
    assert counted["with_rows"] >= 350 and counted["json_with_rows"] >= 100, "answers without rows compare nothing"
    if os.environ.get("JINMAI_PARITY_FILE"):
        Path(os.environ["JINMAI_PARITY_FILE"]).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


@pytest.mark.postgresql
@pytest.mark.django_db
def test_both_engines_answer_alike(planted_city, tmp_path, say):
    if connection.vendor == "sqlite":
        pytest.skip("The comparison runs on PostgreSQL, which asks SQLite the same.")
    here, there = _answers(*planted_city), _on_the_other_engine(tmp_path)
    assert set(here) == set(there), sorted(set(here) ^ set(there))[:10]
    differing = [question for question in here if here[question] != there[question]]
    say(_counted(here) | {"differing": len(differing)})
    assert not differing, "\n".join(f"{key}\nPG  {here[key][:400]}\nSL  {there[key][:400]}" for key in differing[:3])
    for is_json in (False, True):
        control = dict(here)
        first = next(key for key, text in here.items() if (f" {JSON} " in key) is is_json and text.count("\n") > 3)
        lines = control[first].split("\n")
        lines[1], lines[2] = lines[2], lines[1]
        control[first] = "\n".join(lines)
        assert [key for key in control if control[key] != there[key]] == [first], "two rows changed about are seen"
