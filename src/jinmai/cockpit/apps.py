"""The cockpit's place in Django."""

from django.apps import AppConfig


class CockpitConfig(AppConfig):
    """Pages over measures only."""

    name = "jinmai.cockpit"
    label = "cockpit"
    verbose_name = "驾驶舱"

    def ready(self) -> None:
        """A measure that a panel names and nobody declared stops start-up."""
        from jinmai.cockpit.panels import named_measures
        from jinmai.foundation import analytics

        analytics.require_declared(named_measures(), "cockpit/panels.yaml")
