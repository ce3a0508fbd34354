"""Who acts in the example city: the cast, an accountant for each firm, staff for each institution that lends."""

from __future__ import annotations

import random
import secrets
from functools import cached_property

from jinmai.foundation.kernel.access.actions import appoint, register_user
from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.city import City
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.site.demo.firms import SEED

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 10


class People:
    """Actors by organisation and role; an account is opened when it is first needed.

    Only the cast gets passwords; everybody else's account cannot sign in.
    """

    def __init__(self, city: City) -> None:
        self.city = city
        self.chance = random.Random(SEED)
        self.platform = Actor.platform()
        self.opened: list[tuple[str, str, str]] = []
        self._actors: dict[tuple[str, str], Actor] = {}

    @cached_property
    def words(self) -> dict[str, list[str]]:
        """Surnames and given names."""
        declared = self.city.read("firms.yaml")
        return {"surnames": declared["surnames"], "given": declared["given"]}

    def open_cast(self) -> list[tuple[str, str, str]]:
        """Open the accounts of those whose organisation stands; username, name and password of all opened so far."""
        for row in self.city.read("cast.yaml"):
            organisation = Organisation.objects.filter(code=row["organisation"]).first()
            if organisation is None or row["username"] in {username for username, _name, _password in self.opened}:
                continue
            password = "".join(secrets.choice(ALPHABET) for _turn in range(PASSWORD_LENGTH))
            user = register_user(self.platform, username=row["username"], display_name=row["name"], password=password)
            appoint(self.platform, user=user, organisation=organisation, role=row["role"])
            self.opened.append((row["username"], row["name"], password))
        return self.opened

    def acting(self, organisation: Organisation, role: str) -> Actor:
        """Who holds ``role`` in the organisation: the cast's member where there is one."""
        place = (organisation.code, role)
        if place not in self._actors:
            held = (
                Membership.objects.filter(organisation=organisation, role=role)
                .select_related("user", "organisation__region", "organisation__subject")
                .first()
            )
            self._actors[place] = Actor.of(held or self._appoint(organisation, role))
        return self._actors[place]

    def accountant(self, code: str) -> Actor:
        """The accountant of the firm with that organisation code."""
        return self.acting(Organisation.objects.get(code=code), "firm.accountant")

    def _appoint(self, organisation: Organisation, role: str) -> Membership:
        name = self.chance.choice(self.words["surnames"]) + self.chance.choice(self.words["given"])
        username = f"{organisation.code}.{role.rpartition('.')[2]}"[:40]
        user = User.objects.filter(username=username).first() or register_user(
            self.platform, username=username, display_name=name, password=None
        )
        appoint(self.platform, user=user, organisation=organisation, role=role)
        return Membership.objects.select_related("user", "organisation__region", "organisation__subject").get(
            user=user, organisation=organisation, role=role
        )
