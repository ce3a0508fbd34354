"""The kernel's place in Django, and its share of the city's overlay."""

from django.apps import AppConfig

from jinmai.foundation.kernel.city import City


class KernelConfig(AppConfig):
    """Subjects, organisations, access, audit, consent and work."""

    name = "jinmai.foundation.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "内核"

    def ready(self) -> None:
        """Declare the kernel's own verbs."""
        from jinmai.foundation.kernel.access import actions as _access  # noqa: F401
        from jinmai.foundation.kernel.consent import actions as _consent  # noqa: F401
        from jinmai.foundation.kernel.documents import jobs as _documents  # noqa: F401
        from jinmai.foundation.kernel.jobs import queue as _jobs  # noqa: F401
        from jinmai.foundation.kernel.organisations import actions as _organisations  # noqa: F401
        from jinmai.foundation.kernel.subjects import actions as _subjects  # noqa: F401

    def load_city(self, city: City) -> None:
        """Regions, organisations and leading offices of the city."""
        from jinmai.foundation.kernel.organisations.overlay import load

        load(city)
