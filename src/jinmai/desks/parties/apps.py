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
        from jinmai.desks.parties import basis, facts

        facts.declare()
        basis.declare()

    def load_city(self, city: City) -> None:
        """The city's institutions with their branches."""
        from jinmai.desks.parties.overlay import load

        load(city)
