"""The facts' place in Django."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Batches, manifests, measures and the read door."""

    name = "jinmai.foundation.analytics"
    label = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "事实与指标"
