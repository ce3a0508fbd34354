"""The site's forms: signing in, passwords, accounts and posts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from jinmai.foundation.kernel.access import logins, passwords
from jinmai.foundation.kernel.access.permissions import role_label, roles
from jinmai.foundation.kernel.access.policy import policy
from jinmai.foundation.kernel.organisations.models import Organisation
from jinmai.foundation.ui.forms import Form


def new_password(**kwargs: Any) -> forms.CharField:
    """A field for a password that is being chosen."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(widget=widget, max_length=128, strip=False, **kwargs)


def lazy_demands() -> str:
    """What the profile asks of a password, when the form is drawn."""
    return passwords.demands(policy())


DEMANDS = lazy(lazy_demands, str)()


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
    password = new_password(label=_("新口令"), help_text=DEMANDS)
    again = new_password(label=_("再输一次新口令"))

    def clean(self) -> dict[str, Any]:
        """Both new ones alike."""
        return same_twice(self)


class NewPasswordForm(Form):
    """A new password, twice."""

    password = new_password(label=_("新口令"), help_text=DEMANDS)
    again = new_password(label=_("再输一次新口令"))

    def clean(self) -> dict[str, Any]:
        """Both alike."""
        return same_twice(self)


def same_twice(form: Form) -> dict[str, Any]:
    """Refuse two passwords that differ."""
    typed = form.cleaned_data
    if typed.get("password") and typed["password"] != typed.get("again"):
        form.add_error("again", _("两次输入的新口令不一致"))
    return typed


class CodeForm(Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        label=_("验证码"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
        help_text=_("验证器应用显示的 6 位数字；手机不在身边时，填一个备用恢复码"),
    )


class AppCodeForm(Form):
    """The first code of an app that is being set up."""

    code = forms.CharField(
        label=_("验证器应用显示的 6 位数字"),
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )


class ProofForm(Form):
    """Password or code, to prove again who one is."""

    proof = forms.CharField(
        label=_("口令或验证码"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class ReasonForm(Form):
    """Why, in a sentence."""

    reason = forms.CharField(label=_("事由"), max_length=200, help_text=_("如何核实本人身份，例如：本人持身份证到场"))


class IdentityForm(Form):
    """An account's id at an outside login."""

    provider = forms.ChoiceField(label=_("登录方式"))
    external_id = forms.CharField(label=_("身份标识"), max_length=255, help_text=_("对方系统给出的编号（sub），不是姓名或手机号"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["provider"].choices = [(one.name, one.label) for one in logins.outside()]


class AccountForm(Form):
    """A new account; its posts are given by the security administrator."""

    username = forms.SlugField(
        label=_("账号"),
        max_length=40,
        help_text=_("字母、数字与连字符，如姓名拼音"),
        error_messages={"invalid": _("只能用字母、数字、连字符和下划线")},
    )
    display_name = forms.CharField(label=_("姓名"), max_length=40)


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
