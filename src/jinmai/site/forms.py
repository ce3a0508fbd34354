"""The site's forms: signing in, passwords, accounts and posts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access.models import User
from jinmai.foundation.kernel.access.permissions import role_label, roles
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.forms import Form


def new_password(**kwargs: Any) -> forms.CharField:
    """A field for a password that is being chosen."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(widget=widget, max_length=128, strip=False, **kwargs)


def refuse_weak(password: str, user: User | None = None) -> None:
    """Refuse a password that is short, common or like the account's name, in one sentence of ours."""
    try:
        validate_password(password, user)
    except ValidationError:
        raise ValidationError(_("口令太弱：至少 10 位，不与账号相近，不用常见口令")) from None


class SignInForm(Form):
    """Account and password."""

    username = forms.CharField(
        label=_("账号"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("口令"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(Form):
    """The password in force and the new one, twice."""

    current = forms.CharField(
        label=_("现口令"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = new_password(label=_("新口令"), help_text=_("至少 10 位，不与账号相近，不用常见口令"))
    again = new_password(label=_("再输一次新口令"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Both new ones alike, and strong enough."""
        typed = super().clean() or {}
        password = typed.get("password")
        if password and password != typed.get("again"):
            self.add_error("again", _("两次输入的新口令不一致"))
        elif password:
            try:
                refuse_weak(password, self.user)
            except ValidationError as weak:
                self.add_error("password", weak)
        return typed


class AccountForm(Form):
    """A new account; its posts are given by the security administrator."""

    username = forms.SlugField(
        label=_("账号"),
        max_length=40,
        help_text=_("字母、数字与连字符，如姓名拼音"),
        error_messages={"invalid": _("只能用字母、数字、连字符和下划线")},
    )
    display_name = forms.CharField(label=_("姓名"), max_length=40)
    password = new_password(label=_("初始口令"), help_text=_("至少 10 位；请本人首次登录后修改"))

    def clean_password(self) -> str:
        """Strong enough for a first password."""
        password = self.cleaned_data["password"]
        refuse_weak(password)
        return password


class PostForm(Form):
    """A post for an account: which organisation, which role, since when."""

    organisation = forms.ModelChoiceField(
        label=_("单位"),
        queryset=Organisation.objects.filter(active=True),
        to_field_name="code",
        widget=forms.Select(attrs={"data-search": "1"}),
        empty_label=_("请选择"),
    )
    role = forms.ChoiceField(label=_("角色"))
    since = forms.DateField(label=_("自何日起"), required=False, widget=forms.DateInput, help_text=_("不填则即日生效"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = [role for role in roles() if not role.startswith("system.")]
        self.fields["role"].choices = [("", _("请选择")), *((role, role_label(role)) for role in given)]
