"""Where a figure stands among peers (同业位置): the latest frozen month's cells, from the nearest that is large enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import FilteredRelation, Q, Subquery
from django.utils.translation import gettext as _

from jinmai.desks.credit.formulas import share_below
from jinmai.desks.credit.models import PortraitCell, PortraitMonth
from jinmai.desks.credit.months import divisions, enough_history, minimum, section_of
from jinmai.foundation.kernel.errors import shown

Kind = PortraitCell.Kind
#: The nearest first.
ORDER = (Kind.SECTION, Kind.SIZE, Kind.ALL)


@dataclass(frozen=True)
class Standing:
    """A figure's place: not above how many per cent of whom; ``why`` says in words why there is none."""

    percent: int | None = None
    among: str = ""
    firms: int = 0
    why: str = ""


class Peers:
    """The cells one firm belongs to on a day."""

    def __init__(self, frozen: bool, cells: Sequence[PortraitCell], least: int | None, on: date) -> None:
        self.frozen, self.cells, self.least, self.on = frozen, cells, least, on

    def of(self, name: str, value: Any, figures: Mapping[str, Any]) -> Standing | None:
        """The standing of one figure; None where there is nothing to compare."""
        if not self.frozen or self.least is None or not isinstance(value, int) or isinstance(value, bool):
            return None
        if not enough_history(name, figures):
            return Standing(why=_("历史不足，不作比较"))
        for cell in self.cells:
            told = cell.measures.get(name)
            if told is not None and told["firms"] >= self.least:
                return Standing(share_below(value, told["points"]), self._among(cell), told["firms"])
        return Standing(why=_("同业不足 %(least)d 户，不作比较") % {"least": self.least})

    def _among(self, cell: PortraitCell) -> str:
        if cell.kind == Kind.SECTION:
            names = dict(divisions(self.on).values())
            return shown(names.get(cell.value, cell.value))
        return shown(cell.value) if cell.kind == Kind.SIZE else _("全部企业")


def peers_of(keys: Iterable[str], figures: Mapping[str, Any], on: date) -> Peers:
    """The peers of a firm by its keys and what was read of it (行业门类 first, then 企业规模, then all), as of the last month
    frozen by ``on``; one query."""
    schemes = {key.partition(":")[0] for key in keys}
    wanted = {
        (Kind.SECTION, section_of(figures.get("industry_code"), on)),
        (Kind.SIZE, str(figures.get("size_class") or "")),
        (Kind.ALL, ""),
    }
    latest = PortraitMonth.objects.filter(on__lte=on).values("pk")[:1]
    near = Q(cells__scheme__in=schemes, cells__value__in={value for _kind, value in wanted})
    rows = (
        PortraitMonth.objects.filter(pk=Subquery(latest))
        .annotate(cell=FilteredRelation("cells", condition=near))
        .values_list("on", "cell__kind", "cell__value", "cell__measures")
    )
    cells = [
        PortraitCell(kind=kind, value=value, measures=measures)
        for _on, kind, value, measures in rows
        if (kind, value) in wanted
    ]
    if not rows:
        return Peers(False, (), None, on)
    return Peers(True, sorted(cells, key=lambda cell: ORDER.index(Kind(cell.kind))), minimum(rows[0][0]), on)
