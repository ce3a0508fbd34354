"""The interface's place in Django."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Templates, stylesheet, list, form and tags."""

    name = "jinmai.foundation.ui"
    label = "ui"
    verbose_name = "界面"

    def ready(self) -> None:
        """Declare what lists let their readers do; refusals speak the reader's language."""
        from django.utils.translation import gettext

        from jinmai.foundation.kernel.errors import speak_through

        speak_through(gettext)
        from jinmai.foundation.ui import actions  # noqa: F401 - declares the verbs
