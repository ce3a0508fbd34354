"""Intake's place in Django."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """Sources, imports, receipts."""

    name = "jinmai.foundation.intake"
    label = "intake"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "数据接入"

    def ready(self) -> None:
        """Declare the fact tables that sources land in."""
        from jinmai.foundation.intake import facts

        facts.declare_tables()
