"""The site's commands: the doctor and the example city."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

from jinmai.site import doctor, serve


def register(app: typer.Typer) -> None:
    """Put the site's commands among the others."""
    doctor.register(app)
    serve.register(app)
    if find_spec("jinmai.site.demo.commands"):
        import_module("jinmai.site.demo.commands").register(app)
