"""Our import of the four real invoice files beside DuckDB's bare count and sum over the same files, in the same run.

Prints one JSON line. ``ratio`` is the whole import in this process (parsing child, checks, repeats, Parquet, database,
receipts) over the peer's time; ``commands_ratio`` the same with two ``jinmai import`` commands, start-up included;
``job_ratio`` the same by jobs, as after a dry run in the browser.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("JINMAI_DATA", ROOT.parent / "shared" / "data")) / "sme_invoices"
FILES = {
    "invoices.input": ["f1_input_invoices.csv.gz", "f2_input_invoices.csv.gz"],
    "invoices.output": ["f1_output_invoices.csv.gz", "f2_output_invoices.csv.gz"],
}
ROUNDS = 3


def paths(source: str) -> list[str]:
    """The files of one source."""
    return [str(DATA / name) for name in FILES[source]]


def peer() -> float:
    """Seconds of DuckDB's ``count(*), sum(金额)`` over all four files in one query, in a process of its own."""
    files = [path for source in FILES for path in paths(source)]
    code = (
        "import duckdb, time; con = duckdb.connect(config={'threads': 2}); started = time.perf_counter();"
        f"found = con.execute('SELECT count(*), sum(金额) FROM read_csv(?, union_by_name=true)', [{files!r}]).fetchone();"
        "print(time.perf_counter() - started, found[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(said[1]) == 1_099_441
    return float(said[0])


def ours(home: Path) -> tuple[float, dict[str, int]]:
    """Seconds of importing all four files into a fresh home, boot apart, in a process of its own; and the counts."""
    code = (
        "import json, sys, time; from pathlib import Path; from jinmai.foundation.kernel.home import boot;"
        f"boot({str(home)!r});"
        "from jinmai.foundation.intake.actions import GivenFile, import_files;"
        "from jinmai.foundation.kernel.access.actor import Actor; started = time.perf_counter();"
        "got = [one for source, files in json.loads(sys.argv[1]).items() for one in import_files(Actor.platform(),"
        " source, [GivenFile(Path(file), file) for file in files]).receipts];"
        "seconds = time.perf_counter() - started;"
        "print(json.dumps([seconds, {name: sum(getattr(one, name) for one in got)"
        " for name in ('rows', 'accepted', 'rejected', 'duplicates')}]))"
    )
    files = json.dumps({source: paths(source) for source in FILES})
    said = subprocess.run([sys.executable, "-c", code, files], capture_output=True, text=True, check=True).stdout
    seconds, counts = json.loads(said)
    return seconds, counts


def commands(home: Path) -> float:
    """Seconds of two ``jinmai import`` commands into a home that exists."""
    start = "from jinmai.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", f"from jinmai.foundation.kernel.home import boot; boot({str(home)!r})"],
        check=True,
        capture_output=True,
    )
    started = time.perf_counter()
    for source in FILES:
        arguments = ["import", "--source", source, *paths(source), "--home", str(home), "--json"]
        subprocess.run([sys.executable, "-c", start, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def by_job(home: Path) -> tuple[float, dict[str, int]]:
    """Seconds of the same import as the browser has it done: uploaded and tried before, then by two jobs, confirm to
    receipts."""
    code = (
        "import json, sys, time; from pathlib import Path; from jinmai.foundation.kernel.home import boot;"
        f"boot({str(home)!r});"
        "from django.core.files.uploadedfile import SimpleUploadedFile;"
        "from jinmai.foundation.intake.drafts import confirm_draft, map_draft, start_import, try_import;"
        "from jinmai.foundation.intake.models import Receipt;"
        "from jinmai.foundation.kernel.access.actor import Actor; from jinmai.foundation.kernel.jobs import run_next;"
        "platform = Actor.platform(); drafts = [map_draft(platform, start_import(platform,"
        " [SimpleUploadedFile(Path(file).name, Path(file).read_bytes()) for file in files], source), source=source)"
        " for source, files in json.loads(sys.argv[1]).items()];"
        "drafts = [try_import(platform, draft) for draft in drafts];"
        "started = time.perf_counter(); [confirm_draft(platform, draft) for draft in drafts];"
        "ended = [run_next('bench') for _ in drafts]; seconds = time.perf_counter() - started;"
        "assert all(job.state == 'done' for job in ended), [job.problem for job in ended];"
        "got = Receipt.objects.all();"
        "print(json.dumps([seconds, {name: sum(getattr(one, name) for one in got)"
        " for name in ('rows', 'accepted', 'rejected', 'duplicates')}]))"
    )
    files = json.dumps({source: paths(source) for source in FILES})
    said = subprocess.run([sys.executable, "-c", code, files], capture_output=True, text=True, check=True).stdout
    seconds, counts = json.loads(said)
    return seconds, counts


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Peer and ours in turn, the medians; ``ratio`` (in this process), ``commands_ratio`` and ``job_ratio``."""
    taken: dict[str, list[float]] = {"peer": [], "import": [], "commands": [], "job": []}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        taken["peer"].append(peer())
        with tempfile.TemporaryDirectory() as folder:
            seconds, counts = ours(Path(folder) / "home")
            taken["import"].append(seconds)
        with tempfile.TemporaryDirectory() as folder:
            taken["commands"].append(commands(Path(folder) / "home"))
        with tempfile.TemporaryDirectory() as folder:
            seconds, by_jobs = by_job(Path(folder) / "home")
            taken["job"].append(seconds)
        assert by_jobs == counts, (by_jobs, counts)
    known, mine, cli, job = (statistics.median(one) for one in taken.values())
    return {
        "benchmark": "import",
        **counts,
        "peer": "DuckDB SELECT count(*), sum(金额)",
        "peer_seconds": round(known, 3),
        "seconds": round(mine, 3),
        "ratio": round(mine / known, 2),
        "commands_seconds": round(cli, 3),
        "commands_ratio": round(cli / known, 2),
        "job_seconds": round(job, 3),
        "job_ratio": round(job / known, 2),
        "allowed_ratio": 8,
        "rounds": rounds,
    }


def main() -> None:
    """Print one JSON line."""
    print(json.dumps(measure(), ensure_ascii=False))


if __name__ == "__main__":
    main()
