"""R8: a backup taken while work goes on restores to the same rows, files and audit head; a changed one is refused."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from jinmai.foundation.kernel.audit.chain import anchor_heads, record
from jinmai.foundation.kernel.audit.models import AuditHead
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.site.backup import archive, database, sealing
from tests.backends.engines import with_database

WRITERS = ("milan", "heying", "linqiushi")
FLIPS = 20

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def keys(tmp_path):
    """A private key's file and its public half."""
    path = tmp_path / "restore-key.txt"
    return path, sealing.new_key(path)


#: What docs/how-to/open-a-city.md puts into a home's file.
CITY_OPENED = """
# ways in
proxies = 1
passwords = true

[outgoing]
allow = ["https://login.bureau.example:8443"]
database = "not this one"

[[logins]]
kind = "oidc"
name = "zwfw"
label = "政务服务统一身份认证"
issuer = "https://login.bureau.example:8443/o"
client_id = "jinmai"
secret_file = "keys/zwfw.secret"
trusts_factor = false
"""


@pytest.fixture
def opened(city):
    """The home's ``jinmai.toml`` as it stands once a city was opened; taken back afterwards."""
    path = current_home().path / "jinmai.toml"
    before = path.read_text("utf-8")
    path.write_text(before + CITY_OPENED, "utf-8")
    yield path
    path.write_text(before, "utf-8")


@pytest.fixture
def empty_database(tmp_path):
    """Makes empty databases on the server of this run; on SQLite there is nothing to make."""
    made: list[str] = []
    home = current_home()

    def server(statement: str) -> None:
        import psycopg

        with psycopg.connect(with_database(home.database, "postgres"), autocommit=True) as admin:
            admin.execute(statement)

    def make() -> str:
        if not home.database:
            return ""
        name = f"restored_{os.getpid()}_{len(made)}"
        server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server(f'CREATE DATABASE "{name}"')
        made.append(name)
        return with_database(home.database, name)

    yield make
    for name in made:
        server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Work:
    """Colleagues who go on working, each in a connection of its own: an entry in the chain, a file in the home."""

    def __init__(self, city) -> None:
        self.city = city
        self.stop = threading.Event()
        self.done = 0
        self.busy = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=(name,)) for name in WRITERS]

    def _work(self, username: str) -> None:
        actor = self.city.actor(username)
        number = 0
        while not self.stop.is_set():
            (current_home().files / f"{username}-{number:05}").write_bytes(b"paper" * 100)
            with transaction.atomic():
                record(actor, operation="kernel.read_facts", object_ref=f"kernel.subject:{number}", outcome="ok")
            number += 1
            self.done += 1
            self.busy.set()
        connection.close()

    def __enter__(self) -> Work:
        for thread in self.threads:
            thread.start()
        assert self.busy.wait(30)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


def _in_a_process_of_its_own(home: Path) -> dict:
    """``jinmai verify --home`` over the restored home, as its new host would run it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JINMAI_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from jinmai.cli import main; main()", "verify", "--home", str(home), "--json"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_backup_under_load_restores_to_the_same(city, opened, keys, empty_database, tmp_path, say):
    key, public = keys
    anchor_heads()
    with Work(city) as work:
        before = work.done
        taken = archive.backup(current_home(), tmp_path / "home.backup", public)
        wrote_meanwhile = work.done - before
    connections.close_all()
    heads = dict(AuditHead.objects.values_list("chain", "seq"))
    restored = archive.restore(tmp_path / "home.backup", key, tmp_path / "restored", empty_database())
    assert restored["equal"] and restored["rows"] == taken["rows"] and restored["files"] == taken["files"]
    before, after = opened.read_text("utf-8").splitlines(), (tmp_path / "restored/jinmai.toml").read_text("utf-8").splitlines()
    assert [number for number, line in enumerate(before) if after[number] != line] == ([3] if current_home().database else [])
    assert len(before) == len(after) and before[3].startswith("database =")
    found = _in_a_process_of_its_own(tmp_path / "restored")
    assert (found["problems"], found["audit_breaches"], found["missing"]) == (0, 0, [])
    assert 0 < found["audit_entries"] <= sum(heads.values())
    assert wrote_meanwhile > 0, "nobody wrote while the backup was taken"
    say({"rows": restored["rows"], "files": restored["files"], "written_meanwhile": wrote_meanwhile, "differing": 0})


def test_a_home_that_cannot_be_opened_is_not_restored(city, keys, opened, empty_database, tmp_path, monkeypatch):
    """Its file is no TOML, or names another home: a refusal, and neither folder nor database is filled."""
    key, public = keys
    sound, url = opened.read_text("utf-8"), empty_database()
    for number, changed in enumerate((sound + '[[logins]\n', sound.replace('profile = "', 'profile = "un'))):
        opened.write_text(changed, "utf-8")
        archive.backup(current_home(), tmp_path / f"{number}.backup", public)
        with pytest.raises(Refusal) as refused:
            archive.restore(tmp_path / f"{number}.backup", key, tmp_path / "restored", url)
        assert refused.value.code == "JM-BAK-010" and not (tmp_path / "restored").exists()
    monkeypatch.setattr(archive, "_open_staged", lambda *given: None)  # control: it is the opening that refuses
    assert archive.restore(tmp_path / "1.backup", key, tmp_path / "restored", url)["equal"]


@pytest.mark.parametrize("text", [
    'a = 1\ndatabase = "postgresql://old"  # old\nb = """\ndatabase = "no"\n"""\n[t]\ndatabase = 2\n',
    'b = """\ndatabase = "no"\n"""\r\n"database"="postgresql://old"\r\n[t]\r\nx = [{y = 1}]\r\n',
    'a = [\n["x"],\n]\n[t]\ndatabase = "other"\n',
    "",
])  # fmt: skip
def test_only_the_line_of_the_database_is_written_anew(tmp_path, text):
    path = tmp_path / "jinmai.toml"
    path.write_bytes(text.encode())
    archive._name_database(path, 'postgresql://u:p"\\城@h/new')
    written = path.read_bytes().decode()
    assert tomllib.loads(written) == tomllib.loads(text) | {"database": 'postgresql://u:p"\\城@h/new'}
    assert sum(line not in text.split("\n") for line in written.split("\n")) == 1


def test_an_anchor_written_while_the_backup_is_taken_is_left_out(city, keys, empty_database, tmp_path, monkeypatch):
    """The copied file ends with the anchor that the dump knows, neither earlier nor later."""
    key, public = keys
    true_dump = archive._dump

    def dump_between_anchors(home, target):
        for where in ("before", "after"):
            if where == "after":
                found = true_dump(home, target)
            with transaction.atomic():
                record(city.actor("milan"), operation="kernel.read_facts", object_ref=where, outcome="ok")
            anchor_heads()
        return found

    monkeypatch.setattr(archive, "_dump", dump_between_anchors)
    archive.backup(current_home(), tmp_path / "home.backup", public)
    connections.close_all()
    archive.restore(tmp_path / "home.backup", key, tmp_path / "restored", empty_database())
    assert _in_a_process_of_its_own(tmp_path / "restored")["audit_breaches"] == 0
    monkeypatch.setattr(archive, "_size_of_anchors", lambda path, number, written: written)  # control: as of the start
    archive.backup(current_home(), tmp_path / "control.backup", public)
    connections.close_all()
    archive.restore(tmp_path / "control.backup", key, tmp_path / "control", empty_database())
    assert _in_a_process_of_its_own(tmp_path / "control")["audit_breaches"] >= 1


def test_control_counts_of_another_moment_are_found_on_restore(city, keys, empty_database, tmp_path, monkeypatch):
    """Were the tables counted outside the dump's moment, the restore would say so: the comparison can fail."""
    key, public = keys
    true_dump = archive._dump

    def dump_then_count_later(home, target):
        _, anchor = true_dump(home, target)
        with transaction.atomic():
            record(city.actor("milan"), operation="kernel.read_facts", object_ref="", outcome="ok")
        if home.database:
            return database.postgresql_tables(home.database), anchor
        return database.sqlite_tables(home.path / database.SQLITE_NAME), anchor

    monkeypatch.setattr(archive, "_dump", dump_then_count_later)
    archive.backup(current_home(), tmp_path / "home.backup", public)
    with pytest.raises(Refusal) as refused:
        archive.restore(tmp_path / "home.backup", key, tmp_path / "restored", empty_database())
    assert refused.value.code == "JM-BAK-009" and "kernel_auditentry" in str(refused.value)
    assert not (tmp_path / "restored").exists()


def test_every_flipped_bit_a_cut_and_a_wrong_key_are_refused(city, keys, tmp_path, say):
    key, public = keys
    whole = tmp_path / "home.backup"
    archive.backup(current_home(), whole, public)
    assert archive.verify(whole, key)["sound"], "the control: unchanged it passes"
    content, dice = whole.read_bytes(), random.Random(20261122)
    found = 0
    for number in range(FLIPS):
        changed = bytearray(content)
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        path = tmp_path / f"flipped-{number}"
        path.write_bytes(changed)
        with pytest.raises(Refusal) as refused:
            archive.verify(path, key)
        assert refused.value.code in {"JM-BAK-004", "JM-BAK-005"}
        found += 1
    for cut in (len(content) - 1, len(content) // 2, 100, 0):
        (tmp_path / "cut").write_bytes(content[:cut])
        with pytest.raises(Refusal) as refused:
            archive.restore(tmp_path / "cut", key, tmp_path / "restored")
        assert refused.value.code == "JM-BAK-005"
    sealing.new_key(tmp_path / "other-key.txt")
    with pytest.raises(Refusal) as refused:
        archive.verify(whole, tmp_path / "other-key.txt")
    assert refused.value.code == "JM-BAK-004"
    assert not (tmp_path / "restored").exists()
    say({"flips": FLIPS, "found": found, "cuts_found": 4, "wrong_key_refused": 1})


def test_nothing_secret_can_be_read_without_the_key(city, keys, tmp_path):
    """The backup holds the home's own keys; not one of them, nor a name, can be seen in its bytes."""
    archive.backup(current_home(), tmp_path / "home.backup", keys[1])
    sealed = (tmp_path / "home.backup").read_bytes()
    for secret in (current_home().key("audit"), "米兰".encode(), b"kernel_auditentry", b"SQLite format"):
        assert secret not in sealed


def test_a_restore_refuses_what_it_would_overwrite(city, keys, tmp_path):
    key, public = keys
    archive.backup(current_home(), tmp_path / "home.backup", public)
    with pytest.raises(Refusal) as refused:
        archive.backup(current_home(), tmp_path / "home.backup", public)
    assert refused.value.code == "JM-BAK-001"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("keep me")
    with pytest.raises(Refusal) as refused:
        archive.restore(tmp_path / "home.backup", key, tmp_path / "full", current_home().database)
    assert refused.value.code == "JM-BAK-007"
    assert (tmp_path / "full" / "letter.txt").read_text() == "keep me"
    if current_home().database:
        with pytest.raises(Refusal) as refused:
            archive.restore(tmp_path / "home.backup", key, tmp_path / "new", current_home().database)
        assert refused.value.code == "JM-BAK-007"
    with pytest.raises(Refusal) as refused:
        archive.restore(tmp_path / "home.backup", key, tmp_path / "new", "" if current_home().database else "x://y")
    assert refused.value.code == "JM-BAK-008"


def test_a_lost_file_of_a_batch_is_found_in_place(city):
    """A home is checked where it stands: a Parquet file that a row names and nobody finds is a finding."""
    from jinmai.foundation.analytics.models import Batch

    sound = archive.verify_home(current_home())
    assert sound["problems"] == 0 and sound["files"] > 0, "the control: as it stands the home is sound"
    next(batch.file for batch in Batch.objects.all() if batch.file).unlink()
    assert archive.verify_home(current_home())["problems"] == 1
