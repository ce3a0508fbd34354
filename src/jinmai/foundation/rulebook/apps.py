"""The Django app of the rulebook."""

from __future__ import annotations

from django.apps import AppConfig


class RulebookConfig(AppConfig):
    """The rulebook: rules are files; the one table keeps where they were used."""

    name = "jinmai.foundation.rulebook"
    label = "rulebook"
    verbose_name = "规则库"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A faulty rule stops start-up with one clear sentence."""
        from jinmai.foundation.rulebook.book import load_rules

        load_rules()
