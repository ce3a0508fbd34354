"""Bytes under ``files/`` by their digest (存放): written aside, synced, moved into place; the sender's name is only words."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.errors import Refusal, Words
from jinmai.foundation.kernel.home import current_home

INCOMING = "incoming"
CHUNK = 1024 * 1024
LONGEST_NAME = 120
#: Marks that turn the reading direction round, join invisibly, or end a name early on some system.
UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\ufffb]")
FORBIDDEN = re.compile(r'[<>:"|?*\\/]')


@dataclass(frozen=True)
class Received:
    """An upload that lies aside: where, its digest, its size, its name as words."""

    path: Path
    sha256: str
    size: int
    name: str

    def __str__(self) -> str:
        return f"{self.sha256} {self.name}"


def plain_name(given: str) -> str:
    """The sender's file name as words to show: no path, no invisible marks, not too long.

    >>> plain_name("../../etc/passwd.pdf"), plain_name("合同.pdf")
    ('passwd.pdf', '合同.pdf')
    """
    name = unicodedata.normalize("NFC", str(given or "")).replace("\\", "/")
    name = FORBIDDEN.sub("_", UNSEEN.sub("", name).rsplit("/", 1)[-1]).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    stem = (stem.strip(" .") or _("未命名"))[: LONGEST_NAME - len(ending) - 1]
    return f"{stem}.{ending}" if ending else stem


@contextmanager
def received(upload: Any, max_bytes: int) -> Iterator[Received]:
    """The upload written aside and synced while the block runs; gone after it unless ``keep`` moved it.

    ``upload`` is Django's uploaded file or anything with ``name`` and ``chunks()``. Refuses an empty file
    (JM-DOC-007) and one over ``max_bytes`` (JM-DOC-001).
    """
    folder = current_home().files / INCOMING
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / secrets.token_hex(16)
    try:
        sha256, size = _write(path, upload, max_bytes)
        yield Received(path, sha256, size, plain_name(upload.name))
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def _write(path: Path, upload: Any, max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        for chunk in upload.chunks():
            size += len(chunk)
            if size > max_bytes:
                raise Refusal(
                    "JM-DOC-001",
                    Words("文件超过 %(most)d MB", most=max_bytes // 1024 // 1024),
                    _("请压缩图片或拆成几个文件后再上传"),
                )
            digest.update(chunk)
            handle.write(chunk)
        handle.flush()
        os.fsync(handle.fileno())
    if size == 0:
        raise Refusal("JM-DOC-007", _("文件是空的"), _("请在本机打开确认有内容后重新上传"))
    return digest.hexdigest(), size


def place_of(sha256: str) -> Path:
    """Where bytes of that digest lie; a digest that is none is broken code or a tampered row."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("no digest")
    return current_home().files / sha256[:2] / sha256


def keep(given: Received) -> None:
    """Move what was received into place; the same bytes are kept once."""
    place = place_of(given.sha256)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.exists() and place.stat().st_size == given.size:
        return
    os.replace(given.path, place)
    descriptor = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(sha256: str) -> bytes:
    """The bytes, checked against their digest (JM-DOC-012 when they are missing or were altered)."""
    return _checked(place_of(sha256), sha256)


def checked_path(sha256: str) -> Path:
    """Where the bytes lie, after they were checked against their digest (JM-DOC-012)."""
    place = place_of(sha256)
    _checked(place, sha256)
    return place


def _checked(place: Path, sha256: str) -> bytes:
    content = place.read_bytes() if place.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refusal(
            "JM-DOC-012", _("存放的文件缺失或与登记的摘要不符"), _("请联系系统管理员从备份恢复；在此之前不提供下载")
        )
    return content


def erase(sha256: str) -> None:
    """Remove the bytes."""
    with suppress(FileNotFoundError):
        place_of(sha256).unlink()


def lock_digest(sha256: str) -> None:
    """Let one transaction at a time keep or erase bytes of a digest; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(sha256[:15], 16)])
