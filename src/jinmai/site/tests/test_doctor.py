"""``jinmai doctor``: what lacks is named with its remedy, and only the core's lack is a bad finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jinmai.foundation.kernel.home import create_home
from jinmai.site import doctor, profile_checks


@pytest.fixture
def run(tmp_path: Path):
    app = typer.Typer()
    app.callback()(lambda: None)
    doctor.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["doctor", *arguments])


def test_json_is_one_line_and_names_every_check(run, tmp_path: Path):
    result = run("--home", str(tmp_path / "new"), "--json")
    report = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert {"python", "packages", "memory", "disk", "home", "postgresql", "chromium", "fonts", "data"} <= {
        one["name"] for one in report["checks"]
    }
    assert result.exit_code == (0 if report["ok"] else 1)
    assert not (tmp_path / "new").exists()


def test_what_lacks_comes_with_a_remedy(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JINMAI_CHROMIUM", raising=False)
    for one in (doctor.check_chromium(), doctor.check_fonts()):
        assert not one.ok
        assert "apt-get install" in one.remedy


def test_too_little_memory_is_a_bad_finding(run, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(doctor, "memory_gib", lambda: 0.5)
    result = run("--home", str(tmp_path), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["missing_core"] == ["memory"]


def test_a_lack_in_the_tests_is_no_bad_finding(run, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("JINMAI_DATA", str(tmp_path / "nowhere"))
    result = run("--home", str(tmp_path), "--json")
    report = json.loads(result.stdout)
    assert "data" in report["missing_tests"]
    assert "data" not in report["missing_core"]


def test_a_home_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "home").write_text("")
    assert not doctor.check_home(tmp_path / "home").ok


def test_an_absent_package_is_named():
    assert doctor.absent_packages(["django", "no-such-package-at-all"]) == ["no-such-package-at-all"]
    assert "django" in [name.lower() for name in doctor.required_packages()]
    assert "pytest" not in doctor.required_packages()
    assert "pytest" in doctor.required_packages("dev")


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.delenv("JINMAI_HOSTS", raising=False)
    monkeypatch.delenv("JINMAI_PLAIN_HTTP", raising=False)
    return create_home(tmp_path / "home", "dengbao3", database="postgresql://server/jinmai").path


def lacking(home: Path) -> set[str]:
    return {one.name for one in profile_checks.look(home) if not one.ok}


def say(home: Path, text: str) -> None:
    path = home / "jinmai.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_level_three_home_that_is_not_set_up_yet_is_told_what_lacks(run, home):
    assert lacking(home) == {"hosts", "proxies"}
    report = json.loads(run("--home", str(home), "--json").stdout)
    assert not report["ok"] and "profile_proxies" in report["missing_profile"]
    assert all(one["remedy"] for one in report["checks"] if not one["ok"])


def test_control_one_that_is_lacks_nothing(home, monkeypatch):
    monkeypatch.setenv("JINMAI_HOSTS", "jinmai.example.gov.cn")
    say(home, "proxies = 1\naudit_days = 1095\n")
    assert lacking(home) == set()


def test_plain_transport_open_keys_and_absent_secrets_are_seen(home, monkeypatch):
    monkeypatch.setenv("JINMAI_HOSTS", "*")
    monkeypatch.setenv("JINMAI_PLAIN_HTTP", "1")
    (home / "keys").chmod(0o755)
    say(home, 'proxies = 1\n[[logins]]\nkind = "oidc"\nname = "x"\nissuer = "http://x"\nsecret_file = "keys/x"\n')
    assert lacking(home) == {"keys", "hosts", "transport", "logins"}


def test_a_wrong_profile_is_one_clear_sentence(home):
    say(home, "audit_days = 30\n")
    (seen,) = profile_checks.look(home)
    assert not seen.ok and "180 days" in seen.found


def test_no_home_is_no_finding(tmp_path: Path):
    assert list(profile_checks.look(tmp_path)) == []
