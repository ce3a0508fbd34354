"""Notices and the messages that carry them outside."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.models import Membership, User
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Filters over notices."""

    def visible_to(self, actor: Actor) -> NoticeQuerySet:
        """Those of the actor's own post."""
        return self.filter(membership_id=actor.membership_id)


class Notice(models.Model):
    """Something a person under one post should know (站内通知)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="notices")
    kind = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    body = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=200, blank=True)
    subject_ref = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=Clock.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        app_label = "kernel"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["membership", "read_at", "created_at"])]


class OutboundMessage(models.Model):
    """A message on its way outside (外发消息: 短信、政务钉钉): a template's name and a count, never a name or an amount."""

    class State(models.TextChoices):
        WAITING = "waiting", _("待发")
        SENT = "sent", _("已发")
        FAILED = "failed", _("发送失败")
        DROPPED = "dropped", _("不再发送")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    channel = models.SlugField(max_length=32)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="outbound_messages")
    notice = models.ForeignKey(Notice, null=True, blank=True, on_delete=models.PROTECT, related_name="messages")
    template = models.SlugField(max_length=64)
    text = models.CharField(max_length=300)
    not_before = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=Clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "kernel"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "not_before"])]


class ContactAddress(models.Model):
    """Where a person is reached outside (联系方式): an address for one channel, kept by the person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="contact_addresses")
    channel = models.SlugField(max_length=32)
    address = models.CharField(max_length=64)

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["user", "channel"], name="contact_address_unique")]


class ChannelChoice(models.Model):
    """Whether a person wants a kind of notice by a channel (外发设置); where nothing was chosen, the city's rule counts."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="channel_choices")
    kind = models.SlugField(max_length=64)
    channel = models.SlugField(max_length=32)
    wanted = models.BooleanField()

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["user", "kind", "channel"], name="channel_choice_unique")]
