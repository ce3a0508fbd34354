"""The sealed container of a backup: age (X25519), so that the machine that backs up cannot read what it wrote.

Who restores holds the private key; the home knows only the public one. age authenticates every 64 KiB, so a changed
bit or a cut file is found on reading.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pyrage

from jinmai.foundation.kernel.errors import Refusal, Words

MARK = "# public key: "
CHUNK = 1 << 16


def new_key(path: Path) -> str:
    """Write a new private key (恢复密钥) to ``path``, readable by its owner only; returns its public half.

    Refuses to overwrite a file (JM-BAK-001).
    """
    identity = pyrage.x25519.Identity.generate()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refusal("JM-BAK-001", Words("文件“%(name)s”已存在，没有覆盖", name=path.name), "请换一个文件名") from None
    public = str(identity.to_public())
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(f"{MARK}{public}\n{identity}\n")
    return public


def public_key(text: str) -> pyrage.x25519.Recipient:
    """The public key that ``text`` is, or names as a file; refuses anything else (JM-BAK-002)."""
    path = Path(text)
    if not text.startswith("age1") and path.is_file():
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
        text = next((line.removeprefix(MARK).strip() for line in lines if line.startswith((MARK, "age1"))), text)
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise Refusal("JM-BAK-002", "这不是备份公钥", "请给出以 age1 开头的公钥，或密钥文件") from None


def private_key(path: Path) -> pyrage.x25519.Identity:
    """The private key in a file; refuses a file that holds none (JM-BAK-003)."""
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    for line in lines:
        if line.startswith("AGE-SECRET-KEY-"):
            try:
                return pyrage.x25519.Identity.from_str(line.strip())
            except pyrage.IdentityError:
                break
    raise Refusal("JM-BAK-003", Words("“%(name)s”里没有恢复密钥", name=path.name), "请用“jinmai backup-key”生成的密钥文件")


def seal(write: Callable[[IO[bytes]], None], target: Path, recipient: pyrage.x25519.Recipient) -> None:
    """Let ``write`` fill a stream that is encrypted into ``target`` as it comes; ``target`` appears only when whole."""
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as out, _Pipe(write) as plain:
            pyrage.encrypt_io(plain, out, [recipient])
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def unseal(source: Path, identity: pyrage.x25519.Identity, read: Callable[[IO[bytes]], None]) -> None:
    """Give ``read`` the decrypted stream; refuses a wrong key (JM-BAK-004) and a changed file (JM-BAK-005)."""
    with source.open("rb") as sealed:
        reader = _Reader(read)
        try:
            pyrage.decrypt_io(sealed, reader.sink, [identity])
        except (pyrage.DecryptError, OSError, ValueError) as problem:
            reader.close()
            if reader.problem is not None and not isinstance(problem, pyrage.DecryptError):
                raise reader.problem
            if "No matching keys" in str(problem):
                raise Refusal("JM-BAK-004", "密钥与备份不符，打不开", "请换用备份时公钥所对应的恢复密钥") from None
            raise changed() from None
        reader.close()
        if reader.problem is not None:
            raise reader.problem


def changed() -> Refusal:
    """The refusal of a backup whose bytes are not those that were written."""
    return Refusal("JM-BAK-005", "备份文件已损坏或被改动，没有恢复任何内容", "请改用另一份备份")


class _Pipe:
    """The reading end of a pipe that another thread fills; a fault over there is raised here."""

    def __init__(self, write: Callable[[IO[bytes]], None]) -> None:
        self._write = write
        self._problem: BaseException | None = None

    def __enter__(self) -> IO[bytes]:
        reading, writing = os.pipe()
        self._reading = os.fdopen(reading, "rb")
        self._thread = threading.Thread(target=self._fill, args=(os.fdopen(writing, "wb"),), daemon=True)
        self._thread.start()
        return self._reading

    def _fill(self, writing: IO[bytes]) -> None:
        try:
            with writing:
                self._write(writing)
        except BaseException as problem:
            self._problem = problem

    def __exit__(self, *exception: object) -> None:
        self._reading.close()
        self._thread.join()
        if self._problem is not None and not isinstance(self._problem, BrokenPipeError):
            raise self._problem


class _Reader:
    """The writing end of a pipe whose other end a thread reads; what the thread raised is kept in ``problem``."""

    def __init__(self, read: Callable[[IO[bytes]], None]) -> None:
        reading, writing = os.pipe()
        self.problem: Exception | None = None
        self.sink = os.fdopen(writing, "wb")
        self._thread = threading.Thread(target=self._drain, args=(read, os.fdopen(reading, "rb")), daemon=True)
        self._thread.start()

    def _drain(self, read: Callable[[IO[bytes]], None], reading: IO[bytes]) -> None:
        with reading:
            try:
                read(reading)
            except Exception as problem:
                self.problem = problem
            while reading.read(CHUNK):  # let the writer end, whatever was found
                pass

    def close(self) -> None:
        """No more comes; wait for the thread."""
        try:
            self.sink.close()
        except BrokenPipeError:
            pass
        self._thread.join()
