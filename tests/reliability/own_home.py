"""A worker in a home and on a server of its own, run as a program: ``own_home.py prepare|work|split|count HOME``.

The server may be killed under it; the program's environment names it (``JINMAI_DATABASE``).
"""

from __future__ import annotations

import json
import sys

from jinmai.foundation.kernel.home import boot

STEPS, PAUSE = 3000, 0.01


def prepare() -> dict[str, object]:
    """A post, and one job of so many steps in its name."""
    from jinmai.foundation.kernel.access.actions import appoint, register_user
    from jinmai.foundation.kernel.access.actor import Actor
    from jinmai.foundation.kernel.jobs import enqueue
    from jinmai.foundation.kernel.organisations.models import Organisation
    from tests.reliability.examples import TRIAL

    platform = Actor.platform()
    user = register_user(platform, username="t_worker", display_name="试验", password="ceshi-Mima-2026")
    post = appoint(platform, user=user, organisation=Organisation.objects.first(), role="bureau.section_chief")
    args = {"tag": "own", "steps": STEPS, "pause": PAUSE}
    return {"job": str(enqueue(Actor.of(post), TRIAL, args, title="试验").pk)}


def count() -> dict[str, object]:
    """How far the job is, and what it wrote."""
    from jinmai.foundation.kernel.jobs.models import Job
    from jinmai.foundation.kernel.notices.models import Notice
    from tests.reliability.examples import TRIAL

    told = list(Notice.objects.filter(subject_ref__startswith="own:").values_list("subject_ref", flat=True))
    job = Job.objects.get(kind=TRIAL)
    return {"state": job.state, "written": len(told), "different": len(set(told)), "attempts": job.attempts}


def work() -> dict[str, object]:
    """Work until told to end, whatever happens to the server."""
    from jinmai.foundation.kernel.jobs import lease, work_forever
    from tests.reliability import examples  # noqa: F401 - declares the trial kind

    lease.LEASE_SECONDS = 3.0
    work_forever("own", lambda: False)
    return {}


def split() -> dict[str, object]:
    """The control: the same, but each effect and its cursor are committed apart."""
    import time

    from jinmai.foundation.kernel.jobs import JobRun

    whole = JobRun.commit

    def apart(step: JobRun, cursor: dict, effect=None) -> None:
        if effect is not None:
            effect()
            time.sleep(3 * PAUSE)
        whole(step, cursor)

    JobRun.commit = apart
    return work()


if __name__ == "__main__":
    boot(sys.argv[2])
    print(json.dumps({"prepare": prepare, "count": count, "work": work, "split": split}[sys.argv[1]]()), flush=True)
