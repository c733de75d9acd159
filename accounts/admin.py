"""People in the moderators' site. Nobody is deleted: accounts are closed, their records stay."""

from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User, UserStats
from accounts.selectors import is_last_administrator, with_verified_email
from accounts.services import deactivate_account, enrol, reactivate_account, remove_second_factors
from marketplace.exceptions import DomainError
from marketplace.forms import LineField, TextField

admin.site.unregister([EmailAddress, UserSession, Authenticator])


class NewPersonForm(AdminUserCreationForm):
    full_name = LineField(label=_("Full name"), max_length=120)

    class Meta:
        model = User
        fields = ("email", "full_name", "time_zone")
        field_classes: dict[str, type] = {}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class PersonForm(UserChangeForm):
    full_name = LineField(label=_("Full name"), max_length=120)
    bio = TextField(label=_("Bio"), max_length=4000, required=False)
    forget_factors = forms.BooleanField(
        label=_("Remove all second factors"),
        required=False,
        help_text=_("For somebody who lost phone, keys and recovery codes, and proved to you who they are. Ends their sessions."),
    )

    class Meta:
        model = User
        fields = (
            "full_name",
            "handle",
            "bio",
            "time_zone",
            "is_active",
            "is_staff",
            "is_superuser",
            "groups",
            "user_permissions",
        )
        field_classes: dict[str, type] = {}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        needed = [name for name in ("is_active", "is_staff", "is_superuser") if name in self.fields and not data.get(name)]
        if needed and is_last_administrator(self.instance):
            raise ValidationError(_("This is the only administrator. Make somebody else an administrator first."), code="last")
        return data


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    form = PersonForm
    add_form = NewPersonForm
    add_form_template = None
    actions = None
    list_display = ("email", "full_name", "handle", "has_verified_email", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups", "created_at")
    search_fields = ("email", "full_name", "handle")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    filter_horizontal = ()
    readonly_fields = ("email", "has_verified_email", "second_factors", "counters", "created_at", "updated_at", "last_login")
    fieldsets = (
        (_("Sign-in"), {"fields": ("email", "has_verified_email", "password", "second_factors", "forget_factors")}),
        (_("Public page"), {"fields": ("full_name", "handle", "bio", "time_zone")}),
        (_("What they may do"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Record"), {"fields": ("counters", "created_at", "updated_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "full_name", "time_zone", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return with_verified_email(super().get_queryset(request))

    @admin.display(description=_("e-mail proven"), boolean=True)
    def has_verified_email(self, person: User) -> bool:
        return bool(getattr(person, "email_verified", False))

    @admin.display(description=_("second factors"))
    def second_factors(self, person: User) -> str:
        factors = Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.RECOVERY_CODES)
        return ", ".join(str(factor.get_type_display()) for factor in factors) or gettext("none")

    @admin.display(description=_("orders and ratings"))
    def counters(self, person: User) -> str:
        stats = UserStats.objects.filter(user=person).first() or UserStats(user=person)
        return gettext("%(orders)d completed orders, %(sold)d ratings as a freelancer, %(bought)d as a client") % {
            "orders": stats.orders_completed,
            "sold": stats.rating_count,
            "bought": stats.client_rating_count,
        }

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "user_permissions":
            ours = [app.label for app in apps.get_app_configs() if not app.name.startswith(("django.", "allauth."))]
            options["queryset"] = Permission.objects.filter(content_type__app_label__in=ours).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **options)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or request.user.is_superuser:
            return fieldsets
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "forget_factors"]})
            for title, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        if request.user.is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "is_active", "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj and obj.is_staff and obj.pk != request.user.pk and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        if not change:
            enrol(user=obj)
            return
        wanted = obj.is_active
        obj.is_active = bool(form.initial.get("is_active", wanted))
        super().save_model(request, obj, form, change)
        actor = cast(User, request.user)
        try:
            if wanted != obj.is_active:
                switch = reactivate_account if wanted else deactivate_account
                switch(actor=actor, user=obj)
            if form.cleaned_data.get("forget_factors"):
                remove_second_factors(actor=actor, user=obj)
        except DomainError as refusal:
            messages.error(request, gettext("Not everything was done: %(why)s") % {"why": refusal.message})
