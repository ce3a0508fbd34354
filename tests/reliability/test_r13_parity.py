"""R13: the same questions give the same answers on SQLite and PostgreSQL.

More than 500 questions are made from the pages themselves: every list that a role can export, with its own filters, sorts and
searches, drawn with a seed. On PostgreSQL the same test is run once more on SQLite in a process of its own, and the
exported rows are compared byte for byte, after what differs by nature (ids, times of day) was taken out.

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

from tests.reliability import examples  # noqa: F401 - its kind of job stands in a filter, whichever tests ran before
from tests.security.surface import doors

SEED = 20261122
QUERIES = 560
ACCOUNTS = ("linqiushi", "shenyihe", "heying", "luosen", "xuan", "zhouqiming", "qiangong", "sungong", "ligong", "milan")
SEARCHES = ("", "测试", "精密", "东汀", "江畔", "A", "a", "p0", "有限公司", "%", "_", "'", "银 行")
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENTS = re.compile(r"\d{2}:\d{2}(:\d{2})?(\.\d+)?")
#: An amount or a code is digits only; a digest hardly ever, unless it is cut to twelve.
DIGESTS = re.compile(r"\b(?=\d*[a-f])[0-9a-f]{12,64}\b|\b\d{12}\b|\bjm_[0-9a-f]{8}_")


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


def _answers(city: Any) -> dict[str, str]:
    """Question (account and address) → the exported text, without what differs by nature."""
    dice, told = random.Random(SEED), {}
    for account in ACCOUNTS:
        client = city.client(account)
        offered = _lists(client)
        for question in _questions(offered, dice, QUERIES // len(ACCOUNTS)) if offered else ():
            answer = client.get(question)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            text = content.decode("utf-8-sig", errors="replace")
            for pattern in (UUIDS, MOMENTS, DIGESTS):
                text = pattern.sub("…", text)
            told[f"{account} {question}"] = f"{answer.status_code} {text}"
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


@pytest.mark.django_db
def test_lists_answer(planted_city, say):
    """Every question is answered with rows, not with a fault; the answers are left for the other engine's run."""
    city, _ = planted_city
    told = _answers(city)
    faults = [question for question, answer in told.items() if not answer.startswith("200")]
    with_rows = sum(text.count("\n") > 1 for text in told.values())
    say({"questions": len(told), "faults": len(faults), "with_rows": with_rows})
    assert not faults
    assert len(told) >= 500 and with_rows >= 250, "answers without rows compare nothing"
    if os.environ.get("JINMAI_PARITY_FILE"):
        Path(os.environ["JINMAI_PARITY_FILE"]).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


@pytest.mark.postgresql
@pytest.mark.django_db
def test_both_engines_answer_alike(planted_city, tmp_path, say):
    if connection.vendor == "sqlite":
        pytest.skip("The comparison runs on PostgreSQL, which asks SQLite the same.")
    city, _ = planted_city
    here, there = _answers(city), _on_the_other_engine(tmp_path)
    assert set(here) == set(there)
    differing = [question for question in here if here[question] != there[question]]
    say({"questions": len(here), "differing": len(differing)})
    assert not differing, "\n".join(f"{key}\nPG  {here[key][:400]}\nSL  {there[key][:400]}" for key in differing[:3])
    control = dict(here)
    first = next(key for key, text in control.items() if text.count("\n") > 3)
    lines = control[first].split("\n")
    lines[1], lines[2] = lines[2], lines[1]
    control[first] = "\n".join(lines)
    assert [key for key in control if control[key] != there[key]] == [first], "two rows changed about are seen"
