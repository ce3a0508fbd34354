"""Intake's place in Django."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """Sources, imports, receipts."""

    name = "jinmai.foundation.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "数据接入"

    def ready(self) -> None:
        """Declare the fact tables that sources land in, and the long work of intake."""
        from jinmai.foundation.intake import facts, jobs  # noqa: F401 – declares its kinds

        facts.declare_tables()
