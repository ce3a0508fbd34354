"""The interface's place in Django."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Templates, stylesheet, list, form and tags."""

    name = "jinmai.foundation.ui"
    label = "ui"
    verbose_name = "界面"

    def ready(self) -> None:
        """Declare what lists let their readers do."""
        from jinmai.foundation.ui import actions  # noqa: F401 - declares the verbs
