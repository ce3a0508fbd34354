"""The site's place in Django."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Settings, addresses, login, and the pages every role shares."""

    name = "jinmai.site"
    label = "site"
    verbose_name = "平台"
