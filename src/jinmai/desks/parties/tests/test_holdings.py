"""Holders of a firm from landed facts: shares by hand, as of a date, rings, what is missing, who may read."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.urls import reverse

from jinmai.desks.parties.holdings import controlling_shareholder, open_picture
from jinmai.desks.parties.holdings.telling import control_words, notes
from jinmai.desks.parties.tests.holdings_files import (
    CHILD,
    CROSS,
    FIRM,
    GROUP,
    NAMES,
    ON,
    PARENT,
    SISTER,
    bring,
    code,
    name_the_firm,
)
from jinmai.desks.parties.tests.test_owners_command import faults
from jinmai.foundation.intake.actions import withdraw_import
from jinmai.foundation.kernel.audit.models import AuditEntry
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.consent.actions import grant_consent
from jinmai.foundation.kernel.consent.models import AccessRecord
from jinmai.foundation.kernel.errors import Refusal
from jinmai.foundation.ui.models import ExportRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm(city: Any, tmp_path: Path) -> Any:
    found = name_the_firm(city)
    assert bring(tmp_path / "股东及出资信息.csv").accepted == len(GROUP)
    return found


def share_of(stakes: Any, name: str) -> tuple[Fraction | None, Fraction | None]:
    one = next(one for one in stakes if one.party.name == name)
    return one.direct, one.integrated


def test_shares_by_hand_with_a_cross_holding(firm, actor):
    picture = open_picture(actor("linqiushi"), firm.subject, ON)
    round_trip = 1 / (1 - Fraction(10, 100) * Fraction(40, 100))  # through 工贸 and back
    assert share_of(picture.direct, "江畔控股有限公司") == (Fraction(6, 10), Fraction(6, 10) * round_trip)
    assert share_of(picture.direct, "许安宁") == (Fraction(3, 10), Fraction(3, 10) * round_trip)
    assert share_of(picture.finals, "韩雪松") == (0, Fraction(48, 100) * round_trip)
    assert share_of(picture.below, NAMES[CHILD]) == (Fraction(7, 10), Fraction(7, 10) * round_trip)
    assert [[one.key for one in ring] for ring in picture.rings] == [sorted([f"uscc:{FIRM}", f"uscc:{CROSS}"])]
    assert [one.party.name for one in picture.finals] == ["韩雪松", "许安宁"]  # 机关 6 % stays below


def test_the_controller_and_the_chain_and_the_group(firm, actor):
    picture = open_picture(actor("zhengke"), firm.subject, ON)
    assert picture.head is not None
    assert [one.name for one in picture.head.chain] == ["韩雪松", "江畔控股有限公司", "东汀精密机械有限公司"]
    assert picture.head.steps == (Fraction(8, 10), Fraction(6, 10))
    assert [one.code for one in picture.group] == sorted([CHILD, PARENT, SISTER], key=NAMES.__getitem__)
    assert "—80%→ 江畔控股有限公司 —60%→ 东汀精密机械有限公司" in control_words(picture)


def test_the_plain_function(firm, actor):
    told = controlling_shareholder(actor("linqiushi"), firm.subject, ON)
    assert told.holder is not None and told.actual is not None
    assert (told.holder.name, told.share, told.actual.name) == ("江畔控股有限公司", Fraction(6, 10), "韩雪松")
    assert told.known and told.complete
    early = controlling_shareholder(actor("linqiushi"), firm.subject, date(2019, 6, 1))
    assert (early.known, early.holder, early.actual) == (False, None, None)


def test_as_of_a_date_and_a_change_sent_later(firm, actor, tmp_path):
    before = open_picture(actor("linqiushi"), firm.subject, date(2024, 8, 31))
    assert len(before.direct) == 2 and before.rings == []
    sold = [
        (FIRM, "江畔控股有限公司", PARENT, "企业", "60%", "300", "2020-01-01", "2026-03-01"),
        (FIRM, "许安宁", "", "自然人", "60%", "300", "2026-03-01", ""),
        (FIRM, "许安宁", "", "自然人", "30%", "150", "2020-01-01", "2026-03-01"),
    ]
    receipt = bring(tmp_path / "变更.csv", sold)
    day_before, after = (controlling_shareholder(actor("linqiushi"), firm.subject, day)
                         for day in (date(2026, 2, 28), date(2026, 3, 1)))  # fmt: skip
    assert day_before.holder is not None and day_before.holder.name == "江畔控股有限公司"
    assert after.holder is not None and (after.holder.name, after.share) == ("许安宁", Fraction(6, 10))
    withdraw_import(actor("linqiushi"), receipt, reason="报送有误")
    again = controlling_shareholder(actor("linqiushi"), firm.subject, date(2026, 3, 1))
    assert again.holder is not None and again.holder.name == "江畔控股有限公司"


def test_missing_shares_and_sums_above_the_whole_are_said_and_not_guessed(firm, actor, tmp_path):
    more = [
        (SISTER, "某某信托", "", "其他", "25%", "", "2021-01-01", ""),
        (FIRM, NAMES[FIRM], FIRM, "企业", "5%", "", "2022-01-01", ""),
    ]
    bring(tmp_path / "多报.csv", more)
    picture = open_picture(actor("linqiushi"), firm.subject, ON)
    told = "\n".join(text for _tone, text in notes(picture))
    assert "周测持有东汀配件有限公司的比例未提供" in told
    assert "江畔物流有限公司的已知持股合计 125%，超过 100%" in told
    assert "东汀精密机械有限公司的已知持股合计 105%，超过 100%" in told
    assert "东汀精密机械有限公司持有自己的股份：5%" in told
    assert "许安宁在不同公司的股东中出现，但没有代码，不当作同一人" in told
    assert len({one.key for one in picture.parties.values() if one.name == "许安宁"}) == 2
    plain = notes(open_picture(actor("linqiushi"), firm.subject, date(2021, 6, 1)))
    assert any("已知持股合计 90%，其余 10% 没有登记在案" in text for _tone, text in plain)


def test_a_ring_nobody_outside_holds_has_no_sum(firm, actor, tmp_path):
    one, two = code(21), code(22)
    bring(tmp_path / "环.csv", [
        (one, "环二", two, "企业", "100%", "", "2021-01-01", ""), (two, "环一", one, "企业", "100%", "", "2021-01-01", ""),
        (FIRM, "环一", one, "企业", "10%", "", "2021-01-01", ""),
    ])  # fmt: skip
    picture = open_picture(actor("linqiushi"), firm.subject, ON)
    assert [{party.code for party in ring} for ring in picture.unsolved] == [{one, two}]
    assert any("无法求出综合比例" in text for _tone, text in notes(picture))


def test_what_was_walked_is_bounded_and_said(firm, actor, tmp_path, monkeypatch):
    from jinmai.foundation.analytics import network

    many = [(code(100 + n), f"母{n}", code(101 + n), "企业", "51%", "", "2021-01-01", "") for n in range(12)]
    bring(tmp_path / "长链.csv", [*many, (FIRM, "母", code(100), "企业", "", "", "2021-01-01", "")])
    assert not open_picture(actor("linqiushi"), firm.subject, ON).told.cut
    monkeypatch.setattr(network.Walk.__init__, "__defaults__", (8,))
    picture = open_picture(actor("linqiushi"), firm.subject, ON)
    assert picture.told.cut and any("只读到最近的一部分" in text for _tone, text in notes(picture))


def test_rows_that_are_no_holdings_come_back(city, tmp_path):
    wrong = [
        (FIRM, "甲", "", "自然人", "60", "", "2021-01-01", ""),
        (FIRM, "乙", "", "自然人", "120%", "", "2021-01-01", ""),
        ("91510000MA6H000010", "丙", "", "自然人", "1%", "", "2021-01-01", ""),
        (FIRM, "丁", "", "自然人", "一半", "", "2021-01-01", ""),
        (FIRM, "戊", "", "自然人", "0.4", "", "2021-01-01", ""),
    ]
    receipt = bring(tmp_path / "错.csv", wrong)
    assert (receipt.accepted, receipt.rejected) == (1, 4)


@pytest.mark.parametrize(
    ("username", "status"),
    [("linqiushi", 200), ("zhengke", 200), ("zhouqiming", 200), ("xuan", 200), ("t_firm_dongting", 404),
     ("heying", 404), ("shenyihe", 403), ("milan", 403), ("qiangong", 403)],
)  # fmt: skip
def test_who_opens_the_page(firm, client_as, username, status):
    assert client_as(username).get(reverse("parties:ownership", args=[firm.pk])).status_code == status


def test_the_firm_sees_its_chain_and_not_the_group(firm, actor, city):
    own, duty = (open_picture(actor(name), firm.subject, ON) for name in ("xuan", "linqiushi"))
    names = {one.name for one in own.parties.values()}
    assert {"韩**", "许安宁", "江畔控股有限公司"} <= names and not {"韩雪松", "周测", NAMES[SISTER]} & names
    assert own.group == [] and duty.group != []
    assert "韩雪松" not in str([*own.told.holdings, *own.parties])
    with pytest.raises(Refusal, match="JM-CON-001"):
        open_picture(actor("t_firm_dongting"), firm.subject, ON)
    assert AccessRecord.objects.filter(subject_id=firm.subject_id, outcome="refused", fields=["holdings"]).exists()


def test_an_institution_needs_a_consent_that_names_the_holders(firm, actor, client_as, city):
    def agree(fields: list[str]) -> None:
        receiver = city.organisation("bank_city_jp")
        grant_consent(
            actor("xuan"), subject=firm.subject, receiver=receiver, purpose="credit_assessment", fields=fields,
            starts_on=Clock.today(), ends_on=Clock.today() + timedelta(days=180),
        )  # fmt: skip

    address = reverse("parties:ownership", args=[firm.pk])
    agree(["sales_12m"])
    refused = client_as("heying").get(address)
    assert refused.status_code == 403 and "韩雪松" not in refused.content.decode()
    agree(["holdings"])
    page = client_as("heying").get(address).content.decode()
    assert "江畔控股有限公司" in page and "许**" in page
    assert "韩雪松" not in page and "许安宁" not in page and NAMES[SISTER] not in page
    assert client_as("heying").get(reverse("parties:download_ownership", args=[firm.pk])).status_code == 403


def test_a_read_under_duty_is_booked_with_everybody_whose_rows_were_read(firm, actor):
    open_picture(actor("linqiushi"), firm.subject, ON)
    booked = AccessRecord.objects.filter(purpose="statutory_duty", fields=["holdings"])
    codes = set(booked.values_list("subject__identifiers__value", flat=True))
    assert {FIRM, PARENT, SISTER, CHILD, CROSS} <= codes


def test_an_empty_page_says_who_could_supply_it(city, client_as):
    firm = name_the_firm(city)
    page = client_as("linqiushi").get(reverse("parties:ownership", args=[firm.pk])).content.decode()
    assert "请市场监督管理局报送" in page and "没有登记不等于没有股东" in page


def test_files_leave_booked_and_audited(firm, client_as):
    client, address = client_as("linqiushi"), reverse("parties:download_ownership", args=[firm.pk])
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(address, {"on": "2026-06-01"}).content))
    assert sheet.worksheets[0].max_row == len(GROUP) + 1
    answer = client.get(address, {"kind": "bods", "on": "2026-06-01"})
    told = json.loads(answer.content)
    assert answer["Content-Disposition"].startswith("attachment") and faults(told) == []
    persons = [one for one in told if one["recordType"] == "person"]
    assert {one["recordDetails"]["names"][0]["fullName"] for one in persons} == {"韩雪松", "许安宁", "周测"}
    assert {one["recordDetails"].get("identifiers", [{}])[0].get("id") for one in told} >= {FIRM, PARENT}
    booked = ExportRecord.objects.filter(operation="parties.download_ownership")
    assert {(one.file_kind, one.row_count) for one in booked} == {("xlsx", len(GROUP)), ("bods", len(told))}
    assert AuditEntry.objects.filter(operation="ui.export_list", outcome="ok").count() == 2
    own = json.loads(client_as("xuan").get(address, {"kind": "bods"}).content)
    assert "韩雪松" not in json.dumps(own, ensure_ascii=False) and faults(own) == []


def test_over_the_api(firm, client_as):
    answer = client_as("linqiushi").get(f"/api/v1/parties/firms/{firm.pk}/ownership", {"on": "2026-06-01"})
    told = answer.json()
    assert answer.status_code == 200 and told["controller"]["name"] == "韩雪松" and told["known"]
    assert told["chain"] == ["韩雪松", "江畔控股有限公司", "东汀精密机械有限公司"]
    assert told["direct"][0] | {"name": ""} == {
        "name": "", "kind": "company", "code": PARENT, "direct": "0.6", "integrated": "0.625",
    }  # fmt: skip
    assert client_as("t_firm_dongting").get(f"/api/v1/parties/firms/{firm.pk}/ownership").status_code == 404


def test_control_without_the_correction_rule_both_rows_would_count(firm, actor, tmp_path, monkeypatch):
    from jinmai.desks.parties.holdings import reading

    bring(tmp_path / "更正.csv", [(FIRM, "江畔控股有限公司", PARENT, "企业", "55%", "275", "2020-01-01", "")])
    assert open_picture(actor("linqiushi"), firm.subject, ON).direct[0].direct == Fraction(55, 100)
    monkeypatch.setattr(reading, "_latest", lambda rows: rows)
    assert open_picture(actor("linqiushi"), firm.subject, ON).direct[0].direct == Fraction(115, 100)


@pytest.mark.data
def test_the_ten_largest_holders_of_listed_companies(city, data_dir, tmp_path):
    import gzip

    from jinmai.foundation.intake.actions import GivenFile, import_files
    from jinmai.foundation.kernel.access.actor import Actor

    place = data_dir / "ownership" / "cn_listed_top10_holders" / "top10_holders_2017.csv.gz"
    lines = gzip.decompress(place.read_bytes()).decode("utf-8").splitlines()
    path = tmp_path / "top10.csv"
    path.write_text("\n".join(lines[:4001]) + "\n", encoding="utf-8")
    outcome = import_files(Actor.platform(), "holdings.listed", [GivenFile(path, path.name)])
    (receipt,) = outcome.receipts
    assert receipt.rows == 4000 and receipt.accepted + receipt.rejected + receipt.duplicates == 4000
    print({"accepted": receipt.accepted, "rejected": receipt.rejected, "duplicates": receipt.duplicates})
    assert receipt.accepted > 3900
