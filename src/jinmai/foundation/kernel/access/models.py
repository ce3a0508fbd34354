"""Accounts, memberships, and what the city has narrowed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from jinmai.foundation.kernel.clock import Clock
from jinmai.foundation.kernel.ids import new_id
from jinmai.foundation.kernel.organisations.models import Organisation

if TYPE_CHECKING:
    from jinmai.foundation.kernel.access.actor import Actor

class UserManager(BaseUserManager["User"]):
    """Finds accounts by username."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser):
    """An account (账号): a person who signs in; there is no superuser."""

    username = models.CharField(max_length=40, unique=True)
    display_name = models.CharField(max_length=40)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=Clock.now)
    password_set_at = models.DateTimeField(null=True, blank=True)
    must_change_password = models.BooleanField(default=False)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["display_name"]
    objects = UserManager()

    class Meta:
        app_label = "kernel"

    def __str__(self) -> str:
        return self.display_name

    def live_memberships(self, on: date) -> models.QuerySet[Membership]:
        """The memberships this account may act under on a day, oldest first."""
        return (
            Membership.objects.live(on)
            .filter(user=self)
            .select_related("user", "organisation__region", "organisation__subject")
            .order_by("pk")
        )


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Filters over memberships."""

    def live(self, on: date) -> MembershipQuerySet:
        """Those in force on a day, of accounts and organisations that are active."""
        return self.filter(
            Q(since__isnull=True) | Q(since__lte=on),
            Q(until__isnull=True) | Q(until__gte=on),
            Q(delegated_from__isnull=True) | Q(delegated_from__active=True, delegated_from__user__is_active=True),
            active=True,
            user__is_active=True,
            organisation__active=True,
        )


class Membership(models.Model):
    """A person's post (岗位): one role in one organisation, from and until a day."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=40)
    active = models.BooleanField(default=True)
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    #: The post this one was lent from (委托), until its last day.
    delegated_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="delegations"
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["user", "organisation", "role"], name="membership_unique")]

    @property
    def role_label(self) -> str:
        """The role's name on the screen."""
        from jinmai.foundation.kernel.access.permissions import role_label

        return role_label(self.role)


class Restriction(models.Model):
    """The city took an operation from a role (收窄): the ceiling of ``permissions.yaml`` can only be lowered here."""

    operation = models.CharField(max_length=80)
    role = models.CharField(max_length=40)
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["operation", "role"], name="restriction_unique")]


class IdempotencyKey(models.Model):
    """A creating request that was carried out: the same key gives the same answer."""

    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT)
    key = models.CharField(max_length=255)
    operation = models.CharField(max_length=80)
    body_digest = models.CharField(max_length=64)
    object_ref = models.CharField(max_length=120)
    #: What the API answered, given again to a repeat; empty for a form.
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["organisation", "key"], name="idempotency_key_unique")]


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Filters over keys."""

    def visible_to(self, actor: Actor) -> ApiKeyQuerySet:
        """All of them to the system's and the security administrator; to everybody else those of the own organisation."""
        if actor.role in {"admin.system", "admin.security"} or actor.is_platform:
            return self
        return self.filter(membership__organisation_id=actor.organisation_id)

    def end(self) -> int:
        """Revoke those that weren't (停用), for good: a post that is given again starts without keys."""
        return self.filter(revoked_at__isnull=True).update(revoked_at=Clock.now())


class ApiKey(models.Model):
    """A key (接口密钥) under which an institution's own system acts as one of its posts; the secret is kept as a digest."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="api_keys")
    label = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    secret_digest = models.CharField(max_length=64)
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=Clock.now)
    expires_on = models.DateField()
    #: Names of the operations it is narrowed to; empty: all that the post may do.
    operations = models.JSONField(default=list, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        app_label = "kernel"
        ordering = ["-created_at"]


class LoginIdentity(models.Model):
    """Who an account is to an outside login (外部登录身份): the provider's own id of the person or firm."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="identities")
    provider = models.SlugField(max_length=32)
    external_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["provider", "external_id"], name="login_identity_unique")]


class PasskeyCredential(models.Model):
    """A passkey or security key (通行密钥) of an account; only its public half is kept."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="passkeys")
    credential_id = models.CharField(max_length=512, unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    label = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=Clock.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "kernel"


class PasswordRecord(models.Model):
    """A password an account had before, hashed (历史口令): so that it isn't chosen again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_passwords")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=Clock.now)

    class Meta:
        app_label = "kernel"


class FactorReset(models.Model):
    """A lost second factor (重置第二因素申请): one administrator asks, another takes it away."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="factor_resets")
    reason = models.CharField(max_length=200)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=Clock.now)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "kernel"


class RateWindow(models.Model):
    """How often something was asked within one window of time (限流窗口), counted across all workers."""

    key = models.CharField(max_length=200)
    window = models.BigIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "kernel"
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="rate_window_unique")]
