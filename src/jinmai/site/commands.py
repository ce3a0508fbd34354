"""The site's commands: the doctor, the server, the benchmarks and the example city."""

from __future__ import annotations

import typer

from jinmai.site import bench, doctor, serve
from jinmai.site.demo import commands as demo


def register(app: typer.Typer) -> None:
    """Put the site's commands among the others."""
    doctor.register(app)
    serve.register(app)
    bench.register(app)
    demo.register(app)
