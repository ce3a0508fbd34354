"""The parent's end of the parsing child: one process for all imports of this process, started when needed."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jinmai.foundation.kernel.errors import Refusal

WORKER = "jinmai.foundation.intake.parsing.worker"
#: A worker that says nothing for so long is ended: its file is answered for, the next one gets a new worker.
SILENT_SECONDS = 180.0
#: A worker is let go after so many files: what broken ones made it hold doesn't come back.
FILES_PER_WORKER = 200


class Child:
    """A running worker; ends with this process, because its standard input is then closed."""

    def __init__(self) -> None:
        self.asked = 0
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 – lives as long as the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
        """Send one request and wait for its answer; a refusal of the whole file is raised."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self.asked += 1
        try:
            self._process.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        while line := self._next_line():
            answer = json.loads(line)
            if "progress" in answer:
                progress(answer["progress"], answer["share"])
            elif "refused" in answer:
                if answer.get("last"):
                    self.close()
                raise Refusal(**answer["refused"])
            else:
                return dict(answer["parsed"])
        raise self._died()

    def _next_line(self) -> str:
        """The worker's next line; empty once it is gone, also when it was ended for its silence."""
        assert self._process.stdout is not None
        watch = threading.Timer(SILENT_SECONDS, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        return line if line.endswith("\n") else ""

    def _died(self) -> Refusal:
        self.close()
        return Refusal("JM-INT-004", "文件没能读完：读取程序中途退出", "文件可能过大或已损坏，请分成几个文件后再上传")

    def kill(self) -> None:
        """End the worker at once."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """End the worker."""
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()


_lock = threading.Lock()
_child: Child | None = None


def ask(request: dict[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Have the one child read a file; a child that died is replaced for the next file.

    One that ended over a file, but had read others before, may have been short of memory on their account: a fresh one
    is asked once more before the file is refused.
    """
    global _child
    with _lock:
        if _child is not None and _child.asked >= FILES_PER_WORKER:
            _child.close()
        if _child is None or not _child.alive:
            if _child is None:
                atexit.register(stop)
            _child = Child()
        worn = _child.asked > 0
        try:
            return _child.ask(request, progress)
        except Refusal:
            if _child.alive:
                raise
            _child = None
            if not worn:
                raise
            _child = Child()
            try:
                return _child.ask(request, progress)
            except Refusal:
                if not _child.alive:
                    _child = None
                raise
        except BaseException:  # whoever asked has stopped listening: what the worker still says is nobody's answer
            _child.kill()
            _child = None
            raise


def start() -> None:
    """Start the child ahead of the first file, while this process is still busy with itself."""
    global _child
    with _lock:
        if _child is None or not _child.alive:
            _child = Child()
            atexit.register(stop)


def stop() -> None:
    """End the child, if there is one."""
    global _child
    if _child is not None:
        _child.close()
        _child = None
