"""Make `.venv` hold exactly what a lock names: `python requirements/install.py core|all`.

Needs nothing but Python 3.11+ with `venv`; pip comes with it. Every package is checked against its hash. Done already?
Then it says nothing and costs a few milliseconds: a stamp in `.venv` keeps the digest of the lock, of `pyproject.toml`
and of the project's folder. A `.venv` that holds `all` also serves where `core` is asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "jinmai-installed.json"
OLDEST = (3, 11)


def say(text: str) -> None:
    print(f"jinmai: {text}", file=sys.stderr, flush=True)


def digest(lock: str) -> str:
    """What an installation of `lock` depends on, as one digest."""
    parts = hashlib.sha256(str(ROOT).encode())
    for path in (ROOT / "requirements" / f"{lock}.txt", ROOT / "pyproject.toml"):
        parts.update(path.read_bytes())
    return parts.hexdigest()


def installed() -> dict[str, str]:
    """The digests of the locks that `.venv` holds; empty where there is none, or where its Python is gone."""
    try:
        stamp = json.loads(STAMP.read_text())
        subprocess.run([PYTHON, "-c", "import jinmai, django"], check=True, capture_output=True)
        return dict(stamp)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}


def create_venv() -> None:
    """A fresh `.venv`, unless a usable one is there."""
    if PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"creating .venv with Python {sys.version.split()[0]}")
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(f"jinmai: no .venv (on Debian and Ubuntu: apt-get install python3-venv)\n{made.stdout}{made.stderr}")


def pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", *arguments]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit(f"jinmai: pip could not install; the command was: {' '.join(command)}")


def install(lock: str) -> None:
    STAMP.unlink(missing_ok=True)
    create_venv()
    started = time.monotonic()
    say(f"installing the pinned packages of requirements/{lock}.txt (one to three minutes the first time)")
    pip("--require-hashes", "--requirement", f"requirements/{lock}.txt")
    # setuptools is pinned in the lock, so building needs no second, unpinned environment.
    pip("--no-deps", "--no-build-isolation", "--editable", ".")
    held = {"core": digest("core")} if lock == "core" else {"core": digest("core"), "all": digest("all")}
    STAMP.write_text(json.dumps(held))
    say(f"installed in {time.monotonic() - started:.0f} s")


def main(lock: str) -> None:
    if sys.version_info < OLDEST:
        sys.exit(f"jinmai: Python 3.11 or newer is needed, not {sys.version.split()[0]}; try make PYTHON=python3.11")
    if installed().get(lock) != digest(lock):
        install(lock)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
