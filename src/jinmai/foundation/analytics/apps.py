"""The facts' place in Django."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Batches, manifests, measures and the read door."""

    name = "jinmai.foundation.analytics"
    label = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "事实与指标"

    def ready(self) -> None:
        """Declare the room's verbs and long work."""
        from jinmai.foundation.analytics import jobs as _jobs  # noqa: F401
