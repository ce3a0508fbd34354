"""The kernel's commands."""

from __future__ import annotations

import os
import signal
from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.access import keys_commands
from jinmai.foundation.kernel.commandline import HomeOption, JsonOption, command_run

jobs = typer.Typer(name="jobs", help="后台任务：办理、查看、取消、接着办理", no_args_is_help=True)
UntilEmpty = Annotated[bool, typer.Option("--until-empty", help="没有待办理的任务时结束")]
WithParent = Annotated[bool, typer.Option("--with-parent", help="启动它的进程结束时一并结束", hidden=True)]


class _Stop:
    """Whether the worker was told to end, or is left alone by the process that started it."""

    def __init__(self, with_parent: bool) -> None:
        self.parent = os.getppid() if with_parent else None
        self.told = False
        signal.signal(signal.SIGTERM, self.tell)
        signal.signal(signal.SIGINT, self.tell)

    def tell(self, *_signal: object) -> None:
        self.told = True

    def __call__(self) -> bool:
        return self.told or (self.parent is not None and os.getppid() != self.parent)


@jobs.command("run")
def run_jobs(
    home: HomeOption = None,
    as_json: JsonOption = False,
    until_empty: UntilEmpty = False,
    with_parent: WithParent = False,
) -> None:
    """办理后台任务；按 Ctrl+C 在当前一步之后结束。"""
    with command_run(home, as_json) as run:
        from jinmai.foundation.kernel.jobs.worker import run_until_empty, work_forever, worker_name

        if until_empty:
            run.result({"ended": run_until_empty(worker_name())})
        else:
            work_forever(worker_name(), _Stop(with_parent))


@jobs.command("list")
def list_jobs(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """最近的 50 项后台任务。"""
    with command_run(home, as_json) as run:
        from jinmai.foundation.kernel.jobs.models import Job

        run.result({"jobs": [_told(job) for job in Job.objects.order_by("-created_at")[:50]]})


@jobs.command("cancel")
def cancel(number: Annotated[str, typer.Argument(metavar="ID")], home: HomeOption = None, as_json: JsonOption = False) -> None:
    """取消一项后台任务：排队中的立即取消，进行中的在当前一步之后停下。"""
    with command_run(home, as_json) as run:
        from jinmai.foundation.kernel.access.actor import Actor
        from jinmai.foundation.kernel.jobs.queue import cancel_job, job_numbered

        run.result(_told(cancel_job(Actor.platform(), job_numbered(number))))


@jobs.command("resume")
def resume(number: Annotated[str, typer.Argument(metavar="ID")], home: HomeOption = None, as_json: JsonOption = False) -> None:
    """接着办理一项已取消或未完成的后台任务：从上次停下的地方开始。"""
    with command_run(home, as_json) as run:
        from jinmai.foundation.kernel.access.actor import Actor
        from jinmai.foundation.kernel.jobs.queue import job_numbered, resume_job

        run.result(_told(resume_job(Actor.platform(), job_numbered(number))))


def _told(job: Any) -> dict[str, Any]:
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "done": job.progress_done,
        "total": job.progress_total,
        "attempts": job.attempts,
        "code": job.problem_code,
        "problem": job.problem,
        "result": job.result,
    }


def register(app: typer.Typer) -> None:
    """Add ``jinmai audit verify`` and ``jinmai jobs``."""
    keys_commands.register(app)
    app.add_typer(jobs)
    audit = typer.Typer(help="审计链", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.callback()
    def group() -> None:
        """审计链。"""

    @audit.command("verify")
    def verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
        """逐条复核审计链、链头与锚点；有不符时退出码为 1。"""
        with command_run(home, as_json) as run:
            from jinmai.foundation.kernel.audit.chain import verify_chains

            found = verify_chains()
            run.result(found, finding_bad=found["breaches"] > 0)
