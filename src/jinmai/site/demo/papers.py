"""Papers of the example city: drawn here, handed in like anybody's, so that every page that shows papers has some."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

from django.core.files.base import ContentFile

from jinmai.desks.financing.models import EvidenceRequest, Need, Order
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.documents.actions import hand_in
from jinmai.foundation.kernel.documents.watermark import chinese_font
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.site.demo.people import People
from jinmai.site.demo.settling import office_hour

PAGE = (1240, 1754)
PHOTO = (1280, 860)
LEFT, TOP, STEP = 110, 150, 64
NEEDS = 5


def paper(name: str, lines: list[str], *, size: tuple[int, int] = PAGE) -> ContentFile:
    """A page with some lines on it, as the kind of file that the name says: PDF, PNG or text.

    Where the machine has no Chinese font the page is drawn without words: no font is bundled.
    """
    if name.endswith((".csv", ".txt")):
        return ContentFile(("\ufeff" + "\n".join(lines) + "\n").encode(), name=name)
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", size, "white")
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((50, 50, size[0] - 50, size[1] - 50), outline="#9a8450", width=3)
    path, face = chinese_font()
    for place, line in enumerate(lines):
        top = TOP + place * STEP
        if path:
            letters = 52 if place == 0 else 32
            drawing.text((LEFT, top), line, fill="#222222", font=ImageFont.truetype(path, letters, index=face))
        else:
            drawing.line((LEFT, top + 30, LEFT + 18 * len(line), top + 30), fill="#555555", width=4)
    kept = io.BytesIO()
    image.save(kept, format="PDF" if name.endswith(".pdf") else "PNG")
    return ContentFile(kept.getvalue(), name=name)


def hand_in_papers(people: People, named: Actor, today: date) -> int:
    """Papers on the needs of the last weeks, on orders under way, and on the street officer's open requests."""
    count = 0
    live = Need.objects.filter(status__in=("open", "in_progress")).select_related("organisation").order_by("-number")
    own = live.filter(organisation_id=named.organisation_id)[:1]
    for need in [*own, *live.exclude(organisation_id=named.organisation_id)[:NEEDS]]:
        firm = people.acting(need.organisation, "firm.accountant")
        for kind, upload in _of_firm(need, today)[: 3 if need in own else 1]:
            count += _hand_in(firm, upload, need, kind, today)
    managed = Order.objects.filter(
        institution__code="bank_city_jp_dongting", status="accepted", visited_at__isnull=False
    )
    manager = people.acting(Organisation.objects.get(code="bank_city_jp_dongting"), "institution.account_manager")
    for order in managed.select_related("need__organisation").order_by("-number")[:2]:
        note = ["实地走访记录", f"企业：{order.need.organisation.name}", "生产正常，库存与报表相符，在手订单两份"]
        count += _hand_in(manager, paper("走访记录.pdf", note), order, "visit", today)
    asked = EvidenceRequest.objects.filter(organisation__code="street_dongting_1", status="asked").order_by("number")
    visitor = people.acting(Organisation.objects.get(code="street_dongting_1"), "street.visitor")
    for request in asked.select_related("need__organisation")[:1]:
        photo = ["门头照（示意）", request.need.organisation.name, "拍摄地点：槐荫街道"]
        count += _hand_in(visitor, paper("门头照.png", photo, size=PHOTO), request, "place", today)
    return count


def _of_firm(need: Need, today: date) -> list[tuple[str, ContentFile]]:
    name = need.organisation.name
    contract = [
        "购销合同（示例）",
        f"供方：{name}",
        "需方：示例采购有限公司",
        f"合同总价：{need.amount_fen * 13 // 1_000_000 / 10:.2f} 万元",
        f"签订日期：{today - timedelta(days=40):%Y年%m月%d日}",
    ]
    licence = ["营业执照（示例）", name, "类型：有限责任公司", "登记机关：示例市市场监督管理局"]
    figures = [
        "项目,2024年,2025年",
        "营业收入（万元）,552.40,591.70",
        "资产总额（万元）,702.10,769.20",
        "负债总额（万元）,398.70,449.20",
    ]
    return [
        ("contract", paper("购销合同.pdf", contract)),
        ("licence", paper("营业执照.png", licence, size=PHOTO)),
        ("statement", paper("财务报表.csv", figures)),
    ]


def _hand_in(actor: Actor, upload: ContentFile, to: Any, kind: str, today: date) -> int:
    with Clock.at(office_hour(today, 10, 30)):
        hand_in(actor, upload=upload, to=to, kind=kind)
    return 1
