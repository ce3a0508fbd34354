"""体检 ``jinmai doctor``: what this machine lacks and what to do about it.

Each check looks at one thing, says what it found, whom it matters to (the core, the tests) and what to do. Looking
changes nothing: no folder is made and no server is started. A lack in the core, or in how an existing home keeps to
its profile, is a bad finding (exit 1).
"""

from __future__ import annotations

import glob
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run
from jinmai.foundation.kernel.home import DEFAULT_HOME
from jinmai.site import profile_checks

GIB = 1024**3
MEMORY_NEEDED_GIB = 2  # the demo's city and two workers, measured below 1 GiB
DISK_NEEDED_GIB = 2  # .venv 0.6, the demo's home and its Parquet batches
EXTRAS = {
    "fast": (("numba", "polars"), "批量匹配提速"),
    "fit": (("scikit-learn",), "jinmai credit evaluate 等建模命令"),
    "dev": (("pytest", "playwright", "ruff", "mypy", "import-linter"), "make test"),
}


@dataclass(frozen=True)
class Finding:
    """What one check saw. ``needed_for`` is ``core``, ``profile`` or ``tests``; ``remedy`` is empty where nothing lacks."""

    name: str
    label: str
    needed_for: str
    ok: bool
    found: str
    remedy: str


def finding(name: str, label: str, needed_for: str, ok: bool, found: str, remedy: str) -> Finding:
    """A finding whose remedy is kept only where something lacks."""
    return Finding(name, label, needed_for, ok, found, "" if ok else remedy)


def check_python() -> Finding:
    """Python 3.11 or newer."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    remedy = "安装 Python 3.11 以上，例如 apt-get install python3 python3-venv，再运行 make env"
    return finding("python", "Python 3.11+", "core", sys.version_info >= (3, 11), version, remedy)


def required_packages(extra: str | None = None) -> list[str]:
    """Names of the distributions that the core, or one extra, asks for."""
    names = []
    for line in importlib.metadata.requires("jinmai") or ():
        requirement, _, marker = line.partition(";")
        wanted = f'extra == "{extra}"' if extra else ""
        if (wanted in marker) if extra else ("extra ==" not in marker):
            names.append(re.split(r"[\s\[<>=!~(]", requirement.strip(), maxsplit=1)[0])
    return names


def absent_packages(names: list[str] | tuple[str, ...]) -> list[str]:
    """Those of ``names`` that are not installed."""
    absent = []
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    return absent


def check_packages() -> Finding:
    """The core's packages are installed."""
    absent = absent_packages(required_packages())
    found = f"缺 {'、'.join(absent)}" if absent else "齐全"
    return finding("packages", "核心依赖包", "core", not absent, found, "运行 make env")


def memory_gib() -> float:
    """Memory of the machine, or of its control group where that is less."""
    amounts = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        amounts += [int(limit)] if limit.isdigit() else []
    except OSError:
        pass
    return min(amounts) / GIB


def check_memory() -> Finding:
    """Enough memory for the demo."""
    held = memory_gib()
    remedy = f"至少需要 {MEMORY_NEEDED_GIB} GiB 内存；关闭其他程序，或给虚拟机加内存"
    return finding("memory", "内存", "core", held >= MEMORY_NEEDED_GIB, f"{held:.1f} GiB", remedy)


def nearest_folder(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def check_disk(home: Path) -> Finding:
    """Room on the disk that holds the home."""
    free = shutil.disk_usage(nearest_folder(home)).free / GIB
    remedy = f"数据目录所在磁盘至少留出 {DISK_NEEDED_GIB} GiB，或用 --home 指向别的磁盘"
    return finding("disk", "磁盘空间", "core", free >= DISK_NEEDED_GIB, f"{free:.1f} GiB 可用", remedy)


def check_home(home: Path) -> Finding:
    """The home can be written, or made."""
    folder = nearest_folder(home)
    ok = os.access(folder, os.W_OK | os.X_OK) and not home.is_file()
    found = f"{home}（{'可写' if ok else '不可写'}{'' if home.is_dir() else '，尚未建立'}）"
    return finding("home", "数据目录", "core", ok, found, "换一个可写的目录：--home DIR，或改目录权限")


def check_loopback() -> Finding:
    """The demo can serve on this machine."""
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
        return finding("loopback", "本机端口", "core", True, "可用", "")
    except OSError as problem:
        return finding("loopback", "本机端口", "core", False, str(problem), "启用回环网卡：ip link set lo up")


def check_postgresql() -> Finding:
    """A PostgreSQL server for the second half of the tests: one that is named, or one that can be started."""
    named = bool(os.environ.get("JINMAI_TEST_POSTGRES"))
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb")) or list(filter(None, [shutil.which("initdb")]))
    found = "JINMAI_TEST_POSTGRES 已设置" if named else programs[-1] if programs else "未找到"
    remedy = "apt-get install postgresql，或设置 JINMAI_TEST_POSTGRES=postgresql://用户@主机/postgres（该用户可建库）"
    return finding("postgresql", "PostgreSQL", "tests", named or bool(programs), found, remedy)


def check_chromium() -> Finding:
    """Chromium for the browser tests."""
    program = os.environ.get("JINMAI_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    ok = bool(program) and os.access(program or "", os.X_OK)
    remedy = "apt-get install chromium，或用 JINMAI_CHROMIUM 指明程序"
    return finding("chromium", "Chromium 浏览器", "tests", ok, program or "未找到", remedy)


def check_fonts() -> Finding:
    """Chinese fonts, so that screenshots and papers show words and not boxes."""
    lister = shutil.which("fc-list")
    command = [lister, ":lang=zh", "family"] if lister else []
    names = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n") if lister else []
    families = sorted({name.split(",")[0] for name in names if name})
    found = "、".join(families[:3]) if families else "未找到" if lister else "没有 fc-list，无从查看"
    remedy = "apt-get install fontconfig fonts-noto-cjk"
    return finding("fonts", "中文字体", "tests", bool(families), found, remedy)


def check_extra(extra: str) -> Finding:
    """One optional set of packages."""
    names, purpose = EXTRAS[extra]
    absent = absent_packages(names)
    found = f"缺 {'、'.join(absent)}" if absent else "齐全"
    return finding(f"extra_{extra}", f"附加包 {extra}（{purpose}）", "tests", not absent, found, "运行 make env")


def check_data() -> Finding:
    """The real data sets that tests and benchmarks read; they are never part of the project."""
    place = Path(os.environ.get("JINMAI_DATA") or Path(__file__).resolve().parents[3] / ".." / "shared" / "data")
    ok = place.is_dir()
    found = f"{place.resolve()}{'' if ok else '（不存在）'}"
    return finding("data", "真实数据集", "tests", ok, found, "用 JINMAI_DATA 指明其目录；没有它，相应的测试会跳过")


def findings(home: Path) -> Iterator[Finding]:
    """All checks, the core's first."""
    checks: list[Callable[[], Finding]] = [
        check_python, check_packages, check_memory, lambda: check_disk(home), lambda: check_home(home), check_loopback,
        check_postgresql, check_chromium, check_fonts, *(lambda extra=extra: check_extra(extra) for extra in EXTRAS),
        check_data,
    ]  # fmt: skip
    for check in checks:
        yield check()
    for one in profile_checks.look(home):
        yield finding(f"profile_{one.name}", one.label, "profile", one.ok, one.found, one.remedy)


def examine(home: Path) -> dict[str, Any]:
    """All findings as one report: ``ok`` tells of the core and of the home's profile."""
    started = time.monotonic()
    seen = list(findings(home))
    return {
        "ok": all(one.ok for one in seen if one.needed_for != "tests"),
        "missing_core": [one.name for one in seen if not one.ok and one.needed_for == "core"],
        "missing_profile": [one.name for one in seen if not one.ok and one.needed_for == "profile"],
        "missing_tests": [one.name for one in seen if not one.ok and one.needed_for == "tests"],
        "checks": [asdict(one) for one in seen],
        "seconds": round(time.monotonic() - started, 2),
    }


def describe(report: dict[str, Any]) -> Iterator[str]:
    """The report in words, a line a check."""
    for one in report["checks"]:
        mark = "✓" if one["ok"] else "–" if one["needed_for"] == "tests" else "✗"
        yield f"{mark} {one['label']}：{one['found']}" + (f"\n    怎么办：{one['remedy']}" if one["remedy"] else "")
    yield "核心所需齐备，可以运行 make demo" if report["ok"] else "核心所需不齐，请先按上面的办法补齐"


def register(app: typer.Typer) -> None:
    """Put ``doctor`` among the commands."""

    @app.command("doctor")
    def doctor(home: HomeOption = None, as_json: JsonOption = False) -> None:
        """体检：这台机器缺什么、怎么补（核心缺失时退出码为 1）。"""
        place = Path(home or os.environ.get("JINMAI_HOME") or DEFAULT_HOME).resolve()
        with command_run(home, as_json, boots=False) as run:
            report = examine(place)
            if as_json:
                run.result(report, finding_bad=not report["ok"])
            else:
                for line in describe(report):
                    typer.echo(line)
                run.result({}, finding_bad=not report["ok"])
