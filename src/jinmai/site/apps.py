"""The site's place in Django."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Settings, addresses, login, and the pages every role shares."""

    name = "jinmai.site"
    label = "site"
    verbose_name = "平台"

    def ready(self) -> None:
        """Declare the site's own verbs."""
        from jinmai.site import actions as _actions  # noqa: F401
