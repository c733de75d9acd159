"""People in the moderators' site, and who changed what. Nobody is deleted: accounts are closed, their records stay."""

from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from auditlog.render import get_field_verbose_name
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, AuthSession, User, UserStats
from accounts.selectors import is_last_administrator, with_verified_email
from accounts.services import deactivate_account, enrol, reactivate_account, remove_second_factors
from accounts.services.oversight import end_for
from marketplace.exceptions import DomainError
from marketplace.forms import LineField, TextField
from marketplace.read_only import ReadOnly

admin.site.unregister([EmailAddress, UserSession, Authenticator, LogEntry])


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
            "tier",
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
    list_display = ("email", "full_name", "handle", "has_verified_email", "tier", "is_active", "is_staff", "created_at")
    list_filter = ("tier", "is_active", "is_staff", "is_superuser", "groups", "created_at")
    search_fields = ("email", "full_name", "handle")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    filter_horizontal = ()
    readonly_fields = ("email", "has_verified_email", "second_factors", "counters", "created_at", "updated_at", "last_login")
    fieldsets = (
        (_("Sign-in"), {"fields": ("email", "has_verified_email", "password", "second_factors", "forget_factors")}),
        (_("Public page"), {"fields": ("full_name", "handle", "bio", "time_zone")}),
        (_("What they may do"), {"fields": ("tier", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
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
        return (*self.readonly_fields, "tier", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")

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


# --- Programs -------------------------------------------------------------------------------------------------------
class ProgramAdmin(ReadOnly, admin.ModelAdmin):
    """What people's programs come in with: shown to administrators, who may end it."""

    actions = ["end"]
    list_filter = ("created_at", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    show_full_result_count = False

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    @admin.action(description=_("End the chosen ones"), permissions=["end"])
    def end(self, request: HttpRequest, rows: "QuerySet[Any]") -> None:
        for row in rows.select_related("user"):
            end_for(actor=cast(User, request.user), program=row)
            self.log_change(request, row, gettext("Ended."))
        messages.success(request, gettext("%(count)d ended.") % {"count": len(rows)})


@admin.register(AuthSession)
class AuthSessionAdmin(ProgramAdmin):
    list_display = ("user", "user_agent", "ip", "created_at", "last_used_at", "expires_at", "revoked_at", "end_reason")
    search_fields = ("user__email", "user__full_name", "user__handle", "user_agent", "=ip")
    fields = ("id", *list_display)


@admin.register(ApiKey)
class ApiKeyAdmin(ProgramAdmin):
    list_display = ("user", "name", "shown", "scopes", "created_at", "last_used_at", "revoked_at")
    search_fields = ("user__email", "user__full_name", "user__handle", "name", "prefix")
    fields = ("id", *list_display)


# --- The log --------------------------------------------------------------------------------------------------------
class TrackedModelFilter(admin.SimpleListFilter):
    title = _("kind of thing")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kinds = ContentType.objects.get_for_models(*auditlog.get_models()).values()
        return sorted(((str(kind.pk), capfirst(kind.name)) for kind in kinds), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        chosen = self.value()
        return queryset.filter(content_type=chosen) if chosen in dict(self.lookup_choices) else queryset


@admin.register(LogEntry)
class AuditAdmin(ReadOnly, admin.ModelAdmin):
    """Who changed what, when and from where. For people with the permission `auditlog.view_logentry`."""

    list_display = ("timestamp", "person", "action", "thing", "columns", "remote_addr")
    list_display_links = ("timestamp",)
    list_filter = ("action", TrackedModelFilter)
    list_select_related = ("actor", "content_type")
    search_fields = ("object_repr", "=object_pk", "actor__email", "actor__full_name", "actor__handle", "=remote_addr")
    search_help_text = _("Name, e-mail or handle of who changed it, what was changed, its number, or the address it came from")
    date_hierarchy = "timestamp"
    ordering = ("-timestamp", "-id")
    list_per_page = 50
    show_full_result_count = False
    fields = ("timestamp", "person", "remote_addr", "user_agent", "action", "thing", "object_pk", "values")

    @admin.display(description=_("by"), ordering="actor__full_name")
    def person(self, entry: LogEntry) -> str:
        if entry.actor is None:
            return gettext("nobody signed in") if entry.remote_addr else gettext("the site itself")
        return format_html('<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[entry.actor_id]), entry.actor)

    @admin.display(description=_("what"), ordering="object_repr")
    def thing(self, entry: LogEntry) -> str:
        name = f"{capfirst(entry.content_type.name)}: {entry.object_repr}"
        kind = entry.content_type
        try:
            return format_html(
                '<a href="{}">{}</a>', reverse(f"admin:{kind.app_label}_{kind.model}_change", args=[entry.object_pk]), name
            )
        except NoReverseMatch:  # second factors and e-mail addresses have no page of their own
            return name

    @admin.display(description=_("changed"))
    def columns(self, entry: LogEntry) -> str:
        return ", ".join(str(get_field_verbose_name(entry, column)) for column in entry.changes_dict)

    @admin.display(description=_("browser"))
    def user_agent(self, entry: LogEntry) -> str:
        return str((entry.additional_data or {}).get("user_agent", ""))

    @admin.display(description=_("from and to"))
    def values(self, entry: LogEntry) -> SafeString:
        lines = ((get_field_verbose_name(entry, column), _as_words(change)) for column, change in entry.changes_dict.items())
        return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", lines))


def _as_words(change: Any) -> str:
    """`old → new`, or what was given to and taken from a list such as a person's permissions."""
    if isinstance(change, dict):
        mark = "+" if change["operation"] == "add" else "\N{MINUS SIGN}"
        return "; ".join(f"{mark} {name}" for name in change["objects"])
    old, new = change
    return f"{old} → {new}"
