"""The desk's place in Django, and its share of the city's overlay."""

from django.apps import AppConfig

from jinmai.foundation.kernel.city import City


class FinancingConfig(AppConfig):
    """融资对接."""

    name = "jinmai.desks.financing"
    label = "financing"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "融资对接"

    def ready(self) -> None:
        """Declare fact tables, measures and what a search may find."""
        from jinmai.desks.financing import basis, facts, papers
        from jinmai.desks.financing import jobs as _jobs  # noqa: F401

        facts.declare()
        papers.declare()
        basis.declare()

    def load_city(self, city: City) -> None:
        """The city's products and coded reasons."""
        from jinmai.desks.financing.overlay import load

        load(city)
