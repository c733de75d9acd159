"""What people were told and which mail went out: to read, and to try a given-up mail again. Nothing is added or deleted here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from marketplace.read_only import ReadOnly
from messaging.models import MailOptOut, Notification, OutgoingMail
from messaging.services import retry_mail


@admin.register(Notification)
class NotificationAdmin(ReadOnly, admin.ModelAdmin):
    show_full_result_count = False
    list_display = ["subject", "user", "kind", "severity", "created_at", "read_at"]
    list_filter = ["severity", "kind"]
    list_select_related = ["user"]
    search_fields = ["user__email", "subject"]
    date_hierarchy = "created_at"


class MailState(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("Waiting")), ("sent", _("Sent")), ("given-up", _("Given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> QuerySet[OutgoingMail]:
        match self.value():
            case "waiting":
                return queryset.filter(next_attempt_at__isnull=False)
            case "sent":
                return queryset.filter(sent_at__isnull=False)
            case "given-up":
                return queryset.filter(sent_at__isnull=True, next_attempt_at__isnull=True)
        return queryset


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnly, admin.ModelAdmin):
    show_full_result_count = False
    list_display = ["recipient", "subject", "attempts", "next_attempt_at", "sent_at", "last_error"]
    list_filter = [MailState]
    search_fields = ["recipient", "subject"]
    fields = ["recipient", "subject", "text", "attempts", "next_attempt_at", "sent_at", "last_error", "created_at"]
    actions = ["try_again"]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("messaging.change_outgoingmail")

    @admin.action(description=_("Try given-up mail again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        count = retry_mail(mail_ids=list(queryset.values_list("pk", flat=True)))
        said = ngettext("%(count)d mail will be tried again.", "%(count)d mails will be tried again.", count)
        self.message_user(request, said % {"count": count}, messages.SUCCESS if count else messages.WARNING)


@admin.register(MailOptOut)
class MailOptOutAdmin(ReadOnly, admin.ModelAdmin):
    show_full_result_count = False
    list_display = ["user", "kind", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
