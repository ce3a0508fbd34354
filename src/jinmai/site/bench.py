"""``jinmai bench``: the benchmarks of a checkout, one JSON line each; exit 1 where a measure misses what is allowed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import JsonOption, command_run
from jinmai.foundation.kernel.errors import Refusal

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
NAMES = ("pages", "import")


def misses(found: dict[str, Any]) -> list[str]:
    """The measures that miss what is allowed: ratios of requests may not fall below, everything else not rise above.

    >>> misses({"list_ratio": 0.5, "max_queries": 12, "allowed": {"list_ratio": 0.6, "max_queries": 30}})
    ['list_ratio']
    >>> misses({"ratio": 9.1, "allowed_ratio": 8})
    ['ratio']
    """
    missed = []
    for name, limit in found.get("allowed", {}).items():
        value = found.get(name)
        worst = max(value.values()) if isinstance(value, dict) else value
        if worst is None or (worst < limit if name.endswith("_ratio") else worst > limit):
            missed.append(name)
    if "allowed_ratio" in found and found["ratio"] > found["allowed_ratio"]:
        missed.append("ratio")
    return missed


def run(name: str, options: list[str]) -> dict[str, Any]:
    """Run one benchmark in a process of its own; its progress goes to standard error.

    Refuses an unknown name (JM-CLI-010), an installation without the benchmarks (JM-CLI-011) and one that broke off
    (JM-CLI-012).
    """
    if name not in NAMES:
        raise Refusal("JM-CLI-010", f"没有名为“{name}”的基准测试", f"可选：{'、'.join(NAMES)}")
    program = BENCHMARKS / f"{name}.py"
    if not program.is_file():
        raise Refusal(
            "JM-CLI-011",
            "基准测试不随安装包分发，这里找不到",
            "请在源码目录中运行：git clone 后 make env，再运行本命令",
        )
    done = subprocess.run([sys.executable, str(program), *options], stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise Refusal("JM-CLI-012", f"基准测试“{name}”没有跑完", "原因见上面的输出")
    return json.loads(lines[-1])


def register(app: typer.Typer) -> None:
    """Put ``bench`` among the commands."""

    @app.command("bench")
    def bench(
        name: Annotated[str, typer.Argument(help="pages 或 import", metavar="NAME")],
        as_json: JsonOption = False,
        engine: Annotated[str, typer.Option("--engine", help="sqlite 或 postgresql（只用于 pages）")] = "sqlite",
        needs: Annotated[int, typer.Option("--needs", help="库中需求笔数（只用于 pages）", min=2_000)] = 100_000,
    ) -> None:
        """跑一项基准测试：页面或导入；达不到要求时退出码为 1。"""
        with command_run(None, as_json, boots=False) as one:
            options = ["--engine", engine, "--needs", str(needs)] if name == "pages" else []
            found = run(name, options)
            missed = misses(found)
            one.result({**found, "missed": missed}, finding_bad=bool(missed))
