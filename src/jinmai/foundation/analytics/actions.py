"""Verbs on batches."""

from __future__ import annotations

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.action import action
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.errors import Refusal

from .models import Batch, Tombstone


@action("analytics.withdraw_batch")
def withdraw_batch(actor: Actor, batch: Batch, *, reason: str) -> Batch:
    """Undo an import (撤回批次): later manifests leave the batch out, earlier ones still read it and say 批次已撤回. Rows
    that later batches share with it count again from those.

    Refuses with JM-ANA-001 a batch already withdrawn, JM-ANA-002 without a reason.
    """
    if not reason.strip():
        raise Refusal("JM-ANA-002", "撤回批次要写明原因", "请填写原因后再提交")
    _, first = Tombstone.objects.get_or_create(
        batch=Batch.objects.select_for_update().get(pk=batch.pk),
        defaults={"at": Clock.now(), "by": actor.name, "reason": reason.strip()[:200]},
    )
    if not first:
        raise Refusal("JM-ANA-001", "这个批次已经撤回", "无需再次撤回")
    return Batch.objects.get(pk=batch.pk)
