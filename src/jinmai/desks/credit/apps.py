"""The desk's place in Django and its measures."""

from django.apps import AppConfig


class CreditConfig(AppConfig):
    """企业征信."""

    name = "jinmai.desks.credit"
    label = "credit"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "企业征信"

    def ready(self) -> None:
        """Declare the measures, refuse a sheet that names one nobody declared, and offer the sheet on a firm's page."""
        from jinmai.desks.credit import basis, facts, groups, links, papers, records
        from jinmai.desks.credit import jobs as _jobs  # noqa: F401
        from jinmai.foundation import analytics

        facts.declare()
        analytics.require_declared(groups.measure_fields(), by="credit")
        records.require_known()
        papers.declare()
        links.declare()
        basis.declare()
