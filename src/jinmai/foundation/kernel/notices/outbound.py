"""The way out (外发): channels behind one interface. What ships is a stand-in that writes to the home's log.

A city puts its own channel in place with ``register_channel``; the interface gets an address, a fixed sentence and a
key under which the receiver may drop a repeat, never a notice.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from typing import Any

from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home


class OutboundChannel(ABC):
    """One way to reach a person outside the platform."""

    name: str
    label: Any
    #: What an address is called here.
    address_label: Any

    @abstractmethod
    def send(self, to: str, text: str, *, key: str) -> None:
        """Hand one message over; raises when that failed. ``key`` is the same for each repeat of a message."""


class FileChannel(OutboundChannel):
    """The stand-in: one JSON line a message in ``log/outbox-NAME.jsonl`` of the home."""

    def send(self, to: str, text: str, *, key: str) -> None:
        """Append the message; on disk when this returns."""
        line = {"at": Clock.true_now().isoformat(), "key": key, "to": to, "text": text}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(current_home().log / f"outbox-{self.name}.jsonl", flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())


class SmsStandIn(FileChannel):
    """短信."""

    name = "sms"
    label = _("短信")
    address_label = _("手机号")


class DingTalkStandIn(FileChannel):
    """政务钉钉."""

    name = "dingtalk"
    label = _("政务钉钉")
    address_label = _("政务钉钉账号")


_channels: dict[str, OutboundChannel] = {}


def register_channel(channel: OutboundChannel) -> OutboundChannel:
    """Put a channel in place of the one of that name; returns the former, or the channel itself."""
    former = _channels.get(channel.name, channel)
    _channels[channel.name] = channel
    return former


def channels() -> dict[str, OutboundChannel]:
    """Every channel by name."""
    return dict(_channels)


register_channel(SmsStandIn())
register_channel(DingTalkStandIn())
