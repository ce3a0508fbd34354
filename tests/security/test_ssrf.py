"""S12, the way out: sixty addresses that lead inside are refused before a connection is opened; with controls."""

from __future__ import annotations

import ast
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

import jinmai
from jinmai.foundation.kernel import outgoing
from jinmai.foundation.kernel.errors import Refusal
from tests.security.profiles import under_profile

SOURCE = Path(jinmai.__file__).parent
PUBLIC = "93.184.215.14"

#: What a name resolves to here: nobody's real resolver is asked. A list of lists changes its mind with each question.
NAMES: dict[str, list[list[str]]] = {
    "public.example": [[PUBLIC]],
    "loopback.example": [["127.0.0.1"]],
    "private.example": [["10.1.2.3"]],
    "metadata.example": [["169.254.169.254"]],
    "v6-loopback.example": [["::1"]],
    "v6-local.example": [["fe80::1"]],
    "v6-unique.example": [["fd00::1"]],
    "mapped.example": [["::ffff:10.0.0.1"]],
    "nat64.example": [["64:ff9b::a00:1"]],
    "sixtofour.example": [["2002:a00:1::"]],
    "teredo.example": [["2001:0:4136:e378:8000:63bf:f5ff:fffe"]],
    "cgnat.example": [["100.64.0.1"]],
    "multicast.example": [["224.0.0.1"]],
    "broadcast.example": [["255.255.255.255"]],
    "zero.example": [["0.0.0.0"]],
    "reserved.example": [["240.0.0.1"]],
    "rebinding.example": [["127.0.0.1"], [PUBLIC]],
}

REFUSED = [
    # loopback, private, link-local and reserved, written plainly
    "https://127.0.0.1/", "https://127.1.2.3/", "https://10.0.0.1/", "https://10.255.255.255/", "https://172.16.0.1/",
    "https://172.31.255.254/", "https://192.168.0.1/", "https://169.254.169.254/latest/meta-data/", "https://0.0.0.0/",
    "https://100.64.0.1/", "https://192.0.2.1/", "https://198.18.0.1/", "https://203.0.113.1/", "https://224.0.0.251/",
    "https://240.0.0.1/", "https://255.255.255.255/",
    # IPv6, and IPv4 in its clothes
    "https://[::1]/", "https://[::]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fc00::1]/",
    "https://[fd12:3456::1]/", "https://[fec0::1]/", "https://[ff02::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a00:1]/", "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
    # octal, hexadecimal, decimal and short forms
    "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/",
    "https://127.1/", "https://10.1/", "https://0/", "https://0x0a.0.0.1/", "https://127.0.0.1./",
    # users, backslashes, blanks and other letters
    "https://public.example@127.0.0.1/", "https://127.0.0.1@public.example/", "https://user:secret@public.example/",
    "https://public.example\\@127.0.0.1/", "https://public.example /", "https://public.example\r\nHost: inner/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://１２７.0.0.1/", "https://localhost/",
    # other schemes and doors
    "http://public.example/", "ftp://public.example/", "file:///etc/passwd", "gopher://public.example/",
    "https://public.example:22/", "https://public.example:6379/", "https:///", "//public.example/", "public.example",
    # names that lead inside
    *[f"https://{name}/" for name in NAMES if name not in ("public.example", "rebinding.example")],
    "https://rebinding.example/",
]  # fmt: skip


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A resolver of our own; returns the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in NAMES:
            return real(name, port, *rest, **named)  # numbers in any spelling, as the system reads them
        turn = asked.count(name)
        asked.append(name)
        answers = NAMES[name][min(turn, len(NAMES[name]) - 1)]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, int(port or 0)))
            for one in answers
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where a connection would have gone; none is opened."""
    opened: list[str] = []

    def note(address: tuple[str, int], *_rest: Any, **_named: Any) -> Any:
        opened.append(address[0])
        raise ConnectionRefusedError("this is a test")

    monkeypatch.setattr("urllib3.util.connection.create_connection", note)
    return opened


@pytest.mark.django_db
def test_addresses_that_lead_inside_are_refused_before_anything_is_opened(resolver, connections, say):
    let_through = []
    for url in REFUSED:
        try:
            outgoing.get(url)
            let_through.append(url)
        except Refusal as refusal:
            if refusal.code != "JM-OUT-001":
                let_through.append(f"{url}: {refusal}")
    say({"urls": len(REFUSED), "refused": len(REFUSED) - len(let_through), "connections": len(connections)})
    assert len(REFUSED) >= 60 and not let_through and not connections


@pytest.mark.django_db
def test_control_a_plain_client_would_go_there(resolver, connections):
    gone = 0
    for url in REFUSED:
        before = len(connections)
        try:
            requests.get(url, timeout=1)
        except Exception:  # noqa: BLE001 - whatever it says, it counts whether it tried
            pass
        gone += len(connections) > before
    assert gone > 40


@pytest.mark.django_db
def test_the_connection_goes_to_the_address_that_was_looked_at(resolver, connections, monkeypatch):
    """A name that turns to the inside after it was looked at changes nothing: it is not asked again."""
    monkeypatch.setitem(NAMES, "turning.example", [[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(Refusal) as refused:
        outgoing.get("https://turning.example/")
    assert refused.value.code == "JM-OUT-002"
    assert set(connections) == {PUBLIC} and resolver.count("turning.example") == 1


@pytest.mark.django_db
def test_control_looking_first_and_connecting_by_name_is_fooled(resolver, connections, monkeypatch):
    from requests_hardened.ip_filter import filter_host

    monkeypatch.setitem(NAMES, "turning.example", [[PUBLIC], ["127.0.0.1"]])
    filter_host("turning.example", 443, allow_loopback=False)
    connected = socket.getaddrinfo("turning.example", 443)[0][4][0]
    assert connected == "127.0.0.1"


@pytest.mark.django_db
def test_a_public_name_is_tried(resolver, connections):
    with pytest.raises(Refusal) as refused:
        outgoing.get("https://public.example/path")
    assert refused.value.code == "JM-OUT-002" and connections[0] == PUBLIC


class Inside(BaseHTTPRequestHandler):
    """A service of the bureau's own network that also tries to lead one on."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/secret")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}" if self.path != "/large" else b" " * (outgoing.LARGEST_ANSWER + 1))

    def log_message(self, *_given: Any) -> None:
        pass


@pytest.fixture
def inside() -> Iterator[str]:
    Inside.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.django_db
def test_only_the_origin_that_the_home_names_is_reached_inside(inside):
    with pytest.raises(Refusal):
        outgoing.get(f"{inside}/")
    with under_profile("test", outgoing={"allow": [inside]}):
        assert outgoing.get(f"{inside}/").json() == {}
        other = inside.replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(Refusal):
            outgoing.get(f"{other}/")
        with pytest.raises(Refusal):
            outgoing.get(f"http://user@{inside.removeprefix('http://')}/")


@pytest.mark.django_db
def test_a_redirect_is_not_followed_and_a_flood_is_cut_off(inside):
    with under_profile("test", outgoing={"allow": [inside]}):
        for path, code in (("/redirect", "JM-OUT-001"), ("/large", "JM-OUT-003")):
            with pytest.raises(Refusal) as refused:
                outgoing.get(f"{inside}{path}")
            assert refused.value.code == code
    assert Inside.asked == ["/redirect", "/large"]
    requests.get(f"{inside}/redirect", timeout=5)  # the control: a plain client is led on
    assert Inside.asked[-1] == "/secret"


# ---------------------------------------------------------------- nobody goes round it

#: Modules through which one reaches the network.
NETWORK = ("requests", "urllib.request", "urllib3", "http.client", "httpx", "aiohttp", "socket", "ftplib", "smtplib",
           "telnetlib", "xmlrpc.client", "websockets")  # fmt: skip
#: Who may, and why.
MAY = {
    "foundation/kernel/outgoing.py": "the door itself",
    "site/check.py": "walks the site it has just started, on loopback",
    "site/serve.py": "binds its own port for a moment to see that nobody holds it; connects to nothing",
    "site/doctor.py": "binds a port of its own to see whether one can",
}


def network_imports(root: Path, reads: Callable[[Path], str] = lambda path: path.read_text(encoding="utf-8")) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if "/tests/" in f"/{place}" or place in MAY:
            continue
        for node in ast.walk(ast.parse(reads(path))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            found += [f"{place}: {name}" for name in names for one in NETWORK if name == one or name.startswith(f"{one}.")]
    return found


def test_no_other_module_opens_a_connection():
    assert not network_imports(SOURCE)


@pytest.mark.parametrize(
    "line", ["import requests", "from urllib import request", "from urllib.request import urlopen", "import http.client", "import socket"]
)
def test_control_a_module_that_goes_round_is_found(tmp_path, line):
    (tmp_path / "round.py").write_text(f"{line}\n", encoding="utf-8")
    assert network_imports(tmp_path)
