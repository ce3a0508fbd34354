"""A stand-in for the electronic business licence's service (电子营业执照模拟服务): for the demo and the tests only.

It shows whose licence may be "scanned", hands the browser back with a one-time ticket, and redeems that ticket once.
Forms and answers are signed as ``HttpLicenceService`` signs them. Nobody's licence is checked here.
"""

from __future__ import annotations

import hmac
import html
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import segno

from jinmai.foundation.kernel.access.logins.licence import HttpLicenceService

TICKET_SECONDS = 120
PAGE = """<!doctype html><html lang="zh-hans"><head><meta charset="utf-8"><title>电子营业执照（模拟）</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body{{font:16px/1.7 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;margin:0;background:#f3f5f8;color:#1b2a3d}}
main{{max-width:520px;margin:6vh auto;background:#fff;border:1px solid #d8dee6;border-radius:8px;padding:28px}}
h1{{font-size:20px;margin:0 0 4px}}p{{margin:0 0 12px;color:#526173}}img{{width:150px;height:150px;border:1px solid #d8dee6}}
button{{display:block;width:100%;text-align:left;font:inherit;padding:10px 14px;margin:8px 0;border:1px solid #b9c4d0;
border-radius:6px;background:#fff;cursor:pointer}}button:hover{{border-color:#1f5fae}}small{{color:#6b7988}}</style></head>
<body><main><h1>电子营业执照登录（模拟服务）</h1><p>真实服务在这里显示二维码，由企业用手机上的电子营业执照扫描。
演示中请点选“扫码”的企业。</p><img alt="" src="{qr}"><form method="post" action="/scanned">{hidden}{firms}</form></main></body></html>"""


@dataclass(frozen=True)
class Licence:
    """One licence that can be shown here."""

    uscc: str
    name: str
    holder: str


class LicenceStandIn:
    """The server, with its own copy of the shared secret."""

    def __init__(self, app_id: str, secret: str, licences: Sequence[Licence], port: int = 0) -> None:
        self.licences = licences
        self.app_id = app_id
        self._signer = HttpLicenceService("", app_id, secret)
        self._tickets: dict[str, tuple[str, Licence, float]] = {}
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve on a thread of its own, for as long as the process lives."""
        Thread(target=self._server.serve_forever, daemon=True, name="licence-stand-in").start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def scan_page(self, asked: Mapping[str, str]) -> str | None:
        """The page with the licences, when the question is signed."""
        parts = [asked.get(name, "") for name in ("app_id", "state", "back")]
        if not hmac.compare_digest(self._signer.sign(*parts), asked.get("sign", "")):
            return None
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked.get(name, ""))}">'
            for name in ("app_id", "state", "back", "sign")
        )
        firms = "".join(
            f'<button name="licence" value="{number}">{html.escape(one.name)}<br><small>{one.uscc}</small></button>'
            for number, one in enumerate(self.licences)
        )
        return PAGE.format(qr=segno.make(parts[1]).svg_data_uri(scale=4), hidden=hidden, firms=firms)

    def scanned(self, asked: Mapping[str, str]) -> str | None:
        """Where the browser goes once a licence was scanned: back, with a ticket."""
        number = asked.get("licence", "")
        if self.scan_page(asked) is None or not number.isdecimal() or int(number) >= len(self.licences):
            return None
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._tickets[ticket] = (asked["state"], self.licences[int(number)], time.monotonic())
        return f"{asked['back']}?{urlencode({'ticket': ticket, 'state': asked['state']})}"

    def redeem(self, asked: Mapping[str, str]) -> dict[str, str] | None:
        """What a ticket stands for, once and within two minutes."""
        ticket, state = asked.get("ticket", ""), asked.get("state", "")
        fits = self._signer.sign(asked.get("app_id", ""), ticket, state)
        if not hmac.compare_digest(fits, asked.get("sign", "")):
            return None
        with self._lock:
            kept = self._tickets.pop(ticket, None)
        if kept is None or kept[0] != state or time.monotonic() - kept[2] > TICKET_SECONDS:
            return None
        said = kept[1]
        sign = self._signer.sign(ticket, state, said.uscc, said.name, said.holder)
        return {"uscc": said.uscc, "name": said.name, "holder": said.holder, "sign": sign}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlsplit(self.path)
                page = stand_in.scan_page(_flat(place.query)) if place.path == "/scan" else None
                self._answer(200 if page else 404, (page or "not found").encode(), "text/html; charset=utf-8")

            def do_POST(self) -> None:
                given = _flat(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
                if self.path == "/scanned":
                    back = stand_in.scanned(given)
                    self.send_response(302 if back else 400)
                    self.send_header("Location", back or "/")
                    self.end_headers()
                    return
                said = stand_in.redeem(given) if self.path == "/redeem" else None
                content = json.dumps(said or {"error": "no such ticket"}, ensure_ascii=False).encode()
                self._answer(200 if said else 400, content, "application/json")

            def _answer(self, status: int, content: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_given: object) -> None:
                """Silent: the demo's terminal belongs to the demo."""

        return Handler


def _flat(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}


MARK = "# 电子营业执照模拟服务，每次启动时改写；以下各行勿手工修改\n"
SHOWN = 8


def firms_with_accounts() -> list[Licence]:
    """Firms whose one accountant may come by licence: the cast's own first."""
    from jinmai.foundation.kernel.access.models import Membership
    from jinmai.foundation.kernel.subjects.models import Identifier

    posts = Membership.objects.filter(role="firm.accountant", active=True, organisation__subject__isnull=False)
    posts = posts.select_related("user", "organisation").order_by("user__password_set_at", "pk")
    usccs = dict(Identifier.objects.filter(scheme="uscc").values_list("subject_id", "value"))
    named = sorted(posts, key=lambda post: not post.user.has_usable_password())
    return [
        Licence(usccs[post.organisation.subject_id], post.organisation.name, post.user.display_name)
        for post in named[: SHOWN * 2]
        if post.organisation.subject_id in usccs
    ][:SHOWN]


def stand_beside(home: Path) -> LicenceStandIn:
    """Start the stand-in for the demo that is about to be served, and say in its ``jinmai.toml`` where it is."""
    from jinmai.foundation.kernel.home import enter_home, open_home

    secret = secrets.token_urlsafe(32)
    (home / "keys" / "licence.secret").write_text(secret, encoding="utf-8")
    stand_in = LicenceStandIn("demo", secret, firms_with_accounts())
    path = home / "jinmai.toml"
    plain = path.read_text(encoding="utf-8").partition(MARK)[0]
    said = (
        f'[outgoing]\nallow = ["{stand_in.origin}"]\n\n[[logins]]\nkind = "licence"\nname = "licence"\n'
        f'label = "电子营业执照（模拟）"\nservice = "{stand_in.origin}"\napp_id = "demo"\n'
        'secret_file = "keys/licence.secret"\n'
    )
    part = path.with_suffix(".part")
    part.write_text(plain + MARK + said, encoding="utf-8")
    part.replace(path)
    enter_home(open_home(home))
    stand_in.start()
    return stand_in
