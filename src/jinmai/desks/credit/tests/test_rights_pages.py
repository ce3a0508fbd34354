"""Pages and routes of objections and repairs: open for those who may, the same verbs, empty states, files, idempotency."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from jinmai.desks.credit import actions
from jinmai.desks.credit.models import Objection, Repair
from jinmai.desks.credit.tests.penalties import bring_penalties, days_ago, entries, name_by_code
from jinmai.foundation.kernel.consent.models import AccessRecord
from tests.security.papers import picture, upload

pytestmark = pytest.mark.django_db
READERS = ("xuan", "hanxue", "linqiushi", "zhouqiming")


@pytest.fixture
def firm(city: Any) -> Any:
    subject = name_by_code(city)
    bring_penalties(city, ("示税罚〔2026〕1号", "500.00", days_ago(200)), ("示税罚〔2026〕2号", "800.00", days_ago(50)))
    return subject


def target_of(city: Any, firm: Any, number: str) -> str:
    return next(one.line.target for one in entries(city, "xuan", firm) if number in one.line.title)


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8-sig", "replace")


def test_lists_are_empty_with_a_word_on_what_to_do(client_as: Any, city: Any) -> None:
    for name, words in (("objection_list", "提出异议"), ("repair_list", "申请修复")):
        assert words in text_of(client_as("xuan").get(reverse(f"credit:{name}")))
        for username in ("linqiushi", "hanxue", "chengyue", "zhouqiming"):
            assert "会出现在这里" in text_of(client_as(username).get(reverse(f"credit:{name}"))), username
        for username in ("heying", "shenyihe", "milan", "guqinghe", "ligong"):
            assert client_as(username).get(reverse(f"credit:{name}")).status_code == 403, username


def test_the_sheet_says_department_and_batch_and_leads_to_both_procedures(client_as: Any, city: Any, firm: Any) -> None:
    page = text_of(client_as("xuan").get(reverse("credit:own_sheet")))
    for words in ("部门记录", "示税罚〔2026〕1号", "市税务局", "批", "提出异议", "申请修复", "市市场监督管理局"):
        assert words in page, words
    earlier = text_of(client_as("xuan").get(reverse("credit:own_sheet"), {"on": str(days_ago(100))}))
    assert "示税罚〔2026〕1号" in earlier and "示税罚〔2026〕2号" not in earlier
    assert "申请修复" not in earlier
    assert "提出异议" not in text_of(client_as("linqiushi").get(reverse("credit:sheet", args=[firm.pk])))


def test_file_by_form_once(client_as: Any, city: Any, firm: Any) -> None:
    client, target = client_as("xuan"), target_of(city, firm, "1号")
    address = reverse("credit:file_objection")
    assert client.get(address).status_code == 302  # nothing is pointed at: back to the sheet
    page = client.get(address, {"target": target})
    assert "示税罚〔2026〕1号" in text_of(page)
    given = {"target": target, "reason": "该文书已撤销", "idempotency_key": "one"}
    first = client.post(address, given)
    assert (first.status_code, client.post(address, given).status_code) == (302, 302)
    (made,) = Objection.objects.all()
    assert first["Location"] == reverse("credit:objection_detail", args=[made.pk])
    refused = client.post(address, {**given, "idempotency_key": "two"})
    assert refused.status_code == 422 and "JM-CRE-003" in text_of(refused)
    assert client.get(address, {"target": "tax_penalties:nothing"}).status_code == 409


def test_an_objection_through_the_pages(client_as: Any, city: Any, firm: Any) -> None:
    made = actions.file_objection(city.actor("xuan"), target=target_of(city, firm, "1号"), reason="金额有误")

    def at(verb: str) -> str:
        return reverse(f"credit:{verb}", args=[made.pk])

    clerk, tax, own = client_as("linqiushi"), client_as("hanxue"), client_as("xuan")
    assert tax.get(at("objection_detail")).status_code == 404
    assert "受理" in text_of(clerk.get(at("objection_detail")))
    assert clerk.post(at("accept_objection")).status_code == 302
    assert "存在异议" in text_of(own.get(reverse("credit:own_sheet")))
    assert tax.post(at("request_objection_papers"), {"papers": "请提供缴款书"}).status_code == 302
    assert "停钟" in text_of(own.get(at("objection_detail")))
    assert own.post(at("supply_objection_papers"), {"note": "已上传"}).status_code == 302
    form = text_of(tax.get(at("verify_objection")))
    assert "罚款金额" in form and "整条移除" in form
    bad = tax.post(at("verify_objection"), {"finding": "corrected", "answer": "有误"})
    assert bad.status_code == 422 and "JM-CRE-008" in text_of(bad)
    sent = {"finding": "corrected", "answer": "应为五十元", "to_fine_fen": "50"}
    assert tax.post(at("verify_objection"), sent).status_code == 302
    told = text_of(own.get(at("objection_detail")))
    assert "应为五十元" in told and "罚款金额改为 50.00 元" in told
    assert "已更正" in text_of(own.get(reverse("credit:own_sheet")))
    for username in READERS:
        listed = client_as(username).get(reverse("credit:objection_list"), {"export": "csv"})
        assert made.number in text_of(listed), username
    assert client_as("t_firm_xiling").get(at("objection_detail")).status_code == 404


def test_a_figure_is_verified_by_its_batch(client_as: Any, city: Any, firm: Any) -> None:
    made = actions.file_objection(city.actor("xuan"), target="sales_12m", reason="少一个季度")
    actions.accept_objection(city.actor("linqiushi"), made)
    page = text_of(client_as("hanxue").get(reverse("credit:verify_objection", args=[made.pk])))
    assert "更正所在的批次" in page
    upheld = {"finding": "upheld", "answer": "与报送一致", "batch_number": ""}
    assert client_as("hanxue").post(reverse("credit:verify_objection", args=[made.pk]), upheld).status_code == 302
    state = reverse("credit:state_objection", args=[made.pk])
    assert client_as("xuan").post(state, {"statement": "第三季度发票尚未导入"}).status_code == 302
    assert "第三季度发票尚未导入" in text_of(client_as("linqiushi").get(reverse("credit:sheet", args=[firm.pk])))


def test_a_repair_through_the_pages(client_as: Any, city: Any, firm: Any) -> None:
    own, tax, clerk = client_as("xuan"), client_as("hanxue"), client_as("linqiushi")
    for number, outcome in (("1号", "granted"), ("2号", "refused")):
        target = target_of(city, firm, number)
        given = {"target": target, "duty_done_on": str(days_ago(5)), "duty_words": "已缴清", "promise": "依法纳税",
                 "idempotency_key": number}  # fmt: skip
        assert own.post(reverse("credit:file_repair"), given).status_code == 302
        made = Repair.objects.latest("number")
        detail = reverse("credit:repair_detail", args=[made.pk])
        assert "待部门认定" in text_of(own.get(detail))
        word = {"seriousness": "general", "duty_performed": "yes", "other_conditions": "yes", "words": "缴款书已核"}
        assert tax.post(reverse("credit:attest_repair", args=[made.pk]), word).status_code == 302
        decide = reverse("credit:decide_repair", args=[made.pk])
        if outcome == "refused":
            early = clerk.post(decide, {"outcome": "granted", "words": "准予"})
            assert early.status_code == 422 and "JM-CRE-027" in text_of(early) and "差" in text_of(early)
        assert clerk.post(decide, {"outcome": outcome, "words": "按条件办理"}).status_code == 302
        made.refresh_from_db()
        assert made.status == outcome
        assert "信用修复管理办法" in text_of(own.get(detail))
    assert "已修复" in text_of(own.get(reverse("credit:own_sheet")))
    listed = text_of(clerk.get(reverse("credit:repair_list"), {"export": "csv"}))
    assert "准予修复" in listed and "不予修复" in listed


def test_papers_of_a_case_are_read_by_those_who_handle_it_and_booked(client_as: Any, city: Any, firm: Any) -> None:
    from jinmai.foundation.kernel.documents.actions import hand_in

    made = actions.file_objection(city.actor("xuan"), target=target_of(city, firm, "1号"), reason="有误")
    actions.accept_objection(city.actor("linqiushi"), made)
    paper = hand_in(
        city.actor("xuan"), upload=upload("撤销决定书.png", picture("PNG")), to=made, kind="proof", label="撤销决定书"
    )
    AccessRecord.objects.all().delete()
    address = reverse("site:document_download", args=[paper.document_id])
    for username, status in (
        ("hanxue", 200),
        ("linqiushi", 200),
        ("chengyue", 404),
        ("heying", 404),
        ("t_firm_xiling", 404),
    ):
        assert client_as(username).get(address).status_code == status, username
    book = AccessRecord.objects.filter(subject=firm).values_list("actor_name", "basis", "outcome")
    assert set(book) == {("韩雪", "statutory", "read"), ("林秋实", "statutory", "read")}
    actions.withdraw_objection(city.actor("xuan"), made, reason="算了")
    from jinmai.foundation.kernel.errors import Refusal

    with pytest.raises(Refusal, match="JM-CRE-030"):
        hand_in(city.actor("xuan"), upload=upload("二.png", picture("PNG")), to=made, kind="proof")


def test_lists_narrow_to_what_is_late_or_near(client_as: Any, city: Any, firm: Any) -> None:
    from datetime import timedelta

    from jinmai.foundation.kernel.clock import Clock

    with Clock.at(Clock.now() - timedelta(days=16)):
        near = actions.file_objection(city.actor("xuan"), target="sales_12m", reason="有误")
    with Clock.at(Clock.now() - timedelta(days=25)):
        late = actions.file_objection(city.actor("xuan"), target="months_operating", reason="有误")
    clerk = client_as("linqiushi")
    whole = text_of(clerk.get(reverse("credit:objection_list")))
    assert "超期 5 个自然日" in whole and "第 16 天，还剩 4 天" in whole
    for query, shown, hidden in (({"late": "yes"}, late, near), ({"late": "soon"}, near, late)):
        page = text_of(clerk.get(reverse("credit:objection_list"), query))
        assert shown.number in page and hidden.number not in page
    for query in ({"status": "filed"}, {"q": "东汀"}, {"owner": "税务"}, {"sort": "due"}, {"export": "xlsx"}):
        assert clerk.get(reverse("credit:objection_list"), query).status_code == 200


def post(client: Any, path: str, content: dict[str, Any], key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/credit/{path}", json.dumps(content), content_type="application/json", headers=headers)


def test_api_objection(client_as: Any, city: Any, firm: Any) -> None:
    own, clerk, tax = client_as("xuan"), client_as("linqiushi"), client_as("hanxue")
    sheet = own.get(f"/api/v1/credit/subjects/{firm.pk}/sheet").json()
    record = next(one for one in sheet["records"] if "1号" in one["title"])
    assert record["department"] == "市税务局" and record["negative"] and record["batch"]
    body = {"target": record["target"], "reason": "金额有误"}
    assert post(own, "objections", body).status_code == 400
    first, again = (post(own, "objections", body, "k1") for _turn in range(2))
    assert first.status_code == 201 and first.json()["id"] == again.json()["id"]
    assert post(own, "objections", {**body, "extra": 1}, "k2").status_code == 422
    assert post(clerk, "objections", body, "k3").status_code == 403
    one = f"objections/{first.json()['id']}"
    assert tax.get(f"/api/v1/credit/{one}").status_code == 404
    assert post(clerk, f"{one}/accept", {}).json()["disputed"] is True
    assert post(tax, f"{one}/papers/request", {"papers": "缴款书"}).json()["suspended"] is True
    assert post(own, f"{one}/papers/supply", {"note": ""}).json()["status"] == "verifying"
    answer = {"finding": "corrected", "answer": "应为五十元", "changes": {"fine_fen": "50"}}
    assert post(tax, f"{one}/answer", answer).status_code == 400
    told = post(tax, f"{one}/answer", answer, "a1").json()
    assert told["status"] == "corrected" and told["correction_batch"]
    sheet = own.get(f"/api/v1/credit/subjects/{firm.pk}/sheet").json()
    assert [one["corrected"] for one in sheet["records"] if "1号" in one["title"]] == [True]
    assert [row["status"] for row in clerk.get("/api/v1/credit/objections?status=corrected").json()] == ["corrected"]
    refused = post(own, f"{one}/withdraw", {"reason": "再撤"})
    assert (refused.status_code, refused.json()["code"]) == (409, "JM-CRE-004")
    assert client_as("t_firm_xiling").get(f"/api/v1/credit/{one}").status_code == 404


def test_api_repair(client_as: Any, city: Any, firm: Any) -> None:
    own, clerk, tax = client_as("xuan"), client_as("linqiushi"), client_as("hanxue")
    body = {
        "target": target_of(city, firm, "2号"),
        "duty_done_on": str(days_ago(5)),
        "duty_words": "已缴清",
        "promise": "依法",
    }
    made = post(own, "repairs", body, "r1")
    assert made.status_code == 201
    assert {line["state"] for line in made.json()["conditions"]} == {"institution", "met"}
    one = f"repairs/{made.json()['id']}"
    word = {"seriousness": "general", "duty_performed": True, "other_conditions": True, "words": "已核"}
    attested = post(tax, f"{one}/attest", word, "r2").json()
    assert attested["conditions"][0]["state"] == "not_met" and "差" in attested["conditions"][0]["gap"]
    refused = post(clerk, f"{one}/decision", {"granted": True, "words": "准予"}, "r3")
    assert (refused.status_code, refused.json()["code"]) == (409, "JM-CRE-027")
    done = post(clerk, f"{one}/decision", {"granted": False, "words": "最短公示期未满"}, "r4").json()
    assert (done["status"], done["decision"]) == ("refused", "最短公示期未满")
    assert [row["id"] for row in own.get("/api/v1/credit/repairs").json()] == [made.json()["id"]]


def test_the_sheet_as_known_on_a_day(client_as: Any, city: Any, firm: Any) -> None:
    from datetime import timedelta

    from jinmai.foundation.kernel.clock import Clock

    made = actions.file_objection(city.actor("xuan"), target=target_of(city, firm, "1号"), reason="有误")
    today = str(Clock.today())
    with Clock.at(Clock.now() + timedelta(days=2)):
        actions.accept_objection(city.actor("linqiushi"), made)
        actions.verify_objection(
            city.actor("hanxue"), made, finding="corrected", answer="应为五十元", changes={"fine_fen": "50"}
        )
        address = f"/api/v1/credit/subjects/{firm.pk}/sheet"
        now, then = (
            {one["title"]: one["words"] for one in client_as("linqiushi").get(address + query).json()["records"]}
            for query in ("", f"?known={today}")
        )
        assert "50.00 元" in now["示税罚〔2026〕1号"] and "500.00 元" in then["示税罚〔2026〕1号"]
        page = text_of(client_as("xuan").get(reverse("credit:own_sheet"), {"known": today}))
        assert "已知的数据" in page and "罚款金额 500.00 元" in page
