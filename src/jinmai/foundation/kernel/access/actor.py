"""Who acts: an account under one of its posts, as every action, read and page receives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from jinmai.foundation.kernel.access.models import Membership

#: Kinds of organisations that work for the whole city.
CITY_WIDE = frozenset({"platform", "government", "bureau", "department"})
PLATFORM_ROLE = "system.platform"


@dataclass(frozen=True)
class Actor:
    """A person under one post (操作人), or the platform itself; ``regions`` are the districts it may see."""

    user_id: int | None
    name: str
    membership_id: int | None
    organisation_id: int | None
    organisation_code: str
    organisation_name: str
    organisation_kind: str
    organisation_path: str
    role: str
    regions: frozenset[str]
    subject_id: UUID | None = None
    restricted: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, membership: Membership) -> Actor:
        """The actor of a live membership."""
        from jinmai.foundation.kernel.access.models import Restriction
        from jinmai.foundation.kernel.access.policy import policy

        organisation = membership.organisation
        restricted = Restriction.objects.filter(role=membership.role).values_list("operation", flat=True)
        return cls(
            user_id=membership.user_id,
            name=membership.user.display_name,
            membership_id=membership.pk,
            organisation_id=organisation.pk,
            organisation_code=organisation.code,
            organisation_name=organisation.name,
            organisation_kind=organisation.kind,
            organisation_path=organisation.path,
            role=membership.role,
            regions=regions_of(organisation.kind, organisation.region_id),
            subject_id=organisation.subject_id if organisation.kind == "firm" else None,
            restricted=frozenset(restricted) | frozenset(policy().operations_off),
        )

    @classmethod
    def platform(cls) -> Actor:
        """The platform's own jobs: loading a city's overlay, refreshing facts."""
        return cls(
            user_id=None,
            name="平台",
            membership_id=None,
            organisation_id=None,
            organisation_code="platform",
            organisation_name="平台",
            organisation_kind="platform",
            organisation_path="/",
            role=PLATFORM_ROLE,
            regions=frozenset(),
        )

    @property
    def is_platform(self) -> bool:
        """Whether the platform itself acts."""
        return self.role == PLATFORM_ROLE

    @property
    def sees_city(self) -> bool:
        """Whether the whole city's business, not one district's, is this actor's."""
        return self.organisation_kind in CITY_WIDE and not self.role.startswith("admin.")

    @property
    def sees_district(self) -> bool:
        """Whether one district's business is this actor's (专班、镇街)."""
        return self.organisation_kind in {"district_taskforce", "street"}

    @property
    def is_institution(self) -> bool:
        """Whether it acts for a financial institution."""
        return self.role.startswith("institution.")

    @property
    def is_firm(self) -> bool:
        """Whether it acts for a firm."""
        return self.role.startswith("firm.")


def regions_of(kind: str, region_code: str | None) -> frozenset[str]:
    """The districts an organisation of that kind and seat may see."""
    from jinmai.foundation.kernel.organisations.models import Region

    if kind in CITY_WIDE:
        return frozenset(Region.objects.exclude(kind="city").values_list("code", flat=True))
    return frozenset({region_code} if region_code else ())
