"""S11: what a person types is shown as typed – no page runs it in Chromium, no spreadsheet takes it for a formula."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import IntegrityError, models, transaction
from django.template import engines

from jinmai.desks.financing.models import Need
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.ui import exports
from tests.security.papers import upload
from tests.security.payloads import FORMULA, PAYLOADS, PREFIXES, fitting
from tests.security.planted import ACCOUNTS
from tests.security.surface import Door, doors
from tests.security.test_authorization_matrix import NAMED_IN_QUERY, kind_of

pytestmark = pytest.mark.django_db
#: Accounts whose roles are shown a form, one a role.
ACTORS = ("xuan", "heying", "luosen", "linqiushi", "shenyihe", "milan", "hanxue", "chengyue", "qiangong", "sungong")
#: How many things of a kind are opened for their forms: those of a third say nothing new.
THINGS = 2
SITE = "http://pages.test"
TYPED = {"text", "search", "tel", "email", "url", "password", ""}
SIGNS_OUT = {"site:logout", "site:switch", "site:login"}
PAGES_AT_ONCE = 60


# ---------------------------------------------------------------- every form, found on the pages themselves


class Forms(HTMLParser):
    """The forms of a page: address, method, and each field with its type and value."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == "form":
            self.forms.append({"to": attributes.get("action", ""), "method": attributes.get("method", "get"), "fields": {}})
        if not self.forms:
            return
        fields, name = self.forms[-1]["fields"], attributes.get("name", "")
        if tag == "input" and name and not (attributes.get("type") in ("radio", "checkbox") and name in fields):
            fields[name] = (attributes.get("type", ""), attributes.get("value", ""))
        elif tag == "textarea" and name:
            fields[name] = ("text", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in fields or "selected" in attributes):
            fields[self._select] = ("select", attributes.get("value", ""))
        elif tag == "button" and name:
            fields[name] = ("submit", attributes.get("value", ""))


def pages_of(actor: str, planted: Any, most: int | None = None) -> Iterator[tuple[Door, str]]:
    """Every page the actor's role holds, with each planted thing it may see."""
    role = ACCOUNTS[actor][1]
    for door in doors():
        if door.is_api or not door.operation or door.name in SIGNS_OUT:
            continue
        if not door.public and role not in operations()[door.operation].roles:
            continue
        if not door.kwargs:
            query = NAMED_IN_QUERY.get(door.name, "").rstrip("&")
            yield door, door.path({}) + (f"?{query}" if query else "")
        things = planted.of(kind_of(door, door.kwargs[0]) or "") if door.kwargs else []
        for thing in [one for one in things if actor in one.seen_by][:most]:
            yield door, door.path(dict.fromkeys(door.kwargs, thing.key))


def is_page(answer: Any) -> bool:
    return answer.status_code < 500 and answer.headers.get("Content-Type", "").startswith("text/html")


def text_of(answer: Any) -> str:
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode("utf-8", "replace")


# ---------------------------------------------------------------- Chromium


class Watch:
    """Pages loaded in Chromium as they were answered, with their headers; what they did is counted."""

    WATCHING = """
      window.__csp = [];
      document.addEventListener('securitypolicyviolation', (event) => window.__csp.push(event.violatedDirective + ' ' + event.blockedURI));
    """
    LOOKING = """() => ({
      marks: document.querySelectorAll('[x11], x11').length,
      handlers: [...document.querySelectorAll('*')].filter(
        (one) => [...one.attributes].some((at) => /^(on|hx-on)/i.test(at.name))).length,
      inline: [...document.scripts].filter((one) => !one.src && (!one.type || /javascript|module/.test(one.type))).length,
      links: [...document.querySelectorAll('[href], [action], [src], [formaction]')].filter((one) =>
        ['href', 'action', 'src', 'formaction'].some(
          (name) => /^\\s*(javascript|vbscript|data:text)/i.test(one.getAttribute(name) || ''))).length,
      csp: window.__csp})"""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.answers: dict[str, tuple[str, dict[str, str]]] = {}
        self.found = {"pages": 0, "dialogs": 0, "marks": 0, "handlers": 0, "inline": 0, "links": 0, "csp": 0, "away": 0}
        page.on("dialog", self._dialog)
        page.add_init_script(self.WATCHING)
        page.route(re.compile("^https?://"), self._answer)

    def _dialog(self, dialog: Any) -> None:
        self.found["dialogs"] += 1
        dialog.dismiss()

    def _answer(self, route: Any) -> None:
        address = route.request.url
        path = address.removeprefix(SITE)
        if address.startswith(f"{SITE}/static/"):
            found = finders.find(path.partition("?")[0].removeprefix("/static/"))
            route.fulfill(path=found) if found else route.abort()
        elif path in self.answers:
            text, headers = self.answers[path]
            route.fulfill(status=200, body=text, headers=headers)
        else:
            self.found["away"] += not address.startswith(SITE)
            route.abort()

    def load(self, text: str, headers: dict[str, str], name: str = "/shown/") -> dict[str, Any]:
        """Load one document and count what came of it."""
        self.answers[name] = (text, headers)
        self.page.goto(SITE + name, wait_until="load")
        self.page.wait_for_timeout(60)
        seen = self.page.evaluate(self.LOOKING)
        self.found["pages"] += 1
        for part in ("marks", "handlers", "inline", "links"):
            self.found[part] += seen[part]
        self.found["csp"] += len(seen["csp"])
        return seen

    @property
    def executed(self) -> dict[str, int]:
        return {name: count for name, count in self.found.items() if name != "pages"}


HEADERS = {"Content-Type": "text/html; charset=utf-8"}


def policy() -> dict[str, str]:
    """The headers of a page as they leave the site, taken from a page."""
    from django.test import Client

    answer = Client().get("/login/")
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    return {**HEADERS, "Content-Security-Policy": answer["Content-Security-Policy"]}


@pytest.fixture
def watch(browser_page: Any) -> Watch:
    return Watch(browser_page)


def together(texts: list[str]) -> Iterator[str]:
    """Several pages' bodies in one document each, beneath the first one's head: parsed as each is, loaded once."""
    for at in range(0, len(texts), PAGES_AT_ONCE):
        some = texts[at : at + PAGES_AT_ONCE]
        head = some[0].partition("<body")[0]
        parts = [(re.search(r"<(?:main|body)\b.*?>(.*)</(?:main|body)>", text, re.DOTALL) or [text, text])[1] for text in some]
        yield f'{head}<body>{"".join(f"<section>{part}</section>" for part in parts)}</body></html>'


def clean(watch: Watch) -> bool:
    return not any(watch.executed.values())


# ---------------------------------------------------------------- 300 payloads in every field of every form


def test_300_payloads_in_every_text_field_of_every_form(planted_city, watch, say):
    """Each form that a role is shown is sent with all 300 payloads in each of its text fields; the answers are loaded."""
    city, planted = planted_city
    assert len(set(PAYLOADS)) == 300
    everything = "\n".join(PAYLOADS)
    sent: set[Any] = set()
    fields, answers = 0, []
    for actor in ACTORS:
        client = city.client(actor, raise_request_exception=False)
        for door, path in pages_of(actor, planted, THINGS):
            with transaction.atomic():
                shown = client.get(path)
                transaction.set_rollback(True)
            if shown.status_code != 200 or not is_page(shown):
                continue
            for form in Forms(text_of(shown)).forms:
                typed = [name for name, (kind, _value) in form["fields"].items() if kind in TYPED and "csrf" not in name]
                pattern = re.sub(r"[0-9a-f-]{36}|\d+", "N", form["to"] or path)
                if not typed or (pattern, form["method"], tuple(sorted(form["fields"]))) in sent or "logout" in pattern:
                    continue
                sent.add((pattern, form["method"], tuple(sorted(form["fields"]))))
                answers.append((door, _send(client, form, path, typed, everything)))
                fields += len(typed)
    texts = [text for _door, text in answers if text]
    for document in together(texts):
        watch.load(document, policy())
    echoed = sum("&lt;svg x11 onload=alert(1)&gt;" in text for text in texts)
    say({"forms": len(sent), "text_fields": fields, "payloads": len(PAYLOADS), "answers": len(texts), "echoing": echoed} | watch.found)
    assert fields >= 40 and echoed >= 15  # the payloads do come back: escaped
    assert clean(watch), watch.found


def _send(client: Any, form: dict[str, Any], path: str, typed: list[str], everything: str) -> str:
    """The page a sent form is answered with; the deed is undone."""
    data = {name: value for name, (_kind, value) in form["fields"].items() if "csrf" not in name}
    for name in typed:
        data[name] = everything
    to = form["to"] or path
    if not to.startswith("/"):
        return ""
    files = {name: upload("空.txt", b"x") for name, (kind, _value) in form["fields"].items() if kind == "file"}
    with transaction.atomic():
        call = client.post if form["method"].lower() == "post" else client.get
        answer = call(to, {**data, **files} if form["method"].lower() == "post" else data, follow=True)
        text = text_of(answer) if is_page(answer) else ""
        assert answer.status_code < 500, (to, answer.status_code)
        transaction.set_rollback(True)
    return text


# ---------------------------------------------------------------- stored through the API, and in every column


def test_300_payloads_stored_through_the_api_and_shown(city, client_as, watch, say):
    """A need is written down for each payload; its page, its edit form and the list are loaded: as typed, and no more."""
    client = client_as("xuan")
    texts, kept, refused = [], 0, 0
    for place, payload in enumerate(PAYLOADS):
        body = {
            "amount_fen": "10000000", "term_months": 12, "purpose": "采购原材料", "note": payload,
            "contact_name": payload[:40], "contact_phone": fitting(24)[:24],
        }  # fmt: skip
        made = client.post(
            "/api/v1/financing/needs", body, content_type="application/json",
            headers={"Idempotency-Key": f"payload-{place:05d}"},
        )  # fmt: skip
        assert made.status_code in (201, 409, 422), made.content
        if made.status_code != 201:  # a phone is asked to be one: the rest is stored without it
            refused += 1
            made = client.post(
                "/api/v1/financing/needs", {**body, "contact_phone": "13900000001"}, content_type="application/json",
                headers={"Idempotency-Key": f"payload-{place:05d}-again"},
            )  # fmt: skip
        assert made.status_code == 201, made.content
        assert made["Content-Type"].startswith("application/json")
        key = made.json()["id"]
        kept += Need.objects.get(pk=key).note == payload
        if place % 6 == 0:
            texts.append(text_of(client.get(f"/financing/needs/{key}/edit/")))
    Need.objects.filter(note__contains="x11").update(status="withdrawn")
    texts += [text_of(client.get(f"/financing/needs/{need.pk}/")) for need in Need.objects.filter(note__contains="x11")]
    texts += [text_of(client.get(f"/financing/needs/?page={number}")) for number in range(1, 4)]
    for document in together(texts):
        watch.load(document, policy())
    say({"payloads": len(PAYLOADS), "stored_as_typed": kept, "shown_on": len(texts)} | watch.found)
    assert kept == len(PAYLOADS)
    assert sum("&lt;svg x11 onload=alert(1)&gt;" in text for text in texts) >= 10
    assert clean(watch), watch.found


#: Columns that hold keys, codes and states of ours, not words of anybody's.
NOT_TYPED = re.compile(
    r"(^|_)(id|key|code|codes|digest|sha256|url|path|role|kind|state|status|verb|operation|scan|level|purpose|origin|scheme|"
    r"mime|media_type|ref|series|prefix|seal|previous|last|chain|outcome|basis|password|username|channel|guarantee|party|"
    r"lease_owner|rule_id|calendar_digest|source|table|name_of_batch|home_id|number|session|value|provider|window|"
    r"industry_code|category|template|region|language|database|answer|body|city|problem_code|secret_digest|address)$"
)


def poison(text_for: Any) -> int:
    """Put hostile words into every text column of ours that holds somebody's words, row by row by turns; how many."""
    columns = 0
    for model in apps.get_models():
        if not model.__module__.startswith("jinmai.") or model._meta.label_lower.startswith("kernel.audit"):
            continue
        changed = {}
        for field in model._meta.concrete_fields:
            plain = type(field) in (models.CharField, models.TextField) and not field.choices and not field.unique
            if not plain or field.primary_key or NOT_TYPED.search(field.name):
                continue
            words = text_for(field.max_length or 400)
            if words:
                changed[field.name] = words
        if changed and model._base_manager.exists():
            keys = list(model._base_manager.values_list("pk", flat=True))
            for turn in range(len(next(iter(changed.values())))):
                rows = model._base_manager.filter(pk__in=keys[turn :: len(next(iter(changed.values())))][:400])
                _put(rows, {name: words[turn % len(words)] for name, words in changed.items()})
            columns += len(changed)
    return columns


def _put(rows: Any, words: dict[str, str]) -> None:
    """Write the words; where a constraint ties a text to a state, into the rows that may hold it."""
    try:
        with transaction.atomic():
            rows.update(**words)
    except IntegrityError:
        for key, (name, word) in itertools.product(list(rows.values_list("pk", flat=True)), words.items()):
            with suppress(IntegrityError), transaction.atomic():
                type(rows.get(pk=key))._base_manager.filter(pk=key).update(**{name: word})


def test_every_stored_text_on_every_page_is_shown_as_typed(planted_city, watch, say):
    """Hostile words in each text column of the database; every page of a firm and of the bureau is loaded."""
    _show_all(("xuan", "linqiushi"), planted_city, watch, say)


@pytest.mark.long
def test_every_stored_text_on_every_page_of_every_role(planted_city, watch, say):
    _show_all(ACTORS, planted_city, watch, say)


def _show_all(actors: tuple[str, ...], planted_city: Any, watch: Watch, say: Any) -> None:
    city, planted = planted_city
    columns = poison(lambda room: [fitting(room)] if fitting(room) else [])
    texts, shown, faults = [], 0, []
    for actor in actors:
        client = city.client(actor, raise_request_exception=False)
        for _door, path in pages_of(actor, planted):
            with transaction.atomic():
                answer = client.get(path)
                if is_page(answer):
                    texts.append(text_of(answer))
                    shown += "x11" in texts[-1]
                elif answer.status_code >= 500:
                    faults.append(path)
                transaction.set_rollback(True)
    once = list(dict.fromkeys(texts))
    for document in together(once):
        watch.load(document, policy())
    say({"columns": columns, "pages": len(texts), "different": len(once), "showing_it": shown} | watch.found)
    assert columns >= 50 and shown >= 100
    assert not faults
    assert clean(watch), watch.found


# ---------------------------------------------------------------- controls


@pytest.fixture
def unescaped() -> Iterator[None]:
    """Templates put text out as it is."""
    engine = engines["django"].engine
    engine.autoescape = False
    yield
    engine.autoescape = True


def _a_need_page(city: Any, client_as: Any) -> str:
    from jinmai.desks.financing import actions

    need = actions.draft_need(
        city.actor("xuan"), amount_fen=1_000_000_00, term_months=12, purpose="采购原材料", note=PAYLOADS[0] + PAYLOADS[2],
        contact_name="许安", contact_phone="13900000001",
    )  # fmt: skip
    Need.objects.filter(pk=need.pk).update(status="withdrawn")
    return text_of(client_as("xuan").get(f"/financing/needs/{need.pk}/"))


def test_control_without_escaping_and_policy_it_runs(city, client_as, watch, unescaped, say):
    watch.load(_a_need_page(city, client_as), HEADERS)
    say(dict(watch.found))
    assert watch.found["dialogs"] >= 2 and watch.found["marks"] >= 2


def test_control_without_escaping_the_policy_still_keeps_it_from_running(city, client_as, watch, unescaped, say):
    watch.load(_a_need_page(city, client_as), policy())
    say(dict(watch.found))
    assert watch.found["dialogs"] == 0
    assert watch.found["marks"] >= 2 and watch.found["csp"] >= 2


def test_no_page_needs_inline_script(settings: Any):
    """The policy allows none, and no template of ours has any."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert [str(one) for one in directives["script-src"]] == ["'self'"]
    assert "'none'" in [str(one) for one in directives["object-src"]]


# ---------------------------------------------------------------- formulas


#: What a spreadsheet may read as the beginning of a formula, once it has thrown away what it does not show.
DANGEROUS = re.compile("^[\\s\x00\ufeff]*[=+\\-@＝＋－＠]|^[\t\r\n\x00]")
NUMBER = re.compile(r"^-?[\d,]+(\.\d+)?%?$")


def formulas_in(content: bytes, kind: str) -> list[str]:
    """Cells that a spreadsheet would take for a formula."""
    if kind == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [cell for page in book for row in page.iter_rows() for cell in row]
        return [str(cell.value) for cell in cells if cell.data_type == "f"]  # a cell of type text is never computed
    texts = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
    return [text for text in texts if DANGEROUS.match(text) and not NUMBER.match(text)]


def downloads(actor: str, planted: Any, client: Any) -> Iterator[tuple[str, str, bytes]]:
    """Every file that a list, a receipt or a source hands this actor."""
    for _door, path in pages_of(actor, planted):
        for kind in ("csv", "xlsx"):
            with transaction.atomic():
                answer = client.get(f"{path}{'&' if '?' in path else '?'}export={kind}")
                content = b"".join(answer.streaming_content) if answer.streaming else answer.content
                transaction.set_rollback(True)
            told = answer.headers.get("Content-Disposition", "")
            if answer.status_code != 200 or not told.startswith("attachment") or not re.search(r"\.(csv|xlsx)", told):
                break
            yield path, "xlsx" if content[:2] == b"PK" else "csv", content


#: What the database keeps; PostgreSQL takes no NUL, so that one is tried on the writers.
STORED = [prefix for name, prefix in PREFIXES.items() if name != "NUL"]


def _exports(planted_city: Any, beginnings: list[str]) -> dict[str, Any]:
    """Every file of every list, with each row's words beginning in one of these ways, read again."""
    city, planted = planted_city
    poison(lambda room: [(beginning + FORMULA)[:room] for beginning in beginnings])
    files, bad, seen = 0, [], 0
    for actor in ("xuan", "heying", "linqiushi", "qiangong"):
        client = city.client(actor, raise_request_exception=False)
        for path, kind, content in downloads(actor, planted, client):
            files += 1
            bad += [f"{path} {kind}: {cell!r}" for cell in formulas_in(content, kind)]
            seen += b"cmd|" in content
    return {"beginnings": len(beginnings), "files": files, "csv_with_the_text": seen, "formulas": bad}


def test_no_export_of_any_list_holds_a_formula(planted_city, say):
    """Rows begin in all five ways by turns; every list of every kind of role is exported as CSV and XLSX."""
    found = _exports(planted_city, STORED)
    say(found | {"formulas": len(found["formulas"])})
    assert found["files"] >= 20 and found["csv_with_the_text"] >= 5
    assert not found["formulas"], found["formulas"][:5]


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in PREFIXES if name != "NUL"])
def test_no_export_holds_a_formula_when_every_row_begins_like_one(planted_city, name, say):
    found = _exports(planted_city, [PREFIXES[name]])
    say(found | {"formulas": len(found["formulas"])})
    assert not found["formulas"], found["formulas"][:5]


def test_every_prefix_in_every_writer(say):
    """The writers beneath all exports, NUL included (no database keeps it)."""
    rows = [[prefix + FORMULA, f" {prefix}{FORMULA}", f"\u3000{prefix}{FORMULA}"] for prefix in PREFIXES.values()]
    heads = [prefix + "1" for prefix in PREFIXES.values()][:3]
    found = formulas_in(exports.csv_bytes(heads, rows), "csv")
    found += formulas_in(exports.xlsx_bytes(heads, rows, [("=1", "@x")]), "xlsx")
    say({"prefixes": len(PREFIXES), "formulas": len(found)})
    assert not found


def given_back(city: Any, client: Any, place: Any) -> list[tuple[str, str, bytes]]:
    """A sheet full of formulas is imported; its returned rows, as a list and as the sender's own sheet."""
    from jinmai.foundation.intake.actions import GivenFile, import_files
    from jinmai.foundation.intake.models import Receipt

    lines = ["企业代号,发票号码,开票日期,金额,税额,价税合计,购方单位代号,发票状态"]
    for number, prefix in enumerate(prefix for name, prefix in PREFIXES.items() if name != "NUL"):
        cell = f'"{prefix}{FORMULA}"'
        lines.append(f"{cell},{cell},{cell},{cell},{cell},{cell},{cell},{cell}")
        lines.append(f"E9001,F{number},2026-01-0{number + 1},100.00,13.00,113.00,{cell},有效发票")
    path = place / "销项发票.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_files(city.actor("linqiushi"), "invoices.output", [GivenFile(path, path.name)])
    receipt = Receipt.objects.latest("at")
    assert receipt.rejected >= 5
    files = []
    for address in (f"/intake/receipts/{receipt.pk}/rejects/", f"/intake/receipts/{receipt.pk}/returned/"):
        for kind in ("csv", "xlsx"):
            answer = client.get(f"{address}?export={kind}")
            told = answer.headers.get("Content-Disposition", "")
            if answer.status_code == 200 and "attachment" in told:
                content = b"".join(answer.streaming_content) if answer.streaming else answer.content
                files.append((address, "xlsx" if content[:2] == b"PK" else "csv", content))
    return files


def test_what_an_import_gave_back_holds_no_formula(city, client_as, tmp_path, say):
    files = given_back(city, client_as("linqiushi"), tmp_path)
    bad = [f"{address} {kind}: {cell!r}" for address, kind, content in files for cell in formulas_in(content, kind)]
    say({"files": len(files), "formulas": len(bad)})
    assert len(files) >= 3 and not bad, bad


def test_control_without_its_apostrophe_a_formula_is_found(monkeypatch):
    monkeypatch.setattr(exports, "harmless", lambda text: text)
    rows = [[prefix + FORMULA] for prefix in PREFIXES.values()]
    assert len(formulas_in(exports.csv_bytes(["a"], rows), "csv")) == len(PREFIXES)


def test_control_a_naive_workbook_holds_formulas():
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for prefix in ("=", "=1+"):
        book.active.append([prefix + "1"])
    book.save(stream)
    assert len(formulas_in(stream.getvalue(), "xlsx")) == 2


def test_the_session_cookie_is_out_of_a_scripts_reach():
    assert settings.SESSION_COOKIE_HTTPONLY and settings.CSRF_COOKIE_HTTPONLY
