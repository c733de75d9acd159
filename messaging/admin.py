"""What people were told, which mail went out, and reported messages. Nobody browses conversations, not even a superuser."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from marketplace.desks import Answered, Data, Decision, Desk, View, paged, reads, refusals, searched
from marketplace.http import private_file
from marketplace.read_only import ReadOnly
from messaging.desk_forms import DecideForm
from messaging.letters import letter_for
from messaging.models import Attachment, Block, MailOptOut, MessageReport, Notification, OutgoingMail
from messaging.notifications import QUOTING
from messaging.selectors.reports import (
    MODERATE,
    TABS,
    get_report_for,
    get_reported_file,
    list_around,
    list_reports_for,
    list_reports_in,
    record_of,
    search_reports,
)
from messaging.services import decide, retry_mail

Report = MessageReport


# --- Notifications and mail -----------------------------------------------------------------------------------------
def _words_of(notification: Notification, words: str) -> str:
    """What stands in it, but for what people wrote to each other."""
    return str(_("(what was written in a conversation)")) if notification.kind in QUOTING else words


@admin.register(Notification)
class NotificationAdmin(ReadOnly, admin.ModelAdmin):
    show_full_result_count = False
    fields = ["user", "kind", "severity", "subject", "words", "url", "read_at", "created_at"]
    list_display = ["subject", "user", "kind", "severity", "created_at", "read_at"]
    list_filter = ["severity", "kind"]
    list_select_related = ["user"]
    search_fields = ["user__email", "subject"]
    date_hierarchy = "created_at"

    @admin.display(description=_("words"))
    def words(self, notification: Notification) -> str:
        facts = [f"{label}: {what}" for label, what in notification.facts]
        return _words_of(notification, "\n".join([notification.body, *facts]))


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
    list_display = ["recipient", "notification", "attempts", "next_attempt_at", "sent_at", "last_error"]
    list_filter = [MailState]
    list_select_related = ["notification"]
    search_fields = ["recipient", "notification__subject"]
    fields = ["recipient", "notification", "words", "attempts", "next_attempt_at", "sent_at", "last_error", "created_at"]
    actions = ["try_again"]

    @admin.display(description=_("words"))
    def words(self, mail: OutgoingMail) -> str:
        return _words_of(mail.notification, letter_for(mail.notification).text)

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


# --- Safety ---------------------------------------------------------------------------------------------------------
def _decide(actor: User, report: Report, data: Data) -> str:
    decide(actor=actor, report_id=report.pk, **data)
    return str(_("Decided. Who reported it is told."))


@admin.register(MessageReport)
class MessageReportAdmin(Desk):
    """A report of a conversation of one's own is 404."""

    permission = MODERATE
    finds = {"report_id": get_report_for, "attachment_id": get_reported_file}
    row_id, row_id_kind, row_page = "report_id", "int", "case"
    decisions = {"decide": Decision(DecideForm, _decide)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return list_reports_for(request.user)

    def views(self) -> dict[str, tuple[str, View]]:
        return {
            "case": ("<int:report_id>/case/", self.look),
            "file": ("files/<uuid:attachment_id>/", self.file),
        }

    @reads
    def queue(self, request: HttpRequest) -> HttpResponse:
        search, tab = searched(request), request.GET.get("tab", "")
        tab = tab if tab in TABS else "open"
        page = paged(request, search_reports(request.user, search) if search else list_reports_in(request.user, tab))
        context = {
            "title": _("Reported messages"),
            "page_obj": page,
            "query": urlencode({"q": search} if search else {"tab": tab}),
            "search": search,
            "tab": tab,
            "tabs": _tabs(request.user, "" if search else tab),
        }
        return self.page(request, "queue", context)

    @reads
    def file(self, request: HttpRequest, row: Attachment) -> FileResponse:
        return private_file(row.file, name=row.name, content_type=row.content_type, inline=True)

    def show(self, request: HttpRequest, row: Report, answered: Answered) -> HttpResponse:
        context = {
            "title": _("Reported message"),
            "report": row,
            "refused": refusals(answered),
            "form": answered.get("decide") or self.form_of("decide", row),
            "around": list_around(row),
            "records": [record_of(person, but=row) for person in (row.message.sender, row.reporter)],
        }
        return self.page(request, "case", context)


def _tabs(user: Any, current: str) -> list[dict[str, Any]]:
    labels = {"open": _("Open"), **{str(decision): decision.label for decision in Report.Decision}}
    return [
        {"label": label, "href": f"?tab={tab}", "count": list_reports_in(user, tab).count(), "current": tab == current}
        for tab, label in labels.items()
    ]


@admin.register(Block)
class BlockAdmin(ReadOnly, admin.ModelAdmin):
    show_full_result_count = False
    list_display = ["blocker", "blocked", "created_at"]
    list_select_related = ["blocker", "blocked"]
    search_fields = ["blocker__email", "blocked__email"]
    date_hierarchy = "created_at"
