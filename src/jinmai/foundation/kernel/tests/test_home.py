"""A home: its keys are made once, its database is its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from jinmai.foundation.kernel.errors import Broken
from jinmai.foundation.kernel.home import create_home, current_home, open_home, prepare_database


def test_a_key_is_made_once_whoever_asks_first(tmp_path):
    home = create_home(tmp_path, "test")
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: home.key("audit"), range(64)))
    assert len(keys) == 1 and len(keys.pop()) == 32
    assert oct((tmp_path / "keys" / "audit.key").stat().st_mode & 0o777) == "0o600"
    assert not [path for path in (tmp_path / "keys").iterdir() if path.name.startswith(".")]


def test_another_homes_database_is_refused(db, tmp_path):
    stranger = create_home(tmp_path, "test")
    with pytest.raises(Broken, match="belongs to home"):
        prepare_database(stranger)
    prepare_database(current_home())


def test_an_unknown_profile_is_refused(tmp_path):
    with pytest.raises(Broken):
        create_home(tmp_path, "party")
    assert open_home(create_home(tmp_path, "standard").path).profile == "standard"
