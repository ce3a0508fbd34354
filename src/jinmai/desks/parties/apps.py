"""The desk's place in Django, its facts, and its share of the city's overlay."""

from django.apps import AppConfig

from jinmai.foundation.kernel.city import City


class PartiesConfig(AppConfig):
    """企业与机构."""

    name = "jinmai.desks.parties"
    label = "parties"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "企业与机构"

    def ready(self) -> None:
        """Declare facts and measures, and what the search box finds."""
        from django.urls import reverse
        from django.utils.translation import gettext_lazy as _

        from jinmai.desks.parties import basis, facts, links

        facts.declare()
        basis.declare()
        links.offer(
            links.FirmLink(
                "parties.view_ownership",
                _("股权与控制"),
                "arrows-exchange",
                lambda firm: reverse("parties:ownership", args=[firm.pk]),
            )
        )

    def load_city(self, city: City) -> None:
        """The city's institutions with their branches."""
        from jinmai.desks.parties.overlay import load

        load(city)
