"""Libraries of the extra ``fit``: asked for at the point of use, and named when they are not there."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from jinmai.foundation.kernel.errors import Broken

BROUGHT_BY = {"sklearn": "scikit-learn", "scipy": "scikit-learn", "threadpoolctl": "scikit-learn"}


def from_fit(name: str) -> ModuleType:
    """The module, or one clear sentence that names the extra."""
    try:
        return import_module(name)
    except ImportError as absent:
        library = BROUGHT_BY[name.partition(".")[0]]
        raise Broken(f'这一步需要可选组件 fit（{library}）：pip install "jinmai[fit]"') from absent


def one_thread() -> Any:
    """A context in which the libraries use one thread: tables are small, and threads that wait for each other cost more.

    Only libraries that are loaded can be held to it, so the trees are loaded first.
    """
    from_fit("sklearn.ensemble")
    return from_fit("threadpoolctl").threadpool_limits(1)
