"""What the frame around every page shows (页框): platform, navigation, tasks, person and posts."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from jinmai.foundation.kernel.access.actor import Actor
from jinmai.foundation.kernel.access.permissions import role_label
from jinmai.foundation.kernel.access.session import actor_of
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.home import current_home
from jinmai.foundation.kernel.notices.actions import unread_of
from jinmai.foundation.kernel.work.tasks import tasks_for
from jinmai.site import navigation


@cache
def platform_name(home_id: str) -> str:
    """The platform's name: ``platform`` in the city's ``city.yaml``, else made from the city's name."""
    from jinmai.foundation.kernel.organisations.models import Region

    declared = current_home().city.read("city.yaml") or {}
    if "platform" in declared:
        return str(declared["platform"])
    city = Region.objects.filter(kind="city").first()
    return _("%(city)s地方金融综合服务平台") % {"city": city.name if city else ""}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``frame`` for ``ui/base.html``."""
    home = current_home()
    shown: dict[str, Any] = {
        "platform_name": platform_name(home.home_id),
        "is_demo": home.profile == "demo",
        "home_url": "/",
        "language_url": reverse("site:language"),
    }
    actor = actor_of(request) if hasattr(request, "user") else None
    if actor is not None:
        shown |= _personal(request, actor)
    return {"frame": shown}


def _personal(request: HttpRequest, actor: Actor) -> dict[str, Any]:
    known = getattr(request, "posts", None)  # whoever asked for the actor has read them
    posts = list(request.user.live_memberships(Clock.today())) if known is None else known
    return {
        "actor": {
            "name": actor.name,
            "organisation_name": actor.organisation_name,
            "role_label": _(role_label(actor.role)),
        },
        "memberships": [_post(post, actor) for post in posts] if len(posts) > 1 else [],
        "navigation": navigation.items_for(actor, request.path),
        "task_count": tasks_for(actor).count(),
        "tasks_url": reverse("site:tasks"),
        "notice_count": unread_of(actor),
        "notices_url": reverse("site:notice_list"),
        "delegations_url": reverse("site:delegations"),
        "jobs_url": reverse("site:job_list"),
        "search_url": reverse("site:search"),
        "search_hint": _("搜产品、机构、对接单") if actor.is_firm else _("搜企业、机构、信用代码、案号"),
        "query": request.GET.get("q", "") if request.path == reverse("site:search") else "",
        "switch_url": reverse("site:switch"),
        "logout_url": reverse("site:logout"),
        "password_url": reverse("site:password"),
        "security_url": reverse("site:security"),
    }


def _post(post: Any, actor: Actor) -> dict[str, Any]:
    return {
        "id": post.pk,
        "organisation": post.organisation.name,
        "role_label": _(post.role_label) + (_("（受托）") if post.delegated_from_id else ""),
        "current": post.pk == actor.membership_id,
    }
