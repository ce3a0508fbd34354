"""A daemon that speaks clamd's INSTREAM over TCP and knows one signature: the industry's harmless test file.

The real one lies outside this machine; everything on our side of the socket is the real adapter.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from types import TracebackType

#: Put together from pieces, so that no scanner takes this module for the test file.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS" + "-TEST-FILE!$H+H*").encode()
LARGEST = 64 * 1024 * 1024


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        command = self._until_end()
        if b"PING" in command:
            self.wfile.write(b"PONG\n")
        elif b"INSTREAM" in command:
            self._scan()

    def _until_end(self) -> bytes:
        read = b""
        while not read.endswith((b"\0", b"\n")):
            piece = self.rfile.read(1)
            if not piece:
                break
            read += piece
        return read

    def _scan(self) -> None:
        content = b""
        while True:
            (length,) = struct.unpack(">L", self.rfile.read(4))
            if length == 0:
                break
            content += self.rfile.read(length)
            if len(content) > LARGEST:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\n")
                return
        self.server.scanned.append(len(content))  # type: ignore[attr-defined]
        found = EICAR in content
        self.wfile.write(b"stream: Eicar-Test-Signature FOUND\n" if found else b"stream: OK\n")


class StandIn:
    """``with StandIn() as clamd:`` listens on ``clamd.address`` until the block ends."""

    def __init__(self) -> None:
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation)
        self.server.daemon_threads = True
        self.scanned: list[int] = []
        self.server.scanned = self.scanned  # type: ignore[attr-defined]
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> StandIn:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
