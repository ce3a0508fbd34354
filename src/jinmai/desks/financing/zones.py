"""The noun of zones (金融专区): whom one is for, its products, and the figures it is judged by."""

from __future__ import annotations

from django.db import models


class Zone(models.Model):
    """A zone of the city's platform, from its overlay: products by code, figures as declared there."""

    code = models.SlugField(primary_key=True, max_length=32)
    name = models.CharField(max_length=40)
    who = models.CharField(max_length=120)
    products = models.JSONField(default=list)
    figures = models.JSONField(default=list)
    place = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=16, default="example")

    class Meta:
        ordering = ["place", "code"]

    def __str__(self) -> str:
        return self.name
