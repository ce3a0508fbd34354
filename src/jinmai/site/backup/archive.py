"""Taking a backup, checking one, and restoring one."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import IO, Any

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Broken, Refusal, Words
from jinmai.foundation.kernel.home import Home, open_home

from . import database, sealing

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
#: What a home keeps outside its database; ``cache`` can be made again.
KEPT = ("facts", "files", "keys", "log")
ANCHORS = "log/audit-anchors.jsonl"
CHUNK = 1 << 20


def backup(home: Home, target: Path, recipient: str) -> dict[str, Any]:
    """Back a home up (备份) into one encrypted file as of one moment, while work goes on.

    ``recipient`` is the public key, or a file that names it. Returns rows, files, bytes and seconds. Refuses an
    existing file (JM-BAK-001); the file appears only once it is whole.
    """
    started = perf_counter()
    key = sealing.public_key(recipient)
    if target.exists():
        raise Refusal("JM-BAK-001", Words("文件“%(name)s”已存在，没有覆盖", name=target.name), "请换一个文件名")
    target.parent.mkdir(parents=True, exist_ok=True)
    home.cache.mkdir(exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix="backup-", dir=home.cache))
    try:
        written = _size(home.path / ANCHORS)
        tables, number = _dump(home, staging / DUMP)
        # The anchors up to the one that the dump knows as the newest: later ones would name entries it doesn't hold.
        anchored = _size_of_anchors(home.path / ANCHORS, number, written)
        manifest = {
            "format": FORMAT,
            "home_id": home.home_id,
            "profile": home.profile,
            "city": home.city_name,
            "engine": "postgresql" if home.database else "sqlite",
            "taken_at": Clock.true_now().isoformat(timespec="seconds"),
            "tables": tables,
            "files": {},
        }
        sealing.seal(lambda stream: _write(stream, home, staging / DUMP, anchored, manifest), target, key)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _summary(manifest) | {"bytes": target.stat().st_size, "seconds": round(perf_counter() - started, 2)}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _size_of_anchors(path: Path, number: int, written: int) -> int:
    """Where the line of that number ends; ``written``, the size before the dump, where no line has it."""
    if number and path.exists():
        ends = 0
        with path.open("rb") as lines:
            for line in lines:
                ends += len(line)
                with suppress(ValueError, TypeError, KeyError):
                    if json.loads(line)["number"] == number:
                        return ends
    return written


def _dump(home: Home, target: Path) -> tuple[dict[str, Any], int]:
    """Dump the database; its tables' rows and digests, and the number of the newest anchor at that moment."""
    if home.database:
        return database.dump_postgresql(home.database, target)
    return database.dump_sqlite(home.path / database.SQLITE_NAME, target)


def _summary(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "home_id": manifest["home_id"],
        "engine": manifest["engine"],
        "taken_at": manifest["taken_at"],
        "tables": len(manifest["tables"]),
        "rows": sum(table["rows"] for table in manifest["tables"].values()),
        "files": len(manifest["files"]),
    }


def _kept_files(home: Home) -> Iterator[Path]:
    yield home.path / "jinmai.toml"
    for folder in KEPT:
        for place, _, names in sorted(os.walk(home.path / folder)):
            yield from (Path(place) / name for name in sorted(names) if not name.startswith("."))


def _write(stream: IO[bytes], home: Home, dump: Path, anchored: int, manifest: dict[str, Any]) -> None:
    """The archive: the dump, the files, and last the manifest with a digest of each."""
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        manifest["files"][DUMP] = _add(archive, dump, DUMP)
        for path in _kept_files(home):
            name = path.relative_to(home.path).as_posix()
            try:
                manifest["files"][name] = _add(archive, path, name, anchored if name == ANCHORS else None)
            except FileNotFoundError:  # erased by law, or an upload that was dropped, since the folder was listed
                continue
        text = json.dumps(manifest, ensure_ascii=False, sort_keys=True).encode()
        described = tarfile.TarInfo(MANIFEST)
        described.size = len(text)
        archive.addfile(described, io.BytesIO(text))


def _add(archive: tarfile.TarFile, path: Path, name: str, limit: int | None = None) -> dict[str, Any]:
    with path.open("rb") as content:
        described = tarfile.TarInfo(name)
        described.size = os.fstat(content.fileno()).st_size if limit is None else limit
        described.mode = 0o600
        counted = _Digesting(content)
        archive.addfile(described, counted)  # type: ignore[arg-type]
    return {"size": described.size, "sm3": counted.digest.hexdigest()}


class _Digesting:
    """A file that is digested as it is read."""

    def __init__(self, content: IO[bytes]) -> None:
        self.content = content
        self.digest = database.sm3()

    def read(self, size: int = -1) -> bytes:
        part = self.content.read(size)
        self.digest.update(part)
        return part


# ---------------------------------------------------------------- reading


def verify(source: Path, key: Path) -> dict[str, Any]:
    """Read a backup to its end and compare every byte with its manifest (核验备份); nothing is restored.

    Refuses with JM-BAK-004 (wrong key), JM-BAK-005 (changed or cut).
    """
    started = perf_counter()
    manifest = _unpack(source, key, None)
    return _summary(manifest) | {"sound": True, "seconds": round(perf_counter() - started, 2)}


def restore(source: Path, key: Path, target: Path, database_url: str = "") -> dict[str, Any]:
    """Restore a backup into an empty folder (恢复) and, for PostgreSQL, an empty database; then compare all of it.

    Rows and SM3 of every table and every file must equal the manifest's. Refuses a folder or database that is not
    empty (JM-BAK-007), another engine (JM-BAK-008), a wrong key (JM-BAK-004), a changed backup (JM-BAK-005), a home that
    can't be opened (JM-BAK-010). A restore that was refused leaves the folder as it was.
    """
    started = perf_counter()
    if target.exists() and any(target.iterdir()):
        raise Refusal("JM-BAK-007", Words("目录“%(name)s”不是空的，没有恢复", name=target.name), "请给一个空目录")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        manifest = _unpack(source, key, staging)
        _place_database(staging, manifest, database_url)
        differing = _compare(staging, manifest, database_url)
        if differing:
            raise changed_after(differing)
        (staging / "cache").mkdir(exist_ok=True)
        for folder in KEPT:
            (staging / folder).mkdir(exist_ok=True)
        (staging / "keys").chmod(0o700)
        if target.exists():
            target.rmdir()
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _summary(manifest) | {"equal": True, "seconds": round(perf_counter() - started, 2)}


def changed_after(differing: list[str]) -> Refusal:
    """The refusal when what was restored is not what was backed up."""
    return Refusal(
        "JM-BAK-009",
        Words("恢复后有 %(count)s 处与备份清单不符：%(names)s", count=len(differing), names="、".join(differing[:5])),
        "请改用另一份备份",
    )


def _unpack(source: Path, key: Path, into: Path | None) -> dict[str, Any]:
    """Read the archive; every member is digested, and written under ``into`` unless that is ``None``."""
    seen: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] = {}

    def read(stream: IO[bytes]) -> None:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None or not _inside(member.name):
                    raise sealing.changed()
                if member.name == MANIFEST:
                    manifest.update(json.loads(content.read()))
                else:
                    seen[member.name] = _take(content, into / member.name if into else None)

    try:
        sealing.unseal(source, sealing.private_key(key), read)
    except (tarfile.TarError, EOFError, ValueError, OSError) as problem:
        if isinstance(problem, FileNotFoundError):
            raise
        raise sealing.changed() from None
    if manifest.get("format") != FORMAT or seen != manifest.get("files"):
        raise sealing.changed()
    return manifest


def _inside(name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts


def _take(content: IO[bytes], path: Path | None) -> dict[str, Any]:
    digest, size = database.sm3(), 0
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") if path is not None else open(os.devnull, "wb") as out:
        while part := content.read(CHUNK):
            digest.update(part)
            size += len(part)
            out.write(part)
    if path is not None:
        path.chmod(0o600)
    return {"size": size, "sm3": digest.hexdigest()}


def _place_database(staging: Path, manifest: dict[str, Any], database_url: str) -> None:
    """Say in the restored home's ``jinmai.toml`` where its database is, open the home, then put the dump there."""
    if (manifest["engine"] == "postgresql") != bool(database_url):
        if database_url:
            raise Refusal("JM-BAK-008", "备份与目标的数据库种类不同", "备份来自 SQLite，请不要给 --database")
        raise Refusal(
            "JM-BAK-008", "备份与目标的数据库种类不同", "备份来自 PostgreSQL，请用 --database 给出一个空数据库"
        )
    if database_url:
        _name_database(staging / "jinmai.toml", database_url)
    _open_staged(staging, manifest, database_url)
    if database_url:
        database.restore_postgresql(staging / DUMP, database_url)
        (staging / DUMP).unlink()
    else:
        (staging / DUMP).rename(staging / database.SQLITE_NAME)


def _name_database(path: Path, database_url: str) -> None:
    """Replace or insert the line of ``database``; all else in the file, tables and comments too, stays as it is.

    The text is taken only where it says, read as TOML, what it said before and the new address (JM-BAK-010).
    """
    line = f"database = {json.dumps(database_url, ensure_ascii=False)}"
    try:
        text = path.read_bytes().decode("utf-8")
        wanted = tomllib.loads(text) | {"database": database_url}
    except (OSError, ValueError) as problem:
        raise _cannot_be_opened(str(problem)) from None
    places = [found.span() for found in re.finditer(r"""^[ \t]*(?:database|"database"|'database')[ \t]*=[^\r\n]*""", text, re.M)]
    written = [text[:start] + line + text[end:] for start, end in places] + [f"{line}\n{text}"]
    for candidate in written:  # a line that looks so may stand in a table, or in a text of several lines
        with suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(candidate) == wanted:
                path.write_bytes(candidate.encode("utf-8"))
                return
    raise _cannot_be_opened("database")


def _open_staged(staging: Path, manifest: dict[str, Any], database_url: str) -> None:
    """Open the restored home as the program will; refuses one that can't be opened or is another (JM-BAK-010)."""
    try:
        opened = open_home(staging)
    except (Broken, OSError, ValueError, KeyError, TypeError) as problem:
        raise _cannot_be_opened(str(problem)) from None
    if (opened.home_id, opened.database) != (manifest["home_id"], database_url):
        raise _cannot_be_opened("home_id, database")


def _cannot_be_opened(why: str) -> Refusal:
    return Refusal(
        "JM-BAK-010",
        Words("恢复出来的数据目录打不开，没有恢复：jinmai.toml（%(why)s）", why=why),
        "请改用另一份备份，或请技术支持核对其中的 jinmai.toml",
    )


def _compare(staging: Path, manifest: dict[str, Any], database_url: str) -> list[str]:
    """Names of tables and files that differ from the manifest."""
    if database_url:
        tables = database.postgresql_tables(database_url)
    else:
        tables = database.sqlite_tables(staging / database.SQLITE_NAME)
    names = sorted(set(tables) | set(manifest["tables"]))
    return [name for name in names if tables.get(name) != manifest["tables"].get(name)]


# ---------------------------------------------------------------- a home in place


def verify_home(home: Home) -> dict[str, Any]:
    """Check a home where it stands (核验): its database, the files its rows name, and the audit chains.

    Returns ``{"database", "files", "missing", "changed", "audit", "problems"}``; ``problems`` counts all findings.
    """
    from jinmai.foundation.kernel.audit.chain import verify_chains

    open_home(home.path)
    tables = (
        database.postgresql_tables(home.database)
        if home.database
        else database.sqlite_tables(home.path / database.SQLITE_NAME)
    )
    named, missing, altered = _named_files(home)
    audit = verify_chains()
    return {
        "tables": len(tables),
        "rows": sum(table["rows"] for table in tables.values()),
        "files": named,
        "missing": missing[:20],
        "changed": altered[:20],
        "audit_entries": audit["entries"],
        "audit_breaches": audit["breaches"],
        "problems": len(missing) + len(altered) + audit["breaches"],
    }


def _named_files(home: Home) -> tuple[int, list[str], list[str]]:
    """Files that rows of the database name: how many, which are missing, which are not the bytes they were."""
    import hashlib

    from jinmai.foundation.analytics.models import Batch
    from jinmai.foundation.kernel.documents.models import Document

    named, missing, altered = 0, [], []
    for batch in Batch.objects.all().iterator():
        for path in filter(None, (batch.file, batch.again_file)):
            named += 1
            if not path.exists():
                missing.append(path.relative_to(home.path).as_posix())
    stored = {path.name: path for path in home.files.rglob("*") if path.is_file()}
    for digest in Document.objects.values_list("sha256", flat=True).distinct():
        named += 1
        path = stored.get(digest)
        if path is None:
            missing.append(f"files/{digest}")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            altered.append(path.relative_to(home.path).as_posix())
    return named, missing, altered
