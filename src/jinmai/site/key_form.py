"""The form that issues a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access.keys import LONGEST_DAYS
from jinmai.foundation.kernel.access.models import Membership
from jinmai.foundation.kernel.access.permissions import operations
from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.forms import CreatingForm
from jinmai.site.words import verb_words


class PostChoice(forms.ModelChoiceField):
    """A post by organisation, person and role."""

    def label_from_instance(self, post: Membership) -> str:
        return f"{post.organisation.name} · {post.user.display_name} · {_now(post.role_label)}"


def narrowable() -> list[tuple[str, str]]:
    """The API's operations that some post of an institution holds."""
    from jinmai.site.api import api
    from jinmai.site.api_document import operations_of

    names = {operation.view_func.operation for _place, operation in operations_of(api)}
    held = [
        name
        for name in sorted(names)
        if any(role.startswith("institution.") for role in operations()[name].roles)
    ]
    return [(name, verb_words(name)) for name in held]


class KeyForm(CreatingForm):
    """For which post, what for, until when, and whether for some operations only."""

    membership = PostChoice(
        label=_("岗位"),
        queryset=Membership.objects.none(),
        widget=forms.Select(attrs={"data-search": "1"}),
        empty_label=_("请选择"),
        help_text=_("密钥以这个岗位的名义办事；岗位免去，密钥随即失效"),
    )
    label = forms.CharField(label=_("用途"), max_length=80, help_text=_("给哪个系统用，如“信贷系统对接”"))
    expires_on = forms.DateField(label=_("到期日"), widget=forms.DateInput, help_text=_("最长一年"))
    operations = forms.MultipleChoiceField(
        label=_("只限这些操作"),
        required=False,
        widget=forms.SelectMultiple(attrs={"data-search": "1", "size": "8"}),
        help_text=_("不选则该岗位能办的都可以"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posts = Membership.objects.live(Clock.today()).filter(organisation__kind__in=Organisation.FINANCIAL)
        self.fields["membership"].queryset = posts.select_related("user", "organisation").order_by(
            "organisation__name", "role"
        )
        self.fields["operations"].choices = narrowable()
        self.fields["expires_on"].initial = Clock.today() + timedelta(days=LONGEST_DAYS // 2)
