"""R3: kill −9 of PostgreSQL's postmaster while a worker works; the worker waits for the server and goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.backends.engines import EngineMissing, ThrowAwayCluster
from tests.reliability.own_home import STEPS

KILLS, CONTROL_KILLS = 50, 8
SEED = 20261122
ROOT = Path(__file__).parents[2]


class OwnServer(ThrowAwayCluster):
    """A server of this test alone, which may die."""

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children end by themselves."""
        pid = int((self.place / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def start_again(self) -> None:
        """Start over the same data, as soon as the dead server's children let go of it."""
        listen = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.place}"
        for _ in range(60):
            try:
                self._program(
                    "pg_ctl", "-D", str(self.place / "data"), "-w", "-t", "30", "-l", str(self.place / "log"), "-o",
                    listen, "start",
                )  # fmt: skip
                return
            except EngineMissing:
                time.sleep(0.5)
        raise AssertionError("the server did not come back")


def program(home: Path, server: OwnServer, *words: str) -> list[Any]:
    named = {"JINMAI_DATABASE": server.url, "JINMAI_CITY": "example", "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JINMAI_", "DJANGO_"))}
    return [[sys.executable, "-m", "tests.reliability.own_home", *words, str(home)], kept | named]


def told(home: Path, server: OwnServer, word: str) -> dict[str, Any]:
    command, environment = program(home, server, word)
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
def test_the_postmaster_is_killed_under_the_worker(tmp_path, say):
    found, slowest = killed(tmp_path / "home", "work", KILLS, to_the_end=True)
    say({"kills": KILLS, "steps": STEPS, "lost": STEPS - found["different"],
         "doubled": found["written"] - found["different"], "slowest_resume_seconds": round(slowest, 1)})  # fmt: skip
    assert (found["state"], found["written"], found["different"]) == ("done", STEPS, STEPS)
    assert slowest <= 60


@pytest.mark.long
def test_control_an_effect_committed_apart_from_its_cursor_is_doubled(tmp_path, say):
    found, _slowest = killed(tmp_path / "home", "split", CONTROL_KILLS, to_the_end=False)
    say({"kills": CONTROL_KILLS, "doubled": found["written"] - found["different"]})
    assert found["written"] > found["different"]


def killed(home: Path, how: str, kills: int, to_the_end: bool) -> tuple[dict[str, Any], float]:
    """A worker under whom the server is killed so many times: what it wrote, and the longest until it went on."""
    try:
        server = OwnServer()
        server.start()
    except EngineMissing as missing:
        pytest.skip(str(missing))
    dice, slowest = random.Random(SEED), 0.0
    command, environment = program(home, server, how)
    worker = None
    try:
        told(home, server, "prepare")
        worker = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = wait_for_more(home, server, -1)
        for _ in range(kills):
            time.sleep(dice.uniform(0, 0.5))
            assert before < STEPS, "nothing is under way any more: a kill would meet no work"
            server.kill()
            time.sleep(dice.uniform(0, 1))
            server.start_again()
            started = time.perf_counter()
            before = wait_for_more(home, server, before)
            slowest = max(slowest, time.perf_counter() - started)
        while (found := told(home, server, "count"))["state"] == "running" and to_the_end:
            time.sleep(0.5)
        assert worker.poll() is None, "the worker lived through all of it"
    finally:
        if worker is not None:
            worker.kill()
            worker.wait()
        server.stop()
    return found, slowest


def wait_for_more(home: Path, server: OwnServer, than: int) -> int:
    """Until the worker has written more than that, or all there is."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = told(home, server, "count")
        if found["written"] > than or found["state"] == "done":
            return int(found["written"])
        time.sleep(0.3)
    raise AssertionError(f"the worker did not go on after {than} steps")
