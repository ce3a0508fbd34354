"""String foreign keys cross rooms without an import, so import-linter can't see them: the model registry can."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from .house import may_know, room_of


def breaches(registry: Iterable[type[models.Model]]) -> list[str]:
    """Relations that point from a lower room to a higher one."""
    found = []
    for model in registry:
        if room_of(model.__module__) is None:
            continue
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many, *model._meta.private_fields):
            target = field.remote_field.model if getattr(field, "remote_field", None) else None
            if isinstance(target, type) and not may_know(model.__module__, target.__module__):
                found.append(f"{model._meta.label}.{field.name} → {target._meta.label}")
    return found


def test_foreign_keys_point_down():
    assert breaches(apps.get_models(include_auto_created=True)) == []


def test_registry_holds_the_rooms():
    """Guards against an empty look: the rooms that own nouns are in the registry."""
    seen = {room_of(model.__module__) for model in apps.get_models()}
    assert {"jinmai.foundation.kernel", "jinmai.desks.financing"} <= seen


@isolate_apps("jinmai.foundation.kernel", "jinmai.desks.financing")
def test_control_a_key_that_points_up_is_found():
    class Order(models.Model):
        __module__ = "jinmai.desks.financing.models"

        class Meta:
            app_label = "financing"

    class Reminder(models.Model):
        __module__ = "jinmai.foundation.kernel.work.models"
        order = models.ForeignKey("financing.Order", on_delete=models.CASCADE)
        watched = models.ManyToManyField("financing.Order", related_name="watched")

        class Meta:
            app_label = "kernel"

    assert breaches([Order, Reminder]) == [
        "kernel.Reminder.order → financing.Order",
        "kernel.Reminder.watched → financing.Order",
    ]
