"""The Django app of the rulebook."""

from __future__ import annotations

from django.apps import AppConfig


class RulebookConfig(AppConfig):
    """The rulebook: rules are files, so it has pages and no tables."""

    name = "jinmai.foundation.rulebook"
    label = "rulebook"
    verbose_name = "规则库"

    def ready(self) -> None:
        """A faulty rule stops start-up with one clear sentence."""
        from jinmai.foundation.rulebook.book import load_rules

        load_rules()
