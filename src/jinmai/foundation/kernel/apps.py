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
        from jinmai.foundation.kernel.access import jobs as _access_jobs  # noqa: F401
        from jinmai.foundation.kernel.audit import jobs as _audit_jobs  # noqa: F401
        from jinmai.foundation.kernel.consent import actions as _consent  # noqa: F401
        from jinmai.foundation.kernel.documents import jobs as _documents  # noqa: F401
        from jinmai.foundation.kernel.jobs import queue as _jobs  # noqa: F401
        from jinmai.foundation.kernel.notices import actions as _notices  # noqa: F401
        from jinmai.foundation.kernel.notices import jobs as _notices_jobs  # noqa: F401
        from jinmai.foundation.kernel.organisations import actions as _organisations  # noqa: F401
        from jinmai.foundation.kernel.subjects import actions as _subjects  # noqa: F401
        from jinmai.foundation.kernel.work import delegations as _delegations  # noqa: F401
        from jinmai.foundation.kernel.work import jobs as _work_jobs  # noqa: F401
        from jinmai.foundation.kernel.work import posts as _posts  # noqa: F401

    def load_city(self, city: City) -> None:
        """Regions, organisations and leading offices of the city."""
        from jinmai.foundation.kernel.organisations.overlay import load

        load(city)
