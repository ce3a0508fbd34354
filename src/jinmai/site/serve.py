"""``jinmai serve``: the site over HTTP, on this machine unless said otherwise."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.commandline import HomeOption, command_run
from jinmai.foundation.kernel.errors import Broken, Refusal, Words

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
APPLICATION = "jinmai.site.wsgi:application"
#: Seconds before a worker that ended by itself is started again: longer each time, at most this long.
LONGEST_PAUSE = 30.0


def worker_command(home: Path) -> list[str]:
    """The command that works at the home's jobs, and ends with the process that started it."""
    program = "from jinmai.cli import main; main()"
    return [sys.executable, "-c", program, "jobs", "run", "--home", str(home), "--with-parent"]


@contextmanager
def job_worker(home: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """One process that works at jobs, beside whatever runs meanwhile; it is started again whenever it ends.

    Gives a list that holds the process of the moment.
    """
    stop = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        pause = 1.0
        while not stop.is_set():
            running[:] = [subprocess.Popen(worker_command(home), stdout=subprocess.DEVNULL)]
            running[0].wait()
            if stop.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    keeper = threading.Thread(target=keep, name="job-worker", daemon=True)
    keeper.start()
    try:
        yield running
    finally:
        stop.set()
        for process in running:
            process.terminate()
        keeper.join(10)


def run(host: str, port: int, workers: int) -> None:
    """Serve the home that was opened until the process is told to end, with a worker for its jobs beside it."""
    from jinmai.foundation.kernel.home import current_home

    with job_worker(current_home().path):
        serve_pages(host, port, workers)


def serve_pages(host: str, port: int, workers: int) -> None:
    """The pages alone; returns when the process was told to end."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        APPLICATION,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=1,
        websockets=False,
        log_level="warning",
        respawn_failed_workers=True,
    ).serve()


def refuse_open_demo(profile: str, host: str) -> None:
    """A home of profile ``demo`` has printed passwords and is served to this machine only."""
    if profile == "demo" and host not in LOOPBACK:
        raise Broken("a home of profile 'demo' is served on loopback only: leave --host out")


def refuse_used_port(host: str, port: int) -> None:
    """Another program's port is not shared: the server's own socket would join it, and each get half of the requests."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what ended a moment ago holds nothing
        try:
            trial.bind((host, port))
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise
            raise Refusal(
                "JM-SIT-010",
                Words("端口 %(port)s 已被别的程序占用", port=str(port)),
                _("请换一个端口（--port），或先停下那个程序"),
            ) from None


def register(app: typer.Typer) -> None:
    """Put ``serve`` among the commands."""

    @app.command("serve")
    def serve(
        home: HomeOption = None,
        port: Annotated[int, typer.Option("--port", help="端口")] = 8000,
        host: Annotated[str, typer.Option("--host", help="监听地址")] = "127.0.0.1",
        workers: Annotated[int, typer.Option("--workers", help="工作进程数", min=1)] = 2,
    ) -> None:
        """启动网站；按 Ctrl+C 结束。"""
        with command_run(home, as_json=False) as one:
            from jinmai.foundation.kernel.home import current_home
            from jinmai.site.startup import check

            refuse_open_demo(current_home().profile, host)
            refuse_used_port(host, port)
            check()
            one.say(f"http://{host}:{port}/")
            run(host, port, workers)
